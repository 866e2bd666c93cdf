"""The days of a license as instants, and the rules that a type sets for them.

Invariants: days are calendar days at +08:00, both inclusive. The offset is fixed by rule, also for the
summers of 1986 to 1991 when China kept daylight saving time: a license says days, and every verifier must
find the same two instants without a time zone database.
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from certsvc.domain.license import ValidityPeriod
from certsvc.domain.license_type import ValidityKind, ValidityRule
from certsvc.errors import FieldViolation

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
EARLIEST_DAY = date(1900, 1, 1)
LATEST_DAY = date(9998, 12, 31)
"""Registers write 9999-12-31 for open-ended; it is refused, so that one meaning has one form."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def not_before(period: ValidityPeriod) -> datetime:
    """The first instant of the license, in UTC: 00:00+08:00 of the first day. Claim nbf (RFC 8392 §3.1.5)."""
    return _midnight(period.first)


def expires(period: ValidityPeriod) -> datetime | None:
    """The first instant after the license, in UTC: 00:00+08:00 of the day after the last; None if open-ended.

    Claim exp (RFC 8392 §3.1.4). `period.last` must not lie after LATEST_DAY, which `check_validity` checks.
    """
    return None if period.last is None else _midnight(period.last + timedelta(days=1))


def parse_day(text: str) -> date:
    """The calendar day of YYYY-MM-DD and no other form of ISO 8601, as 2024-W01-1. Raises ValueError."""
    if not _DAY.fullmatch(text):
        raise ValueError("not YYYY-MM-DD")
    return date.fromisoformat(text)


def day_in_shanghai(moment: datetime) -> date:
    """The calendar day at +08:00 of a time-zone-aware moment."""
    return moment.astimezone(SHANGHAI).date()


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, or the last day of a month that is too short for it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def check_validity(period: ValidityPeriod, rule: ValidityRule, *, field: str = "validity") -> list[FieldViolation]:
    """What is wrong with a license's days, in themselves and under the rule of its type.

    A term may end on the anniversary itself (2020-03-01 to 2026-03-01 is six years), as driving licenses
    print it. Reasons: OUT_OF_RANGE, LAST_BEFORE_FIRST, OPEN_ENDED_NOT_ALLOWED, LAST_NOT_ALLOWED,
    TERM_TOO_LONG.
    """
    first, last = period.first, period.last
    if not EARLIEST_DAY <= first <= LATEST_DAY:
        return [FieldViolation(f"{field}.first", "OUT_OF_RANGE", "lies outside the years 1900 to 9998")]
    if last is None:
        if rule.kind is ValidityKind.FIXED_TERM:
            description = "this type has a fixed term: a last day is required"
            return [FieldViolation(f"{field}.last", "OPEN_ENDED_NOT_ALLOWED", description)]
        return []
    if last > LATEST_DAY:
        description = "lies after the year 9998; leave it out for an open-ended license"
        return [FieldViolation(f"{field}.last", "OUT_OF_RANGE", description)]
    if last < first:
        return [FieldViolation(f"{field}.last", "LAST_BEFORE_FIRST", "lies before the first day")]
    if rule.kind is ValidityKind.OPEN_ENDED:
        return [FieldViolation(f"{field}.last", "LAST_NOT_ALLOWED", "licenses of this type are open-ended")]
    if rule.kind is ValidityKind.FIXED_TERM and rule.months and last > _longest(first, rule.months):
        description = f"licenses of this type run at most {rule.months} months"
        return [FieldViolation(f"{field}.last", "TERM_TOO_LONG", description)]
    return []


def _longest(first: date, months: int) -> date:
    too_far = first.year + months // 12 >= LATEST_DAY.year
    return LATEST_DAY if too_far else add_months(first, months)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
