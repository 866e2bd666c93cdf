"""Registers to serve, on SQLite or on each database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.keyring.cipher import AEADCipher
from certsvc.ports import Ledger
from certsvc.store.ledger import open_ledger
from certsvc.store.schema import migrate
from tests.databases import sqlite_url


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    """A new register in an empty database."""
    migrate(url)
    ledger = open_ledger(url, cipher=AEADCipher({1: b"1" * 32}), index=HMACBlindIndex(b"n" * 32))
    try:
        yield ledger
    finally:
        ledger.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """On SQLite: for tests that are about the server."""
    with opened(sqlite_url(tmp_path)) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def module_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """On SQLite, shared by the tests of a module."""
    with opened(sqlite_url(tmp_path_factory.mktemp("register"))) as ledger:
        yield ledger


@pytest.fixture
def each_ledger(database_url: str) -> Iterator[Ledger]:
    """On SQLite and on PostgreSQL: for tests that are about what is stored."""
    with opened(database_url) as ledger:
        yield ledger
