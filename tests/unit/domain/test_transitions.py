"""States: every action in every state, causes, renewal, and histories read by effective and recorded time."""

import itertools
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.license import LicenseAction as A
from certsvc.domain.license import LicenseEvent, RevocationKind, ValidityPeriod
from certsvc.domain.license import LicenseState as S
from certsvc.domain.license_type import ValidityKind, ValidityRule
from certsvc.domain.transitions import (
    check_cause,
    check_renewal,
    check_transition,
    state_as_of,
)
from certsvc.errors import FailedPreconditionError, InvalidInputError
from tests.unit.domain.builders import NOW, a_cause, an_event, days

TABLE = {
    (S.ACTIVE, A.AMEND): S.ACTIVE,
    (S.ACTIVE, A.RENEW): S.ACTIVE,
    (S.ACTIVE, A.RESIGN): S.ACTIVE,
    (S.ACTIVE, A.SUSPEND): S.SUSPENDED,
    (S.ACTIVE, A.REVOKE): S.REVOKED,
    (S.ACTIVE, A.CANCEL): S.CANCELLED,
    (S.SUSPENDED, A.AMEND): S.SUSPENDED,
    (S.SUSPENDED, A.RENEW): S.SUSPENDED,
    (S.SUSPENDED, A.RESIGN): S.SUSPENDED,
    (S.SUSPENDED, A.REINSTATE): S.ACTIVE,
    (S.SUSPENDED, A.REVOKE): S.REVOKED,
    (S.SUSPENDED, A.CANCEL): S.CANCELLED,
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(S, A)))
def test_every_action_in_every_state(state: S, action: A) -> None:
    if (state, action) in TABLE:
        assert check_transition(state, action) is TABLE[state, action]
        return
    with pytest.raises(FailedPreconditionError) as caught:
        check_transition(state, action)
    allowed = sorted(other for (before, other) in TABLE if before is state)
    assert caught.value.reason == "ILLEGAL_TRANSITION"
    assert caught.value.details == {"state": state, "allowed": ",".join(allowed)}


def cause_reasons(action: A = A.SUSPEND, **overrides: Any) -> list[tuple[str, str]]:
    violations = check_cause(a_cause(**overrides), action, now=NOW, begins_at=NOW - days(100), latest_at=NOW - days(10))
    return [(found.field, found.reason) for found in violations]


def test_a_sound_cause_passes() -> None:
    assert cause_reasons() == []
    assert cause_reasons(effective_at=NOW - days(10)) == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"reason": ""}, ("cause.reason", "REQUIRED")),
        ({"reason": "字" * 501}, ("cause.reason", "TOO_LONG")),
        ({"legal_basis": ""}, ("cause.legal_basis", "REQUIRED")),
        ({"legal_basis": "字" * 501}, ("cause.legal_basis", "TOO_LONG")),
        ({"effective_at": NOW + days(0.001)}, ("cause.effective_at", "IN_FUTURE")),
        ({"effective_at": NOW - days(101)}, ("cause.effective_at", "BEFORE_ISSUE")),
        ({"effective_at": NOW - days(11)}, ("cause.effective_at", "BEFORE_LATEST_CHANGE")),
        ({"revocation_kind": RevocationKind.PENALTY}, ("cause.revocation_kind", "REVOCATION_KIND")),
    ],
)
def test_unsound_causes(overrides: dict[str, Any], expected: tuple[str, str]) -> None:
    assert cause_reasons(**overrides) == [expected]


def test_revoking_needs_its_kind_and_may_reach_back_to_the_issue() -> None:
    assert cause_reasons(A.REVOKE) == [("cause.revocation_kind", "REVOCATION_KIND")]
    penalty = {"revocation_kind": RevocationKind.PENALTY}
    assert cause_reasons(A.REVOKE, **penalty, effective_at=NOW - days(50)) == []
    assert cause_reasons(A.CANCEL, effective_at=NOW - days(50)) == []
    too_early = cause_reasons(A.REVOKE, **penalty, effective_at=NOW - days(101))
    assert too_early == [("cause.effective_at", "BEFORE_ISSUE")]


def test_an_annulment_is_bound_to_the_present_only() -> None:
    annulment = {"revocation_kind": RevocationKind.ANNULMENT}
    assert cause_reasons(A.REVOKE, **annulment, effective_at=NOW - days(1000)) == []
    future = cause_reasons(A.REVOKE, **annulment, effective_at=NOW + days(1))
    assert future == [("cause.effective_at", "IN_FUTURE")]


GRACE = ValidityRule(ValidityKind.FIXED_TERM, months=60, grace_days=90)
ENDED = ValidityPeriod(date(2021, 3, 1), date(2026, 3, 1))
RENEWED = ValidityPeriod(date(2026, 3, 2), date(2031, 3, 1))


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 1), date(2026, 5, 30)])
def test_renewal_is_taken_until_the_last_day_of_grace(today: date) -> None:
    check_renewal(GRACE, current=ENDED, renewed=RENEWED, today=today)


def test_renewal_after_the_grace_is_too_late() -> None:
    with pytest.raises(FailedPreconditionError, match="RENEWAL_TOO_LATE"):
        check_renewal(GRACE, current=ENDED, renewed=RENEWED, today=date(2026, 5, 31))
    no_grace = ValidityRule(ValidityKind.FIXED_TERM, months=60)
    check_renewal(no_grace, current=ENDED, renewed=RENEWED, today=date(2026, 3, 1))
    with pytest.raises(FailedPreconditionError, match="RENEWAL_TOO_LATE"):
        check_renewal(no_grace, current=ENDED, renewed=RENEWED, today=date(2026, 3, 2))


def test_renewal_must_end_later() -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_renewal(GRACE, current=ENDED, renewed=ENDED, today=date(2026, 3, 1))
    assert [found.reason for found in caught.value.violations] == ["ENDS_NO_LATER"]
    open_ended = ValidityPeriod(date(2026, 3, 2), None)
    check_renewal(GRACE, current=ENDED, renewed=open_ended, today=date(2026, 3, 1))


def test_an_open_ended_license_is_not_renewed() -> None:
    with pytest.raises(FailedPreconditionError, match="RENEWAL_NOT_NEEDED"):
        check_renewal(GRACE, current=ValidityPeriod(date(2026, 3, 2), None), renewed=RENEWED, today=date(2026, 6, 1))


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


ISSUE = an_event(A.ISSUE, S.ACTIVE, effective=day(1))
SUSPEND = an_event(A.SUSPEND, S.SUSPENDED, effective=day(5), recorded=day(7))
REINSTATE = an_event(A.REINSTATE, S.ACTIVE, effective=day(9))
AMEND = an_event(A.AMEND, S.ACTIVE, effective=day(12), version=2)
PENALTY = an_event(A.REVOKE, S.REVOKED, effective=day(6), recorded=day(20), version=2, kind=RevocationKind.PENALTY)
ANNULMENT = an_event(A.REVOKE, S.REVOKED, effective=day(20), recorded=day(20), version=2, kind=RevocationKind.ANNULMENT)
HISTORY = [ISSUE, SUSPEND, REINSTATE, AMEND]


def at(events: list[LicenseEvent], as_of: int, known_at: int | None = None) -> tuple[S, int] | None:
    found = state_as_of(events, as_of=day(as_of), known_at=None if known_at is None else day(known_at))
    return None if found is None else (found.state, found.version)


@pytest.mark.parametrize(
    ("as_of", "known_at", "expected"),
    [
        (4, None, (S.ACTIVE, 1)),
        (5, None, (S.SUSPENDED, 1)),
        (8, None, (S.SUSPENDED, 1)),
        (9, None, (S.ACTIVE, 1)),
        (12, None, (S.ACTIVE, 2)),
        (6, 6, (S.ACTIVE, 1)),
        (6, 7, (S.SUSPENDED, 1)),
        (30, 11, (S.ACTIVE, 1)),
    ],
)
def test_histories_are_read_by_effective_time(as_of: int, known_at: int | None, expected: Any) -> None:
    assert at(HISTORY, as_of, known_at) == expected


def test_before_the_issue_nothing_was_registered() -> None:
    assert state_as_of(HISTORY, as_of=ISSUE.cause.effective_at - days(0.001)) is None
    assert state_as_of(HISTORY, as_of=day(5), known_at=ISSUE.recorded_at - days(0.001)) is None
    assert state_as_of([], as_of=NOW) is None


def test_a_penalty_acts_forward_from_its_effective_time_whatever_came_after() -> None:
    events = [*HISTORY, PENALTY]
    assert at(events, 5) == (S.SUSPENDED, 1)
    assert at(events, 6) == (S.REVOKED, 1)
    assert at(events, 10) == (S.REVOKED, 1)
    assert at(events, 13) == (S.REVOKED, 2)
    assert at(events, 10, known_at=19) == (S.ACTIVE, 1)


def test_an_annulment_acts_from_the_start_once_it_is_known() -> None:
    events = [*HISTORY, ANNULMENT]
    assert at(events, 1) == (S.REVOKED, 1)
    assert at(events, 10) == (S.REVOKED, 1)
    assert at(events, 10, known_at=19) == (S.ACTIVE, 1)
    assert state_as_of(events, as_of=ISSUE.cause.effective_at - days(1)) is None


def test_an_imported_license_was_in_force_before_it_was_recorded() -> None:
    imported = [
        an_event(A.IMPORT, S.ACTIVE, effective=day(1), recorded=day(25), version=3),
        an_event(A.CANCEL, S.CANCELLED, effective=day(10), recorded=day(25), version=3),
    ]
    assert at(imported, 2) == (S.ACTIVE, 3)
    assert at(imported, 11) == (S.CANCELLED, 3)
    assert at(imported, 2, known_at=24) is None


@given(
    actions=st.lists(st.tuples(st.sampled_from(A), st.integers(0, 3)), max_size=12),
    shuffled=st.randoms(use_true_random=False),
)
def test_reading_a_whole_history_ends_in_the_stored_state(actions: list[tuple[A, int]], shuffled: Any) -> None:
    """Whatever sequence of allowed changes with allowed effective times: as of now is what is stored."""
    state, version, latest, now = S.ACTIVE, 1, day(1), day(1)
    events = [ISSUE]
    for action, back in actions:
        now += days(1)
        effective = now - days(back)
        kind = RevocationKind.PENALTY if action is A.REVOKE else None
        cause = a_cause(effective_at=effective, revocation_kind=kind)
        if check_cause(cause, action, now=now, begins_at=day(1), latest_at=latest):
            continue
        try:
            state = check_transition(state, action)
        except FailedPreconditionError:
            continue
        version += action in (A.AMEND, A.RENEW, A.RESIGN)
        events.append(an_event(action, state, effective=effective, recorded=now, version=version, kind=kind))
        latest = max(latest, effective)
    shuffled.shuffle(events)
    found = state_as_of(events, as_of=now)
    assert found is not None
    assert (found.state, found.version) == (state, version)
