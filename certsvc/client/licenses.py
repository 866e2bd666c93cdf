"""Calls about licenses: issuing one or a million, changing, reading, watching, and their credentials."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from certsvc.client.call_error import CallError, error_of_status
from certsvc.client.connection import Connection, with_request_id
from certsvc.client.exchange import Exchange
from certsvc.client.watching import watch
from certsvc.domain.identifier import parse_identifier
from certsvc.errors import InvalidInputError
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1.license_service_pb2_grpc import LicenseServiceStub


@dataclass(frozen=True, slots=True)
class IssueAnswer:
    """What became of the item at `position` (from 0) of a batch: `change`, or the `error` that refused it."""

    position: int
    request: pb.IssueLicenseRequest
    change: pb.LicenseChange | None
    error: CallError | None


def keys_of_license(request: pb.IssueLicenseRequest) -> tuple[str, ...]:
    """What tells that two requests are about one license: its number, and its identifier without the version."""
    keys = []
    if request.license_number:
        keys.append(f"number {request.type_code} {request.license_number}")
    if request.imported.identifier:
        try:
            read = parse_identifier(request.imported.identifier)
        except InvalidInputError:
            keys.append(f"text {request.imported.identifier}")
        else:
            keys.append(f"serial {read.type_code} {read.agency_id} {read.serial}")
    return tuple(keys)


class LicenseCalls:
    """LicenseService. Methods raise CallError; mutations get a request_id where the request has none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = LicenseServiceStub(connection.channel)

    def issue(self, request: pb.IssueLicenseRequest, *, timeout: float | None = None) -> pb.LicenseChange:
        """Issue a license, or take one over from another register; the answer holds its QR code's text."""
        return self._connection.call(self._stub.IssueLicense, request, timeout=timeout).change

    def issue_many(self, requests: Iterable[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        """Issue many; an answer for each, in any order, while `requests` is read at most 256 items ahead.

        `requests` is read in another thread. Requests about one license (`keys_of_license`) are carried out in their
        order, each after the answer to the one before. A refused item stops no other; one whose error may pass is tried
        again first. When the stream breaks, what is unanswered is sent again, under the same request_id. Raises
        CallError when the register refuses the stream as a whole, or cannot be reached for the client's timeout.
        """
        items = (pb.BatchIssueLicensesRequest(license=with_request_id(request)) for request in requests)
        exchange = Exchange(
            self._connection,
            self._stub.BatchIssueLicenses,
            items,
            index_of=lambda answer: answer.index,
            keys_of=lambda item: keys_of_license(item.license),
        )
        for position, item, answer in exchange.answers():
            if answer.WhichOneof("outcome") == "change":
                yield IssueAnswer(position, item.license, answer.change, None)
            else:
                yield self._second_try(position, item.license, error_of_status(answer.error))

    def _second_try(self, position: int, request: pb.IssueLicenseRequest, error: CallError) -> IssueAnswer:
        if error.is_transient:
            try:
                return IssueAnswer(position, request, self.issue(request), None)
            except CallError as again:
                error = again
        return IssueAnswer(position, request, None, error)

    def amend(self, request: pb.AmendLicenseRequest) -> pb.LicenseChange:
        """Make a new version with other content."""
        return self._connection.call(self._stub.AmendLicense, request).change

    def renew(self, request: pb.RenewLicenseRequest) -> pb.LicenseChange:
        """Make a new version with new dates."""
        return self._connection.call(self._stub.RenewLicense, request).change

    def suspend(self, request: pb.SuspendLicenseRequest) -> pb.LicenseChange:
        """Suspend an active license."""
        return self._connection.call(self._stub.SuspendLicense, request).change

    def reinstate(self, request: pb.ReinstateLicenseRequest) -> pb.LicenseChange:
        """Make a suspended license active again."""
        return self._connection.call(self._stub.ReinstateLicense, request).change

    def revoke(self, request: pb.RevokeLicenseRequest) -> pb.LicenseChange:
        """Revoke a license, by penalty or annulment; final."""
        return self._connection.call(self._stub.RevokeLicense, request).change

    def cancel(self, request: pb.CancelLicenseRequest) -> pb.LicenseChange:
        """Cancel a license; final."""
        return self._connection.call(self._stub.CancelLicense, request).change

    def get(self, identifier: str) -> pb.License:
        """The version that the identifier names, of a license of one's own issue."""
        request = pb.GetLicenseRequest(identifier=identifier)
        return self._connection.call(self._stub.GetLicense, request).license

    def list(self, request: pb.ListLicensesRequest | None = None) -> Iterator[pb.License]:
        """All licenses of one's own issue that the request's filters leave, newest first."""

        def fetch(token: str) -> tuple[Sequence[pb.License], str]:
            page = pb.ListLicensesRequest()
            if request is not None:
                page.CopyFrom(request)
            page.page_token = token
            response = self._connection.call(self._stub.ListLicenses, page)
            return response.licenses, response.next_page_token

        return self._connection.pages(fetch)

    def list_events(self, identifier: str) -> Iterator[pb.LicenseEvent]:
        """What happened to a license of one's own issue, oldest first."""

        def fetch(token: str) -> tuple[Sequence[pb.LicenseEvent], str]:
            request = pb.ListLicenseEventsRequest(identifier=identifier, page_token=token)
            response = self._connection.call(self._stub.ListLicenseEvents, request)
            return response.events, response.next_page_token

        return self._connection.pages(fetch)

    def get_credential(self, request: pb.GetCredentialRequest) -> pb.GetCredentialResponse:
        """A signed form of a license: the QR code's text, or an SD-JWT VC made now."""
        return self._connection.call(self._stub.GetCredential, request)

    def render_qr_code(self, request: pb.RenderQrCodeRequest) -> pb.RenderQrCodeResponse:
        """A license's QR code as a picture."""
        return self._connection.call(self._stub.RenderQrCode, request)

    def watch(
        self, request: pb.WatchLicenseEventsRequest, *, patience: float = 60.0, heartbeats: bool = False
    ) -> Iterator[pb.WatchLicenseEventsResponse]:
        """What happens to licenses, without end and without a gap, over as many calls as it takes.

        Keep an answer's `resume_token` once the answer is dealt with: a request with it goes on right after.
        Raises CallError when the register refuses, or could not be reached for `patience` seconds. With
        `heartbeats` also yields the answers that carry nothing but a new token.
        """
        return watch(
            self._connection,
            self._stub.WatchLicenseEvents,
            request,
            patience=patience,
            heartbeats=heartbeats,
        )

    def list_pending(self) -> Iterator[pb.PendingChange]:
        """Changes of the own agency that wait for a second officer, oldest first."""

        def fetch(token: str) -> tuple[Sequence[pb.PendingChange], str]:
            request = pb.ListPendingChangesRequest(page_token=token)
            response = self._connection.call(self._stub.ListPendingChanges, request)
            return response.changes, response.next_page_token

        return self._connection.pages(fetch)

    def approve(self, request: pb.ApproveChangeRequest) -> pb.LicenseChange:
        """Say yes to a waiting change, as another officer than the one who asked for it."""
        return self._connection.call(self._stub.ApproveChange, request).change

    def reject(self, request: pb.RejectChangeRequest) -> None:
        """Say no to a waiting change."""
        self._connection.call(self._stub.RejectChange, request)
