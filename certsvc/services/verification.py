"""Verifying credentials: from a scanned text or an SD-JWT VC to a verdict.

Invariants: nothing in a credential is believed before its signature verified under a key of our own set; what the
register cannot find out is an UnavailableError, never a verdict; VALID needs the register's word, from a slot that
the feed keeps true or from the database; a verdict shows nothing beyond what the credential shows.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from certsvc.domain.agency import CallerKind, GrantKind
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.judging import (
    CredentialFacts,
    Knowledge,
    Registration,
    VerifierPolicy,
    judge,
    malformed,
)
from certsvc.domain.license import LicenseState
from certsvc.domain.license_code import LicenseCode
from certsvc.domain.principal import Caller
from certsvc.domain.signing_key import KeyPurpose, SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.domain.verdict import Judgement
from certsvc.errors import MalformedError, PermissionDeniedError
from certsvc.ports import Clock, CodeFormat, PresentedCode, PresentedVC, VCFormat
from certsvc.services.directory import Directory
from certsvc.services.follower import Follower
from certsvc.services.numbering import StatusEntry
from certsvc.services.registrations import Moment, Registrations
from certsvc.services.slots import Slots

DEFAULT_MAX_AGE = 5.0
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What a credential with a good signature shows, with the names of type and agency looked up."""

    identifier: str
    type_code: str
    type_name: LocalizedText
    agency_id: str
    agency_name: LocalizedText
    holders: tuple[tuple[str, str], ...]
    fields: Mapping[str, Any]
    not_before: datetime
    expires: datetime | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer: the judgement, what was shown, for when, and how old the knowledge was."""

    judgement: Judgement
    shown: Shown | None
    judged_at: datetime
    age_seconds: float
    foreign_host: str = ""


class VerificationService:
    """The use cases of VerifyCredential and VerifyCredentials."""

    def __init__(
        self,
        *,
        directory: Directory,
        follower: Follower,
        slots: Slots,
        registrations: Registrations,
        codes: CodeFormat,
        vcs: VCFormat,
        clock: Clock,
        allow_development: bool,
    ) -> None:
        self._directory = directory
        self._follower = follower
        self._slots = slots
        self._registrations = registrations
        self._codes = codes
        self._vcs = vcs
        self._clock = clock
        self._allow_development = allow_development
        self._checked: OrderedDict[bytes, PresentedCode] = OrderedDict()
        self._lock = threading.Lock()

    def verify_code(self, caller: Caller, text: str, moment: Moment, *, max_age: float) -> Verification:
        """Verify the text of a QR code. Raises UnavailableError, PermissionDeniedError (VERIFY_NOT_GRANTED)."""
        moment.check(now=self._clock.now())
        knowledge = Knowledge(self._follower.age(), max_age)
        now = moment.as_of or self._clock.now()
        # 1. The form.
        try:
            presented = self._remembered(text) or self._codes.read(text)
        except MalformedError as error:
            return Verification(malformed(error.reason), None, now, knowledge.age_seconds)
        host = presented.host
        foreign = host if host is not None and not self._codes.is_own_host(host) else ""
        # 2. The key, from our own set. 3. The signature.
        key = self._directory.signing_key(presented.kid)
        signature_ok = key is not None and self._signature_ok(text, presented, key)
        identifier = parse_identifier(presented.code.identifier)
        if signature_ok:
            self._check_grant(caller, identifier.type_code, identifier.agency_id)
        # 4. What the register knows of exactly these bytes.
        registration = (
            self._code_registration(presented, moment)
            if signature_ok
            else Registration(known=False)  # not reached: the signature decides
        )
        # 5. The judgement.
        judgement = judge(
            CredentialFacts(identifier, presented.code.issued_at, presented.code.not_before, presented.code.expires),
            key=key,
            signature_ok=signature_ok,
            registration=registration,
            now=now,
            knowledge=knowledge,
            policy=VerifierPolicy(KeyPurpose.LICENSE, self._allow_development),
        )
        shown = self._shown_code(presented.code) if judgement.vouched_for else None
        return Verification(judgement, shown, now, knowledge.age_seconds, foreign)

    def verify_vc(
        self, caller: Caller, text: str, moment: Moment, *, max_age: float, nonce: str, audience: str
    ) -> Verification:
        """Verify an SD-JWT VC, with key binding where it names a holder's key."""
        moment.check(now=self._clock.now())
        knowledge = Knowledge(self._follower.age(), max_age)
        now = moment.as_of or self._clock.now()
        try:
            presented = self._vcs.read(text)
            key = self._directory.signing_key(presented.kid)
            signature_ok = key is not None and self._vcs.verify(presented, key, now=now, nonce=nonce, audience=audience)
        except MalformedError as error:
            return Verification(malformed(error.reason), None, now, knowledge.age_seconds)
        identifier = parse_identifier(presented.identifier)
        registration = Registration(known=False)
        if signature_ok:
            self._check_grant(caller, identifier.type_code, identifier.agency_id)
            registration = self._registrations.of_vc(presented.digest, presented.identifier, moment)
        judgement = judge(
            CredentialFacts(identifier, presented.issued_at, presented.not_before, presented.expires),
            key=key,
            signature_ok=signature_ok,
            registration=registration,
            now=now,
            knowledge=knowledge,
            policy=VerifierPolicy(KeyPurpose.VC, self._allow_development),
        )
        shown = self._shown_vc(presented) if judgement.vouched_for else None
        return Verification(judgement, shown, now, knowledge.age_seconds)

    def _code_registration(self, presented: PresentedCode, moment: Moment) -> Registration:
        """From the slot when it confirms; the database says everything else."""
        code = presented.code
        slot = StatusEntry(code.status_list, code.status_index).slot
        if moment.as_of is None and self._slots.confirms(slot, presented.digest):
            return Registration(known=True, state=LicenseState.ACTIVE)
        return self._registrations.of_code(presented.digest, code.identifier, moment)

    def _check_grant(self, caller: Caller, type_code: str, agency_id: str) -> None:
        if caller.kind is CallerKind.OPERATOR or caller.owner_id == agency_id:
            return
        issuer = self._directory.agency(agency_id)
        region = issuer.region if issuer else ""
        if not self._directory.allows(caller.owner_id, GrantKind.VERIFY, type_code=type_code, region=region):
            raise PermissionDeniedError(
                reason="VERIFY_NOT_GRANTED",
                message="this agency may not verify licenses of this type from this region",
            )

    def _remembered(self, text: str) -> PresentedCode | None:
        """A code whose signature verified before, by the digest of the whole text."""
        name = sha256(text.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            found = self._checked.get(name)
            if found is not None:
                self._checked.move_to_end(name)
        return found

    def _signature_ok(self, text: str, presented: PresentedCode, key: SigningKey) -> bool:
        if self._remembered(text) is not None:
            return True
        if not self._codes.verify(presented, key):
            return False
        with self._lock:
            self._checked[sha256(text.encode("utf-8", "surrogatepass")).digest()] = presented
            if len(self._checked) > REMEMBERED:
                self._checked.popitem(last=False)
        return True

    def _shown_code(self, code: LicenseCode) -> Shown:
        identifier = parse_identifier(code.identifier)
        license_type = self._directory.license_type(identifier.type_code, code.type_version)
        names = {spec.qr_key: spec.name for spec in license_type.fields} if license_type else {}
        return self._shown(
            code.identifier,
            holders=tuple((holder.name, holder.number or "") for holder in code.holders),
            fields={names.get(key, str(key)): value for key, value in code.fields.items()},
            not_before=code.not_before,
            expires=code.expires,
            issued_at=code.issued_at,
        )

    def _shown_vc(self, presented: PresentedVC) -> Shown:
        return self._shown(
            presented.identifier,
            holders=presented.holders,
            fields=presented.fields,
            not_before=presented.license_not_before,
            expires=presented.license_expires,
            issued_at=presented.issued_at,
        )

    def _shown(
        self,
        identifier: str,
        *,
        holders: tuple[tuple[str, str], ...],
        fields: Mapping[str, Any],
        not_before: datetime,
        expires: datetime | None,
        issued_at: datetime,
    ) -> Shown:
        parts = parse_identifier(identifier)
        license_type = self._directory.license_type(parts.type_code)
        agency = self._directory.agency(parts.agency_id)
        return Shown(
            identifier=identifier,
            type_code=parts.type_code,
            type_name=license_type.name if license_type else LocalizedText(""),
            agency_id=parts.agency_id,
            agency_name=agency.name if agency else LocalizedText(""),
            holders=holders,
            fields=fields,
            not_before=not_before,
            expires=expires,
            issued_at=issued_at,
        )
