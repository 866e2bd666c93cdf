"""A migrated, seeded ledger on each database."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from certsvc.ports import Repositories
from certsvc.store.ledger import SQLLedger, open_ledger
from certsvc.store.schema import migrate
from tests.integration.store.builders import (
    CIPHER,
    INDEX,
    OTHER_AGENCY_ID,
    SetClock,
    make_agency,
    make_key,
)

T = TypeVar("T")

OpenLedger = Callable[[str], SQLLedger]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def open_at(clock: SetClock) -> Iterator[OpenLedger]:
    """Opens a ledger at a URL; all are closed after the test."""
    with ExitStack() as opened:

        def opening(url: str) -> SQLLedger:
            ledger = open_ledger(url, cipher=CIPHER, index=INDEX)
            opened.callback(ledger.close)
            return ledger

        yield opening


@pytest.fixture
def ledger(database_url: str, open_at: OpenLedger) -> SQLLedger:
    """A register with two agencies and an active signing key."""
    return seeded(database_url, open_at)


def write_each(ledger: SQLLedger, items: Iterable[T], work: Callable[[Repositories, T], object]) -> None:
    """One transaction an item."""
    for item in items:

        def one(r: Repositories, item: T = item) -> object:
            return work(r, item)

        ledger.write(one)


def seeded(url: str, open_at: OpenLedger) -> SQLLedger:
    migrate(url)
    ledger = open_at(url)

    def seed(repositories: Repositories) -> None:
        repositories.agencies.add(make_agency())
        repositories.agencies.add(make_agency(OTHER_AGENCY_ID, region="440000"))
        repositories.signing_keys.add(make_key())

    ledger.write(seed)
    return ledger
