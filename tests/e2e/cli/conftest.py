"""The register that commands call.

On SQLite alone: commands are clients, and what a client gets from either database is tested with the client
and the store. Each command is a process, which is what makes these tests long.
"""

from collections.abc import Iterator

import pytest

from tests.databases import sqlite_url
from tests.e2e.conftest import serving
from tests.e2e.server_process import ServerProcess


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A register that the tests of a module share."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, sqlite_url(folder)) as started:
        yield started
