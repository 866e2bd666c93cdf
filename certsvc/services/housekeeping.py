"""What a register forgets: answers to requests after 30 days.

Invariants: nothing is forgotten early; a run that fails, however it does, is logged and tried again with the next; no
transaction forgets more than `STEP` answers, so that changes of licenses, which the same writer makes, go on between.
"""

import threading
from datetime import timedelta

import structlog

from certsvc.ports import Clock, Ledger

ANSWERS_KEPT = timedelta(days=30)
FIRST_SECONDS = 60.0
EVERY_SECONDS = 3600.0
STEP = 1000

log = structlog.get_logger(__name__)


class Housekeeping:
    """A thread that tidies up a minute after the start and then once an hour; several workers may do so at once."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the step under way."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def tidy_up(self) -> int:
        """Forget what may be forgotten; how many answers that were. Raises UnavailableError."""
        before = self._clock.now() - ANSWERS_KEPT
        forgotten = 0
        while not self._stopping.is_set():
            step = self._ledger.write(lambda repositories: repositories.requests.purge(before=before, limit=STEP))
            forgotten += step
            if step < STEP:
                break
        return forgotten

    def _run(self) -> None:
        pause = FIRST_SECONDS
        while not self._stopping.wait(pause):
            pause = EVERY_SECONDS
            try:
                log.info("tidied_up", answers=self.tidy_up())
            except Exception:
                # A thread that died would say nothing, and answers would be kept for ever.
                log.exception("tidying_failed")
