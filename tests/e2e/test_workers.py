"""Several worker processes on one port and one PostgreSQL: one register, started and ended as a whole."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certsvc.v1 import verification_service_pb2
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, TRAFFIC_POLICE, permit
from tests.e2e.server_process import ServerProcess, initialized

WORKERS = 2
END_SECONDS = 30


@pytest.fixture
def register(postgres_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A register served by two workers."""
    server = initialized(tmp_path / "register", database_url=postgres_url)
    server.options = ("--workers", str(WORKERS))
    server.start()
    try:
        server.fill_with_samples()
        yield server
    finally:
        server.close()


def workers_of(server: ServerProcess) -> list[int]:
    """The process ids of the workers: children of the server's own process that listen for gRPC."""
    assert server.process is not None
    folder = Path(f"/proc/{server.process.pid}/task/{server.process.pid}")
    children = [int(pid) for pid in (folder / "children").read_text().split()]
    return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_for_end(pids: list[int]) -> None:
    """Return when none of these processes runs any more."""
    ends_at = time.monotonic() + END_SECONDS
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < ends_at, "they go on"
        time.sleep(0.1)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_one_worker_issued_the_others_verify(register: ServerProcess) -> None:
    """Connections spread over the workers by chance; twenty of them meet both."""
    issuer = register.agency(APPROVAL_BUREAU, officer=CLERK)
    texts = [issuer.licenses.issue(permit(f"W{number}")).qr_text for number in range(3)]
    for _ in range(20):
        with register.agency(TRAFFIC_POLICE) as verifier:
            for text in texts:
                assert verifier.verification.verify(text).verdict == verification_service_pb2.VERDICT_VALID
    assert len(workers_of(register)) == WORKERS


def test_a_killed_parent_takes_its_workers_along(register: ServerProcess) -> None:
    """Workers without a parent would serve on without the lock, beside those of the next start."""
    workers = workers_of(register)
    assert len(workers) == WORKERS
    register.kill()
    wait_for_end(workers)
    register.start()
    assert register.agency(APPROVAL_BUREAU, officer=CLERK).licenses.issue(permit("W")).qr_text


def test_a_dead_worker_ends_the_server_with_a_message(register: ServerProcess) -> None:
    workers = workers_of(register)
    assert register.process is not None
    os.kill(workers[0], signal.SIGKILL)
    assert register.process.wait(END_SECONDS) == 5
    assert register.process.stdout is not None
    register.process.stdout.close()
    register.process = None
    assert "[WORKER_DIED]" in register.log_end()
    wait_for_end(workers)
