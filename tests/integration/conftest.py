"""A running register, one for all tests of a module and each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.register import Register


@pytest.fixture(scope="module")
def register(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """A real register with its sample agencies, types and licenses, on SQLite and on PostgreSQL."""
    with Register.running(tmp_path_factory.mktemp("register") / "data", module_database_url) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test starts a register of its own."""
    return tmp_path / "data"
