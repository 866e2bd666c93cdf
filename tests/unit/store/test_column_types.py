"""Column types: exact on both databases, and no guess about a value that cannot be right."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.license import LicenseState
from certsvc.errors import DataIntegrityError
from certsvc.store.column_types import Instant, OneOf

DIALECTS = [sa.make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql")]


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(DIALECTS))
def test_an_instant_comes_back_to_the_microsecond(moment: datetime, dialect: sa.Dialect) -> None:
    stored = Instant().process_bind_param(moment, dialect)
    assert Instant().process_result_value(stored, dialect) == moment


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_instants_are_ordered_as_numbers(one: datetime, other: datetime) -> None:
    stored = [Instant().process_bind_param(moment, DIALECTS[0]) for moment in (one, other)]
    assert stored[0] is not None
    assert stored[1] is not None
    assert (stored[0] < stored[1]) == (one.astimezone(UTC) < other.astimezone(UTC))


def test_an_instant_is_counted_from_1970_and_read_in_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert Instant().process_bind_param(datetime(1970, 1, 1, 8, 0, 1, tzinfo=shanghai), DIALECTS[0]) == 1_000_000
    found = Instant().process_result_value(0, DIALECTS[0])
    assert found is not None
    assert found.tzinfo is UTC


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(TypeError):
        Instant().process_bind_param(datetime(2026, 1, 1), DIALECTS[0])  # noqa: DTZ001 - the point


def test_an_enumeration_is_stored_by_value_as_a_plain_string() -> None:
    stored = OneOf(LicenseState).process_bind_param(LicenseState.ACTIVE, DIALECTS[0])
    assert type(stored) is str
    assert OneOf(LicenseState).process_result_value(stored, DIALECTS[0]) is LicenseState.ACTIVE


def test_nothing_stays_nothing() -> None:
    for column_type in (Instant(), OneOf(LicenseState)):
        assert column_type.process_bind_param(None, DIALECTS[0]) is None
        assert column_type.process_result_value(None, DIALECTS[0]) is None


def test_an_unknown_stored_value_is_damage() -> None:
    with pytest.raises(DataIntegrityError) as refused:
        OneOf(LicenseState).process_result_value("VALID", DIALECTS[0])
    assert "VALID" not in str(refused.value)
