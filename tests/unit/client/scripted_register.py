"""A real gRPC server on loopback whose answers a test writes: what a register may do to its clients, on demand."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from certsvc.client.connection import Connection
from certsvc.client.retries import RetryPolicy
from certsvc.v1 import license_service_pb2 as licenses_pb
from certsvc.v1 import verification_service_pb2 as verification_pb
from certsvc.v1.license_service_pb2_grpc import LicenseServiceServicer, add_LicenseServiceServicer_to_server
from certsvc.v1.verification_service_pb2_grpc import (
    VerificationServiceServicer,
    add_VerificationServiceServicer_to_server,
)

Step = Callable[[Any, grpc.ServicerContext], Any]
"""How one call is answered: from the request (or requests) to the answer (or answers)."""


def refusal(
    code: str, reason: str, *, message: str = "no", metadata: dict[str, str] | None = None, fields: Iterable[str] = ()
) -> status_pb2.Status:
    """A google.rpc.Status as the register sends it."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message)
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=reason, domain="certsvc", metadata=metadata or {})]
    if fields:
        bad = error_details_pb2.BadRequest()
        for field in fields:
            bad.field_violations.add(field=field, reason="WRONG", description="is wrong")
        details.append(bad)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def refuse(code: str, reason: str = "", **more: Any) -> Step:
    """A step that ends the call with this status."""

    def step(_request: Any, context: grpc.ServicerContext) -> NoReturn:
        context.abort_with_status(rpc_status.to_status(refusal(code, reason, **more)))

    return step


class ScriptedRegister(LicenseServiceServicer, VerificationServiceServicer):
    """Answers each call with the next step of its script, the last one for ever; keeps requests and metadata."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.seconds_left: list[float] = []
        self._lock = threading.Lock()

    def _answer(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._lock:
            self.metadata.append({str(key): str(value) for key, value in context.invocation_metadata()})
            self.seconds_left.append(context.time_remaining() or float("inf"))
            if isinstance(request, Message):
                self.requests.append(request)
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return step(request, context)

    def _answer_stream(self, request: Any, context: Any) -> Any:
        yield from self._answer(request, context)

    def _answer_items(self, request_iterator: Any, context: Any) -> Any:
        yield from self._answer(request_iterator, context)

    def _not_scripted(self, request: Any, context: Any) -> Any:
        return refuse("UNIMPLEMENTED")(request, context)

    IssueLicense = GetLicense = ListLicenses = VerifyCredential = MatchLicense = _answer
    BatchIssueLicenses = VerifyCredentials = _answer_items
    WatchLicenseEvents = ExportOfflineBundle = _answer_stream
    AmendLicense = RenewLicense = SuspendLicense = ReinstateLicense = RevokeLicense = CancelLicense = _not_scripted
    ListLicenseEvents = GetCredential = RenderQrCode = GetStatus = _not_scripted
    ListPendingChanges = ApproveChange = RejectChange = _not_scripted


@contextmanager
def served(register: ScriptedRegister) -> Iterator[str]:
    """The endpoint of a server that answers by `register`, while the block runs."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    add_LicenseServiceServicer_to_server(register, server)
    add_VerificationServiceServicer_to_server(register, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


class RecordedPauses:
    """Stands for sleeping: keeps the pauses and lets a clock of its own go on by them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def policy(pauses: RecordedPauses | None = None) -> RetryPolicy:
    """Retries without waiting."""
    return RetryPolicy(sleep=(pauses or RecordedPauses()).sleep, chance=lambda: 1.0)


@contextmanager
def connected(
    register: ScriptedRegister, *, timeout: float = 20.0, retries: RetryPolicy | None = None
) -> Iterator[Connection]:
    """A connection to `register`."""
    with served(register) as endpoint, grpc.insecure_channel(endpoint) as channel:
        yield Connection(channel, authorization=lambda: "Bearer test", timeout=timeout, policy=retries or policy())


def issue_request(number: str, *, request_id: str = "") -> licenses_pb.IssueLicenseRequest:
    """A request to issue the license with this number."""
    return licenses_pb.IssueLicenseRequest(license_number=number, request_id=request_id)


def issued(index: int, request: licenses_pb.IssueLicenseRequest) -> licenses_pb.BatchIssueLicensesResponse:
    """The answer that says ISSUED."""
    return licenses_pb.BatchIssueLicensesResponse(
        index=index,
        request_id=request.request_id,
        change=licenses_pb.LicenseChange(
            disposition=licenses_pb.DISPOSITION_ISSUED,
            license=licenses_pb.License(license_number=request.license_number),
        ),
    )


def verified(index: int, item: verification_pb.VerifyCredentialsRequest) -> verification_pb.VerifyCredentialsResponse:
    """The answer that says VALID."""
    return verification_pb.VerifyCredentialsResponse(
        index=index,
        item_id=item.item_id,
        result=verification_pb.VerificationResult(verdict=verification_pb.VERDICT_VALID),
    )
