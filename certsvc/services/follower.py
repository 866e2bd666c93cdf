"""Follows the change feed and tells every part of this worker what changed, here or on another one.

Invariants: changes are applied in feed order, none is skipped; `age` is the time since the last poll that worked, so
a worker that lost its database knows how little it knows; before the first full catch-up nothing is known.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from certsvc.domain.changes import Change, ChangeKind, FeedPosition
from certsvc.errors import UnavailableError
from certsvc.ports import Ledger
from certsvc.services.license_changes import LicenseChangeData

POLL_SECONDS = 0.25
WAKE_SECONDS = 0.001
"""Between the wakings of two watchers. All 256 streams of a worker hear of a change within a third of a second."""
PAGE = 1000
RECENT = 20_000
"""As many of the last changes are kept for watchers, up to a tenth more before they are cut; older ones are polled."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FollowedChange:
    """A change, and what it says of a license: read once for all watchers, and kept instead of `change.data`."""

    change: Change
    license: LicenseChangeData | None

    @classmethod
    def of(cls, change: Change) -> "FollowedChange":
        """Read a change of the feed."""
        license_ = LicenseChangeData.of(change) if change.kind is ChangeKind.LICENSE else None
        return cls(replace(change, data={}), license_)

    @property
    def position(self) -> FeedPosition:
        """Where it stands in the feed."""
        return self.change.position


class Follower:
    """One thread a worker that polls the feed; watchers read the same changes from it."""

    def __init__(self, ledger: Ledger, *, prepare: Callable[[], None], listeners: Sequence[Callable[[Change], None]]):
        """`prepare` fills the listeners from the database, once, after the feed's head was taken."""
        self._ledger = ledger
        self._prepare = prepare
        self._listeners = listeners
        self._recent: list[FollowedChange] = []
        self._lock = threading.Lock()
        self._caught_up = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)
        self._waiting = 0
        self._position: FeedPosition | None = None
        self._oldest: FeedPosition | None = None
        self._polled_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed-follower", daemon=True)

    def start(self) -> None:
        """Begin to follow; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following and wake every watcher."""
        self._stopping.set()
        with self._lock:
            self._caught_up.notify_all()
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @property
    def stopping(self) -> bool:
        """Whether this worker is shutting down."""
        return self._stopping.is_set()

    def age(self) -> float:
        """Seconds since the last poll that worked. Raises UnavailableError before the first."""
        if self._polled_at is None:
            raise UnavailableError(reason="STARTING", message="this worker is still reading the register")
        return time.monotonic() - self._polled_at

    def position(self) -> FeedPosition:
        """The position up to which this worker knows everything. Raises UnavailableError before the first poll."""
        if self._position is None:
            raise UnavailableError(reason="STARTING", message="this worker is still reading the register")
        return self._position

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the worker has caught up; whether it has."""
        with self._caught_up:
            return self._caught_up.wait_for(lambda: self._polled_at is not None or self.stopping, timeout)

    def wait_for_news(self, after: FeedPosition, timeout: float, *, is_wanted: Callable[[], bool]) -> None:
        """Return when this worker knows of changes after `after`, when it stops, or after `timeout` seconds.

        Also when woken and nobody wants them any more.
        """
        with self._news:
            self._waiting += 1
            try:
                self._news.wait_for(
                    lambda: self.stopping or not is_wanted() or (self._position or after) > after, timeout
                )
            finally:
                self._waiting -= 1

    def wake(self) -> None:
        """Let everyone who waits look whether that is still wanted."""
        with self._news:
            self._news.notify_all()

    def changes_after(self, after: FeedPosition, *, limit: int = PAGE) -> list[FollowedChange]:
        """Changes after a position and up to this worker's own, in feed order; empty when there are none."""
        end = self.position()
        with self._news:
            if self._oldest is not None and after >= self._oldest:
                start = bisect_right(self._recent, after, key=lambda followed: followed.position)
                return self._recent[start : start + limit]
        return [FollowedChange.of(change) for change in self._ledger.poll(after, limit=limit) if change.position <= end]

    def _run(self) -> None:
        while not self.stopping:
            try:
                if self._position is None:
                    head = self._ledger.head()
                    self._prepare()
                    self._position = self._oldest = head
                if self._poll() < PAGE:
                    self._ledger.wait_for_change(POLL_SECONDS)
            except UnavailableError as error:
                log.warning("feed_unavailable", reason=error.reason)
                self._stopping.wait(POLL_SECONDS)
            except Exception:
                # A follower that died would leave the worker blind; it says so, and its age grows until it works.
                log.exception("feed_failed")
                self._stopping.wait(POLL_SECONDS)

    def _poll(self) -> int:
        assert self._position is not None  # noqa: S101 - set by _run before the first poll
        polled_at = time.monotonic()
        changes = self._ledger.poll(self._position, limit=PAGE)
        for change in changes:
            for listener in self._listeners:
                listener(change)
        followed = [FollowedChange.of(change) for change in changes]
        with self._news:
            self._recent += followed
            if len(self._recent) > RECENT + RECENT // 10:
                surplus = len(self._recent) - RECENT
                self._oldest = self._recent[surplus - 1].position
                del self._recent[:surplus]
            if changes:
                self._position = changes[-1].position
            if len(changes) < PAGE:
                self._polled_at = polled_at
            self._caught_up.notify_all()
            waiting = self._waiting if changes else 0
        self._let_go(waiting)
        return len(changes)

    def _let_go(self, waiting: int) -> None:
        """Wake who waits for news, one after another: a hundred threads that start at once hold up every call."""
        for _ in range(waiting):
            if self.stopping:
                return  # and has woken them all
            with self._news:
                self._news.notify()
            time.sleep(WAKE_SECONDS)
