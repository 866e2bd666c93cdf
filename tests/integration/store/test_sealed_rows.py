"""What is sealed opens only in its own place: a value moved to another row or column is damage, never an answer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from certsvc.domain.agency import Officer, OfficerRole
from certsvc.errors import DataIntegrityError
from certsvc.ports import PendingRecord, RecordedAnswer, Repositories
from certsvc.store.ledger import SQLLedger
from tests.integration.store.builders import (
    AGENCY_ID,
    NOON,
    PERSON,
    digest_of,
    make_access,
    make_event,
    make_license,
    make_version,
)

LICENSES = [make_license(make_version(), license_id=number) for number in (1, 2)]


def fill(r: Repositories) -> None:
    """Two rows of everything that has a sealed column."""
    for number, license in enumerate(LICENSES, start=1):
        r.licenses.add(license, digest=digest_of(license), event=make_event())
        roles = frozenset({OfficerRole.ISSUER})
        r.agencies.add_officer(Officer(AGENCY_ID, f"o{number}", f"经办{number}", roles, True, 1))
        r.requests.add(caller="a", request_id=f"r{number}", recorded=RecordedAnswer(b"d", b"a%d" % number), at=NOON)
        r.access.add(make_access(at=NOON + timedelta(seconds=number)))
        r.pending.add(
            PendingRecord(f"c{number}", AGENCY_ID, "REVOKE", "i", "t", "o1", NOON, NOON + timedelta(1), b"%d" % number)
        )


def read_version(r: Repositories) -> object:
    return r.licenses.by_identifier(LICENSES[0].current.identifier)


READS: list[tuple[str, str, str, Callable[[Repositories], object]]] = [
    ("license_versions", "content", "license_id", read_version),
    ("license_versions", "code", "license_id", read_version),
    ("license_events", "cause", "license_id", lambda r: r.licenses.events(1)),
    ("officers", "name", "officer_id", lambda r: r.agencies.officer(AGENCY_ID, "o1")),
    ("requests", "answer", "request_id", lambda r: r.requests.find(caller="a", request_id="r1")),
    ("access_records", "content", "record_id", lambda r: r.access.list(holder=PERSON, limit=9)),
    ("pending_changes", "request", "change_id", lambda r: r.pending.get("c1")),
]


@pytest.mark.parametrize(
    ("table", "column", "key", "read"), READS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_value_moved_to_another_row_does_not_open(
    ledger: SQLLedger, database_url: str, table: str, column: str, key: str, read: Callable[[Repositories], object]
) -> None:
    ledger.write(fill)
    with ledger.read() as r:
        assert read(r)
    run(
        database_url,
        f"UPDATE {table} SET {column} = (SELECT other.{column} FROM {table} AS other"
        f" ORDER BY other.{key} DESC LIMIT 1) WHERE {key} = (SELECT min({key}) FROM {table})",
    )
    with ledger.read() as r, pytest.raises(DataIntegrityError):
        read(r)


def test_a_value_moved_to_another_column_does_not_open(ledger: SQLLedger, database_url: str) -> None:
    ledger.write(fill)
    run(database_url, "UPDATE license_versions SET content = code WHERE license_id = 1")
    with ledger.read() as r, pytest.raises(DataIntegrityError):
        read_version(r)


def test_a_changed_bit_does_not_open(ledger: SQLLedger, database_url: str) -> None:
    ledger.write(fill)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        query = sa.text("SELECT content FROM license_versions WHERE license_id = 1")
        sealed = bytearray(connection.execute(query).scalar_one())
        sealed[-1] ^= 1
        change = sa.text("UPDATE license_versions SET content = :sealed WHERE license_id = 1")
        connection.execute(change, {"sealed": bytes(sealed)})
    engine.dispose()
    with ledger.read() as r, pytest.raises(DataIntegrityError):
        read_version(r)


def run(url: str, statement: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount == 1
    engine.dispose()
