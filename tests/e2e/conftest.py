"""Registers served by the real process, for one test or for the tests of a module, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess, initialized


@contextmanager
def serving(folder: Path, database_url: str) -> Iterator[ServerProcess]:
    """A served register with samples in `folder`; stopped by Ctrl-C at the end, and its exit must be clean."""
    server = initialized(folder / "register", database_url=database_url)
    server.start()
    try:
        server.fill_with_samples()
        yield server
    finally:
        server.close()


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A register of one test, on each database."""
    with serving(tmp_path, database_url) as started:
        yield started


@pytest.fixture(scope="module")
def shared_server(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A register that the tests of a module share, on each database."""
    with serving(tmp_path_factory.mktemp("served"), module_database_url) as started:
        yield started
