"""When a call is tried again, and after which pause.

Invariants: nothing is tried past the caller's deadline; pauses grow and are jittered, so that clients that
failed together do not come back together.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses double from `first_pause` to `longest_pause` seconds, of which chance takes up to half."""

    first_pause: float = 0.1
    longest_pause: float = 2.0
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pause(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failure in a row, counted from 1."""
        full = min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, 30))
        return full * (1.0 + self.chance()) / 2

    def wait(self, failures: int, *, deadline: float) -> bool:
        """Wait before the next try; False, at once, where it would begin past `deadline` (of `monotonic`)."""
        pause = self.pause(failures)
        if self.monotonic() + pause >= deadline:
            return False
        self.sleep(pause)
        return True
