"""A register to administer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.keyring.cipher import AEADCipher
from certsvc.ports import Ledger
from certsvc.store.ledger import open_ledger
from certsvc.store.schema import migrate
from tests.databases import sqlite_url
from tests.unit.services.administration import Administration, SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: SetClock) -> Iterator[Ledger]:
    """An empty register on SQLite."""
    url = sqlite_url(tmp_path)
    migrate(url)
    opened = open_ledger(url, cipher=AEADCipher({1: b"1" * 32}), index=HMACBlindIndex(b"n" * 32))
    yield opened
    opened.close()


@pytest.fixture
def administration(ledger: Ledger, clock: SetClock) -> Administration:
    return Administration(ledger, clock)
