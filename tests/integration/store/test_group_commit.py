"""Works that share a commit: each is refused, retried and answered as if it had been alone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest
import sqlalchemy as sa

from certsvc.domain.signing_key import KeyState
from certsvc.errors import CertsvcError, FailedPreconditionError, UnavailableError
from certsvc.ports import AuditEntry, RecordedAnswer, Repositories
from certsvc.store import writer
from certsvc.store.ledger import SQLLedger
from tests.integration.store.builders import (
    AGENCY_ID,
    KID,
    NOON,
    TYPE_CODE,
    digest_of,
    make_access,
    make_event,
    make_key,
    make_license,
)
from tests.integration.store.conftest import OpenLedger, seeded

Work = Callable[[Repositories], object]


def audit(action: str) -> Work:
    """A work that leaves one audit entry, whose row is held back until the commit."""
    return lambda r: r.audit.add(AuditEntry(NOON, "operator:root", "", action, "", {}))


def actions(ledger: SQLLedger) -> list[str]:
    with ledger.read() as r:
        return [entry.action for _, entry in r.audit.list(after=0, limit=1000)]


@contextmanager
def busy(ledger: SQLLedger) -> Iterator[None]:
    """Keeps the writer in a work, so that what is written meanwhile waits and makes one group."""
    started, release = threading.Event(), threading.Event()

    def work(_: Repositories) -> None:
        started.set()
        release.wait()

    with ThreadPoolExecutor(1) as threads:
        blocking = threads.submit(ledger.write, work)
        assert started.wait(10)
        try:
            yield
        finally:
            release.set()
        blocking.result()


def write_together(ledger: SQLLedger, works: dict[str, Work]) -> dict[str, Future[object]]:
    """Write these works, by order, in one group; all are done on return."""
    with ThreadPoolExecutor(len(works)) as threads:
        with busy(ledger):
            futures = {order: threads.submit(ledger.write, work, order=order) for order, work in works.items()}
            assert eventually(lambda: len(ledger._writer._queue) == len(works))
        return futures


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within ten seconds."""
    pause = threading.Event()
    return any(condition() or pause.wait(0.002) for _ in range(5000))


def test_a_group_shares_one_commit_and_runs_in_its_order(ledger: SQLLedger) -> None:
    ran: list[str] = []
    commits: list[object] = []
    sa.event.listen(ledger._engines.writer, "commit", commits.append)

    def noted(order: str) -> Work:
        def work(r: Repositories) -> None:
            ran.append(order)
            audit(order)(r)

        return work

    works = {order: noted(order) for order in "hbdagcfe"}
    write_together(ledger, works)
    assert "".join(ran) == "abcdefgh"
    assert "".join(actions(ledger)) == "abcdefgh"
    assert len(commits) == 1


def test_a_work_that_raises_leaves_its_neighbors_alone(ledger: SQLLedger) -> None:
    half = make_license()

    def raising(r: Repositories) -> None:
        r.licenses.add(half, digest=digest_of(half), event=make_event())
        audit("b")(r)
        raise ZeroDivisionError("a defect")

    futures = write_together(ledger, {"a": audit("a"), "b": raising, "c": audit("c")})
    with pytest.raises(ZeroDivisionError):
        futures["b"].result()
    assert actions(ledger) == ["a", "c"]
    with ledger.read() as r:
        assert r.licenses.by_identifier(half.current.identifier) is None
        assert r.licenses.events(half.license_id) == []


def test_what_a_statement_refuses_leaves_neighbors_alone(ledger: SQLLedger) -> None:
    stored = make_license()
    ledger.write(lambda r: r.licenses.add(stored, digest=digest_of(stored), event=make_event()))
    orphan = make_license(agency_id="unknown")
    futures = write_together(
        ledger,
        {
            "a": audit("a"),
            "b": lambda r: r.licenses.add(stored, digest=digest_of(stored), event=make_event()),
            "c": lambda r: r.licenses.add(orphan, digest=digest_of(orphan), event=make_event()),
            "d": audit("d"),
        },
    )
    reasons = {order: error_of(future) for order, future in futures.items()}
    assert reasons == {"a": "", "b": "LICENSE_EXISTS", "c": "UNKNOWN_REFERENCE", "d": ""}
    assert actions(ledger) == ["a", "d"]


def test_a_row_refused_at_the_end_is_its_own_works_error(ledger: SQLLedger) -> None:
    futures = write_together(
        ledger,
        {"a": audit("a"), "b": lambda r: r.access.add(make_access(license_id=10**6)), "c": audit("c")},
    )
    assert error_of(futures["b"]) == "UNKNOWN_REFERENCE"
    assert sorted(actions(ledger)) == ["a", "c"]


def test_reading_early_and_then_failing_keeps_the_neighbors_rows(ledger: SQLLedger) -> None:
    def reads_and_fails(r: Repositories) -> None:
        audit("b")(r)
        assert [entry.action for _, entry in r.audit.list(after=0, limit=9)] == ["a", "b"]
        raise ZeroDivisionError

    futures = write_together(ledger, {"a": audit("a"), "b": reads_and_fails, "c": audit("c")})
    assert isinstance(futures["b"].exception(), ZeroDivisionError)
    assert actions(ledger) == ["a", "c"]


def test_a_key_that_a_neighbor_retires_is_not_taken_for_active(ledger: SQLLedger) -> None:
    retired = make_key(state=KeyState.DEACTIVATED)
    futures = write_together(
        ledger,
        {
            "a": lambda r: r.signing_keys.lock_active(KID),
            "b": lambda r: r.signing_keys.transition(retired, from_state=KeyState.ACTIVE),
            "c": lambda r: r.signing_keys.lock_active(KID),
        },
    )
    assert [error_of(futures[order]) for order in "abc"] == ["", "", "KEY_NOT_ACTIVE"]


def test_the_same_request_in_one_group_is_answered_once(ledger: SQLLedger) -> None:
    def once(r: Repositories) -> bytes:
        found = r.requests.find(caller="a", request_id="1")
        if found:
            return found.answer
        answer = threading.current_thread().name.encode() + b"%d" % len(ran)
        ran.append(answer)
        r.requests.add(caller="a", request_id="1", recorded=RecordedAnswer(b"", answer), at=NOON)
        return answer

    ran: list[bytes] = []
    futures = write_together(ledger, dict.fromkeys("abcd", once))
    assert len(ran) == 1
    assert {future.result() for future in futures.values()} == set(ran)


def test_a_failed_commit_is_tried_again_alone(ledger: SQLLedger, database_url: str) -> None:
    spoil_commits(database_url)
    futures = write_together(ledger, {"a": audit("a"), "b": audit("spoil"), "c": audit("c")})
    assert [error_of(futures[order]) for order in "abc"] == ["", "UNKNOWN_REFERENCE", ""]
    assert sorted(actions(ledger)) == ["a", "c"]


def test_nothing_is_answered_before_the_commit(ledger: SQLLedger, database_url: str) -> None:
    spoil_commits(database_url)
    with pytest.raises(FailedPreconditionError):
        ledger.write(audit("spoil"))
    assert actions(ledger) == []


def test_a_work_must_not_write_through_the_ledger(ledger: SQLLedger) -> None:
    with pytest.raises(RuntimeError):
        ledger.write(lambda _: ledger.write(audit("inner")))
    assert actions(ledger) == []


def test_a_full_queue_refuses(ledger: SQLLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 1)
    with ThreadPoolExecutor(1) as threads:
        with busy(ledger):
            waiting = threads.submit(ledger.write, audit("a"))
            assert eventually(lambda: len(ledger._writer._queue) == 1)
            with pytest.raises(UnavailableError) as refused:
                ledger.write(audit("b"))
        waiting.result()
    assert refused.value.reason == "QUEUE_FULL"
    assert actions(ledger) == ["a"]


def test_closing_finishes_what_waits_and_refuses_the_rest(ledger: SQLLedger) -> None:
    with ThreadPoolExecutor(2) as threads:
        with busy(ledger):
            waiting = threads.submit(ledger.write, audit("a"))
            assert eventually(lambda: len(ledger._writer._queue) == 1)
            closing = threads.submit(ledger.close)
            assert eventually(lambda: ledger._writer._closing)
            with pytest.raises(UnavailableError) as refused:
                ledger.write(audit("b"))
        waiting.result()
        closing.result()
    assert refused.value.reason == "STORE_CLOSED"


def test_a_commit_that_nobody_can_know_of_says_so(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER vanish AFTER INSERT ON audit_entries DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NEW.action = 'vanish') EXECUTE FUNCTION vanish()"
        )
    futures = write_together(ledger, {"a": audit("a"), "b": audit("vanish"), "c": audit("c")})
    assert {error_of(future) for future in futures.values()} == {"COMMIT_UNKNOWN"}
    ledger.write(audit("afterwards"))
    assert actions(ledger) == ["afterwards"]


def test_a_lock_that_another_server_holds_is_waited_for_alone(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    count(ledger, "SZ-1")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        other.execute("UPDATE issue_counts SET count = count + 1")
        with ThreadPoolExecutor(1) as threads:
            together = threads.submit(
                write_together, ledger, {"a": audit("a"), "b": lambda r: count_in(r, "SZ-1"), "c": audit("c")}
            )
            # The neighbors are done while the other server still holds the counter.
            assert eventually(lambda: sorted(actions(ledger)) == ["a", "c"])
            with pytest.raises(TimeoutError):
                together.result(timeout=1)
            other.commit()
            futures = together.result()
    assert futures["b"].result() == (3, 3)


def test_a_lock_that_another_server_holds_does_not_stop_the_others(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    count(ledger, "SZ-1")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other, ThreadPoolExecutor(20) as threads:
        other.execute("UPDATE issue_counts SET count = count + 1")
        blocked = [threads.submit(count, ledger, "SZ-1") for _ in range(20)]
        # All but the one that is being tried.
        assert eventually(lambda: len(ledger._writer._again) >= 19)
        for number in range(4):
            started = time.monotonic()
            ledger.write(audit(str(number)))
            assert time.monotonic() - started < 1.5
        assert not any(future.done() for future in blocked)
        other.commit()
        assert sorted(future.result()[0] for future in blocked) == list(range(3, 23))
    assert actions(ledger) == ["0", "1", "2", "3"]


def test_a_lock_that_is_never_released_is_unavailable(
    postgres_url: str, open_at: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BUSY_SECONDS", 1.0)
    ledger = seeded(postgres_url, open_at)
    count(ledger, "SZ-1")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        other.execute("UPDATE issue_counts SET count = count + 1")
        started = time.monotonic()
        futures = write_together(ledger, {"a": lambda r: count_in(r, "SZ-1"), "b": lambda r: count_in(r, "SZ-1")})
        assert {error_of(future) for future in futures.values()} == {"STORE_BUSY"}
        assert all(isinstance(future.exception(), UnavailableError) for future in futures.values())
        assert 1 < time.monotonic() - started < 4
        other.rollback()
    assert count(ledger, "SZ-1") == (2, 2)


def test_closing_waits_for_what_is_tried_again(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    count(ledger, "SZ-1")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other, ThreadPoolExecutor(2) as threads:
        other.execute("UPDATE issue_counts SET count = count + 1")
        blocked = threads.submit(count, ledger, "SZ-1")
        assert eventually(lambda: len(ledger._writer._again) == 1)
        closing = threads.submit(ledger.close)
        assert eventually(lambda: ledger._writer._closing)
        other.commit()
        assert blocked.result() == (3, 3)
        closing.result()


def test_two_servers_that_count_crosswise_answer_no_deadlock(postgres_url: str, open_at: OpenLedger) -> None:
    ledgers = [seeded(postgres_url, open_at), open_at(postgres_url)]
    officers = ["SZ-1", "SZ-2", "SZ-3"]

    def crosswise(number: int) -> None:
        # One server meets the counters in the order in which the other does not.
        server = number % 2
        officer = officers[number // 2 % 3]
        place = officers.index(officer)
        ledgers[server].write(lambda r: count_in(r, officer), order=str(place if server else 9 - place))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(crosswise, range(240)))
    assert [count(ledgers[0], officer)[0] for officer in officers] == [81, 81, 81]


def count_in(r: Repositories, officer_id: str) -> tuple[int, int]:
    # A type of its own per officer: no counter is common to all, which would put the servers in line.
    return r.licenses.count_issue(
        agency_id=AGENCY_ID, officer_id=officer_id, type_code=TYPE_CODE + officer_id, day=date(2026, 5, 4)
    )


def count(ledger: SQLLedger, officer_id: str) -> tuple[int, int]:
    return ledger.write(lambda r: count_in(r, officer_id))


def error_of(future: Future[object]) -> str:
    error = future.exception()
    assert error is None or isinstance(error, CertsvcError)
    return error.reason if error else ""


def spoil_commits(url: str) -> None:
    """Lets every commit fail that holds an audit entry `spoil`: a reference that is checked at its end dangles."""
    engine = sa.create_engine(url)
    statements = [
        "CREATE TABLE dangling (kid VARCHAR REFERENCES signing_keys (kid) DEFERRABLE INITIALLY DEFERRED)",
    ]
    if engine.dialect.name == "sqlite":
        statements.append(
            "CREATE TRIGGER spoil AFTER INSERT ON audit_entries WHEN NEW.action = 'spoil'"
            " BEGIN INSERT INTO dangling VALUES ('nobody'); END"
        )
    else:
        statements += [
            """CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO dangling VALUES (''nobody''); RETURN NULL; END'""",
            """CREATE TRIGGER spoil AFTER INSERT ON audit_entries FOR EACH ROW WHEN (NEW.action = 'spoil')
            EXECUTE FUNCTION spoil()""",
        ]
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
