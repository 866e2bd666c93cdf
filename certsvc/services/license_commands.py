"""What callers can ask for a license, as they stated it, and what they get back."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.domain.license import License, LicenseAction, LicenseState, LicenseVersion, RevocationKind
from certsvc.domain.license_type import TrustGrade
from certsvc.domain.numbers import NumberKind
from certsvc.ports import PendingRecord


@dataclass(frozen=True, slots=True)
class HolderInput:
    """A holder as the caller wrote it; `kind` None lets the register tell it from the number's form."""

    kind: NumberKind | None
    number: str
    name: str

    def __repr__(self) -> str:
        return "HolderInput(***)"


class OnExisting(enum.StrEnum):
    """What to do where a non-final license with this agency, type and number is there already."""

    REFUSE = "REFUSE"
    SKIP_SAME = "SKIP_SAME"
    AMEND = "AMEND"


@dataclass(frozen=True, slots=True)
class ImportedHistory:
    """What another register knows of a license that is taken over; an empty identifier asks for a new one.

    `state` None: it says nothing of states, so a new license is ACTIVE and a known one keeps its own.
    """

    identifier: str = ""
    state: LicenseState | None = None
    state_at: datetime | None = None
    state_reason: str = ""
    issued_at: datetime | None = None
    revocation_kind: RevocationKind | None = None

    def began_at(self, now: datetime) -> datetime:
        """Since when it is a license: its issue, or else the first that is known of it."""
        return min(self.issued_at or self.state_at or now, now)


@dataclass(frozen=True, slots=True, repr=False)
class IssueCommand:
    """Issue a license; days are YYYY-MM-DD, an empty `valid_until` is open-ended (长期)."""

    type_code: str
    license_number: str
    holders: tuple[HolderInput, ...]
    fields: Mapping[str, Any]
    valid_from: str
    valid_until: str
    legal_basis: str
    trust_grade: TrustGrade | None = None
    on_existing: OnExisting = OnExisting.REFUSE
    imported: ImportedHistory | None = None


@dataclass(frozen=True, slots=True)
class CauseInput:
    """Why; no `effective_at` means now."""

    reason: str
    legal_basis: str
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ChangeCommand:
    """Change a license. Content left None or empty is kept; AMEND takes content, RENEW takes days."""

    action: LicenseAction
    identifier: str
    etag: str
    cause: CauseInput
    revocation_kind: RevocationKind | None = None
    license_number: str = ""
    holders: tuple[HolderInput, ...] = ()
    fields: Mapping[str, Any] | None = None
    valid_from: str = ""
    valid_until: str = ""


Command = IssueCommand | ChangeCommand


@dataclass(frozen=True, slots=True)
class LicenseView:
    """One version of a license; `superseded_by` is the current version's identifier where this is an older one."""

    license: License
    version: LicenseVersion

    @property
    def superseded_by(self) -> str:
        """Identifier of the newer version; empty on the current one."""
        current = self.license.current
        return "" if current.version == self.version.version else current.identifier


class Disposition(enum.StrEnum):
    """What became of a command."""

    ISSUED = "ISSUED"
    CHANGED = "CHANGED"
    SKIPPED = "SKIPPED"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class LicenseOutcome:
    """The answer to a command: the license after it, or the change that waits for a second officer."""

    disposition: Disposition
    view: LicenseView | None = None
    qr_text: str = ""
    pending: PendingRecord | None = None
