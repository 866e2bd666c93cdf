"""Watching goes on over broken, ended and silent calls, without a gap and without doubles."""

import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from certsvc.client.call_error import CallError
from certsvc.client.connection import Connection
from certsvc.client.licenses import LicenseCalls
from certsvc.client.watching import watch
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1.license_service_pb2_grpc import LicenseServiceStub
from tests.unit.client.scripted_register import RecordedPauses, ScriptedRegister, connected, policy, refuse


def _heartbeat(token: str) -> pb.WatchLicenseEventsResponse:
    return pb.WatchLicenseEventsResponse(resume_token=token)


def _event(token: str) -> pb.WatchLicenseEventsResponse:
    return pb.WatchLicenseEventsResponse(resume_token=token, event=pb.LicenseEvent(identifier=f"license {token}"))


def _then(*answers: pb.WatchLicenseEventsResponse, end: str = "") -> Any:
    def step(request: Any, context: Any) -> Iterator[pb.WatchLicenseEventsResponse]:
        yield from answers
        if end:
            refuse(end)(request, context)

    return step


def _tokens(connection: Connection, count: int, **more: Any) -> list[str]:
    request = pb.WatchLicenseEventsRequest(own_issues=True, identifiers=["a"])
    return [answer.resume_token for answer in islice(LicenseCalls(connection).watch(request, **more), count)]


def test_a_new_call_goes_on_after_the_last_answer() -> None:
    register = ScriptedRegister()
    register.steps = [
        _then(_heartbeat("1"), _event("2")),
        _then(_heartbeat("3"), end="UNAVAILABLE"),
        _then(_event("4")),
    ]
    with connected(register) as connection:
        assert _tokens(connection, 2) == ["2", "4"]
    assert [request.resume_token for request in register.requests] == ["", "2", "3"]
    assert all(request.own_issues and list(request.identifiers) == ["a"] for request in register.requests)


def test_heartbeats_come_only_when_asked_for() -> None:
    register = ScriptedRegister()
    register.steps = [_then(_heartbeat("1"), _event("2"), _heartbeat("3"))]
    with connected(register) as connection:
        assert _tokens(connection, 3, heartbeats=True) == ["1", "2", "3"]


def test_a_refusal_ends_the_watch() -> None:
    register = ScriptedRegister()
    register.steps = [_then(_event("1"), end="PERMISSION_DENIED")]
    with connected(register) as connection, pytest.raises(CallError) as raised:
        _tokens(connection, 2)
    assert raised.value.code == "PERMISSION_DENIED"


def test_patience_ends_and_an_answer_renews_it() -> None:
    register, pauses, now = ScriptedRegister(), RecordedPauses(), [0.0]

    def sleep(seconds: float) -> None:
        pauses.sleep(seconds)
        now[0] += seconds

    retries = policy(pauses)
    retries = type(retries)(monotonic=lambda: now[0], sleep=sleep, chance=lambda: 1.0)
    register.steps = [
        *[refuse("UNAVAILABLE")] * 3,
        _then(_event("1"), end="UNAVAILABLE"),
        refuse("UNAVAILABLE"),
    ]
    with connected(register, retries=retries) as connection, pytest.raises(CallError):
        _tokens(connection, 2, patience=1.0)
    # 0.1 + 0.2 + 0.4 s until the event; then again 0.1 + 0.2 + 0.4 s, after which 0.8 more would be too many.
    assert pauses.pauses == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2, 0.4])


def test_a_call_that_falls_silent_is_replaced() -> None:
    register, silent = ScriptedRegister(), threading.Event()

    def fall_silent(request: Any, context: Any) -> Iterator[pb.WatchLicenseEventsResponse]:
        context.add_callback(silent.set)
        yield _event("1")
        silent.wait()

    register.steps = [fall_silent, _then(_event("2"))]
    with connected(register) as connection:
        answers = watch(
            connection,
            LicenseServiceStub(connection.channel).WatchLicenseEvents,
            pb.WatchLicenseEventsRequest(),
            patience=60,
            heartbeats=False,
            longest_silence=0.3,
        )
        assert [answer.resume_token for answer in islice(answers, 2)] == ["1", "2"]
    assert silent.is_set()
