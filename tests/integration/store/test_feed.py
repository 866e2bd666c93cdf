"""The change feed: in order, complete under every order of commits, and waking who waits."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from certsvc.domain.changes import START, Change, ChangeKind, FeedPosition
from certsvc.errors import UnavailableError
from certsvc.ports import Repositories
from certsvc.store import feed
from certsvc.store.ledger import SQLLedger
from tests.databases import PostgresServer, fresh_database
from tests.integration.store.builders import NOON, SetClock, make_change
from tests.integration.store.conftest import OpenLedger, seeded


def put(ledger: SQLLedger, *refs: str) -> None:
    def work(r: Repositories) -> None:
        for ref in refs:
            r.outbox.add(make_change(ref))

    ledger.write(work)


def seconds(action: Callable[[], object]) -> float:
    before = time.monotonic()
    action()
    return time.monotonic() - before


def refs(changes: Iterable[Change]) -> list[str]:
    return [change.ref for change in changes]


def test_changes_come_in_order_and_in_pages(ledger: SQLLedger) -> None:
    put(ledger, "1", "2")
    put(ledger, "3")
    first = ledger.poll(START, limit=2)
    rest = ledger.poll(first[-1].position, limit=2)
    assert refs(first) + refs(rest) == ["1", "2", "3"]
    positions = [change.position for change in [*first, *rest]]
    assert positions == sorted(set(positions))
    assert ledger.poll(rest[-1].position, limit=2) == []
    assert FeedPosition.of(first[0].position.token()) == first[0].position


def test_a_change_comes_back_as_it_was_put(ledger: SQLLedger) -> None:
    change = Change(START, ChangeKind.SIGNING_KEY, "kid", NOON, {"versions": [1, 2], "name": "名称"})
    ledger.write(lambda r: r.outbox.add(change))
    (found,) = ledger.poll(START, limit=9)
    assert found == replace(change, position=found.position)


def test_everything_to_come_lies_after_the_head(ledger: SQLLedger) -> None:
    put(ledger, "before")
    head = ledger.head()
    assert ledger.poll(head, limit=9) == []
    put(ledger, "after")
    assert refs(ledger.poll(head, limit=9)) == ["after"]


def test_a_work_that_fails_tells_nothing(ledger: SQLLedger) -> None:
    def work(r: Repositories) -> None:
        r.outbox.add(make_change())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.write(work)
    assert ledger.poll(START, limit=9) == []


def test_a_commit_wakes_who_waits(ledger: SQLLedger) -> None:
    with ThreadPoolExecutor(1) as threads:
        ledger.poll(START, limit=9)
        waiting = threads.submit(ledger.wait_for_change, 60)
        put(ledger, "1")
        waiting.result(timeout=10)


def test_a_commit_between_polling_and_waiting_is_not_waited_for(ledger: SQLLedger) -> None:
    ledger.poll(START, limit=9)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(put, ledger, "1").result()
    assert seconds(lambda: ledger.wait_for_change(60)) < 30
    assert refs(ledger.poll(START, limit=9)) == ["1"]


def test_waiting_ends_by_itself_and_one_commit_wakes_once(ledger: SQLLedger) -> None:
    ledger.poll(START, limit=9)
    put(ledger, "1")
    ledger.wait_for_change(60)
    # PostgreSQL's own notification of the same commit may still come, and a listener that connects late wakes too.
    waited = [seconds(lambda: ledger.wait_for_change(0.2)) for _ in range(4)]
    assert max(waited) >= 0.2


def test_another_servers_commit_wakes(postgres_url: str, open_at: OpenLedger) -> None:
    mine, other = seeded(postgres_url, open_at), open_at(postgres_url)
    for _ in range(3):  # a listener that has just connected wakes too, once
        mine.poll(START, limit=9)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(mine.wait_for_change, 60)
            put(other, "1")
            waiting.result(timeout=10)
    assert refs(mine.poll(START, limit=9)) == ["1", "1", "1"]


class Transaction:
    """A transaction of another server, committed when the test says so."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url.replace("+psycopg", ""))

    def start(self) -> "Transaction":
        self.connection.execute("SELECT pg_current_xact_id()")
        return self

    def put(self, ref: str) -> "Transaction":
        self.connection.execute(
            "INSERT INTO changes (transaction_id, kind, ref, recorded_at, data)"
            " VALUES (pg_current_xact_id()::text::bigint, 'LICENSE', %s, %s, '{}')",
            [ref, int(NOON.timestamp() * 1_000_000)],
        )
        return self


@contextmanager
def two_transactions(url: str) -> Iterator[tuple[Transaction, Transaction]]:
    one, two = Transaction(url), Transaction(url)
    with one.connection, two.connection:
        yield one, two


def test_a_later_number_committed_first_waits_for_the_earlier(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    with two_transactions(postgres_url) as (first, second):
        first.put("first")
        second.put("second").connection.commit()
        assert ledger.poll(START, limit=9) == []
        first.connection.commit()
        assert refs(ledger.poll(START, limit=9)) == ["first", "second"]


def test_an_older_transaction_that_writes_last_is_not_skipped(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    with two_transactions(postgres_url) as (older, newer):
        older.start()
        head = ledger.head()
        newer.put("newer").connection.commit()
        assert ledger.poll(head, limit=9) == []
        older.put("older").connection.commit()
        found = ledger.poll(head, limit=9)
    # By sequence the newer one comes first: a reader in that order would have passed the older one's place.
    assert refs(found) == ["older", "newer"]
    assert found[0].position.sequence > found[1].position.sequence


def test_a_transaction_of_another_database_holds_nothing_back(
    postgres_server: PostgresServer, postgres_url: str, open_at: OpenLedger
) -> None:
    ledger = seeded(postgres_url, open_at)
    with fresh_database(postgres_server) as elsewhere, two_transactions(elsewhere) as (stranger, _):
        stranger.start()
        head = ledger.head()
        put(ledger, "1")
        assert refs(ledger.poll(head, limit=9)) == ["1"]


@pytest.mark.parametrize("ahead", [-3, 3])
def test_what_is_held_back_too_long_is_an_error(
    postgres_url: str, open_at: OpenLedger, clock: SetClock, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """However far ahead this server's clock is of the one that recorded the change."""
    moment = 100.0
    monkeypatch.setattr(feed, "monotonic", lambda: moment)
    clock.moment = NOON + timedelta(seconds=ahead)
    ledger = seeded(postgres_url, open_at)
    put(ledger, "known")
    with two_transactions(postgres_url) as (stuck, other):
        stuck.start()
        other.put("held back").connection.commit()
        (known,) = ledger.poll(START, limit=9)
        moment += 0.9
        assert ledger.poll(known.position, limit=9) == []
        other.put("held back too").connection.commit()
        moment += 0.2
        with pytest.raises(UnavailableError) as refused:
            ledger.poll(known.position, limit=9)
        # What can be read is, all the same.
        assert refs(ledger.poll(START, limit=9)) == ["known"]
    assert refused.value.reason == "FEED_STALLED"
    assert refs(ledger.poll(START, limit=9)) == ["known", "held back", "held back too"]


def test_one_change_after_another_held_back_for_a_moment_is_no_error(
    postgres_url: str, open_at: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 100.0
    monkeypatch.setattr(feed, "monotonic", lambda: moment)
    ledger = seeded(postgres_url, open_at)
    position = START
    for number in range(3):
        with two_transactions(postgres_url) as (slow, quick):
            slow.start()
            quick.put(str(number)).connection.commit()
            assert ledger.poll(position, limit=9) == []
            moment += 0.9
            assert ledger.poll(position, limit=9) == []
        (found,) = ledger.poll(position, limit=9)
        position = found.position


def test_readers_beside_many_writers_skip_nothing(postgres_url: str, open_at: OpenLedger) -> None:
    ledgers = [seeded(postgres_url, open_at), open_at(postgres_url)]
    seen: list[str] = []
    position = START
    with ThreadPoolExecutor(8) as threads:
        writing = [threads.submit(put, ledgers[n % 2], str(n)) for n in range(200)]
        while len(seen) < 200:
            done = all(future.done() for future in writing)
            for change in ledgers[0].poll(position, limit=7):
                seen.append(change.ref)
                position = change.position
            if done and ledgers[0].poll(position, limit=7) == []:
                break
    assert sorted(seen, key=int) == [str(n) for n in range(200)]


def test_a_feed_from_another_cluster_is_taken_over(postgres_url: str, open_at: OpenLedger) -> None:
    ledger = seeded(postgres_url, open_at)
    put(ledger, "there 1", "there 2")
    ledger.close()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        # What a restored dump looks like: its transactions lie far ahead of all that this cluster has begun.
        connection.execute("UPDATE changes SET transaction_id = transaction_id + 4000000000")

    moved = open_at(postgres_url)
    put(moved, "here")
    assert refs(moved.poll(START, limit=9)) == ["there 1", "there 2", "here"]
