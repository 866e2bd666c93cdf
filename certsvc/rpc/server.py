"""The gRPC server: the five services, health and reflection on threads, behind the guard.

Invariants: every RPC passes the guard; streams run on threads of their own, so that watchers never hold up a unary
call; from the moment it stops, health answers NOT_SERVING and no new call is taken.
"""

from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from certsvc.errors import UnavailableError
from certsvc.rpc.interceptors import Authentication, CallGuard
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.metrics import RPCMetrics
from certsvc.rpc.permissions import MEBIBYTE
from certsvc.rpc.tls import Listener, ReloadingCertificate
from certsvc.v1 import (
    agency_service_pb2,
    agency_service_pb2_grpc,
    license_service_pb2,
    license_service_pb2_grpc,
    license_type_service_pb2,
    license_type_service_pb2_grpc,
    signing_key_service_pb2,
    signing_key_service_pb2_grpc,
    verification_service_pb2,
    verification_service_pb2_grpc,
)

SERVICES = tuple(
    service.full_name
    for module in (
        agency_service_pb2,
        license_type_service_pb2,
        license_service_pb2,
        verification_service_pb2,
        signing_key_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)
"""Full names of the services of this API."""

_MINUTE_MS = 60_000

_OPTIONS: Sequence[tuple[str, int]] = (
    # A little over the largest message of any rule: between the two, our own error names the limit.
    ("grpc.max_receive_message_length", 9 * MEBIBYTE),
    ("grpc.max_concurrent_streams", 256),
    # Find dead peers in a minute, so that their streams give back their threads.
    ("grpc.keepalive_time_ms", _MINUTE_MS),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    # New connections spread over new workers; the grace is longer than any stream lasts.
    ("grpc.max_connection_age_ms", 30 * _MINUTE_MS),
    ("grpc.max_connection_age_grace_ms", 11 * _MINUTE_MS),
)


@dataclass(frozen=True, slots=True)
class Servicers:
    """What answers, one servicer a service."""

    agencies: agency_service_pb2_grpc.AgencyServiceServicer
    license_types: license_type_service_pb2_grpc.LicenseTypeServiceServicer
    licenses: license_service_pb2_grpc.LicenseServiceServicer
    verification: verification_service_pb2_grpc.VerificationServiceServicer
    signing_keys: signing_key_service_pb2_grpc.SigningKeyServiceServicer


class _Health(health.HealthServicer):
    """grpc-health-checking's servicer, with the List that it does not implement."""

    # types-grpcio-health-checking does not know List yet.
    def List(self, request: Any, context: grpc.ServicerContext) -> Any:
        statuses = {name: self.Check(health_pb2.HealthCheckRequest(service=name), context) for name in ("", *SERVICES)}
        return health_pb2.HealthListResponse(statuses=statuses)  # type: ignore[attr-defined]


class GRPCServer:
    """One worker's server. Made once, started once, stopped once."""

    def __init__(
        self,
        *,
        listeners: Sequence[Listener],
        servicers: Servicers,
        authentication: Authentication,
        registry: CollectorRegistry,
        limits: CallLimits | None = None,
        share_port: bool = False,
    ) -> None:
        """`share_port` lets several workers listen on one port (SO_REUSEPORT).

        Raises FailedPreconditionError (TLS_FILES), UnavailableError (ADDRESS_NOT_FREE).
        """
        limits = limits or CallLimits()
        self._calls = futures.ThreadPoolExecutor(limits.unary_threads, thread_name_prefix="rpc")
        self._streams = futures.ThreadPoolExecutor(limits.stream_threads, thread_name_prefix="rpc-stream")
        guard = CallGuard(
            authentication=authentication,
            limits=limits,
            metrics=RPCMetrics(registry),
            stream_pool=self._streams,
        )
        self._server = grpc.server(
            self._calls,
            interceptors=[guard],
            options=[*_OPTIONS, ("grpc.so_reuseport", int(share_port))],
        )
        # Blocking watchers: only behaviors of the usual shape pass the guard, which gives them a stream's slot.
        self._health = _Health(experimental_non_blocking=False)
        self._add(servicers)
        self._is_started = False
        self._addresses = tuple(self._listen(listener) for listener in listeners)

    @property
    def addresses(self) -> tuple[str, ...]:
        """What it listens on, in the order of the listeners, ports filled in."""
        return self._addresses

    def start(self) -> None:
        """Take calls from now on."""
        self._is_started = True
        self._server.start()
        for service in ("", *SERVICES):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float) -> None:
        """Take no new calls, let those under way finish for `grace` seconds, end the rest; return when all ended.

        Before the start, give the ports back.
        """
        self._health.enter_graceful_shutdown()
        if not self._is_started:
            # gRPC lets go of what it listens on only by stopping, and stops nothing that was not started.
            self._server.start()
            grace = 0.0
        self._server.stop(grace).wait()
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._streams.shutdown(wait=False, cancel_futures=True)

    def _add(self, servicers: Servicers) -> None:
        server = self._server
        agency_service_pb2_grpc.add_AgencyServiceServicer_to_server(servicers.agencies, server)
        license_type_service_pb2_grpc.add_LicenseTypeServiceServicer_to_server(servicers.license_types, server)
        license_service_pb2_grpc.add_LicenseServiceServicer_to_server(servicers.licenses, server)
        verification_service_pb2_grpc.add_VerificationServiceServicer_to_server(servicers.verification, server)
        signing_key_service_pb2_grpc.add_SigningKeyServiceServicer_to_server(servicers.signing_keys, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    def _listen(self, listener: Listener) -> str:
        try:
            if listener.tls is None:
                port = self._server.add_insecure_port(listener.address)
            else:
                credentials = ReloadingCertificate(listener.tls).credentials()
                port = self._server.add_secure_port(listener.address, credentials)
        except RuntimeError as error:
            raise UnavailableError(
                reason="ADDRESS_NOT_FREE",
                message=f"cannot listen on {listener.address}: is another server running there?",
            ) from error
        return f"{listener.address.rpartition(':')[0]}:{port}"
