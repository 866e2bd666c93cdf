"""A guard with everything around it made up, so that a test can take one step at a time."""

from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, Never

import grpc
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from certsvc.domain.agency import CallerKind, OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import UnauthenticatedError
from certsvc.rpc.interceptors import CallGuard
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.metrics import RPCMetrics
from certsvc.v1.agency_service_pb2 import GetAgencyRequest, GetAgencyResponse
from certsvc.v1.verification_service_pb2 import MatchLicenseRequest

GET = "/certsvc.v1.AgencyService/GetAgency"
MATCH = "/certsvc.v1.VerificationService/MatchLicense"
BATCH = "/certsvc.v1.VerificationService/VerifyCredentials"
WATCH = "/certsvc.v1.LicenseService/WatchLicenseEvents"
HEALTH = "/grpc.health.v1.Health/Check"

VERIFIER = Caller(
    CallerKind.AGENCY, "11440300455834562Y", "clerk-7", frozenset({OfficerRole.VERIFIER}), "fedcba9876543210"
)


class Ended(Exception):  # noqa: N818 - what grpc's own context raises when a call is aborted
    """The call was aborted."""


@dataclass
class FakeContext(grpc.ServicerContext):
    """What grpc gives a servicer."""

    metadata: tuple[tuple[str, str | bytes], ...] = (("authorization", "Bearer good"),)
    remaining: float | None = None
    status: Any = None
    trailers: tuple[tuple[str, str | bytes], ...] = ()

    def abort_with_status(self, status: grpc.Status) -> Never:
        self.status = status
        raise Ended

    def abort(self, code: grpc.StatusCode, details: str) -> Never:
        raise Ended

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.metadata

    def time_remaining(self) -> float | None:  # type: ignore[override] # grpc's own answers None too
        return self.remaining

    def set_trailing_metadata(self, trailing_metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        self.trailers = trailing_metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        pass

    def set_details(self, details: str) -> None: ...
    def send_initial_metadata(self, initial_metadata: Any) -> None: ...
    def is_active(self) -> bool:
        return True

    def cancel(self) -> bool:
        return True

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return True

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def peer_identities(self) -> None:
        return None

    def peer_identity_key(self) -> None:
        return None

    def auth_context(self) -> dict[str, bytes]:
        return {}


@dataclass
class FakeAuthentication:
    """Knows the token `good`; `now` is what its caller is by now, None if nobody any more."""

    now: Caller | None = VERIFIER

    def authenticate(self, token: str) -> Caller:
        if token != "good":
            raise UnauthenticatedError(reason="TOKEN_SIGNATURE", message="not signed with a registered key")
        return VERIFIER

    def recheck(self, caller: Caller) -> Caller:
        if self.now is None:
            raise UnauthenticatedError(reason="KEY_REVOKED", message="the key was taken away")
        return self.now


@dataclass
class Details:
    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()


@dataclass
class Bench:
    """A guard with everything around it."""

    limits: CallLimits = field(default_factory=CallLimits)
    authentication: FakeAuthentication = field(default_factory=FakeAuthentication)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    context: FakeContext = field(default_factory=FakeContext)
    pool: futures.ThreadPoolExecutor = field(default_factory=lambda: futures.ThreadPoolExecutor(1))

    def __post_init__(self) -> None:
        self.guard = CallGuard(
            authentication=self.authentication,
            limits=self.limits,
            metrics=RPCMetrics(self.registry),
            stream_pool=self.pool,
        )

    def guarded(self, method: str, handler: Any) -> Any:
        return self.guard.intercept_service(lambda _: handler, Details(method))

    def unary(self, method: str, behavior: Callable[..., Any], data: bytes | Message = b"") -> Any:
        """Call as grpc does: read the message, then run the behavior."""
        request_type = MatchLicenseRequest if method == MATCH else GetAgencyRequest
        handler = self.guarded(method, grpc.unary_unary_rpc_method_handler(behavior, request_type.FromString))
        raw = data if isinstance(data, bytes) else data.SerializeToString()
        return handler.unary_unary(handler.request_deserializer(raw), self.context)

    def stream(self, method: str, behavior: Callable[..., Any], requests: list[bytes]) -> Iterator[Any]:
        handler = self.guarded(method, grpc.stream_stream_rpc_method_handler(behavior, GetAgencyRequest.FromString))
        answers: Iterator[Any] = handler.stream_stream(map(handler.request_deserializer, requests), self.context)
        return answers

    def ended_with(self) -> tuple[grpc.StatusCode, str]:
        return self.context.status.code, self.context.status.details

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def never(request: Any, context: grpc.ServicerContext) -> Never:
    """A servicer that nothing may reach."""
    raise AssertionError("the call reached its servicer")


def echo(request: Any, context: grpc.ServicerContext) -> Any:
    """A servicer that answers."""
    return GetAgencyResponse()
