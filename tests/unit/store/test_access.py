"""Ids of access records: UUIDv7, so that their order is the order of time."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from certsvc.store.access import _record_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=365_000)).map(EPOCH.__add__)


@given(MOMENTS)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond(moment: datetime) -> None:
    parsed = uuid.UUID(_record_id(moment))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == (moment - EPOCH) // timedelta(milliseconds=1)


@given(MOMENTS)
def test_ids_sort_by_time_and_never_meet(moment: datetime) -> None:
    earlier, later = _record_id(moment), _record_id(moment + timedelta(milliseconds=1))
    assert earlier < later
    assert _record_id(moment) != earlier
