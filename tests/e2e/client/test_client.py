"""The client against the real register: every kind of call, what it refuses, and what it answers."""

import threading
from datetime import date, timedelta
from itertools import islice

import pytest

from certsvc.client import CallError
from certsvc.v1 import common_pb2, license_service_pb2, verification_service_pb2
from tests.e2e.permits import (
    APPROVAL_BUREAU,
    CAUSE,
    CIVIL_AFFAIRS,
    CLERK,
    FOOD_PERMIT,
    TRAFFIC_POLICE,
    permit,
)
from tests.e2e.server_process import ServerProcess


def _verdict(server: ServerProcess, text: str) -> str:
    result = server.agency(TRAFFIC_POLICE).verification.verify(text)
    return verification_service_pb2.Verdict.Name(result.verdict).removeprefix("VERDICT_")


def test_a_license_lives_through_every_state(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    first = calls.issue(permit("life"))
    identifier = first.license.identifier
    assert _verdict(shared_server, first.qr_text) == "VALID"
    calls.suspend(license_service_pb2.SuspendLicenseRequest(identifier=identifier, cause=CAUSE))
    assert _verdict(shared_server, first.qr_text) == "SUSPENDED"
    calls.reinstate(license_service_pb2.ReinstateLicenseRequest(identifier=identifier, cause=CAUSE))
    assert _verdict(shared_server, first.qr_text) == "VALID"
    request = license_service_pb2.RenewLicenseRequest(identifier=identifier, cause=CAUSE)
    request.valid_from = first.license.valid_until
    request.valid_until = (date.fromisoformat(request.valid_from) + timedelta(days=1000)).isoformat()
    second = calls.renew(request)
    assert second.license.version == 2
    assert _verdict(shared_server, first.qr_text) == "SUPERSEDED"
    assert _verdict(shared_server, second.qr_text) == "NOT_YET_VALID"
    revoke = license_service_pb2.RevokeLicenseRequest(identifier=identifier, cause=CAUSE)
    revoke.kind = license_service_pb2.REVOCATION_KIND_PENALTY
    calls.revoke(revoke)
    assert _verdict(shared_server, first.qr_text) == _verdict(shared_server, second.qr_text) == "REVOKED"
    actions = [common_pb2.LicenseAction.Name(event.action) for event in calls.list_events(identifier)]
    assert [action.removeprefix("LICENSE_ACTION_") for action in actions] == [
        "ISSUE", "SUSPEND", "REINSTATE", "RENEW", "REVOKE",
    ]  # fmt: skip
    with pytest.raises(CallError) as raised:
        calls.suspend(license_service_pb2.SuspendLicenseRequest(identifier=identifier, cause=CAUSE))
    assert (raised.value.code, raised.value.metadata["state"]) == ("FAILED_PRECONDITION", "REVOKED")


def test_the_same_request_again_gives_the_first_answer(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    request = permit("again", request_id="again-1")
    assert calls.issue(request) == calls.issue(request)
    with pytest.raises(CallError) as raised:
        calls.issue(permit("other", request_id="again-1"))
    assert (raised.value.code, raised.value.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


def test_a_refusal_names_every_field(shared_server: ServerProcess) -> None:
    request = permit("bad")
    request.holders[0].number.value = "91370202MA9999013X"
    request.valid_until = "2020-01-01"
    request.fields.update({"business_form": "x", "colour": "red"})
    with pytest.raises(CallError) as raised:
        shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses.issue(request)
    assert raised.value.code == "INVALID_ARGUMENT"
    fields = {violation.field for violation in raised.value.violations}
    assert {"holders[0].number", "valid_until", "fields.business_form"} <= fields
    assert any("colour" in violation.field + violation.description for violation in raised.value.violations)


def test_a_batch_answers_every_item_and_refuses_only_the_bad(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    requests = [permit(f"batch-{number}") for number in range(300)]
    requests[7].holders[0].number.value = "无"
    answers = {answer.position: answer for answer in calls.issue_many(requests)}
    assert answers.keys() == set(range(300))
    error = answers[7].error
    assert error is not None
    assert error.violations[0].field == "holders[0].number"
    texts = [answer.change.qr_text for answer in answers.values() if answer.change is not None]
    assert len(texts) == 299
    results = list(shared_server.agency(TRAFFIC_POLICE).verification.verify_many([*texts, "1" * 30]))
    verdicts = [answer.result.verdict for answer in results if answer.result is not None]
    assert verdicts.count(verification_service_pb2.VERDICT_VALID) == 299
    assert verdicts.count(verification_service_pb2.VERDICT_MALFORMED) == 1


def test_listings_go_over_all_pages(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    wanted = {f"page-{number}" for number in range(7)}
    for answer in calls.issue_many(permit(number) for number in wanted):
        assert answer.error is None
    request = license_service_pb2.ListLicensesRequest(type_code=FOOD_PERMIT, page_size=3)
    assert wanted <= {license_.license_number for license_ in calls.list(request)}


def test_a_watcher_hears_and_goes_on_from_a_token(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    request = license_service_pb2.WatchLicenseEventsRequest(own_issues=True)
    watching = calls.watch(request, heartbeats=True)
    next(watching)  # the token of now
    issued = [calls.issue(permit(f"watch-{number}")).license.identifier for number in range(3)]
    events = (answer for answer in watching if answer.HasField("event"))
    heard = list(islice(events, 3))
    assert [answer.event.identifier for answer in heard] == issued
    request.resume_token = heard[0].resume_token
    again = [answer.event.identifier for answer in islice(calls.watch(request), 2)]
    assert again == issued[1:]


def test_who_may_not_is_told_so(shared_server: ServerProcess) -> None:
    for client, reason in (
        (shared_server.agency(APPROVAL_BUREAU), "OFFICER_REQUIRED"),
        (shared_server.agency(APPROVAL_BUREAU, officer="clerk-2"), "ROLE_REQUIRED"),
        (shared_server.agency(CIVIL_AFFAIRS, officer=CLERK), "ISSUE_NOT_GRANTED"),
        (shared_server.operator(), "CALLER_KIND"),
    ):
        with pytest.raises(CallError) as raised:
            client.licenses.issue(permit("denied"))
        assert (raised.value.code, raised.value.reason) == ("PERMISSION_DENIED", reason)


def test_one_client_serves_many_threads(shared_server: ServerProcess) -> None:
    calls = shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses
    identifiers: list[str] = []

    def issue(number: int) -> None:
        identifiers.append(calls.issue(permit(f"thread-{number}")).license.identifier)

    threads = [threading.Thread(target=issue, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(identifiers)) == 16
