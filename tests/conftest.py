"""What every test may ask for: databases, and quiet where it measures time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from tests.databases import PostgresServer, fresh_database, running_server, sqlite_url, stop_server

RUN_FOLDER = "CERTSVC_TEST_RUN"  # names the folder that the workers of one run share; they inherit it

DATABASES = ["sqlite", "postgresql"]

hypothesis.settings.register_profile("certsvc", deadline=None)  # a busy machine is no defect
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder, in the process that starts the run."""
    hypothesis.settings.load_profile("ci" if os.environ.get("CERTSVC_REQUIRE_ALL") == "1" else "certsvc")
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="certsvc-")
        Path(folder).chmod(0o711)  # the cluster's user passes through
        os.environ[RUN_FOLDER] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster and remove the run's folder, once every worker is done."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(RUN_FOLDER))
        stop_server(folder)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """The folder that all workers of this run share."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest, run_folder: Path) -> Iterator[None]:
    """Let a test marked `alone` wait until no other test runs, and keep others out meanwhile.

    Who waits for quiet holds the door, so that no stream of new tests can keep it out.
    """
    alone = request.node.get_closest_marker("alone") is not None
    with ExitStack() as files:
        room = files.enter_context((run_folder / "room").open("w"))
        with (run_folder / "door").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> PostgresServer:
    """A real PostgreSQL cluster, one for the whole run."""
    return running_server(run_folder)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database for one test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database for one test, which runs once on SQLite and once on PostgreSQL."""
    yield from _database(request, tmp_path)


@pytest.fixture(scope="module", params=DATABASES)
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database that the tests of a module share; they run once on SQLite and once on PostgreSQL."""
    yield from _database(request, tmp_path_factory.mktemp("database"))


def _database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(folder)
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url
