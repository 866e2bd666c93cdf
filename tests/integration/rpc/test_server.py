"""The server as a client meets it: limits, deadlines, health, reflection, and how it stops."""

import threading
import time
from collections.abc import Iterator
from concurrent import futures
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from certsvc.errors import FailedPreconditionError, UnavailableError
from certsvc.ports import Ledger
from certsvc.rpc.call import Metadata
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.server import SERVICES
from certsvc.rpc.tls import Listener
from certsvc.services.agencies import Agencies
from certsvc.v1 import (
    agency_service_pb2,
    agency_service_pb2_grpc,
    license_service_pb2,
    license_service_pb2_grpc,
)
from tests.integration.rpc.register_server import (
    WAIT,
    RegisterServer,
    Waiting,
    credential,
    reason_of,
    refusal,
    unserved,
)
from tests.unit.services.administration import AGENCY, OTHER_AGENCY

GET = "/certsvc.v1.AgencyService/GetAgency"
MEBIBYTE = 1024 * 1024


class WaitingWatch:
    """Licenses whose watch says one thing, waits, and says another."""

    def __init__(self) -> None:
        self.point = Waiting()
        self.ended = threading.Semaphore(0)
        self.servicer = unserved(license_service_pb2_grpc.LicenseServiceServicer)
        self.servicer.WatchLicenseEvents = self._watch

    def _watch(self, request: Any, context: Any) -> Iterator[Any]:
        try:
            context.add_callback(self.point.release)
            yield license_service_pb2.WatchLicenseEventsResponse(resume_token="1")
            self.point.wait()
            yield license_service_pb2.WatchLicenseEventsResponse(resume_token="2")
        finally:
            self.ended.release()


def watch(channel: grpc.Channel, metadata: Metadata, **request: Any) -> Any:
    """The stream of a watch; it has begun when its first answer came."""
    stub = license_service_pb2_grpc.LicenseServiceStub(channel)
    answers = stub.WatchLicenseEvents(
        license_service_pb2.WatchLicenseEventsRequest(**request), metadata=metadata, timeout=WAIT
    )
    assert next(answers).resume_token == "1"
    return answers


def get(channel: grpc.Channel, metadata: Metadata, **options: Any) -> Any:
    stub = agency_service_pb2_grpc.AgencyServiceStub(channel)
    request = agency_service_pb2.GetAgencyRequest(agency_id=AGENCY)
    return stub.GetAgency(request, metadata=metadata, **({"timeout": WAIT} | options))


def id_of(call: Any) -> str:
    """The x-request-id that came back."""
    return str(dict(call.trailing_metadata())["x-request-id"])


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """GetAgency of this test waits at a point."""
    point = Waiting()
    plain = Agencies.get

    def wait(self: Agencies, agency_id: str) -> Any:
        point.wait()
        return plain(self, agency_id)

    monkeypatch.setattr(Agencies, "get", wait)
    return point


def test_a_message_over_the_limit_is_refused(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    with register.running() as channel:
        call = channel.unary_unary(GET, request_serializer=bytes, response_deserializer=bytes)
        metadata = register.metadata(register.operator)
        for size, expected in (
            (MEBIBYTE + 1, (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")),
            (9 * MEBIBYTE + 1, (grpc.StatusCode.RESOURCE_EXHAUSTED, "")),
        ):
            assert refusal(partial(call, bytes(size), metadata=metadata, timeout=WAIT)) == expected
        assert get(channel, metadata).agency.agency_id == AGENCY


def test_a_watch_may_name_100_000_licenses(ledger: Ledger) -> None:
    watching = WaitingWatch()
    register = RegisterServer(ledger, licenses=watching.servicer)
    identifier = "1.2.156.3005.2.11440300455834562Y001.11440300455834562Y.0123456789AB.001.X"
    with register.running() as channel:
        metadata = register.metadata(register.agency)
        watch(channel, metadata, identifiers=[identifier] * 100_000).cancel()
        with pytest.raises(grpc.RpcError) as refused:
            watch(channel, metadata, identifiers=[identifier] * 115_000)
        assert reason_of(refused.value) == "REQUEST_TOO_LARGE"


def test_calls_over_the_cap_are_refused_at_once(ledger: Ledger, waiting: Waiting) -> None:
    register = RegisterServer(ledger, limits=CallLimits(unary_calls=2))
    with register.running() as channel, futures.ThreadPoolExecutor(2) as threads:
        metadata = register.metadata(register.operator)
        held = [threads.submit(get, channel, metadata) for _ in range(2)]
        for _ in held:
            assert waiting.arrived.acquire(timeout=WAIT)

        for _ in range(20):
            assert refusal(lambda: get(channel, metadata)) == (
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "TOO_MANY_CALLS",
            )

        waiting.release()
        assert [future.result(WAIT).agency.agency_id for future in held] == [AGENCY, AGENCY]
        assert get(channel, metadata).agency.agency_id == AGENCY


def test_without_a_deadline_of_the_client_ours_holds(ledger: Ledger, waiting: Waiting) -> None:
    register = RegisterServer(ledger, limits=CallLimits(unary_seconds=0))
    with register.running() as channel:
        metadata = register.metadata(register.operator)
        assert refusal(lambda: get(channel, metadata, timeout=None))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not waiting.arrived.acquire(blocking=False)


def test_a_client_is_answered_by_its_deadline(ledger: Ledger, waiting: Waiting) -> None:
    register = RegisterServer(ledger)
    with register.running() as channel:
        metadata = register.metadata(register.operator)
        assert refusal(lambda: get(channel, metadata, timeout=0.2))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        waiting.release()


def test_watchers_hold_up_no_calls_and_no_other_agency(ledger: Ledger) -> None:
    watching = WaitingWatch()
    limits = CallLimits(unary_calls=1, streams=3, streams_per_caller=2)
    register = RegisterServer(ledger, licenses=watching.servicer, limits=limits)
    with register.running() as channel:
        own, others = register.metadata(register.agency), register.metadata(register.other)
        held = [watch(channel, own), watch(channel, own)]

        with pytest.raises(grpc.RpcError) as refused:
            watch(channel, own)
        assert reason_of(refused.value) == "TOO_MANY_STREAMS"
        held.append(watch(channel, others))
        with pytest.raises(grpc.RpcError):
            watch(channel, others)
        assert get(channel, own).agency.agency_id == AGENCY

        held[0].cancel()
        assert watching.ended.acquire(timeout=WAIT)
        watching.point.release()
        assert [answer.resume_token for answer in held[1]] == ["2"]


def test_a_key_that_is_taken_away_ends_a_running_stream(ledger: Ledger) -> None:
    watching = WaitingWatch()
    register = RegisterServer(ledger, licenses=watching.servicer)
    with register.running() as channel:
        answers = watch(channel, register.metadata(register.agency))
        register.services.client_keys.revoke(AGENCY, register.agency.kid, register.services.mutation())
        watching.point.release()

        assert refusal(lambda: next(answers)) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_REVOKED")


def test_a_stream_outlives_its_token(ledger: Ledger) -> None:
    watching = WaitingWatch()
    register = RegisterServer(ledger, licenses=watching.servicer)
    with register.running() as channel:
        answers = watch(channel, register.metadata(register.agency))
        register.clock.move(timedelta(minutes=9))
        watching.point.release()

        assert [answer.resume_token for answer in answers] == ["2"]


def test_the_request_id_comes_back_with_answers_and_refusals(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    named: Metadata = (("x-request-id", "r-7"),)
    with register.running() as channel:
        stub = agency_service_pb2_grpc.AgencyServiceStub(channel)
        request = agency_service_pb2.GetAgencyRequest(agency_id=AGENCY)
        metadata = register.metadata(register.operator) + named
        _, call = stub.GetAgency.with_call(request, metadata=metadata, timeout=WAIT)
        assert id_of(call) == "r-7"
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetAgency(request, metadata=named, timeout=WAIT)
        assert id_of(refused.value) == "r-7"


def test_health_says_serving_and_then_not(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    with register.running() as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=WAIT)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert refusal(lambda: stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=WAIT))[0] is (
            grpc.StatusCode.NOT_FOUND
        )
        watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT)
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING

        stopping = threading.Thread(target=register.server.stop, args=(WAIT,))
        stopping.start()

        assert next(watched).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watched.cancel()
        stopping.join(WAIT)
        assert not stopping.is_alive()


def test_reflection_names_the_services(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    with register.running() as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = next(iter(stub.ServerReflectionInfo(iter([request]), timeout=WAIT)))

        assert {service.name for service in answer.list_services_response.service} == {
            *SERVICES,
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }


def test_calls_under_way_finish_within_the_grace(ledger: Ledger, waiting: Waiting) -> None:
    register = RegisterServer(ledger)
    with register.running() as channel, futures.ThreadPoolExecutor(2) as threads:
        metadata = register.metadata(register.operator)
        call = threads.submit(get, channel, metadata)
        assert waiting.arrived.acquire(timeout=WAIT)
        stopping = threads.submit(register.server.stop, WAIT)
        waiting.release()

        assert call.result(WAIT).agency.agency_id == AGENCY
        stopping.result(WAIT)


def test_a_stop_ends_watchers_after_the_grace(ledger: Ledger) -> None:
    watching = WaitingWatch()
    register = RegisterServer(ledger, licenses=watching.servicer)
    with register.running() as channel:
        answers = watch(channel, register.metadata(register.agency))
        started = time.monotonic()
        register.server.stop(0.1)

        assert time.monotonic() - started < WAIT / 2
        assert refusal(lambda: list(answers))[0] in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
        assert watching.ended.acquire(timeout=WAIT)


def test_a_port_that_is_taken_is_said_to_be(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    with register.running(), pytest.raises(UnavailableError) as refused:
        RegisterServer(ledger, listeners=(Listener(register.address),), is_filled=True)
    assert refused.value.reason == "ADDRESS_NOT_FREE"


def test_in_clear_off_loopback_is_refused(ledger: Ledger) -> None:
    with pytest.raises(FailedPreconditionError) as refused:
        RegisterServer(ledger, listeners=(Listener("0.0.0.0:0"),))
    assert refused.value.reason == "PLAINTEXT_REFUSED"


def test_another_registers_key_proves_nothing(ledger: Ledger) -> None:
    register = RegisterServer(ledger)
    stranger = credential(register.agency.owner_kind, OTHER_AGENCY)
    with register.running() as channel:
        assert refusal(lambda: get(channel, register.metadata(stranger))) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "KEY_UNKNOWN",
        )
