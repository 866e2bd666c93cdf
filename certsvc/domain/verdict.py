"""Verdicts: what a verification answers, the single checks under it, and the order in which they are made.

Invariants: UNSPECIFIED is never returned; VALID only comes from `judge` with every check PASS or, offline,
with registration NOT_CHECKED; what could not be found out is an error on the server, never a verdict.
"""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """The answer of a verification, in the order of testing (DESIGN §4)."""

    UNSPECIFIED = "UNSPECIFIED"
    MALFORMED = "MALFORMED"
    UNKNOWN_SIGNER = "UNKNOWN_SIGNER"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    KEY_COMPROMISED = "KEY_COMPROMISED"
    WRONG_SIGNER = "WRONG_SIGNER"
    NOT_REGISTERED = "NOT_REGISTERED"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"
    SUSPENDED = "SUSPENDED"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    VALID = "VALID"
    REPLAYED = "REPLAYED"
    UNCONFIRMED = "UNCONFIRMED"


class CheckName(enum.StrEnum):
    """The single findings under a verdict, in the order of testing."""

    FORM = "FORM"
    SIGNER = "SIGNER"
    SIGNATURE = "SIGNATURE"
    KEY_STATE = "KEY_STATE"
    KEY_SCOPE = "KEY_SCOPE"
    REGISTRATION = "REGISTRATION"
    STATE = "STATE"
    VERSION = "VERSION"
    DATES = "DATES"


class CheckResult(enum.StrEnum):
    """PASS, FAIL, or NOT_CHECKED: not made, because an earlier one failed or the verifier could not."""

    PASS = "PASS"  # noqa: S105 - a result, no secret
    FAIL = "FAIL"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `age_seconds` is how old the knowledge behind it was.

    `reason` is a stable name, empty on PASS but for KEY_SUSPENDED, which the register's own word outweighs.
    """

    name: CheckName
    result: CheckResult
    reason: str = ""
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with all its checks, in the order of CheckName; `superseded_by` only with SUPERSEDED."""

    verdict: Verdict
    checks: tuple[Check, ...]
    superseded_by: str | None = None

    @property
    def vouched_for(self) -> bool:
        """Whether a signer that is trusted vouches for the content, so that it may be shown."""
        return any(check.name is CheckName.SIGNATURE and check.result is CheckResult.PASS for check in self.checks)
