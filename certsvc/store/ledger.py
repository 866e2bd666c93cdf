"""The register's storage as transactions: shared writes, snapshots for reading, leases and the change feed.

Invariants: nothing is answered before it is durable; a reader sees one moment; no error of the database's leaves the
store but as one of this project's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from certsvc.domain.changes import Change, FeedPosition
from certsvc.ports import BlindIndex, Cipher, Repositories
from certsvc.store import leases
from certsvc.store.adoption import adopt_changes
from certsvc.store.engine import Engines, check_durability, open_engines, parsed_url
from certsvc.store.faults import DisconnectedError, translated
from certsvc.store.feed import Feed
from certsvc.store.integrity import integrity_findings
from certsvc.store.repositories import repositories_over
from certsvc.store.schema import check_schema
from certsvc.store.sealing import Privacy
from certsvc.store.session import Session
from certsvc.store.writer import GroupWriter

T = TypeVar("T")


class SQLLedger:
    """ports.Ledger on SQLite or PostgreSQL; safe to share between threads, made by `open_ledger`."""

    def __init__(self, engines: Engines, *, privacy: Privacy) -> None:
        self._engines = engines
        self._privacy = privacy
        self._feed = Feed(engines.reader)
        self._writer = GroupWriter(engines.writer, feed=self._feed)

    def write(self, work: Callable[[Repositories], T], *, order: str = "") -> T:
        """See ports.Ledger."""
        result: T = self._writer.run(lambda session: work(repositories_over(session, self._privacy)), order=order)
        return result

    @contextmanager
    def read(self) -> Iterator[Repositories]:
        """See ports.Ledger."""
        with _snapshot(self._engines.reader) as session:
            yield repositories_over(session, self._privacy)

    def lease(self, name: str, count: int) -> range:
        """See ports.Ledger; the numbers start at 1."""
        if self._engines.single is self._engines.writer:
            taken: range = self._writer.run(lambda session: leases.lease(session, name, count), order="")
            return taken
        try:
            return self._lease(name, count)
        except DisconnectedError:
            # Whether or not the numbers were taken: those that nobody heard of are skipped.
            return self._lease(name, count)

    def _lease(self, name: str, count: int) -> range:
        with _snapshot(self._engines.single) as session:
            return leases.lease(session, name, count)

    def poll(self, after: FeedPosition, *, limit: int) -> Sequence[Change]:
        """See ports.Ledger. Raises UnavailableError FEED_STALLED where committed changes are held back too long."""
        return self._feed.poll(after, limit=limit)

    def head(self) -> FeedPosition:
        """See ports.Ledger."""
        return self._feed.head()

    def wait_for_change(self, timeout: float) -> None:
        """See ports.Ledger. A commit since this thread last polled counts: it returns at once."""
        self._feed.wait(timeout)

    def integrity_check(self) -> Sequence[str]:
        """What is wrong with the database's file and with rows that contradict each other; empty if it is sound."""
        with _snapshot(self._engines.reader) as session:
            return integrity_findings(session)

    def close(self) -> None:
        """Finish the writes that wait, wake who waits for changes, close all connections; idempotent."""
        self._writer.close()
        self._feed.close()
        self._engines.dispose()


def open_ledger(url: str, *, cipher: Cipher, index: BlindIndex) -> SQLLedger:
    """Open the database at `url` (`sqlite:///<file>` or `postgresql://…`), which `schema.migrate` has prepared.

    Raises InvalidInputError for another URL, FailedPreconditionError NOT_DURABLE (PostgreSQL may lose commits) or
    SCHEMA_VERSION (`migrate` has to run first), UnavailableError when the database does not answer.
    """
    engines = open_engines(parsed_url(url))
    try:
        check_durability(engines.writer)
        check_schema(engines.writer)
        adopt_changes(engines.writer)
        return SQLLedger(engines, privacy=Privacy(cipher, index))
    except SQLAlchemyError as error:
        engines.dispose()
        raise translated(error) from error
    except BaseException:
        engines.dispose()
        raise


@contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[Session]:
    try:
        with engine.connect() as connection:
            yield Session(connection)
    except SQLAlchemyError as error:
        raise translated(error) from error
