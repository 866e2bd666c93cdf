"""Between the messages of LicenseService and the domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.protobuf import any_pb2

from certsvc.domain.license import LicenseAction, LicenseEvent, LicenseState, RevocationKind
from certsvc.domain.license_type import TrustGrade
from certsvc.domain.numbers import Number, NumberKind
from certsvc.ports import PendingRecord
from certsvc.rpc.convert import EnumNames, Violations, read_instant, read_struct, write_instant, write_struct
from certsvc.services.license_commands import (
    CauseInput,
    ChangeCommand,
    Command,
    Disposition,
    HolderInput,
    ImportedHistory,
    IssueCommand,
    LicenseOutcome,
    LicenseView,
    OnExisting,
)
from certsvc.services.watching import Watched
from certsvc.v1 import common_pb2, license_service_pb2

NUMBER_KINDS = EnumNames(common_pb2.NumberKind, NumberKind, "NUMBER_KIND_")
STATES = EnumNames(common_pb2.LicenseState, LicenseState, "LICENSE_STATE_")
ACTIONS = EnumNames(common_pb2.LicenseAction, LicenseAction, "LICENSE_ACTION_")
GRADES = EnumNames(common_pb2.TrustGrade, TrustGrade, "TRUST_GRADE_")
REVOCATIONS = EnumNames(license_service_pb2.RevocationKind, RevocationKind, "REVOCATION_KIND_")
ON_EXISTING = EnumNames(license_service_pb2.OnExisting, OnExisting, "ON_EXISTING_")
DISPOSITIONS = EnumNames(license_service_pb2.Disposition, Disposition, "DISPOSITION_")

MAX_HOLDERS = 20

ChangeRequest = (
    license_service_pb2.AmendLicenseRequest
    | license_service_pb2.RenewLicenseRequest
    | license_service_pb2.SuspendLicenseRequest
    | license_service_pb2.ReinstateLicenseRequest
    | license_service_pb2.RevokeLicenseRequest
    | license_service_pb2.CancelLicenseRequest
)

_ACTION_OF: dict[type, LicenseAction] = {
    license_service_pb2.AmendLicenseRequest: LicenseAction.AMEND,
    license_service_pb2.RenewLicenseRequest: LicenseAction.RENEW,
    license_service_pb2.SuspendLicenseRequest: LicenseAction.SUSPEND,
    license_service_pb2.ReinstateLicenseRequest: LicenseAction.REINSTATE,
    license_service_pb2.RevokeLicenseRequest: LicenseAction.REVOKE,
    license_service_pb2.CancelLicenseRequest: LicenseAction.CANCEL,
}


def read_holder(holder: common_pb2.Holder, *, field: str, violations: Violations) -> HolderInput:
    """A holder as stated."""
    kind = NUMBER_KINDS.read_optional(holder.number.kind, field=f"{field}.number.kind", violations=violations)
    return HolderInput(kind, holder.number.value, holder.name)


def read_issue(request: license_service_pb2.IssueLicenseRequest) -> IssueCommand:
    """The command. Raises InvalidInputError for what the message itself gets wrong."""
    violations = Violations()
    command = IssueCommand(
        type_code=request.type_code,
        license_number=request.license_number,
        holders=_read_holders(request.holders, violations),
        fields=read_struct(request.fields, field="fields", violations=violations),
        valid_from=request.valid_from,
        valid_until=request.valid_until,
        legal_basis=request.legal_basis,
        trust_grade=GRADES.read_optional(request.trust_grade, field="trust_grade", violations=violations),
        on_existing=ON_EXISTING.read_optional(request.on_existing, field="on_existing", violations=violations)
        or OnExisting.REFUSE,
        imported=_read_history(request.imported, violations) if request.HasField("imported") else None,
    )
    violations.check()
    return command


def read_change(request: ChangeRequest) -> ChangeCommand:
    """The command. Raises InvalidInputError for what the message itself gets wrong."""
    violations = Violations()
    cause = request.cause
    effective_at = read_instant(cause, "effective_time", path="cause.effective_time", violations=violations)
    content = _read_content(request, violations)
    violations.check()
    return ChangeCommand(
        action=_ACTION_OF[type(request)],
        identifier=request.identifier,
        etag=request.etag,
        cause=CauseInput(cause.reason, cause.legal_basis, effective_at),
        **content,
    )


def decode_command(payload: bytes) -> Command:
    """The command of a stored payload (mutation_requests.payload_of)."""
    packed = any_pb2.Any.FromString(payload)
    issue = license_service_pb2.IssueLicenseRequest()
    if packed.Unpack(issue):
        return read_issue(issue)
    for kind in _ACTION_OF:
        request = kind()
        if packed.Unpack(request):
            return read_change(request)
    raise ValueError(f"no command of type {packed.type_url}")


def write_license(view: LicenseView) -> license_service_pb2.License:
    """One version of a license, whole."""
    license_, version = view.license, view.version
    last = version.validity.last
    return license_service_pb2.License(
        identifier=version.identifier,
        version=version.version,
        type_code=license_.type_code,
        type_version=version.type_version,
        agency_id=license_.agency_id,
        responsible_agency_id=license_.responsible_agency_id,
        license_number=version.license_number,
        holders=[common_pb2.Holder(number=write_number(holder.number), name=holder.name) for holder in version.holders],
        fields=write_struct(version.fields),
        valid_from=version.validity.first.isoformat(),
        valid_until=last.isoformat() if last else "",
        state=STATES.write(license_.state),
        superseded_by=view.superseded_by,
        trust_grade=GRADES.write(license_.trust_grade),
        kid=version.kid,
        etag=str(license_.revision),
        issue_time=write_instant(version.issued_at),
        update_time=write_instant(license_.updated_at),
        confirm_time=write_instant(license_.confirmed_at),
    )


def write_number(number: Number) -> common_pb2.Number:
    """A subject's number."""
    return common_pb2.Number(kind=NUMBER_KINDS.write(number.kind), value=number.value)


def write_outcome(outcome: LicenseOutcome) -> license_service_pb2.LicenseChange:
    """What became of a command."""
    return license_service_pb2.LicenseChange(
        disposition=DISPOSITIONS.write(outcome.disposition),
        license=write_license(outcome.view) if outcome.view else None,
        qr_text=outcome.qr_text,
        pending_change=write_pending(outcome.pending) if outcome.pending else None,
    )


def write_pending(record: PendingRecord) -> license_service_pb2.PendingChange:
    """A change that waits."""
    return license_service_pb2.PendingChange(
        change_id=record.change_id,
        action=ACTIONS.write(LicenseAction(record.action)),
        identifier=record.identifier,
        type_code=record.type_code,
        requested_by=record.requested_by,
        request_time=write_instant(record.requested_at),
        expire_time=write_instant(record.expires_at),
        **_waiting_request(record.request),
    )


def _waiting_request(payload: bytes) -> dict[str, Any]:
    """The stored request, under the name of its place in a PendingChange."""
    packed = any_pb2.Any.FromString(payload)
    for kind in (license_service_pb2.IssueLicenseRequest, *_ACTION_OF):
        request = kind()
        if packed.Unpack(request):
            return {_ACTION_OF.get(kind, LicenseAction.ISSUE).lower(): request}
    raise ValueError(f"no request of type {packed.type_url}")


def write_event(event: LicenseEvent, *, identifier: str, type_code: str) -> license_service_pb2.LicenseEvent:
    """An event of an own license, whole."""
    kind = event.cause.revocation_kind
    return license_service_pb2.LicenseEvent(
        identifier=identifier,
        action=ACTIONS.write(event.action),
        state=STATES.write(event.state),
        reason=event.cause.reason,
        legal_basis=event.cause.legal_basis,
        agency_id=event.agency_id,
        officer_id=event.officer_id,
        effective_time=write_instant(event.cause.effective_at),
        record_time=write_instant(event.recorded_at),
        revocation_kind=REVOCATIONS.write(kind) if kind else license_service_pb2.REVOCATION_KIND_UNSPECIFIED,
        type_code=type_code,
    )


def write_watched(watched: Watched) -> license_service_pb2.WatchLicenseEventsResponse:
    """An answer of a watch; of others' licenses without reason, legal basis and officer."""
    data = watched.data
    if data is None or watched.recorded is None:
        return license_service_pb2.WatchLicenseEventsResponse(resume_token=watched.token)
    if watched.own is not None:
        event = write_event(watched.own, identifier=data.identifier, type_code=data.type_code)
    else:
        event = license_service_pb2.LicenseEvent(
            identifier=data.identifier,
            action=ACTIONS.write(data.action),
            state=STATES.write(data.state),
            agency_id=data.acting_agency_id,
            effective_time=write_instant(data.effective_at),
            record_time=write_instant(watched.recorded.recorded_at),
            revocation_kind=REVOCATIONS.write(data.revocation_kind)
            if data.revocation_kind
            else license_service_pb2.REVOCATION_KIND_UNSPECIFIED,
            type_code=data.type_code,
        )
    return license_service_pb2.WatchLicenseEventsResponse(resume_token=watched.token, event=event)


def _read_holders(holders: Sequence[common_pb2.Holder], violations: Violations) -> tuple[HolderInput, ...]:
    if len(holders) > MAX_HOLDERS:
        violations.add("holders", "TOO_MANY", f"has {len(holders)} holders, at most {MAX_HOLDERS} allowed")
        return ()
    return tuple(
        read_holder(holder, field=f"holders[{place}]", violations=violations) for place, holder in enumerate(holders)
    )


def _read_content(request: ChangeRequest, violations: Violations) -> dict[str, Any]:
    """What AMEND, RENEW and REVOKE state beyond the cause."""
    match request:
        case license_service_pb2.AmendLicenseRequest():
            fields = read_struct(request.fields, field="fields", violations=violations)
            return {
                "license_number": request.license_number,
                "holders": _read_holders(request.holders, violations),
                "fields": fields if request.HasField("fields") else None,
            }
        case license_service_pb2.RenewLicenseRequest():
            return {"valid_from": request.valid_from, "valid_until": request.valid_until}
        case license_service_pb2.RevokeLicenseRequest():
            return {"revocation_kind": REVOCATIONS.read(request.kind, field="kind", violations=violations)}
    return {}


def _read_history(imported: license_service_pb2.ImportedHistory, violations: Violations) -> ImportedHistory:
    def instant(name: str) -> datetime | None:
        return read_instant(imported, name, path=f"imported.{name}", violations=violations)

    return ImportedHistory(
        identifier=imported.identifier,
        state=STATES.read_optional(imported.state, field="imported.state", violations=violations),
        state_at=instant("state_time"),
        state_reason=imported.state_reason,
        issued_at=instant("issue_time"),
        revocation_kind=REVOCATIONS.read_optional(
            imported.revocation_kind, field="imported.revocation_kind", violations=violations
        ),
    )
