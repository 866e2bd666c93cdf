"""Agencies (部门), their officers, the keys their systems call with, and what they were granted.

Invariants: an agency is known by its 18-character credit code, for ever; a deactivated agency calls nothing
and names at most one successor; an officer belongs to one agency.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.text import LocalizedText

ANY_TYPE = "*"


class AgencyState(enum.StrEnum):
    """ACTIVE agencies may call; DEACTIVATED ones stay known, because their licenses do."""

    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"


class AgencyLevel(enum.StrEnum):
    """Level of government (GB/T 36902, 颁发机构级别)."""

    NATIONAL = "NATIONAL"
    PROVINCE = "PROVINCE"
    CITY = "CITY"
    COUNTY = "COUNTY"
    TOWNSHIP = "TOWNSHIP"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Agency:
    """A government body. `region` is its GB/T 2260 code (2, 4 or 6 digits); `revision` rises with changes."""

    agency_id: str
    name: LocalizedText
    region: str
    level: AgencyLevel
    state: AgencyState
    revision: int
    created_at: datetime
    successor_id: str | None = None


class OfficerRole(enum.StrEnum):
    """What an officer may do through the agency's system."""

    ISSUER = "ISSUER"
    APPROVER = "APPROVER"
    VERIFIER = "VERIFIER"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Officer:
    """A person acting for an agency; `officer_id` is the agency's own staff code, unique within it."""

    agency_id: str
    officer_id: str
    name: str
    roles: frozenset[OfficerRole]
    active: bool
    revision: int


class CallerKind(enum.StrEnum):
    """Who owns a client key."""

    AGENCY = "AGENCY"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A public key that a caller signs its tokens with. `public_key` is the uncompressed SEC1 P-256 point."""

    key_id: str
    owner_kind: CallerKind
    owner_id: str
    public_key: bytes
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class GrantKind(enum.StrEnum):
    """What a grant allows."""

    ISSUE = "ISSUE"
    VERIFY = "VERIFY"


@dataclass(frozen=True, slots=True)
class Grant:
    """`agency_id` may issue or verify `type_code` (or ANY_TYPE) where the issuer's region begins `region`.

    An empty `region` means everywhere.
    """

    agency_id: str
    kind: GrantKind
    type_code: str
    region: str

    def allows(self, *, kind: GrantKind, type_code: str, region: str) -> bool:
        """Whether this grant covers the act on a license of `type_code` issued in `region`."""
        return self.kind is kind and self.type_code in (ANY_TYPE, type_code) and region.startswith(self.region)
