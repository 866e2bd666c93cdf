"""Signing a version of a license: which key, what the code says, and the digest of what was signed.

Invariants: claims are built from domain objects only; the key is the ACTIVE one for this agency and type, there is no
fallback; a code that this register could not read back is not signed (the format's own check).
"""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain import validity_dates
from certsvc.domain.identifier import make_identifier
from certsvc.domain.judging import ACTIVATION_SKEW
from certsvc.domain.license import LicenseVersion
from certsvc.domain.license_code import LicenseCode
from certsvc.domain.license_content import code_fields, code_holders
from certsvc.domain.license_type import LicenseType
from certsvc.domain.signing_key import KeyPurpose, SigningKey
from certsvc.errors import FailedPreconditionError, NotFoundError, UnavailableError
from certsvc.ports import CodeFormat, KeyVault, Signer
from certsvc.services.directory import Directory
from certsvc.services.license_drafts import Draft
from certsvc.services.numbering import StatusEntry


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version with its code, and the digest of the code's signed bytes."""

    version: LicenseVersion
    digest: bytes


class LicenseSigning:
    """Signs versions with the keys of the vault."""

    def __init__(self, *, directory: Directory, vault: KeyVault, codes: CodeFormat) -> None:
        self._directory = directory
        self._vault = vault
        self._codes = codes

    def key_for(self, license_type: LicenseType, agency_id: str, *, now: datetime) -> SigningKey:
        """The key that signs now. Raises FailedPreconditionError (NO_SIGNING_KEY, SIGNING_ENDED)."""
        return usable_key(
            self._directory, KeyPurpose.LICENSE, now=now, agency_id=agency_id, type_code=license_type.code
        )

    def sign(
        self,
        license_type: LicenseType,
        draft: Draft,
        *,
        agency_id: str,
        serial: str,
        version: int,
        entry: StatusEntry,
        key: SigningKey,
        now: datetime,
    ) -> SignedVersion:
        """Make and sign a version. Raises InvalidInputError where its code would be too large."""
        identifier = make_identifier(type_code=license_type.code, agency_id=agency_id, serial=serial, version=version)
        issued_at = now.replace(microsecond=0)
        code = LicenseCode(
            issued_at=issued_at,
            not_before=validity_dates.not_before(draft.validity),
            expires=validity_dates.expires(draft.validity),
            identifier=identifier.text,
            type_version=license_type.version,
            status_list=entry.list_number,
            status_index=entry.index,
            holders=code_holders(license_type, draft.holders),
            fields=code_fields(license_type, draft.fields),
        )
        raw, digest = self._codes.sign(code, signer=signer_of(self._vault, key))
        signed = LicenseVersion(
            version=version,
            identifier=identifier.text,
            type_version=license_type.version,
            license_number=draft.license_number,
            holders=draft.holders,
            fields=draft.fields,
            validity=draft.validity,
            kid=key.kid,
            code=raw,
            status_slot=entry.slot,
            issued_at=issued_at,
        )
        return SignedVersion(signed, digest)


def usable_key(
    directory: Directory, purpose: KeyPurpose, *, now: datetime, agency_id: str = "", type_code: str = ""
) -> SigningKey:
    """The ACTIVE key of this purpose and scope that may sign at `now`; never another one instead.

    Raises FailedPreconditionError: NO_SIGNING_KEY, SIGNING_ENDED; UnavailableError: CLOCK_BEHIND.
    """
    key = directory.active_key(purpose, agency_id=agency_id, type_code=type_code)
    if key is None:
        raise FailedPreconditionError(
            reason="NO_SIGNING_KEY",
            message=f"no active {purpose} key for this agency and type; an operator prepares and activates one",
            details={"state": "NO_KEY", "purpose": purpose},
        )
    if key.activated_at is None or now + ACTIVATION_SKEW < key.activated_at:
        raise UnavailableError(
            reason="CLOCK_BEHIND",
            message=f"by this server's clock the key {key.kid} does not sign yet: verifiers would refuse the result",
        )
    if now > key.signing_until:
        raise FailedPreconditionError(
            reason="SIGNING_ENDED",
            message=f"the signing time of key {key.kid} is over; an operator activates the next one",
            details={"state": key.state, "kid": key.kid},
        )
    return key


def signer_of(vault: KeyVault, key: SigningKey) -> Signer:
    """The signer of a key that the register says is there.

    Raises UnavailableError (SIGNING_KEY_MISSING) if the vault does not hold it: a fault of ours, not of the caller's.
    """
    try:
        return vault.signer(key.kid, purpose=key.purpose)
    except NotFoundError as error:
        raise UnavailableError(
            reason="SIGNING_KEY_MISSING", message=f"this server does not hold the signing key {key.kid}"
        ) from error
