"""However many ask at once, a list is built and signed once, and the versions are counted once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from certsvc.ports import Ledger
from certsvc.services import publications
from certsvc.services.publications import RegisteredDigests, StatusLists
from tests.unit.services.administration import SetClock

ASKING = 8


class SlowLicenses:
    """The repository; reading a list or counting takes until `release` is set, and is counted."""

    def __init__(self) -> None:
        self.runs = 0
        self.started, self.release = threading.Event(), threading.Event()

    def highest_slot(self) -> int:
        return 0

    def exceptions(self, **_: object) -> list[object]:
        self._run()
        return []

    def count_versions(self) -> int:
        self._run()
        return 2 * publications.CROWD * 16

    def _run(self) -> None:
        self.runs += 1
        self.started.set()
        assert self.release.wait(10)


@pytest.fixture
def licenses() -> SlowLicenses:
    return SlowLicenses()


@pytest.fixture
def ledger(licenses: SlowLicenses) -> Ledger:
    @contextmanager
    def read() -> Iterator[Any]:
        yield SimpleNamespace(licenses=licenses)

    return cast(Ledger, SimpleNamespace(read=read))


class SignedLists(StatusLists):
    """Status lists whose signing is counted, and done without a key."""

    signed = 0

    def _signed(self, list_number: int, statuses: dict[int, int], form: str) -> publications.PublishedList:
        self.signed += 1
        return publications.PublishedList(f"{form} {self.signed}".encode(), "")


@pytest.fixture
def lists(ledger: Ledger) -> SignedLists:
    unused: Any = None
    return SignedLists(ledger=ledger, directory=unused, vault=unused, format_=unused, clock=SetClock())


def test_a_list_is_built_and_signed_once_for_all_who_wait(lists: SignedLists, licenses: SlowLicenses) -> None:
    all_asking = threading.Barrier(ASKING + 1)

    def ask(_: int) -> publications.PublishedList:
        all_asking.wait(10)
        return lists.published(0, "jwt")

    with ThreadPoolExecutor(ASKING) as threads:
        asking = [threads.submit(ask, number) for number in range(ASKING)]
        all_asking.wait(10)
        assert licenses.started.wait(10)
        licenses.release.set()
        assert {future.result().body for future in asking} == {b"jwt 1"}
    assert (licenses.runs, lists.signed) == (1, 1)


def test_while_a_list_is_rebuilt_the_others_get_the_old_one(
    lists: SignedLists, licenses: SlowLicenses, monkeypatch: pytest.MonkeyPatch
) -> None:
    licenses.release.set()
    old = lists.published(0, "jwt")
    built_at = lists._built[0].at
    at(monkeypatch, built_at + publications.MAX_AGE_SECONDS - 1)
    with rebuilding(licenses, lambda: lists.published(0, "jwt")) as rebuilt:
        assert lists.published(0, "jwt") is old
    assert rebuilt[0].body == b"jwt 2"
    assert lists.published(0, "jwt") is rebuilt[0]


def test_versions_are_counted_once_however_many_ask(
    ledger: Ledger, licenses: SlowLicenses, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = RegisteredDigests(ledger)
    licenses.release.set()
    with ThreadPoolExecutor(ASKING) as threads:
        assert set(threads.map(lambda _: registered.prefix_digits(), range(ASKING))) == {1}
    assert licenses.runs == 1
    counted_at = registered._count[0] if registered._count else 0
    at(monkeypatch, counted_at + publications.COUNT_AGE_SECONDS + 1)
    with rebuilding(licenses, registered.prefix_digits):
        assert registered.prefix_digits() == 1
    assert licenses.runs == 2


def at(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    """Set the module's monotonic clock, and no other's."""
    monkeypatch.setattr(publications, "time", SimpleNamespace(monotonic=lambda: moment))


@contextmanager
def rebuilding(licenses: SlowLicenses, ask: Callable[[], Any]) -> Iterator[list[Any]]:
    """One caller is at work meanwhile; its answer is in the list afterwards."""
    answer: list[Any] = []
    licenses.started.clear()
    licenses.release.clear()
    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(ask)
        try:
            assert licenses.started.wait(10)
            yield answer
        finally:
            licenses.release.set()
        answer.append(working.result())
