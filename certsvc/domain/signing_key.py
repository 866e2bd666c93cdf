"""Signing keys as the register knows them: the public part, what it is for, and where it is in its life.

Invariants: `kid` never names two keys; purpose, scope, algorithm and public key never change; a key signs
only while ACTIVE and before `signing_until`. States are those of NIST SP 800-57 Part 1, section 7.
"""

import enum
from dataclasses import dataclass
from datetime import datetime


class KeyPurpose(enum.StrEnum):
    """What a key may sign; a signature for one purpose is never accepted for another."""

    LICENSE = "license"
    VC = "vc"
    PRESENTATION = "presentation"
    STATUS = "status"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - a purpose, no secret
    ID_TOKEN = "id_token"  # noqa: S105 - a purpose, no secret
    RECEIPT = "receipt"
    BUNDLE = "bundle"
    WEBHOOK = "webhook"
    KEY_SET = "key_set"


class KeyState(enum.StrEnum):
    """Where a key is in its life (NIST SP 800-57 Part 1, section 7)."""

    PRE_ACTIVE = "PRE_ACTIVE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DEACTIVATED = "DEACTIVATED"
    COMPROMISED = "COMPROMISED"
    DESTROYED = "DESTROYED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key's record; `public_key` is the uncompressed SEC1 point (65 bytes for P-256).

    `agency_id` and `type_codes` are its scope: None and () mean every agency and every type.
    """

    kid: str
    purpose: KeyPurpose
    algorithm: str
    public_key: bytes
    agency_id: str | None
    type_codes: tuple[str, ...]
    state: KeyState
    development: bool
    created_at: datetime
    published_at: datetime
    signing_until: datetime
    activated_at: datetime | None = None
    deactivated_at: datetime | None = None
    compromised_since: datetime | None = None

    def covers(self, *, agency_id: str, type_code: str) -> bool:
        """Whether this key may speak for a license of this agency and type."""
        return (self.agency_id is None or self.agency_id == agency_id) and (
            not self.type_codes or type_code in self.type_codes
        )

    def may_sign_at(self, moment: datetime) -> bool:
        """Whether a signature made at `moment` lies in the key's signing window, whatever its state now."""
        if self.activated_at is None or moment < self.activated_at:
            return False
        end = min(self.signing_until, self.deactivated_at) if self.deactivated_at else self.signing_until
        return moment <= end
