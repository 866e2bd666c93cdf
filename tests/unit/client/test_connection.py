"""Deadlines, retries and request ids of unary calls."""

import grpc
import pytest

from certsvc.client.call_error import CallError
from certsvc.client.connection import Connection
from certsvc.client.licenses import LicenseCalls
from certsvc.client.retries import RetryPolicy
from certsvc.client.verification import VerificationCalls
from certsvc.v1 import common_pb2, license_service_pb2, verification_service_pb2
from tests.unit.client.scripted_register import (
    RecordedPauses,
    ScriptedRegister,
    connected,
    issue_request,
    policy,
    refuse,
)


def _issued(request: object, context: object) -> license_service_pb2.IssueLicenseResponse:
    return license_service_pb2.IssueLicenseResponse(
        change=license_service_pb2.LicenseChange(qr_text="https://example.org/q#1")
    )


def test_a_mutation_is_tried_again_under_one_request_id() -> None:
    register, pauses = ScriptedRegister(), RecordedPauses()
    register.steps = [refuse("UNAVAILABLE"), refuse("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS"), _issued]
    with connected(register, retries=policy(pauses)) as connection:
        change = LicenseCalls(connection).issue(issue_request("1"))
    assert change.qr_text == "https://example.org/q#1"
    ids = [request.request_id for request in register.requests]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert ids[0]
    assert pauses.pauses == [0.1, 0.2]


def test_a_request_id_of_the_caller_stays_and_its_request_is_left_alone() -> None:
    register = ScriptedRegister()
    register.steps = [_issued]
    own, empty = issue_request("1", request_id="mine"), issue_request("2")
    with connected(register) as connection:
        LicenseCalls(connection).issue(own)
        LicenseCalls(connection).issue(empty)
        LicenseCalls(connection).issue(empty)
    assert register.requests[0].request_id == "mine"
    assert empty.request_id == ""
    assert register.requests[1].request_id != register.requests[2].request_id


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "PERMISSION_DENIED", "INTERNAL", "NOT_FOUND"])
def test_a_lasting_error_is_not_tried_again(code: str) -> None:
    register = ScriptedRegister()
    register.steps = [refuse(code, "REASON"), _issued]
    with connected(register) as connection, pytest.raises(CallError) as raised:
        LicenseCalls(connection).issue(issue_request("1"))
    assert raised.value.code == code
    assert len(register.requests) == 1


def test_a_recorded_read_is_not_tried_again() -> None:
    register = ScriptedRegister()
    register.steps = [refuse("UNAVAILABLE")]
    context = common_pb2.AccessContext(matter="m", case_number="c", cause="w", legal_basis="l")
    with connected(register) as connection, pytest.raises(CallError) as raised:
        VerificationCalls(connection).match(verification_service_pb2.MatchLicenseRequest(access_context=context))
    assert raised.value.code == "UNAVAILABLE"
    assert len(register.requests) == 1


def test_retries_end_with_the_callers_deadline() -> None:
    register = ScriptedRegister()
    register.steps = [refuse("UNAVAILABLE", "STARTING")]
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    retries = RetryPolicy(monotonic=lambda: now[0], sleep=sleep, chance=lambda: 1.0)
    with connected(register, timeout=5.0, retries=retries) as connection, pytest.raises(CallError) as raised:
        LicenseCalls(connection).issue(issue_request("1"))
    assert raised.value.reason == "STARTING"
    # 0.1 + 0.2 + 0.4 + 0.8 + 1.6 = 3.1 s are waited; the next 2 s would end past the fifth.
    assert now[0] == pytest.approx(3.1)
    assert len(register.requests) == 6
    assert register.seconds_left[-1] < 2.0


def test_every_try_carries_the_deadline_and_the_token() -> None:
    register = ScriptedRegister()
    register.steps = [_issued]
    with connected(register, timeout=7.0) as connection:
        LicenseCalls(connection).issue(issue_request("1"))
        LicenseCalls(connection).issue(issue_request("1"), timeout=3.0)
    assert 5.0 < register.seconds_left[0] < 7.5
    assert 1.0 < register.seconds_left[1] < 3.5
    assert register.metadata[0]["authorization"] == "Bearer test"


def test_an_unreachable_register_is_unavailable() -> None:
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        connection = Connection(channel, authorization=lambda: "", timeout=0.5, policy=policy())
        with pytest.raises(CallError) as raised:
            LicenseCalls(connection).get("x")
    assert raised.value.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_a_listing_goes_on_over_its_pages() -> None:
    register = ScriptedRegister()

    def page(request: license_service_pb2.ListLicensesRequest, context: object) -> object:
        number = int(request.page_token or "0")
        return license_service_pb2.ListLicensesResponse(
            licenses=[license_service_pb2.License(license_number=str(number))],
            next_page_token=str(number + 1) if number < 2 else "",
        )

    register.steps = [page]
    with connected(register) as connection:
        request = license_service_pb2.ListLicensesRequest(type_code="t")
        numbers = [license_.license_number for license_ in LicenseCalls(connection).list(request)]
    assert numbers == ["0", "1", "2"]
    assert {request.type_code for request in register.requests} == {"t"}


def test_a_bundle_comes_in_pieces_and_a_refusal_as_an_error() -> None:
    register = ScriptedRegister()
    register.steps = [
        lambda request, context: (
            verification_service_pb2.ExportOfflineBundleResponse(chunk=piece) for piece in (b"ab", b"c")
        ),
        refuse("PERMISSION_DENIED", "CALLER_KIND"),
    ]
    with connected(register) as connection:
        calls = VerificationCalls(connection)
        assert b"".join(calls.export_offline_bundle()) == b"abc"
        with pytest.raises(CallError, match="CALLER_KIND"):
            list(calls.export_offline_bundle())


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_pauses_grow_to_a_limit_and_are_jittered(chance: float) -> None:
    retries = RetryPolicy(chance=lambda: chance)
    full = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert [retries.pause(n) for n in range(1, 8)] == pytest.approx([p * (1 + chance) / 2 for p in full])
    assert retries.pause(10_000) <= 2.0
