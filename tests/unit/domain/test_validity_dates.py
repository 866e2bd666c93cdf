"""Days as instants: both edges, the fixed offset, and the rules of types."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.license import ValidityPeriod
from certsvc.domain.license_type import ValidityKind, ValidityRule
from certsvc.domain.validity_dates import (
    EARLIEST_DAY,
    LATEST_DAY,
    add_months,
    check_validity,
    day_in_shanghai,
    expires,
    not_before,
    parse_day,
)

EITHER = ValidityRule(ValidityKind.EITHER)
OPEN_ENDED = ValidityRule(ValidityKind.OPEN_ENDED)
SIX_YEARS = ValidityRule(ValidityKind.FIXED_TERM, months=72)


def test_both_edges_of_the_golden_period() -> None:
    period = ValidityPeriod(date(2026, 1, 1), date(2026, 12, 31))
    assert not_before(period) == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert expires(period) == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert int(not_before(period).timestamp()) == 1767196800
    assert expires(ValidityPeriod(date(2026, 1, 1), None)) is None


def test_a_license_of_one_day_lasts_24_hours() -> None:
    period = ValidityPeriod(date(2024, 2, 29), date(2024, 2, 29))
    assert expires(period) == not_before(period) + timedelta(hours=24)


def test_the_offset_is_fixed_also_where_china_kept_summer_time() -> None:
    assert not_before(ValidityPeriod(date(1988, 7, 1), None)) == datetime(1988, 6, 30, 16, tzinfo=UTC)


def test_days_before_1970_are_negative_seconds() -> None:
    assert not_before(ValidityPeriod(date(1958, 5, 1), None)).timestamp() == -(4263 * 24 + 8) * 3600


def test_the_day_changes_at_16_hours_utc() -> None:
    assert day_in_shanghai(datetime(2026, 5, 31, 15, 59, 59, tzinfo=UTC)) == date(2026, 5, 31)
    assert day_in_shanghai(datetime(2026, 5, 31, 16, tzinfo=UTC)) == date(2026, 6, 1)


@given(first=st.dates(EARLIEST_DAY, LATEST_DAY), length=st.integers(0, 40_000))
def test_edges_are_the_midnights_around_the_days(first: date, length: int) -> None:
    last = min(first + timedelta(days=min(length, (LATEST_DAY - first).days)), LATEST_DAY)
    period = ValidityPeriod(first, last)
    end = expires(period)
    assert end is not None
    assert day_in_shanghai(not_before(period)) == first
    assert day_in_shanghai(not_before(period) - timedelta(seconds=1)) == first - timedelta(days=1)
    assert day_in_shanghai(end - timedelta(seconds=1)) == last


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 1), 72, date(2032, 3, 1)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_add_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("rule", "first", "last"),
    [
        (SIX_YEARS, date(2020, 3, 1), date(2026, 2, 28)),
        (SIX_YEARS, date(2020, 3, 1), date(2026, 3, 1)),
        (SIX_YEARS, date(2020, 3, 1), date(2020, 3, 1)),
        (ValidityRule(ValidityKind.FIXED_TERM), date(2020, 3, 1), date(2120, 3, 1)),
        (ValidityRule(ValidityKind.FIXED_TERM, months=1200), date(9950, 1, 1), LATEST_DAY),
        (OPEN_ENDED, date(1980, 1, 22), None),
        (EITHER, date(1980, 1, 22), None),
        (EITHER, date(1980, 1, 22), date(2099, 12, 31)),
    ],
)
def test_sound_periods(rule: ValidityRule, first: date, last: date | None) -> None:
    assert check_validity(ValidityPeriod(first, last), rule) == []


@pytest.mark.parametrize(
    ("rule", "first", "last", "field", "reason"),
    [
        (EITHER, date(2026, 2, 1), date(2026, 1, 31), "validity.last", "LAST_BEFORE_FIRST"),
        (EITHER, date(1899, 12, 31), None, "validity.first", "OUT_OF_RANGE"),
        (EITHER, date(2026, 1, 1), date(9999, 12, 31), "validity.last", "OUT_OF_RANGE"),
        (EITHER, date(9999, 1, 1), None, "validity.first", "OUT_OF_RANGE"),
        (SIX_YEARS, date(2020, 3, 1), date(2026, 3, 2), "validity.last", "TERM_TOO_LONG"),
        (SIX_YEARS, date(2020, 3, 1), None, "validity.last", "OPEN_ENDED_NOT_ALLOWED"),
        (OPEN_ENDED, date(2020, 3, 1), date(2026, 3, 1), "validity.last", "LAST_NOT_ALLOWED"),
    ],
)
def test_unsound_periods(rule: ValidityRule, first: date, last: date | None, field: str, reason: str) -> None:
    violations = check_validity(ValidityPeriod(first, last), rule)
    assert [(found.field, found.reason) for found in violations] == [(field, reason)]


@pytest.mark.parametrize("text", ["2024-W01-1", "20240101", "2024-001", "2024-1-01", "2024-02-30", "2024-01-01\n", ""])
def test_a_day_has_one_form(text: str) -> None:
    assert parse_day("2024-02-29") == date(2024, 2, 29)
    with pytest.raises(ValueError, match=r".+"):
        parse_day(text)
