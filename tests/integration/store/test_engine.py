"""What the databases promise, what happens when they go away, and that no reader writes."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from certsvc.domain.changes import START
from certsvc.domain.signing_key import KeyState
from certsvc.errors import CertsvcError, FailedPreconditionError, InvalidInputError, UnavailableError
from certsvc.ports import LicenseFilter, Repositories
from certsvc.store.ledger import SQLLedger
from certsvc.store.schema import migrate
from tests.databases import PostgresServer
from tests.integration.store.builders import (
    AGENCY_ID,
    KID,
    NOON,
    digest_of,
    make_agency,
    make_change,
    make_event,
    make_key,
    make_license,
)
from tests.integration.store.conftest import OpenLedger, seeded, write_each


def add_agency(ledger: SQLLedger, agency_id: str) -> None:
    ledger.write(lambda r: r.agencies.add(make_agency(agency_id)))


def agency_count(r: Repositories) -> int:
    return len(r.agencies.list(region="", after="", limit=100))


def test_a_reader_sees_one_moment(ledger: SQLLedger) -> None:
    with ledger.read() as r:
        before = agency_count(r)
        add_agency(ledger, "3" * 18)
        assert agency_count(r) == before
    with ledger.read() as r:
        assert agency_count(r) == before + 1


def test_a_reader_cannot_write(ledger: SQLLedger) -> None:
    with ledger.read() as r, pytest.raises(CertsvcError):
        r.agencies.add(make_agency("3" * 18))
    with ledger.read() as r:
        r.outbox.add(make_change())
    assert ledger.poll(START, limit=9) == []


def test_sqlite_is_durable_and_has_one_writer(tmp_path: Path, open_at: OpenLedger) -> None:
    ledger = seeded(f"sqlite:///{tmp_path / 'register.sqlite'}", open_at)
    with ledger._engines.writer.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert isinstance(ledger._engines.writer.pool, sa.QueuePool)
    assert ledger._engines.writer.pool.size() == 1
    with ledger._engines.reader.connect() as connection, pytest.raises(sa.exc.OperationalError):
        connection.exec_driver_sql("DELETE FROM agencies")


@pytest.mark.parametrize("setting", ["synchronous_commit=off", "synchronous_commit=local"])
def test_postgresql_that_may_lose_a_commit_is_refused(
    postgres_server: PostgresServer, postgres_url: str, open_at: OpenLedger, setting: str
) -> None:
    migrate(postgres_url)
    name, _, value = setting.partition("=")
    postgres_server.execute(
        sql.SQL("ALTER DATABASE {} SET {} = {}").format(
            sql.Identifier(postgres_url.rpartition("/")[2]), sql.Identifier(name), sql.Literal(value)
        )
    )
    with pytest.raises(FailedPreconditionError) as refused:
        open_at(postgres_url)
    assert refused.value.reason == "NOT_DURABLE"
    assert refused.value.details == {"state": setting}


def test_postgresql_sessions_have_their_timeouts(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url + "?options=-c%20statement_timeout=12s", open_at)
    with ledger._engines.reader.connect() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
        settings = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names}
    assert settings == {
        "statement_timeout": "12s",  # the operator's own wins
        "lock_timeout": "250ms",
        "idle_in_transaction_session_timeout": "1min",
        "transaction_isolation": "repeatable read",
    }


def test_a_restarted_postgresql_is_found_again(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    head = ledger.head()
    for round_ in range(2):
        ledger.lease("license", 1)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: add_agency(ledger, f"{n:018d}"), range(round_ * 8, round_ * 8 + 8)))
        with ledger.read() as r:
            assert agency_count(r) == 2 + 8 * (round_ + 1)
        end_all_sessions(postgres_url)
    ledger.write(lambda r: r.outbox.add(make_change("after")))
    assert [change.ref for change in ledger.poll(head, limit=9)] == ["after"]
    assert ledger.lease("license", 1) == range(3, 4)


def end_all_sessions(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lost_connection_in_a_snapshot_is_unavailable(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    with ledger.read() as r:
        agency_count(r)
        end_all_sessions(postgres_url)
        with pytest.raises(UnavailableError) as lost:
            agency_count(r)
    assert lost.value.reason == "STORE_UNREACHABLE"


def test_a_key_in_use_is_retired_only_after_the_issue(postgres_url: str, open_at: OpenLedger) -> None:
    issuing, rotating = seeded(postgres_url, open_at), open_at(postgres_url)
    locked, release = threading.Event(), threading.Event()
    finished: list[str] = []

    def issue(r: Repositories) -> None:
        r.signing_keys.lock_active(KID)
        locked.set()
        release.wait()
        finished.append("issued")

    def retire() -> None:
        retired = make_key(state=KeyState.DEACTIVATED)
        rotating.write(lambda r: r.signing_keys.transition(retired, from_state=KeyState.ACTIVE))
        finished.append("retired")

    with ThreadPoolExecutor(2) as threads:
        issued = threads.submit(issuing.write, issue)
        assert locked.wait(10)
        retired = threads.submit(retire)
        try:
            # Time enough to overtake, if nothing held it.
            with pytest.raises(TimeoutError):
                retired.result(timeout=0.5)
        finally:
            release.set()
        issued.result()
        retired.result()
    assert finished == ["issued", "retired"]


HUGE = 10**30


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda r: r.licenses.by_identifier("\ud800"), id="half a surrogate pair"),
        pytest.param(lambda r: r.licenses.by_slot(HUGE), id="a huge slot"),
        pytest.param(lambda r: r.audit.list(after=HUGE, limit=1), id="a huge audit number"),
        pytest.param(
            lambda r: r.licenses.list(agency_id=AGENCY_ID, filters=LicenseFilter(), after=HUGE, limit=1),
            id="a huge license number",
        ),
    ],
)
def test_what_cannot_be_stored_is_bad_input(ledger: SQLLedger, read: Callable[[Repositories], object]) -> None:
    with ledger.read() as r, pytest.raises(InvalidInputError) as refused:
        read(r)
    assert refused.value.violations[0].reason == "UNSTORABLE_VALUE"


def test_a_nul_never_gets_further_than_bad_input(ledger: SQLLedger) -> None:
    with ledger.read() as r:
        try:
            assert r.licenses.by_identifier("a\x00b") is None
        except InvalidInputError as refused:
            assert refused.violations[0].reason == "UNSTORABLE_VALUE"  # noqa: PT017 - SQLite stores it


def test_a_sound_register_has_no_findings(ledger: SQLLedger, database_url: str) -> None:
    license = make_license()
    ledger.write(lambda r: r.licenses.add(license, digest=digest_of(license), event=make_event()))
    assert list(ledger.integrity_check()) == []
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE license_versions SET state = 'REVOKED', superseded_at = 1")
        connection.exec_driver_sql("DELETE FROM license_holders")
    engine.dispose()
    assert list(ledger.integrity_check()) == [
        "1 versions whose state is not their license's",
        "1 current versions marked as superseded",
        "1 licenses without a holder",
    ]


def test_a_damaged_sqlite_file_has_findings_or_is_refused(tmp_path: Path, open_at: OpenLedger) -> None:
    path = tmp_path / "register.sqlite"
    ledger = seeded(f"sqlite:///{path}", open_at)
    licenses = [make_license() for _ in range(50)]
    write_each(ledger, licenses, lambda r, one: r.licenses.add(one, digest=digest_of(one), event=make_event()))
    ledger.close()
    with sqlite3.connect(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'licenses'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(content)
    reopened = open_at(f"sqlite:///{path}")
    try:
        assert reopened.integrity_check()
    except CertsvcError as refused:
        assert refused.reason == "STORE_DAMAGED"  # noqa: PT017 - which of the two depends on SQLite's version


def test_old_timestamps_and_microseconds_survive(ledger: SQLLedger) -> None:
    created = NOON.replace(year=1949, microsecond=123456) - timedelta(microseconds=1)
    ledger.write(lambda r: r.agencies.add(make_agency("3" * 18, created_at=created)))
    with ledger.read() as r:
        found = r.agencies.get("3" * 18)
    assert found is not None
    assert found.created_at == created
