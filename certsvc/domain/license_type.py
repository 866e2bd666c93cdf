"""License types (证照类型): the catalogue entry that says what a license is and who may issue it.

Invariants: a type's code never changes; a published version never changes (a change is a new version); field
names and `qr_key`s are unique within a version, and a `qr_key` keeps its meaning over all versions of a type.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from certsvc.domain.agency import Agency, AgencyLevel
from certsvc.domain.numbers import HolderKind as HolderKind  # noqa: PLC0414 - re-exported
from certsvc.domain.text import LocalizedText

HOLDER_NAME = "holder_name"
HOLDER_NUMBER = "holder_number"
"""What purposes call the holders' names and numbers, beside the type's own fields."""


class TrustGrade(enum.StrEnum):
    """可信等级 (国办函〔2016〕108号): A by the authority, B checked by an officer, C uploaded, D stated."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class ValidityKind(enum.StrEnum):
    """FIXED_TERM has a last day, OPEN_ENDED (长期) has none; EITHER takes what the issuer states."""

    FIXED_TERM = "FIXED_TERM"
    OPEN_ENDED = "OPEN_ENDED"
    EITHER = "EITHER"


@dataclass(frozen=True, slots=True)
class ValidityRule:
    """`months` bounds the term of a FIXED_TERM type (0: no bound); late renewal is taken for `grace_days`."""

    kind: ValidityKind
    months: int = 0
    grace_days: int = 0


@dataclass(frozen=True, slots=True)
class IssuerRule:
    """Which agencies may issue: those listed, or those of `region` (a prefix) and `levels` (empty: any)."""

    agency_ids: frozenset[str] = frozenset()
    region: str | None = None
    levels: frozenset[AgencyLevel] = frozenset()

    def allows(self, agency: Agency) -> bool:
        """Whether the rule names this agency; an empty rule names nobody."""
        if agency.agency_id in self.agency_ids:
            return True
        if self.region is None:
            return False
        return agency.region.startswith(self.region) and (not self.levels or agency.level in self.levels)


class Mask(enum.StrEnum):
    """How a value is shown in a QR code: FULL, NAME 张*三, TAIL4 `*` and the last four, HIDDEN not at all."""

    FULL = "FULL"
    NAME = "NAME"
    TAIL4 = "TAIL4"
    HIDDEN = "HIDDEN"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a type: its name in the JSON Schema, its label, its place in a code (1 to 255)."""

    name: str
    label: LocalizedText
    qr_key: int | None = None
    qr_mask: Mask = Mask.FULL


@dataclass(frozen=True, slots=True)
class Limits:
    """Licenses per calendar day (Asia/Shanghai); 0 means no limit."""

    per_officer_daily: int = 0
    per_agency_daily: int = 0


class TypeState(enum.StrEnum):
    """A RETIRED type issues nothing new; its licenses stay verifiable."""

    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class LicenseType:
    """One version of a type.

    `code` is 21 characters: the defining agency's credit code and three digits (GB/T 36904). `schema` is a
    JSON Schema (2020-12) of an object whose properties are exactly `fields`. `purposes` maps a verifying
    purpose to the field names it may see; the key "*" is the default for every other purpose.
    """

    code: str
    version: int
    name: LocalizedText
    holder_kinds: frozenset[HolderKind]
    min_holders: int
    max_holders: int
    schema: Mapping[str, Any]
    fields: tuple[FieldSpec, ...]
    issuers: IssuerRule
    validity: ValidityRule
    state: TypeState
    created_at: datetime
    qr_name_mask: Mask = Mask.NAME
    qr_number_mask: Mask = Mask.TAIL4
    purposes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trust_grade: TrustGrade = TrustGrade.A
    public: bool = False
    second_officer: bool = False
    limits: Limits = Limits()

    @property
    def defining_agency_id(self) -> str:
        """The credit code of the agency that defines the type."""
        return self.code[:18]

    def visible_fields(self, purpose: str) -> tuple[str, ...]:
        """The field names that a verifier with this purpose may see; none where the type names none."""
        return tuple(self.purposes.get(purpose, self.purposes.get("*", ())))
