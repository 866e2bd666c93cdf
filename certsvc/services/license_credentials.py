"""Signed forms on request: the QR code's text and picture, and the SD-JWT VC with what the caller may see.

Invariants: only the current version of a license that is not final has credentials; an SD-JWT VC lives at most 30 days
and never longer than the license, and its digest is registered before it leaves; whoever did not issue the license
gets the fields of its purpose, and an access record is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.domain import validity_dates
from certsvc.domain.access import AccessContext, Right
from certsvc.domain.agency import GrantKind
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.license_type import LicenseType
from certsvc.domain.principal import Caller
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import FailedPreconditionError, FieldViolation, InvalidInputError, PermissionDeniedError
from certsvc.ports import (
    AccessRecord,
    AuditEntry,
    Clock,
    CodeFormat,
    KeyVault,
    Ledger,
    QRDrawing,
    RegisteredVersion,
    Repositories,
    VCContent,
    VCFormat,
)
from certsvc.services.access_quotas import AccessQuotas
from certsvc.services.directory import Directory
from certsvc.services.license_reading import own_version
from certsvc.services.license_signing import signer_of, usable_key

VC_LIFETIME = timedelta(days=30)
_PURPOSE = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
OPERATION = "GetCredential"


@dataclass(frozen=True, slots=True)
class VCRequest:
    """What is asked of an SD-JWT VC; `purpose` "" is the issuer's own full view."""

    identifier: str
    purpose: str
    holder_key: str
    context: AccessContext | None


class LicenseCredentials:
    """The use cases of GetCredential and RenderQrCode."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        directory: Directory,
        vault: KeyVault,
        codes: CodeFormat,
        drawing: QRDrawing,
        vcs: VCFormat,
        quotas: AccessQuotas,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._vault = vault
        self._codes = codes
        self._drawing = drawing
        self._vcs = vcs
        self._quotas = quotas
        self._clock = clock

    def qr_text(self, caller: Caller, identifier: str) -> tuple[str, datetime | None]:
        """The text of an own license's QR code, and when it ends. Raises FailedPreconditionError (NOT_CURRENT)."""
        parse_identifier(identifier)
        with self._ledger.read() as repositories:
            registered = own_version(repositories, caller, identifier)
        _check_current(registered)
        version = registered.version
        return self._codes.text(version.code), validity_dates.expires(version.validity)

    def draw(self, caller: Caller, identifier: str, *, svg: bool, module_size: int, level: str) -> tuple[bytes, int]:
        """The picture of an own license's QR code and its QR version."""
        text, _ = self.qr_text(caller, identifier)
        return self._drawing.draw(text, svg=svg, module_size=module_size, level=level)

    def vc(self, caller: Caller, request: VCRequest) -> tuple[str, datetime]:
        """An SD-JWT VC made now, and when it ends.

        Raises PermissionDeniedError (NOT_OWN, VERIFY_NOT_GRANTED), FailedPreconditionError (NOT_CURRENT, EXPIRED,
        NO_SIGNING_KEY), InvalidInputError, ExhaustedError (ACCESS_QUOTA).
        """
        parse_identifier(request.identifier)
        now = self._clock.now()

        def work(repositories: Repositories) -> tuple[str, datetime]:
            registered, right = self._readable(repositories, caller, request)
            violations = _request_violations(request, right)
            if violations:
                raise InvalidInputError.of(*violations)
            _check_current(registered)
            license_type = self._type_of(registered)
            version = registered.version
            last = validity_dates.expires(version.validity)
            if last is not None and last <= now:
                raise FailedPreconditionError(
                    reason="LICENSE_EXPIRED", message="the license has expired", details={"state": "EXPIRED"}
                )
            expires = min(now + VC_LIFETIME, last) if last is not None else now + VC_LIFETIME
            # None is everything, for the issuer's own view and for a holder's wallet.
            own_view = right is Right.OWN and not request.purpose
            disclose = None if own_view else license_type.visible_fields(request.purpose)
            key = usable_key(self._directory, KeyPurpose.VC, now=now)
            agency = self._directory.agency(registered.license.agency_id)
            assert agency is not None  # noqa: S101 - agencies are never removed
            token, digest = self._vcs.issue(
                VCContent(license_type, agency, registered.license.trust_grade, version),
                signer=signer_of(self._vault, key),
                now=now,
                expires=expires,
                disclose=disclose,
                holder_key=request.holder_key,
            )
            repositories.signing_keys.lock_active(key.kid)
            repositories.licenses.add_vc(digest=digest, identifier=version.identifier, expires=expires)
            self._record(repositories, caller, registered, request, right, disclose, now)
            return token, expires

        return self._ledger.write(work)

    def _record(
        self,
        repositories: Repositories,
        caller: Caller,
        registered: RegisteredVersion,
        request: VCRequest,
        right: Right,
        disclosed: Sequence[str] | None,
        now: datetime,
    ) -> None:
        """Who asked for the credential: a read of another's license concerns its holders, one's own the audit."""
        if right is Right.OWN or request.context is None:
            repositories.audit.add(AuditEntry(now, caller.name, caller.officer_id, "vc.issued", request.identifier, {}))
            return
        holders = tuple(holder.number for holder in registered.version.holders)
        self._quotas.check(repositories, caller, OPERATION, holders, clock=self._clock)
        repositories.access.add(
            AccessRecord(
                at=now,
                agency_id=caller.owner_id,
                officer_id=caller.officer_id,
                operation=OPERATION,
                right=right,
                context=request.context,
                license_id=registered.license.license_id,
                holders=holders,
                fields=tuple(sorted(disclosed or ())),
                purpose=request.purpose,
            )
        )

    def _readable(
        self, repositories: Repositories, caller: Caller, request: VCRequest
    ) -> tuple[RegisteredVersion, Right]:
        registered = repositories.licenses.by_identifier(request.identifier)
        if registered is not None and caller.owner_id in (
            registered.license.agency_id,
            registered.license.responsible_agency_id,
        ):
            return registered, Right.OWN
        parts = parse_identifier(request.identifier)
        issuer = self._directory.agency(parts.agency_id)
        allowed = self._directory.allows(
            caller.owner_id,
            GrantKind.VERIFY,
            type_code=parts.type_code,
            region=issuer.region if issuer else "",
        )
        if registered is None or not allowed:
            raise PermissionDeniedError(
                reason="VERIFY_NOT_GRANTED", message="identifier: this agency may not read such a license"
            )
        return registered, Right.DUTY

    def _type_of(self, registered: RegisteredVersion) -> LicenseType:
        version = registered.version
        license_type = self._directory.license_type(registered.license.type_code, version.type_version)
        assert license_type is not None  # noqa: S101 - types are never removed
        return license_type


def _request_violations(request: VCRequest, right: Right) -> list[FieldViolation]:
    violations = []
    if request.purpose and not _PURPOSE.fullmatch(request.purpose):
        description = "must be 1 to 64 of a-z 0-9 _ - as the license type names purposes"
        violations.append(FieldViolation("purpose", "PURPOSE", description))
    if right is Right.OWN:
        return violations
    if not request.purpose:
        violations.append(FieldViolation("purpose", "REQUIRED", "says which fields are disclosed"))
    if request.holder_key:
        # Whoever chose the key could show the license as its holder.
        description = "only the agency that issued the license binds a credential to its holder's key"
        violations.append(FieldViolation("holder_key", "NOT_FOR_OTHERS", description))
    if request.context is None:
        description = "is needed for a license that the caller did not issue"
        return [*violations, FieldViolation("access_context", "REQUIRED", description)]
    return violations + request.context.violations()


def _check_current(registered: RegisteredVersion) -> None:
    license_ = registered.license
    if registered.version.version != license_.current.version:
        raise FailedPreconditionError(
            reason="NOT_CURRENT",
            message="identifier: a newer version replaced this one",
            details={"state": "SUPERSEDED", "superseded_by": license_.current.identifier},
        )
    if license_.state.is_final:
        raise FailedPreconditionError(
            reason="NOT_IN_FORCE",
            message="the license is no longer in force",
            details={"state": license_.state},
        )
