"""What a register forgets: answers to requests after 30 days.

Invariant: nothing is forgotten early; a run that fails is logged and tried again with the next.
"""

import threading
from datetime import timedelta

import structlog

from certsvc.errors import CertsvcError
from certsvc.ports import Clock, Ledger

ANSWERS_KEPT = timedelta(days=30)
EVERY_SECONDS = 3600.0

log = structlog.get_logger(__name__)


class Housekeeping:
    """A thread that tidies up once an hour; several workers may do so at once."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the run under way."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def tidy_up(self) -> int:
        """Forget what may be forgotten; how many answers that were. Raises UnavailableError."""
        before = self._clock.now() - ANSWERS_KEPT
        return self._ledger.write(lambda repositories: repositories.requests.purge(before=before))

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                log.info("tidied_up", answers=self.tidy_up())
            except CertsvcError as error:
                log.warning("tidying_failed", reason=error.reason)
