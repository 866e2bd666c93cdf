"""How much may run at once: unary calls by one cap, streams by another, so that neither starves the other.

grpc's own `maximum_concurrent_rpcs` counts streams too, which hold a thread each for minutes (DESIGN §3).
Invariant: what was let in is counted until it is over, however it ends; who is not let in is told at once.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from certsvc.errors import ExhaustedError

# Some more threads than calls may work, so that the next call is refused at once instead of queued.
_SPARE_THREADS = 8


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Caps of one worker. `unary_seconds` is the deadline of a unary call whose client sets none."""

    unary_calls: int = 64
    streams: int = 256
    streams_per_caller: int = 16
    unary_seconds: float = 30.0

    @property
    def unary_threads(self) -> int:
        """Size of the pool for unary calls."""
        return self.unary_calls + _SPARE_THREADS

    @property
    def stream_threads(self) -> int:
        """Size of the pool for streams."""
        return self.streams + _SPARE_THREADS


class CallSlots:
    """The cap on unary calls."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold one slot. Raises ExhaustedError (TOO_MANY_CALLS) at once if none is free."""
        if not self._free.acquire(blocking=False):
            raise ExhaustedError(
                reason="TOO_MANY_CALLS", message="this worker is at its limit of calls; try again in a moment"
            )
        try:
            yield
        finally:
            self._free.release()


class StreamSlots:
    """The caps on streams: of one caller, and of the whole worker."""

    def __init__(self, *, limit: int, per_caller: int) -> None:
        self._limit = limit
        self._per_caller = per_caller
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def take(self, caller: str) -> Iterator[None]:
        """Hold one slot for `caller`. Raises ExhaustedError (TOO_MANY_STREAMS) at once if none is left."""
        with self._lock:
            if self._held[caller] >= self._per_caller or self._held.total() >= self._limit:
                raise ExhaustedError(
                    reason="TOO_MANY_STREAMS",
                    message=f"at most {self._per_caller} streams a caller, {self._limit} in all; end one",
                )
            self._held[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[caller] -= 1
                if not self._held[caller]:
                    del self._held[caller]
