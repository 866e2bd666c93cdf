"""Calls that verify what others issued."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from certsvc.client.call_error import CallError, error_of_status
from certsvc.client.connection import Connection
from certsvc.client.exchange import Exchange
from certsvc.v1 import verification_service_pb2 as pb
from certsvc.v1.verification_service_pb2_grpc import VerificationServiceStub


@dataclass(frozen=True, slots=True)
class VerifyAnswer:
    """The `result` for the item at `position` (from 0) of a batch, or the `error` that kept it from one."""

    position: int
    request: pb.VerifyCredentialRequest
    result: pb.VerificationResult | None
    error: CallError | None


class VerificationCalls:
    """VerificationService. A verdict is an answer; what could not be found out raises CallError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = VerificationServiceStub(connection.channel)

    def verify(
        self, credential: str | pb.VerifyCredentialRequest, *, timeout: float | None = None
    ) -> pb.VerificationResult:
        """Verify a scanned text or an SD-JWT VC, told apart by their form; a request for more than that."""
        request = request_for(credential) if isinstance(credential, str) else credential
        return self._connection.call(self._stub.VerifyCredential, request, timeout=timeout).result

    def verify_many(self, credentials: Iterable[str | pb.VerifyCredentialRequest]) -> Iterator[VerifyAnswer]:
        """Verify many; an answer for each, in any order, while `credentials` is read at most 256 items ahead.

        Reading, resuming and errors as in LicenseCalls.issue_many.
        """
        items = (
            pb.VerifyCredentialsRequest(item=request_for(credential) if isinstance(credential, str) else credential)
            for credential in credentials
        )
        exchange = Exchange(self._connection, self._stub.VerifyCredentials, items, index_of=lambda answer: answer.index)
        for position, item, answer in exchange.answers():
            if answer.WhichOneof("outcome") == "result":
                yield VerifyAnswer(position, item.item, answer.result, None)
            else:
                yield self._second_try(position, item.item, error_of_status(answer.error))

    def _second_try(self, position: int, request: pb.VerifyCredentialRequest, error: CallError) -> VerifyAnswer:
        if error.is_transient:
            try:
                return VerifyAnswer(position, request, self.verify(request), None)
            except CallError as again:
                error = again
        return VerifyAnswer(position, request, None, error)

    def match(self, request: pb.MatchLicenseRequest) -> pb.MatchLicenseResponse:
        """Whether what the caller states is right, field by field; recorded, so it is never tried twice."""
        return self._connection.call(self._stub.MatchLicense, request)

    def get_status(self, request: str | pb.GetStatusRequest) -> pb.GetStatusResponse:
        """The standing of the license that an identifier names."""
        if isinstance(request, str):
            request = pb.GetStatusRequest(identifier=request)
        return self._connection.call(self._stub.GetStatus, request)

    def export_offline_bundle(
        self, *, lifetime: timedelta | None = None, timeout: float | None = None
    ) -> Iterator[bytes]:
        """The bundle that OfflineVerifier works from, in pieces; `lifetime` None is the register's default."""
        request = pb.ExportOfflineBundleRequest()
        if lifetime is not None:
            request.lifetime.FromTimedelta(lifetime)
        for piece in self._connection.read_stream(self._stub.ExportOfflineBundle, request, timeout=timeout):
            yield piece.chunk


def request_for(credential: str) -> pb.VerifyCredentialRequest:
    """The request that verifies this text: an SD-JWT VC has its tildes, a QR code's text has none."""
    if "~" in credential:
        return pb.VerifyCredentialRequest(sd_jwt_vc=credential)
    return pb.VerifyCredentialRequest(qr_text=credential)
