"""Group commit: one thread runs all writes of a process, as many as wait in one transaction, for one fsync.

Invariants (DESIGN §6): an answer goes out only after the commit that makes it durable; a work that is refused is
undone alone and leaves its neighbors alone; when a shared commit fails, each work is tried once more alone; a lost
race for a lock or a row is retried and never answered while retries last; a work that waits for another server's lock
keeps its neighbors waiting for half a second at most, then they go on; when nobody can know whether a commit happened,
COMMIT_UNKNOWN says so, and nothing is run again.
"""

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import SystemRandom
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from certsvc.errors import CertsvcError, UnavailableError
from certsvc.store.faults import BusyError, DisconnectedError, StaleError, translated
from certsvc.store.feed import Feed
from certsvc.store.session import Session

GROUP_SIZE = 64
QUEUE_LIMIT = 4096
GATHER_SECONDS = 0.005
RACES = 8
"""How often a work may read a row that another server changes before it is written."""
BUSY_SECONDS = 10.0
"""How long a work is tried again after it first met a lock."""
PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
PATIENCE_MS = 500
HURRY_MS = 20
LOST_RACES = (BusyError, StaleError)

Work = Callable[[Session], Any]


class CommitUnknownError(UnavailableError):
    """The connection broke while the commit was under way: it may have happened."""


@dataclass(slots=True, eq=False)
class _Job:
    """A work that waits; `result` and `error` may be read once `done` is set."""

    work: Work
    order: str
    lost: int = 0
    not_before: float = 0.0
    give_up_at: float = 0.0
    reconnected: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    error: BaseException | None = None

    def finish(self, *, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error = result, error
        self.done.set()


class GroupWriter:
    """The only writer of this process."""

    def __init__(self, engine: sa.Engine, *, feed: Feed) -> None:
        self._engine = engine
        self._feed = feed
        self._queue: deque[_Job] = deque()
        self._again: deque[_Job] = deque()  # to be tried again alone; only the writer's thread changes it
        self._changed = threading.Condition()
        self._awaited = 1  # how many works the writer wants to see before it wakes
        self._closing = False
        self._random = SystemRandom()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def run(self, work: Work, *, order: str) -> Any:
        """Run `work` and return its result once it is durable; raise what it raised once it is undone."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a work that writes through the ledger would wait for itself")
        job = _Job(work, order)
        with self._changed:
            if self._closing:
                raise UnavailableError("STORE_CLOSED", "the store is closed")
            if len(self._queue) + len(self._again) >= QUEUE_LIMIT:
                raise UnavailableError("QUEUE_FULL", "too many changes are waiting")
            self._queue.append(job)
            if len(self._queue) >= self._awaited:
                self._changed.notify()
        job.done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def close(self) -> None:
        """Finish what waits, then stop; idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        last_size = 1
        while (jobs := self._take(last_size)) is not None:
            last_size = len(jobs)
            # One at most between two groups: however many wait for a lock, the others get their turn.
            for work in filter(None, (jobs, self._due())):
                try:
                    self._commit(work)
                except BaseException as error:  # noqa: BLE001 - the thread outlives it, and the callers hear of it
                    for job in work:
                        if not job.done.is_set() and job not in self._again:
                            job.finish(error=error)

    def _take(self, last_size: int) -> list[_Job] | None:
        """The next group, in its order; empty when only a retry is due, None when closing and nothing is left.

        A lone caller is served at once. After a larger group its callers are about to come back: waiting a moment
        until as many are there saves commits.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._queue or (self._closing and not self._again),
                timeout=max(0, min(job.not_before for job in self._again) - time.monotonic()) if self._again else None,
            )
            if not self._queue:
                return [] if self._again else None
            self._awaited = last_size
            self._changed.wait_for(lambda: len(self._queue) >= last_size or self._closing, timeout=GATHER_SECONDS)
            self._awaited = 1
            jobs = [self._queue.popleft() for _ in range(min(GROUP_SIZE, len(self._queue)))]
        return sorted(jobs, key=lambda job: job.order)

    def _due(self) -> list[_Job]:
        """The work that has waited longest of those that may be tried again now, alone; those out of time are told."""
        now = time.monotonic()
        for job in [job for job in self._again if job.give_up_at <= now]:
            self._again.remove(job)
            job.finish(error=job.error)
        found = next((job for job in self._again if job.not_before <= now), None)
        if found is None:
            return []
        self._again.remove(found)
        return [found]

    def _commit(self, jobs: list[_Job]) -> None:
        if len(jobs) == 1:
            self._commit_alone(jobs[0])
            return
        try:
            self._commit_together_reconnecting(jobs)
        except (CommitUnknownError, DisconnectedError) as error:
            for job in jobs:
                job.finish(error=dataclasses.replace(error))
        except LOST_RACES as error:
            for job in jobs:
                self._try_later(job, dataclasses.replace(error))
        except CertsvcError:
            for job in jobs:
                self._commit_alone(job)

    def _commit_together_reconnecting(self, jobs: list[_Job]) -> None:
        try:
            self._commit_together(jobs)
        except DisconnectedError:
            self._commit_together(jobs)

    def _commit_together(self, jobs: list[_Job]) -> None:
        """Run the group in one transaction; works that lost a race are tried later, alone.

        Raises CommitUnknownError, or another error when nothing was committed.
        """
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        with self._transaction() as session:
            for job in jobs:
                session.begin_work()
                try:
                    result = job.work(session)
                    session.keep_work()
                except BaseException as error:  # noqa: BLE001 - whatever it is, its caller gets it
                    session.undo_work()
                    outcomes.append((job, None, error))
                    if isinstance(error, BusyError):
                        # Whoever holds one lock may hold many: the rest of the group does not wait for each.
                        session.wait_for_locks(HURRY_MS)
                else:
                    outcomes.append((job, result, None))
        for job, result, refusal in outcomes:
            if isinstance(refusal, LOST_RACES):
                self._try_later(job, refusal)
            else:
                job.finish(result=result, error=refusal)

    def _commit_alone(self, job: _Job) -> None:
        try:
            with self._transaction(patient=job.lost > 0) as session:
                result = job.work(session)
                session.check()
        except DisconnectedError as error:
            if job.reconnected:
                job.finish(error=error)
            else:
                job.reconnected = True
                self._try_later(job, error)
        except LOST_RACES as error:
            self._try_later(job, error)
        except BaseException as error:  # noqa: BLE001 - whatever it is, its caller gets it
            job.finish(error=error)
        else:
            job.finish(result=result)

    def _try_later(self, job: _Job, error: BaseException) -> None:
        """Put the work at the end of those to be tried again, or answer it `error` when it has had its tries."""
        now = time.monotonic()
        job.lost += 1
        job.error = error
        job.give_up_at = job.give_up_at or now + BUSY_SECONDS
        if job.give_up_at <= now or (isinstance(error, StaleError) and job.lost >= RACES):
            job.finish(error=error)
            return
        job.not_before = now + self._random.uniform(0, min(PAUSE_SECONDS * 2**job.lost, LONGEST_PAUSE_SECONDS))
        self._again.append(job)

    @contextmanager
    def _transaction(self, *, patient: bool = False) -> Iterator[Session]:
        """A transaction that commits at its end, and leaves nothing when anything is raised."""
        try:
            with self._engine.connect() as connection:
                session = Session(connection)
                if patient:
                    # Alone it holds no lock that a neighbor took, so it may wait longer for its own.
                    session.wait_for_locks(PATIENCE_MS)
                yield session
                session.settle()
                if session.announces:
                    self._feed.announce(session)
                _commit(connection)
        except SQLAlchemyError as error:
            raise translated(error) from error
        if session.announces:
            self._feed.wake()


def _commit(connection: sa.Connection) -> None:
    try:
        connection.commit()
    except SQLAlchemyError as error:
        # SQLite leaves the transaction open, and SQLAlchemy takes it for ended: the next one must not join it.
        connection.invalidate()
        fault = translated(error)
        if isinstance(fault, DisconnectedError) or fault.reason == "STORE_FAULT":
            raise CommitUnknownError("COMMIT_UNKNOWN", "nobody knows whether the change was made") from error
        raise fault from error
