"""What may happen to a license in which state, what a change must say, and what was in force at some moment.

Invariants: REVOKED and CANCELLED take no further action; amending, renewing and re-signing keep the state;
effective times never lie in the future, and of everything but the final acts never before the change that
they follow, so that reading a history by effective time ends in the state that is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from certsvc.domain.license import (
    LicenseAction,
    LicenseEvent,
    LicenseState,
    RevocationKind,
    StateCause,
    ValidityPeriod,
)
from certsvc.domain.license_type import ValidityRule
from certsvc.domain.text import text_violations
from certsvc.errors import FailedPreconditionError, FieldViolation, InvalidInputError

MAX_REASON = 500
MAX_LEGAL_BASIS = 500

_A = LicenseAction
_ACTIVE, _SUSPENDED = LicenseState.ACTIVE, LicenseState.SUSPENDED

TRANSITIONS: dict[LicenseState, dict[LicenseAction, LicenseState]] = {
    LicenseState.ACTIVE: {
        _A.AMEND: _ACTIVE,
        _A.RENEW: _ACTIVE,
        _A.RESIGN: _ACTIVE,
        _A.SUSPEND: _SUSPENDED,
        _A.REVOKE: LicenseState.REVOKED,
        _A.CANCEL: LicenseState.CANCELLED,
    },
    LicenseState.SUSPENDED: {
        _A.AMEND: _SUSPENDED,
        _A.RENEW: _SUSPENDED,
        _A.RESIGN: _SUSPENDED,
        _A.REINSTATE: _ACTIVE,
        _A.REVOKE: LicenseState.REVOKED,
        _A.CANCEL: LicenseState.CANCELLED,
    },
    LicenseState.REVOKED: {},
    LicenseState.CANCELLED: {},
}
"""State and action to the state after it; what is missing is refused. ISSUE and IMPORT begin a license."""

VERSION_ACTIONS = frozenset({_A.ISSUE, _A.IMPORT, _A.AMEND, _A.RENEW, _A.RESIGN})
"""Actions that make a version."""


@dataclass(frozen=True, slots=True)
class HistoricalState:
    """What was in force at a moment: the state, the version, and the event that made the state."""

    state: LicenseState
    version: int
    event: LicenseEvent


def check_transition(state: LicenseState, action: LicenseAction) -> LicenseState:
    """The state after `action`.

    Raises FailedPreconditionError (ILLEGAL_TRANSITION, details `state` and `allowed`, comma-separated) where
    the table has none.
    """
    allowed = TRANSITIONS[state]
    if action not in allowed:
        names = ",".join(sorted(allowed))
        raise FailedPreconditionError(
            reason="ILLEGAL_TRANSITION",
            message=f"{action} is not possible while the license is {state}",
            details={"state": state, "allowed": names},
        )
    return allowed[action]


def check_cause(
    cause: StateCause,
    action: LicenseAction,
    *,
    now: datetime,
    begins_at: datetime,
    latest_at: datetime,
    field: str = "cause",
) -> list[FieldViolation]:
    """What is wrong with the cause of a change; nothing if it is sound.

    `begins_at` and `latest_at` are the effective times of the license's first and latest event (equal for a
    new one). Only REVOKE and CANCEL may take effect before the latest. An annulment acts from the start
    whatever its effective time says, so the time is bound to the present only. Reasons: those of
    `text_violations`, REVOCATION_KIND, IN_FUTURE, BEFORE_ISSUE, BEFORE_LATEST_CHANGE.
    """
    violations = [
        *text_violations(cause.reason, field=f"{field}.reason", limit=MAX_REASON, multiline=True),
        *text_violations(cause.legal_basis, field=f"{field}.legal_basis", limit=MAX_LEGAL_BASIS),
    ]
    if (action is _A.REVOKE) != (cause.revocation_kind is not None):
        description = "is required to revoke, and to be left out of any other change"
        violations.append(FieldViolation(f"{field}.revocation_kind", "REVOCATION_KIND", description))
    effective = f"{field}.effective_at"
    if cause.effective_at > now:
        violations.append(FieldViolation(effective, "IN_FUTURE", "lies in the future"))
    elif cause.revocation_kind is RevocationKind.ANNULMENT:
        pass
    elif cause.effective_at < begins_at:
        violations.append(FieldViolation(effective, "BEFORE_ISSUE", "lies before the license took effect"))
    elif cause.effective_at < latest_at and action not in (_A.REVOKE, _A.CANCEL):
        description = "lies before the latest change took effect"
        violations.append(FieldViolation(effective, "BEFORE_LATEST_CHANGE", description))
    return violations


def check_renewal(rule: ValidityRule, *, current: ValidityPeriod, renewed: ValidityPeriod, today: date) -> None:
    """Whether a license with the days `current` may be renewed today to have the days `renewed`.

    Raises FailedPreconditionError RENEWAL_NOT_NEEDED for an open-ended license and RENEWAL_TOO_LATE after the
    last day and the type's days of grace; InvalidInputError ENDS_NO_LATER when the new term does not end
    after the old one. `today` is the day in Asia/Shanghai.
    """
    if current.last is None:
        raise FailedPreconditionError("RENEWAL_NOT_NEEDED", "the license is open-ended", {"state": "OPEN_ENDED"})
    if today - current.last > timedelta(days=rule.grace_days):
        message = f"the license ended more than {rule.grace_days} days ago"
        raise FailedPreconditionError("RENEWAL_TOO_LATE", message, {"state": "EXPIRED"})
    if renewed.last is not None and renewed.last <= current.last:
        description = "does not lie after the last day of the present version"
        raise InvalidInputError.of(FieldViolation("valid_until", "ENDS_NO_LATER", description))


def state_as_of(
    events: Sequence[LicenseEvent], *, as_of: datetime, known_at: datetime | None = None
) -> HistoricalState | None:
    """What was in force at `as_of`, judged by effective time; None when the license was not registered then.

    `known_at` leaves out what was recorded after it, so that the answer is the one that could be given then.
    A final act that had taken effect decides, in whatever order the others took effect; an annulment, once
    known, counts from the beginning. `events` may come in any order.
    """
    known = sorted(
        (event for event in events if known_at is None or event.recorded_at <= known_at),
        key=lambda event: (event.cause.effective_at, event.recorded_at, event.version),
    )
    begun = [event for event in known if event.cause.effective_at <= as_of]
    versions = [event.version for event in begun if event.action in VERSION_ACTIONS]
    if not versions:
        return None
    annulments = [event for event in known if event.cause.revocation_kind is RevocationKind.ANNULMENT]
    finals = [event for event in begun if event.state.is_final]
    decisive = next(iter(annulments + finals), begun[-1])
    return HistoricalState(decisive.state, max(versions), decisive)
