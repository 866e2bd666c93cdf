"""Judging for another moment, and by what was known then; and how old knowledge may be."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

import pytest

from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.errors import UnavailableError
from certsvc.store.ledger import SQLLedger
from certsvc.v1 import verification_service_pb2 as pb
from tests.builders import TRAFFIC_POLICE, business_license, cause, driving_license, food_permit, unique_number
from tests.integration.register import Register, eventually
from tests.integration.transitions.changes import act
from tests.integration.verification import codes
from tests.integration.verification.stage import Stage
from tests.refusals import findings, refusal

SECOND = timedelta(seconds=1)


def verdict(register: Register, text: str, *, as_of: datetime | None = None, known_at: datetime | None = None) -> str:
    request = pb.VerifyCredentialRequest(qr_text=text)
    if as_of is not None:
        request.as_of_time.FromDatetime(as_of)
    if known_at is not None:
        request.known_at_time.FromDatetime(known_at)
    result = register.agency(TRAFFIC_POLICE).verification.verify(request)
    return pb.Verdict.Name(result.verdict).removeprefix("VERDICT_")


def status(register: Register, identifier: str, *, as_of: datetime) -> str:
    request = pb.GetStatusRequest(identifier=identifier)
    request.as_of_time.FromDatetime(as_of)
    answer = register.agency(TRAFFIC_POLICE).verification.get_status(request)
    return pb.Verdict.Name(answer.verdict).removeprefix("VERDICT_")


def test_the_whole_life_of_a_license_can_be_asked_for(register: Register) -> None:
    licenses = register.agency().licenses
    first = licenses.issue(food_permit())
    identifier = first.license.identifier
    second = act(licenses, "renew", identifier)
    for action in ("suspend", "reinstate", "revoke"):
        act(licenses, action, identifier)
    times = [event.effective_time.ToDatetime(tzinfo=UTC) for event in licenses.list_events(identifier)]
    assert times == sorted(times)
    before = timedelta(microseconds=1)
    of_first = ["VALID", "SUPERSEDED", "SUPERSEDED", "SUPERSEDED", "REVOKED"]
    of_second = ["NOT_REGISTERED", "VALID", "SUSPENDED", "VALID", "REVOKED"]
    assert [verdict(register, first.qr_text, as_of=time) for time in times] == of_first
    assert [verdict(register, second.qr_text, as_of=time) for time in times] == of_second
    assert verdict(register, first.qr_text, as_of=times[0] - before) == "NOT_REGISTERED"
    assert [verdict(register, second.qr_text, as_of=time - before) for time in times[1:]] == of_second[:-1]
    assert [status(register, identifier, as_of=time) for time in times] == of_first


def test_what_took_effect_earlier_than_it_was_recorded(register: Register) -> None:
    """A license that was revoked today from the day before yesterday on."""
    licenses, now = register.agency().licenses, datetime.now(UTC)
    request = food_permit(imported={"issue_time": (now - timedelta(days=30)).isoformat()})
    issued = licenses.issue(request)
    from_then = cause()
    from_then.effective_time.FromDatetime(now - timedelta(days=2))
    act(licenses, "revoke", issued.license.identifier, cause=from_then)
    yesterday, last_week = now - timedelta(days=1), now - timedelta(days=7)
    assert verdict(register, issued.qr_text, as_of=yesterday) == "REVOKED"
    assert verdict(register, issued.qr_text, as_of=last_week) == "VALID"
    # Whoever accepted it yesterday could not know: judged by what was recorded just after the import.
    recorded = next(iter(licenses.list_events(issued.license.identifier))).record_time.ToDatetime(tzinfo=UTC)
    assert verdict(register, issued.qr_text, as_of=yesterday, known_at=recorded) == "VALID"
    assert verdict(register, issued.qr_text, as_of=yesterday, known_at=recorded - SECOND) == "NOT_REGISTERED"


def test_a_known_at_time_needs_an_as_of_time(register: Register) -> None:
    request = pb.VerifyCredentialRequest(qr_text="1")
    request.known_at_time.GetCurrentTime()
    error = refusal(lambda: register.agency().verification.verify(request))
    assert findings(error) == {("known_at_time", "AS_OF_TIME")}


@pytest.mark.parametrize("field", ["as_of_time", "known_at_time"])
def test_what_will_be_nobody_knows(register: Register, field: str) -> None:
    request = pb.VerifyCredentialRequest(qr_text="1")
    request.as_of_time.GetCurrentTime()
    getattr(request, field).FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    error = refusal(lambda: register.agency().verification.verify(request))
    assert findings(error) == {(field, "IN_FUTURE")}


@contextmanager
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The feed cannot be read while the block runs."""

    def unavailable(*_: object, **__: object) -> NoReturn:
        raise UnavailableError("STORE_UNAVAILABLE", "the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(SQLLedger, "poll", unavailable)
        yield


def asked_for(text: str, *, max_age: float) -> pb.VerifyCredentialRequest:
    request = pb.VerifyCredentialRequest(qr_text=text)
    request.max_age.FromTimedelta(timedelta(seconds=max_age))
    return request


def test_knowledge_that_is_too_old_is_an_error_and_never_a_verdict(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    verification = register.agency(TRAFFIC_POLICE).verification
    text = register.agency().licenses.issue(food_permit()).qr_text
    register.catch_up()
    with deaf(monkeypatch):

        def age() -> float:
            return verification.verify(asked_for(text, max_age=60)).knowledge_age.ToTimedelta().total_seconds()

        eventually(lambda: age() > 1, within=20)
        fresh = verification.verify(asked_for(text, max_age=60))
        assert fresh.verdict == pb.VERDICT_VALID
        assert all(check.age.ToTimedelta() >= SECOND for check in fresh.checks)
        # Not even of nonsense or of a forged code does it say more than it knows.
        for presented in (text, f"{text[:-1]}{(int(text[-1]) + 1) % 10}"):
            error = refusal(partial(register_once, register, asked_for(presented, max_age=0.5)))
            assert (error.code, error.reason) == ("UNAVAILABLE", "KNOWLEDGE_TOO_OLD")
            assert float(error.metadata["age_seconds"]) >= 1
    eventually(lambda: age() < 1, within=20)
    assert verification.verify(asked_for(text, max_age=1)).verdict == pb.VERDICT_VALID


def register_once(register: Register, request: pb.VerifyCredentialRequest) -> pb.VerificationResult:
    """Without the client's patience, which would try again until the knowledge is fresh."""
    return register.impatient(TRAFFIC_POLICE).verification.verify(request)


def test_a_valid_code_needs_no_database_and_anything_else_is_not_said_without_it(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(register)
    good, suspended, forged = stage.issue().qr_text, stage.issue("suspend").qr_text, stage.other_name()
    verify = register.impatient(TRAFFIC_POLICE).verification.verify
    verify(good)
    register.catch_up()

    def unavailable(_: object) -> NoReturn:
        raise UnavailableError("STORE_UNAVAILABLE", "the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(SQLLedger, "read", unavailable)
        assert verify(good).verdict == pb.VERDICT_VALID
        assert verify(codes.with_bytes_changed(good, -1)).verdict == pb.VERDICT_BAD_SIGNATURE
        for unsure in (suspended, forged):
            assert refusal(partial(verify, unsure)).code == "UNAVAILABLE"


def test_in_a_stream_only_the_item_fails(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    text = register.agency().licenses.issue(food_permit()).qr_text
    requests = [asked_for(text, max_age=60), asked_for(text, max_age=1e-6), asked_for(text, max_age=60)]
    answers = sorted(register.impatient(TRAFFIC_POLICE).verification.verify_many(requests), key=lambda a: a.position)
    assert [answer.error.reason if answer.error else "" for answer in answers] == ["", "KNOWLEDGE_TOO_OLD", ""]


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_age_that_nothing_can_have_is_refused(register: Register, seconds: int) -> None:
    request = pb.VerifyCredentialRequest(qr_text="1")
    request.max_age.seconds = seconds
    error = refusal(lambda: register.agency().verification.verify(request))
    assert findings(error) == {("max_age", "DURATION")}


def test_nothing_presented_is_refused(register: Register) -> None:
    error = refusal(lambda: register.agency().verification.verify(pb.VerifyCredentialRequest()))
    assert findings(error) == {("credential", "REQUIRED")}


def test_another_host_is_a_warning_and_no_verdict(register: Register) -> None:
    text = register.agency().licenses.issue(food_permit()).qr_text
    digits = text.partition("#")[2]
    for shown, host in (
        (text, ""),
        (digits, ""),
        (f"https://evil.example/q#{digits}", "evil.example"),
        (f"https://zz.example.gov.cn.evil.example/lic/q#{digits}", "zz.example.gov.cn.evil.example"),
        (f"http://ZZ.example.gov.cn:8443/x?y=1#{digits}", ""),
    ):
        result = register.agency(TRAFFIC_POLICE).verification.verify(shown)
        assert (result.verdict, result.foreign_host) == (pb.VERDICT_VALID, host)


def test_a_verdict_shows_a_natural_person_as_the_code_does(register: Register) -> None:
    request = driving_license()
    issued = register.agency(TRAFFIC_POLICE).licenses.issue(request)
    shown = register.agency().verification.verify(issued.qr_text).shown
    number = request.holders[0].number.value
    assert [(holder.name, holder.number) for holder in shown.holders] == [("陈*例", f"*{number[-4:]}")]
    assert dict(shown.fields) == {"vehicle_class": "C1"}
    assert (shown.type_name.zh, shown.agency_name.zh) == ("机动车驾驶证", "示例市公安局交通警察支队")


def test_the_right_to_verify_is_asked_for_only_of_good_signatures(register: Register) -> None:
    """Who may not verify a type learns nothing of it, and who shows nonsense is told that it is nonsense."""
    blind = register.new_agency()
    register.revoke_grant(blind, "VERIFY", "*")
    issued = register.agency().licenses.issue(food_permit())
    error = refusal(lambda: register.agency(blind).verification.verify(issued.qr_text))
    assert (error.code, error.reason) == ("PERMISSION_DENIED", "VERIFY_NOT_GRANTED")
    assert register.agency(blind).verification.verify("1").verdict == pb.VERDICT_MALFORMED
    register.grant(blind, "VERIFY", issued.license.type_code, region="44")
    assert refusal(lambda: register.agency(blind).verification.verify(issued.qr_text)).reason == "VERIFY_NOT_GRANTED"
    register.grant(blind, "VERIFY", issued.license.type_code, region="3702")
    assert register.agency(blind).verification.verify(issued.qr_text).verdict == pb.VERDICT_VALID
    # Its own licenses need no grant.
    assert register.agency().verification.verify(issued.qr_text).verdict == pb.VERDICT_VALID


def test_status_by_identifier(register: Register) -> None:
    verification = register.agency(TRAFFIC_POLICE).verification
    issued = register.agency().licenses.issue(business_license()).license
    answer = verification.get_status(issued.identifier)
    assert (answer.verdict, answer.national_code, answer.superseded_by) == (pb.VERDICT_VALID, 0, "")
    amended = act(register.agency().licenses, "amend", issued.identifier, license_number=unique_number()).license
    answer = verification.get_status(issued.identifier)
    assert (answer.verdict, answer.national_code) == (pb.VERDICT_SUPERSEDED, 3)
    assert answer.superseded_by == amended.identifier
    parts = parse_identifier(issued.identifier)
    missing = make_identifier(type_code=parts.type_code, agency_id=parts.agency_id, serial=parts.serial, version=9)
    answer = verification.get_status(missing.text)
    assert (answer.verdict, answer.national_code) == (pb.VERDICT_NOT_REGISTERED, 5)
    assert findings(refusal(lambda: verification.get_status("x"))) == {("identifier", "ROOT")}
