"""The guard, step by step, with a context that the test makes up; tests/integration/rpc has a real server."""

import threading
from concurrent import futures
from dataclasses import replace
from typing import Any, Never

import grpc
import pytest

from certsvc.domain.agency import OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import InvalidInputError
from certsvc.rpc.call import CallContext, caller_of
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.messages import readable
from certsvc.v1.agency_service_pb2 import GetAgencyRequest, GetAgencyResponse
from certsvc.v1.verification_service_pb2 import MatchLicenseRequest
from tests.unit.rpc.bench import BATCH, GET, HEALTH, MATCH, VERIFIER, WATCH, Bench, Ended, FakeContext, echo, never


def test_a_good_call_reaches_its_servicer_with_its_caller(bench: Bench) -> None:
    seen: list[tuple[Any, Caller]] = []

    def serve(request: Any, context: grpc.ServicerContext) -> Any:
        seen.append((request, caller_of(context)))
        return GetAgencyResponse()

    assert bench.unary(GET, serve, GetAgencyRequest(agency_id="x")) == GetAgencyResponse()
    assert seen == [(GetAgencyRequest(agency_id="x"), VERIFIER)]


def test_an_rpc_without_a_rule_is_refused_to_everybody(bench: Bench) -> None:
    with pytest.raises(Ended):
        bench.unary("/certsvc.v1.AgencyService/New", never)

    assert bench.ended_with()[0] is grpc.StatusCode.PERMISSION_DENIED


def test_an_unknown_method_is_left_to_grpc(bench: Bench) -> None:
    assert bench.guarded("/nobody.Knows/It", None) is None


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer "),),
        (("authorization", "Basic good"),),
        (("authorization", "good"),),
        (("authorization", "Bearer good"), ("authorization", "Bearer good")),
        (("authorization", "Bearer bad"),),
    ],
    ids=["none", "empty", "no_token", "other_scheme", "no_scheme", "two", "bad"],
)
def test_who_proves_nothing_is_refused(bench: Bench, metadata: tuple[tuple[str, str], ...]) -> None:
    bench.context.metadata = metadata

    with pytest.raises(Ended):
        bench.unary(GET, never)

    assert bench.ended_with()[0] is grpc.StatusCode.UNAUTHENTICATED


def test_an_open_rpc_asks_nobody_and_has_no_caller(bench: Bench) -> None:
    bench.context.metadata = ()

    def serve(request: Any, context: grpc.ServicerContext) -> Any:
        with pytest.raises(LookupError):
            caller_of(context)
        return GetAgencyResponse()

    assert bench.unary(HEALTH, serve) == GetAgencyResponse()


def test_permission_is_checked_before_the_message(bench: Bench) -> None:
    with pytest.raises(Ended):
        bench.unary("/certsvc.v1.AgencyService/CreateAgency", never, b"\xff no message")

    assert bench.ended_with()[0] is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff", "the bytes are no message"),
        (b"\x0a\x02\xff\xfe", "the bytes are no message"),
        (b"\x0a\x03" + b"abc" + bytes(1024 * 1024), "at most 1048576 allowed"),
    ],
    ids=["no_message", "no_utf_8", "too_long"],
)
def test_a_bad_message_is_the_callers_fault(bench: Bench, data: bytes, reason: str) -> None:
    with pytest.raises(Ended):
        bench.unary(GET, never, data)

    code, text = bench.ended_with()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert reason in text


def test_a_message_over_the_limit_is_not_even_parsed(bench: Bench) -> None:
    def parse(data: bytes) -> Never:
        raise AssertionError("parsed")

    handler = bench.guarded(GET, grpc.unary_unary_rpc_method_handler(never, parse))

    handler.request_deserializer(bytes(1024 * 1024 + 1))


def test_a_match_needs_an_access_context(bench: Bench) -> None:
    with pytest.raises(Ended):
        bench.unary(MATCH, never, MatchLicenseRequest())
    assert bench.ended_with() == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "access_context: must say for which matter, case and cause, and on what legal basis",
    )

    whole = MatchLicenseRequest()
    whole.access_context.cause = "x"
    bench.unary(MATCH, echo, whole)


@pytest.mark.parametrize("remaining", [0.0, -1.0])
def test_past_its_deadline_a_call_is_not_begun(bench: Bench, remaining: float) -> None:
    bench.context.remaining = remaining

    with pytest.raises(Ended):
        bench.unary(GET, never)

    assert bench.ended_with()[0] is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_client_without_a_deadline_gets_ours() -> None:
    bench = Bench(limits=CallLimits(unary_seconds=0.0))

    with pytest.raises(Ended):
        bench.unary(GET, never)
    assert bench.ended_with()[0] is grpc.StatusCode.DEADLINE_EXCEEDED

    # Streams have none of ours.
    assert list(bench.stream(BATCH, lambda requests, _: requests, [b""])) == [GetAgencyRequest()]


@pytest.mark.parametrize(("clients", "expected"), [(None, 30.0), (5.0, 5.0), (60.0, 30.0)])
def test_the_earlier_deadline_counts(bench: Bench, clients: float | None, expected: float) -> None:
    bench.context.remaining = clients

    def serve(request: Any, context: grpc.ServicerContext) -> Any:
        assert expected - 1 < context.time_remaining() <= expected
        return GetAgencyResponse()

    bench.unary(GET, serve)


def test_calls_over_the_cap_are_refused_at_once(bench: Bench) -> None:
    bench = Bench(limits=CallLimits(unary_calls=1))
    inside, release = threading.Event(), threading.Event()

    def wait(request: Any, context: grpc.ServicerContext) -> Any:
        inside.set()
        assert release.wait(10)
        return GetAgencyResponse()

    with futures.ThreadPoolExecutor(1) as threads:
        first = threads.submit(bench.unary, GET, wait)
        assert inside.wait(10)
        with pytest.raises(Ended):
            bench.unary(GET, never)
        assert bench.ended_with()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        release.set()
        first.result(10)
    bench.unary(GET, echo)


def test_streams_are_capped_by_caller_and_not_among_the_calls(bench: Bench) -> None:
    bench = Bench(limits=CallLimits(unary_calls=1, streams_per_caller=1))
    endless = bench.stream(BATCH, lambda requests, _: iter([1, 2, 3]), [])
    assert next(endless) == 1

    with pytest.raises(Ended):
        list(bench.stream(BATCH, never, []))
    assert bench.ended_with()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    bench.unary(GET, echo)

    endless.close()  # type: ignore[attr-defined] # it is a generator; so does grpc drop it when the client goes away
    assert list(bench.stream(BATCH, lambda requests, _: iter([4]), [])) == [4]


def test_every_item_of_a_stream_is_checked(bench: Bench) -> None:
    good = GetAgencyRequest(agency_id="x").SerializeToString()
    answers = bench.stream(WATCH, lambda requests, _: (r.agency_id for r in requests), [good, b"\xff\xff"])

    assert next(answers) == "x"
    with pytest.raises(Ended):
        next(answers)
    assert bench.ended_with()[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_an_itemwise_stream_goes_on_after_a_bad_item(bench: Bench) -> None:
    good = GetAgencyRequest(agency_id="x").SerializeToString()

    def serve(requests: Any, _: grpc.ServicerContext) -> Any:
        for request in requests:
            try:
                yield readable(request).agency_id
            except InvalidInputError as error:
                yield error.reason

    answers = bench.stream(BATCH, serve, [good, b"\xff\xff", bytes(1024 * 1024 + 1), good])
    assert list(answers) == ["x", "REQUEST_FORM", "REQUEST_TOO_LARGE", "x"]


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (None, grpc.StatusCode.UNAUTHENTICATED),
        (replace(VERIFIER, roles=frozenset({OfficerRole.ADMIN})), grpc.StatusCode.PERMISSION_DENIED),
    ],
    ids=["key_revoked", "role_taken_away"],
)
def test_who_loses_the_right_loses_running_streams(bench: Bench, now: Caller | None, code: grpc.StatusCode) -> None:
    sending = bench.stream(WATCH, lambda requests, _: iter([1, 2]), [])
    taken: list[Any] = []
    taking = bench.stream(BATCH, lambda requests, _: map(taken.append, requests), [b""])
    assert next(sending) == 1

    bench.authentication.now = now

    for answers in (sending, taking):
        with pytest.raises(Ended):
            list(answers)
        assert bench.ended_with()[0] is code
    assert taken == []


def test_the_caller_cannot_be_had_around_the_guard() -> None:
    context = FakeContext()
    for unguarded in (context, CallContext(context, ends_at=None)):
        with pytest.raises(LookupError):
            caller_of(unguarded)


@pytest.mark.parametrize("request_streaming", [False, True])
@pytest.mark.parametrize("response_streaming", [False, True])
def test_all_four_kinds_are_wrapped_and_keep_their_kind(
    bench: Bench, request_streaming: bool, response_streaming: bool
) -> None:
    kind = f"{'stream' if request_streaming else 'unary'}_{'stream' if response_streaming else 'unary'}"
    build = getattr(grpc, f"{kind}_rpc_method_handler")
    plain = bench.guarded(GET, build(never, GetAgencyRequest.FromString, GetAgencyResponse.SerializeToString))

    def with_pool(request: Any, context: grpc.ServicerContext) -> Any:
        raise AssertionError

    own = futures.ThreadPoolExecutor(1)
    with_pool.experimental_thread_pool = own  # type: ignore[attr-defined] # grpc's way to name a pool
    pooled = bench.guarded(GET, build(with_pool, GetAgencyRequest.FromString))

    assert (plain.request_streaming, plain.response_streaming) == (request_streaming, response_streaming)
    assert plain.response_serializer is GetAgencyResponse.SerializeToString
    behavior = getattr(plain, kind)
    assert behavior is not never
    is_stream = request_streaming or response_streaming
    assert behavior.experimental_thread_pool is (bench.pool if is_stream else None)
    assert getattr(pooled, kind).experimental_thread_pool is own
    own.shutdown()
