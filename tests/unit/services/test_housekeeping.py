"""Old answers are forgotten in steps, and no failure ends that."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest

from certsvc.ports import Ledger, RecordedAnswer, Repositories
from certsvc.services import housekeeping
from certsvc.services.housekeeping import ANSWERS_KEPT, Housekeeping
from tests.unit.services.administration import SetClock

ANSWER = RecordedAnswer(b"", b"answer")


class CountingLedger:
    """Passes writes on and counts them; the first `failures` meet a defect. Sets `fourth` with the fourth."""

    def __init__(self, ledger: Ledger, *, failures: int = 0) -> None:
        self._ledger = ledger
        self._failures = failures
        self.writes = 0
        self.fourth = threading.Event()

    def write(self, work: Callable[[Repositories], int], *, order: str = "") -> int:
        self.writes += 1
        if self.writes == 4:
            self.fourth.set()
        if self.writes <= self._failures:
            raise ZeroDivisionError("a defect")
        return self._ledger.write(work, order=order)


def test_many_old_answers_take_several_transactions(
    ledger: Ledger, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "STEP", 3)
    old = clock.now() - ANSWERS_KEPT - timedelta(seconds=1)

    def fill(repositories: Repositories) -> None:
        for number in range(7):
            repositories.requests.add(caller="a", request_id=str(number), recorded=ANSWER, at=old)
        repositories.requests.add(caller="a", request_id="young", recorded=ANSWER, at=clock.now() - ANSWERS_KEPT)

    ledger.write(fill)
    counting = CountingLedger(ledger)
    assert Housekeeping(ledger=cast(Ledger, counting), clock=clock).tidy_up() == 7
    assert counting.writes == 3
    with ledger.read() as repositories:
        assert repositories.requests.find(caller="a", request_id="young") == ANSWER


def test_a_defect_does_not_end_it(ledger: Ledger, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(housekeeping, "EVERY_SECONDS", 0.001)
    failing = CountingLedger(ledger, failures=3)
    tidying = Housekeeping(ledger=cast(Ledger, failing), clock=clock)
    tidying.start()
    try:
        assert failing.fourth.wait(10)
    finally:
        tidying.stop()
