"""A license: its holders, versions, state, and the events that changed it.

Invariants (DESIGN §4): the state belongs to the license and holds for all its versions; REVOKED and CANCELLED
are final; version numbers rise by one and keep serial, type and agency; `revision` rises by one with every
change.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from certsvc.domain.license_type import TrustGrade
from certsvc.domain.numbers import Number


class LicenseState(enum.StrEnum):
    """The stored states; expired and not yet valid come from the dates and are never stored."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self in (LicenseState.REVOKED, LicenseState.CANCELLED)


class LicenseAction(enum.StrEnum):
    """What can happen to a license; RESIGN makes a new version with the same content under a new key."""

    ISSUE = "ISSUE"
    IMPORT = "IMPORT"
    AMEND = "AMEND"
    RENEW = "RENEW"
    RESIGN = "RESIGN"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    REVOKE = "REVOKE"
    CANCEL = "CANCEL"


class RevocationKind(enum.StrEnum):
    """吊销 PENALTY takes effect forward; 撤销 ANNULMENT from the start, as if never issued."""

    PENALTY = "PENALTY"
    ANNULMENT = "ANNULMENT"


@dataclass(frozen=True, slots=True)
class Holder:
    """A subject that holds a license, as printed on it."""

    number: Number
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ValidityPeriod:
    """Calendar days in Asia/Shanghai, both inclusive; `last` None is open-ended (长期)."""

    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class LicenseVersion:
    """One version with its own identifier and signed code; a newer one replaced it at `superseded_at`."""

    version: int
    identifier: str
    type_version: int
    license_number: str = field(repr=False)
    holders: tuple[Holder, ...]
    fields: Mapping[str, Any] = field(repr=False)
    validity: ValidityPeriod
    kid: str
    code: bytes = field(repr=False)
    status_slot: int
    issued_at: datetime
    superseded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class License:
    """One entry of the register with its current version.

    `identifier` on every call names a version; `license_id` is the store's own key and never leaves the
    server. `agency_id` issued it and stays in the identifier; `responsible_agency_id` may change it now (a
    successor).
    """

    license_id: int
    type_code: str
    agency_id: str
    responsible_agency_id: str
    serial: str
    state: LicenseState
    trust_grade: TrustGrade
    revision: int
    current: LicenseVersion
    created_at: datetime
    updated_at: datetime
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class StateCause:
    """Why a license changes, kept with every transition. `effective_at` never lies in the future."""

    reason: str
    legal_basis: str
    effective_at: datetime
    revocation_kind: RevocationKind | None = None


@dataclass(frozen=True, slots=True)
class LicenseEvent:
    """One transition as it was recorded; `version` is the version that was current after it."""

    action: LicenseAction
    state: LicenseState
    version: int
    cause: StateCause
    agency_id: str
    officer_id: str
    recorded_at: datetime
