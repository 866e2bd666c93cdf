"""Hands out committed changes in an order that never skips one, and wakes those who wait for the next.

On SQLite one writer commits in the order of the sequence. On PostgreSQL a row with a lower sequence may be committed
after one with a higher: a reader takes only rows of transactions below the oldest that still runs, in the order of
(transaction, sequence), so that nothing can appear before what it has read (DESIGN §6). `pg_snapshot_xmin` would be
that oldest of the whole cluster; a transaction of another database cannot write here, so it holds nothing back.

Invariants: a position once passed never gets a row before it; NOTIFY only shortens a wait; where this server has seen
a change held back by an old transaction for longer than `STALL_SECONDS`, by its own monotonic clock alone, polling that
finds nothing else fails, because its answer would call stale knowledge fresh.
"""

import threading
from collections.abc import Sequence
from time import monotonic

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from certsvc.domain.changes import Change, FeedPosition
from certsvc.errors import UnavailableError
from certsvc.store import tables
from certsvc.store.faults import translated
from certsvc.store.session import Row, Session

STALL_SECONDS = 1.0
CHANNEL = "certsvc_changes"
LISTEN_SECONDS = 0.25

_c = tables.changes.c
# Of the transactions that run in this snapshot, those are left out that a session of another database is seen to run.
# One that has ended since is seen nowhere and counts, as do prepared ones: it may have been ours.
_HORIZON = sa.literal_column(
    """(
    SELECT coalesce(min(running.id::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    FROM pg_snapshot_xip(pg_current_snapshot()) AS running (id)
    WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity AS session
        WHERE session.backend_xid = running.id::xid AND session.datname <> current_database()
    ))""",
    sa.BigInteger,
)

_AFTER_ON_POSTGRESQL = (
    sa.select(tables.changes)
    .where(
        sa.tuple_(_c.transaction_id, _c.sequence)
        > sa.tuple_(sa.bindparam("transaction", type_=sa.BigInteger), sa.bindparam("sequence", type_=sa.BigInteger)),
        _c.transaction_id < _HORIZON,
    )
    .order_by(_c.transaction_id, _c.sequence)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
# All transactions are 0 here, and SQLite would use but the first column of a pair to find the place.
_AFTER_ON_SQLITE = (
    sa.select(tables.changes)
    .where(_c.sequence > sa.bindparam("sequence"))
    .order_by(_c.sequence)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OLDEST_HELD_BACK = sa.select(sa.func.min(_c.transaction_id)).where(_c.transaction_id >= _HORIZON)
_LAST = sa.select(sa.func.coalesce(sa.func.max(_c.sequence), 0))


class Feed:
    """The feed of one process."""

    def __init__(self, engine: sa.Engine) -> None:
        """`engine` opens snapshots for reading."""
        self._engine = engine
        self._on_postgresql = engine.dialect.name == "postgresql"
        self._woken = threading.Condition()
        self._commits = 0
        self._held_back: tuple[int, float] | None = None  # a transaction whose changes are, and since when
        self._held_back_lock = threading.Lock()
        self._seen = threading.local()
        self._closing = threading.Event()
        self._listener: threading.Thread | None = None
        if self._on_postgresql:
            self._listener = threading.Thread(target=self._listen, name="store-listener", daemon=True)
            self._listener.start()

    def poll(self, after: FeedPosition, *, limit: int) -> Sequence[Change]:
        """See ports.Ledger. Raises UnavailableError FEED_STALLED where committed changes are held back too long."""
        self._seen.commits = self._commits
        try:
            with self._engine.connect() as connection:
                session = Session(connection)
                rows = self._rows_after(session, after, limit)
        except SQLAlchemyError as error:
            raise translated(error) from error
        return [_change_of(row) for row in rows]

    def head(self) -> FeedPosition:
        """See ports.Ledger."""
        try:
            with self._engine.connect() as connection:
                session = Session(connection)
                if self._on_postgresql:
                    # Sequences start at 1: this lies before all that the oldest running transaction may add.
                    return FeedPosition(session.number(sa.select(_HORIZON)), 0)
                return FeedPosition(0, session.number(_LAST))
        except SQLAlchemyError as error:
            raise translated(error) from error

    def _rows_after(self, session: Session, after: FeedPosition, limit: int) -> Sequence[Row]:
        if not self._on_postgresql:
            return session.rows(_AFTER_ON_SQLITE, sequence=after.sequence, limit=limit)
        rows = session.rows(_AFTER_ON_POSTGRESQL, transaction=after.transaction, sequence=after.sequence, limit=limit)
        # What was read is handed out in any case; the next poll finds nothing more, and says what is wrong.
        if len(rows) < limit and self._is_stalled(session) and not rows:
            raise UnavailableError("FEED_STALLED", "an old transaction holds back what has changed")
        return rows

    def _is_stalled(self, session: Session) -> bool:
        """Whether one and the same transaction's changes are held back for too long."""
        oldest: int | None = session.rows(_OLDEST_HELD_BACK)[0][0]
        with self._held_back_lock:
            if oldest is None:
                self._held_back = None
                return False
            # Held back is all from some transaction on: with an older one, the one in mind is too.
            if self._held_back is None or oldest > self._held_back[0]:
                self._held_back = oldest, monotonic()
            return monotonic() - self._held_back[1] > STALL_SECONDS

    def announce(self, session: Session) -> None:
        """Tell other processes, in the transaction that changes something."""
        if self._on_postgresql:
            session.control(f"NOTIFY {CHANNEL}")

    def wake(self) -> None:
        """Wake who waits in this process."""
        with self._woken:
            self._commits += 1
            self._woken.notify_all()

    def wait(self, timeout: float) -> None:
        """See ports.Ledger. A commit between this thread's last `poll` and now counts: it returns at once."""
        with self._woken:
            seen = getattr(self._seen, "commits", self._commits)
            self._woken.wait_for(lambda: self._commits != seen or self._closing.is_set(), timeout)
            self._seen.commits = self._commits

    def close(self) -> None:
        """Let everybody who waits go; idempotent."""
        self._closing.set()
        self.wake()
        if self._listener is not None:
            self._listener.join()

    def _listen(self) -> None:
        """Turn notifications of other processes into wakings, reconnecting for as long as it takes."""
        while not self._closing.is_set():
            try:
                self._listen_on_one_connection()
            except (SQLAlchemyError, psycopg.Error):
                self._closing.wait(LISTEN_SECONDS)

    def _listen_on_one_connection(self) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the only driver that is offered
            try:
                # What was committed while nobody listened is found by whoever wakes now.
                self.wake()
                while not self._closing.is_set():
                    for _ in driver.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        self.wake()
            finally:
                connection.invalidate()  # a listening connection must not go back to the pool


def _change_of(row: Row) -> Change:
    return Change(
        position=FeedPosition(row.transaction_id, row.sequence),
        kind=row.kind,
        ref=row.ref,
        recorded_at=row.recorded_at,
        data=row.data,
    )
