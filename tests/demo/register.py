"""A real register for the demo: the real command in a process of its own, on free ports and its own data."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certsvc.client import Client

START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Register:
    """A running register with its sample agencies."""

    data_dir: Path
    public_url: str
    samples: tuple[dict[str, str], ...]

    def agency(self, agency_id: str, *, officer: str = "") -> Client:
        """A client of one of the sample agencies."""
        return Client.connect(self.credential(agency_id), officer=officer)

    def credential(self, agency_id: str) -> Path:
        """An agency's credential file."""
        return self.data_dir / "agencies" / f"{agency_id}.json"


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(data_dir: Path, *, database_url: str = "") -> Iterator[Register]:
    """`certsvc run` in a new data directory, stopped by Ctrl-C at the end; its exit must be clean."""
    grpc_port, http_port = free_port(), free_port()
    public_url = f"http://localhost:{http_port}"
    log = data_dir.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "certsvc.cli.main", "run", "--data-dir", str(data_dir)),
                *("--grpc-address", f"127.0.0.1:{grpc_port}", "--http-address", f"127.0.0.1:{http_port}"),
                *("--public-url", public_url),
                *(("--database-url", database_url) if database_url else ()),
            ],
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        try:
            assert process.stdout is not None
            # The welcome's last line comes when everything is ready; end of file means that it died.
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
            else:
                raise AssertionError(f"the register did not start:\n{log.read_text('utf-8')[-4000:]}")
            samples = tuple(json.loads((data_dir / "samples.json").read_text("utf-8")))
            yield Register(data_dir, public_url, samples)
        finally:
            process.send_signal(signal.SIGINT)
            ended = process.wait(STOP_SECONDS)
            assert process.stdout is not None
            process.stdout.close()
            assert ended == 0, log.read_text("utf-8")[-4000:]
