"""Licenses, their versions and events, and what the register signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from certsvc.domain.license import License, LicenseEvent, LicenseState, LicenseVersion
from certsvc.domain.numbers import Number


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version with its license as it is now. `digest` is SHA-256 of the signed bytes of its code."""

    license: License
    version: LicenseVersion
    digest: bytes


class SlotRecord(NamedTuple):
    """What a worker keeps per status slot: enough to say VALID without the database."""

    slot: int
    digest: bytes
    state: LicenseState
    superseded: bool


@dataclass(frozen=True, slots=True)
class LicenseFilter:
    """Filters of ListLicenses; None or empty means any."""

    type_code: str = ""
    state: LicenseState | None = None
    holder: Number | None = None
    license_number: str = ""
    issued_after: datetime | None = None


class LicenseRepository(Protocol):
    """Licenses, their versions and events, and what the register signed."""

    def by_identifier(self, identifier: str) -> RegisteredVersion | None:
        """The version that the identifier names."""

    def by_license_number(self, *, agency_id: str, type_code: str, license_number: str) -> License | None:
        """The non-final license with this key, or None."""

    def candidates(self, *, type_code: str, license_number: str, holder: Number | None) -> Sequence[License]:
        """Licenses of any agency, final ones too, with this number or (number empty) this holder; at most 10."""

    def by_slot(self, slot: int) -> RegisteredVersion | None: ...
    def versions(self, license_id: int) -> Sequence[LicenseVersion]:
        """Oldest first."""

    def events(self, license_id: int, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, LicenseEvent]]:
        """(ordinal, event), oldest first; the ordinal is the revision that the event made, 1 at first."""

    def list(self, *, agency_id: str, filters: LicenseFilter, after: int, limit: int) -> Sequence[License]:
        """Licenses that the agency is responsible for or issued, newest first; `after` is a license_id, 0 at first."""

    def add(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """Store a new license, revision 1; an empty license number is no key and never taken.

        Raises AlreadyExistsError (details: identifier) where (agency, type, number) is taken or an id is.
        """

    def add_version(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """Store `license` with its new current version; compare-and-swap on revision - 1.

        Raises ConflictError, or AlreadyExistsError like `add`.
        """

    def set_state(self, license: License, *, event: LicenseEvent) -> None:
        """Store the license's new state; compare-and-swap on revision - 1. Raises ConflictError."""

    def confirm(self, license_id: int, *, at: datetime) -> None:
        """Record that the agency confirmed the license unchanged."""

    def slots(self, *, after: int, limit: int) -> Sequence[SlotRecord]:
        """For filling a worker's slots: records with slot > after, in the order of slots."""

    def exceptions(self, *, list_number: int, today: date) -> Sequence[SlotRecord]:
        """Records of one status list that are not plainly valid and not past their end."""

    def digests_under(self, *, low: bytes, high: bytes, limit: int) -> Sequence[tuple[bytes, str]]:
        """(digest, LicenseState or SUPERSEDED) with low <= digest <= high, in the order of digests."""

    def count_versions(self) -> int:
        """How many codes the register has signed."""

    def highest_slot(self) -> int:
        """The highest slot in use; -1 when none is."""

    def add_vc(self, *, digest: bytes, identifier: str, expires: datetime) -> None:
        """Remember that the register signed an SD-JWT VC; `digest` is SHA-256 of its signing input."""

    def has_vc(self, digest: bytes, *, identifier: str) -> bool: ...

    def count_issue(self, *, agency_id: str, officer_id: str, type_code: str, day: date) -> tuple[int, int]:
        """Count one more license on this day; return the new counts (of the officer, of the agency)."""
