"""LicenseService: messages to commands, outcomes to messages; the rules are in services/."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from certsvc.domain.identifier import parse_identifier
from certsvc.domain.numbers import parse_number
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.ports import Clock, LicenseFilter
from certsvc.rpc.call import caller_of
from certsvc.rpc.convert import Violations, read_instant, write_instant
from certsvc.rpc.exchange import Exchange
from certsvc.rpc.license_messages import (
    NUMBER_KINDS,
    STATES,
    ChangeRequest,
    read_change,
    read_issue,
    write_event,
    write_license,
    write_outcome,
    write_pending,
    write_watched,
)
from certsvc.rpc.messages import UnreadableMessage, readable
from certsvc.rpc.mutation_requests import mutation_of
from certsvc.rpc.paging import Paging
from certsvc.rpc.status import item_status
from certsvc.rpc.verification_messages import read_context
from certsvc.services.approvals import Approvals
from certsvc.services.license_commands import LicenseOutcome
from certsvc.services.license_credentials import LicenseCredentials, VCRequest
from certsvc.services.license_reading import LicenseReading
from certsvc.services.license_transitions import LicenseTransitions
from certsvc.services.licenses import LicenseIssuing
from certsvc.services.mutations import MAX_REQUEST_ID, Mutation
from certsvc.services.watching import WatchFilter, Watching
from certsvc.v1 import license_service_pb2, license_service_pb2_grpc

DEFAULT_MODULE_SIZE = 6
MAX_MODULE_SIZE = 20

_LEVELS = {
    license_service_pb2.ERROR_CORRECTION_UNSPECIFIED: "M",
    license_service_pb2.ERROR_CORRECTION_L: "L",
    license_service_pb2.ERROR_CORRECTION_M: "M",
    license_service_pb2.ERROR_CORRECTION_Q: "Q",
    license_service_pb2.ERROR_CORRECTION_H: "H",
}


@dataclass(frozen=True, slots=True)
class LicenseUseCases:
    """What the servicer calls."""

    issuing: LicenseIssuing
    transitions: LicenseTransitions
    approvals: Approvals
    reading: LicenseReading
    credentials: LicenseCredentials
    watching: Watching
    clock: Clock


class LicenseServicer(license_service_pb2_grpc.LicenseServiceServicer):
    """See proto/certsvc/v1/license_service.proto."""

    def __init__(self, use_cases: LicenseUseCases, *, paging: Paging, executor: Executor) -> None:
        self._use = use_cases
        self._paging = paging
        self._executor = executor

    def IssueLicense(
        self, request: license_service_pb2.IssueLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.IssueLicenseResponse:
        return self._issue(request, context)

    def BatchIssueLicenses(
        self,
        request_iterator: Iterator[license_service_pb2.BatchIssueLicensesRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[license_service_pb2.BatchIssueLicensesResponse]:
        def answer(
            index: int, item: license_service_pb2.BatchIssueLicensesRequest | UnreadableMessage
        ) -> license_service_pb2.BatchIssueLicensesResponse:
            response = license_service_pb2.BatchIssueLicensesResponse(index=index)
            try:
                request = readable(item).license
                response.request_id = request.request_id[:MAX_REQUEST_ID]
                response.change.CopyFrom(self._issue(request, context).change)
            except Exception as error:  # noqa: BLE001 - the edge: one item's trouble never stops the others
                response.error.CopyFrom(item_status(error, method="BatchIssueLicenses", index=index))
            return response

        yield from Exchange(request_iterator, answer, executor=self._executor).answers()

    def AmendLicense(
        self, request: license_service_pb2.AmendLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.AmendLicenseResponse:
        response = license_service_pb2.AmendLicenseResponse
        return response.FromString(self._change(request, context, response))

    def RenewLicense(
        self, request: license_service_pb2.RenewLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.RenewLicenseResponse:
        response = license_service_pb2.RenewLicenseResponse
        return response.FromString(self._change(request, context, response))

    def SuspendLicense(
        self, request: license_service_pb2.SuspendLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.SuspendLicenseResponse:
        response = license_service_pb2.SuspendLicenseResponse
        return response.FromString(self._change(request, context, response))

    def ReinstateLicense(
        self, request: license_service_pb2.ReinstateLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.ReinstateLicenseResponse:
        response = license_service_pb2.ReinstateLicenseResponse
        return response.FromString(self._change(request, context, response))

    def RevokeLicense(
        self, request: license_service_pb2.RevokeLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.RevokeLicenseResponse:
        response = license_service_pb2.RevokeLicenseResponse
        return response.FromString(self._change(request, context, response))

    def CancelLicense(
        self, request: license_service_pb2.CancelLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.CancelLicenseResponse:
        response = license_service_pb2.CancelLicenseResponse
        return response.FromString(self._change(request, context, response))

    def GetLicense(
        self, request: license_service_pb2.GetLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.GetLicenseResponse:
        view = self._use.reading.get(caller_of(context), request.identifier)
        return license_service_pb2.GetLicenseResponse(license=write_license(view))

    def ListLicenses(
        self, request: license_service_pb2.ListLicensesRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.ListLicensesResponse:
        caller = caller_of(context)
        filters = self._read_filters(request)
        page = self._paging.open(request, caller)
        rows = self._use.reading.list(caller, filters, after=int(page.after or 0), limit=page.fetch)
        views, token = page.cut(rows, lambda view: str(view.license.license_id))
        return license_service_pb2.ListLicensesResponse(
            licenses=[write_license(view) for view in views], next_page_token=token
        )

    def ListLicenseEvents(
        self, request: license_service_pb2.ListLicenseEventsRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.ListLicenseEventsResponse:
        caller = caller_of(context)
        page = self._paging.open(request, caller)
        found = self._use.reading.events(caller, request.identifier, after=int(page.after or 0), limit=page.fetch)
        rows, token = page.cut(found, lambda row: str(row[0]))
        return license_service_pb2.ListLicenseEventsResponse(
            events=[
                write_event(event, identifier=name, type_code=parse_identifier(name).type_code)
                for _, name, event in rows
            ],
            next_page_token=token,
        )

    def GetCredential(
        self, request: license_service_pb2.GetCredentialRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.GetCredentialResponse:
        caller = caller_of(context)
        match request.format:
            case license_service_pb2.CREDENTIAL_FORMAT_SD_JWT_VC:
                credential, expires = self._use.credentials.vc(
                    caller,
                    VCRequest(
                        identifier=request.identifier,
                        purpose=request.purpose,
                        holder_key=request.holder_key,
                        context=read_context(request.access_context) if request.HasField("access_context") else None,
                    ),
                )
                return license_service_pb2.GetCredentialResponse(
                    credential=credential, expire_time=write_instant(expires)
                )
            case license_service_pb2.CREDENTIAL_FORMAT_UNSPECIFIED | license_service_pb2.CREDENTIAL_FORMAT_QR_TEXT:
                text, ends = self._use.credentials.qr_text(caller, request.identifier)
                return license_service_pb2.GetCredentialResponse(credential=text, expire_time=write_instant(ends))
        raise InvalidInputError.of(FieldViolation("format", "ENUM_VALUE", "must be QR_TEXT or SD_JWT_VC"))

    def RenderQrCode(
        self, request: license_service_pb2.RenderQrCodeRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.RenderQrCodeResponse:
        violations = Violations()
        if not 0 <= request.module_size <= MAX_MODULE_SIZE:
            violations.add("module_size", "OUT_OF_RANGE", f"must be 1 to {MAX_MODULE_SIZE}; 0 means 6")
        if request.error_correction not in _LEVELS:
            violations.add("error_correction", "ENUM_VALUE", "must be L, M, Q or H")
        if request.format not in license_service_pb2.ImageFormat.values():
            violations.add("format", "ENUM_VALUE", "must be PNG or SVG")
        violations.check()
        svg = request.format == license_service_pb2.IMAGE_FORMAT_SVG
        image, version = self._use.credentials.draw(
            caller_of(context),
            request.identifier,
            svg=svg,
            module_size=request.module_size or DEFAULT_MODULE_SIZE,
            level=_LEVELS[request.error_correction],
        )
        return license_service_pb2.RenderQrCodeResponse(
            image=image, media_type="image/svg+xml" if svg else "image/png", qr_version=version
        )

    def WatchLicenseEvents(
        self, request: license_service_pb2.WatchLicenseEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[license_service_pb2.WatchLicenseEventsResponse]:
        wanted = WatchFilter(
            own_issues=request.own_issues,
            type_codes=frozenset(request.type_codes),
            region=request.region,
            identifiers=tuple(request.identifiers),
        )
        context.add_callback(self._use.watching.look_again)
        answers = self._use.watching.watch(caller_of(context), wanted, request.resume_token, context.is_active)
        for watched in answers:
            yield write_watched(watched)

    def ListPendingChanges(
        self, request: license_service_pb2.ListPendingChangesRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.ListPendingChangesResponse:
        caller = caller_of(context)
        page = self._paging.open(request, caller)
        found = self._use.approvals.list(caller, after=page.after, limit=page.fetch)
        rows, token = page.cut(found, lambda record: record.change_id)
        return license_service_pb2.ListPendingChangesResponse(
            changes=[write_pending(record) for record in rows], next_page_token=token
        )

    def ApproveChange(
        self, request: license_service_pb2.ApproveChangeRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.ApproveChangeResponse:
        response = license_service_pb2.ApproveChangeResponse
        mutation = mutation_of(request, context, _responder(response))
        answer = self._use.approvals.approve(mutation.caller, request.change_id, mutation)
        return response.FromString(answer)

    def RejectChange(
        self, request: license_service_pb2.RejectChangeRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.RejectChangeResponse:
        response = license_service_pb2.RejectChangeResponse
        mutation: Mutation[None] = mutation_of(request, context, lambda _: response())
        answer = self._use.approvals.reject(mutation.caller, request.change_id, request.reason, mutation)
        return response.FromString(answer)

    def _issue(
        self, request: license_service_pb2.IssueLicenseRequest, context: grpc.ServicerContext
    ) -> license_service_pb2.IssueLicenseResponse:
        response = license_service_pb2.IssueLicenseResponse
        mutation = mutation_of(request, context, _responder(response))
        return response.FromString(self._use.issuing.issue(mutation.caller, read_issue(request), mutation))

    def _change(self, request: ChangeRequest, context: grpc.ServicerContext, response: type[Any]) -> bytes:
        mutation: Mutation[LicenseOutcome] = mutation_of(request, context, _responder(response))
        return self._use.transitions.change(mutation.caller, read_change(request), mutation)

    def _read_filters(self, request: license_service_pb2.ListLicensesRequest) -> LicenseFilter:
        violations = Violations()
        state = STATES.read_optional(request.state, field="state", violations=violations)
        issued_after = read_instant(request, "issued_after", violations=violations)
        holder = None
        if request.HasField("holder"):
            kind = NUMBER_KINDS.read_optional(request.holder.kind, field="holder.kind", violations=violations)
            try:
                today = day_in_shanghai(self._use.clock.now())
                holder = parse_number(request.holder.value, today=today, kind=kind, field="holder.value")
            except InvalidInputError as error:
                violations.extend(error.violations)
        violations.check()
        return LicenseFilter(request.type_code, state, holder, request.license_number, issued_after)


def _responder(response: type[Any]) -> Any:
    """What makes a response message from an outcome."""

    def respond(outcome: LicenseOutcome) -> Message:
        made: Message = response(change=write_outcome(outcome))
        return made

    return respond
