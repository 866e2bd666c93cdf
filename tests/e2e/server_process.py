"""The real server, `certsvc serve`, in a process of its own, killed and started again at will.

Invariants: a process that was asked to stop must end with exit code 0 and without a traceback in its log; the same
data directory, database and ports serve again after every end, however it came.
"""

import dataclasses
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certsvc.cli.sample_register import agency_credential, fill
from certsvc.cli.server import init
from certsvc.client import Client, ClientCredential, RetryPolicy, load_credential

STOP_SECONDS = 30
COMMAND = (str(Path(sys.executable).with_name("certsvc")),)

NO_RETRIES = RetryPolicy(first_pause=3600.0, longest_pause=3600.0)
"""Every failure reaches the caller: a pause that long never fits before the deadline."""


@dataclass
class ServerProcess:
    """A register's data and ports, and the process that serves them now."""

    data_dir: Path
    grpc_address: str
    http_address: str
    options: Sequence[str] = ()
    process: subprocess.Popen[str] | None = None
    clients: list[Client] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What every process of this register wrote to standard error."""
        return self.data_dir.with_suffix(".log")

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        arguments = ("--grpc-address", self.grpc_address, "--http-address", self.http_address, *self.options)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--data-dir", str(self.data_dir), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()  # end of file means that it died
        assert '"ready": true' in ready, f"the server did not start:\n{self.log_end()}"

    def kill(self) -> None:
        """SIGKILL: it gets no chance to finish anything."""
        self._end(signal.SIGKILL, exit_code=-signal.SIGKILL)

    def stop(self) -> None:
        """Ctrl-C: it must end soon, with exit code 0."""
        self._end(signal.SIGINT, exit_code=0)
        assert "Traceback" not in self.log.read_text("utf-8"), self.log_end()

    def _end(self, number: signal.Signals, *, exit_code: int) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        self.process = None
        assert code == exit_code, f"exit code {code}:\n{self.log_end()}"

    def close(self) -> None:
        """What the end of a test needs: clients closed, the process stopped."""
        for client in self.clients:
            client.close()
        if self.process is not None:
            self.stop()

    def log_end(self) -> str:
        """The last lines of the log."""
        return self.log.read_text("utf-8")[-4000:]

    def agency(
        self, agency_id: str, *, officer: str = "", timeout: float = 30.0, policy: RetryPolicy | None = None
    ) -> Client:
        """A client of a sample agency, closed with the server."""
        return self.client(load_credential(self.credential(agency_id)), officer=officer, timeout=timeout, policy=policy)

    def credential(self, agency_id: str) -> Path:
        """A sample agency's credential file."""
        return agency_credential(self.data_dir / "agencies", agency_id)

    def operator(self) -> Client:
        """A client of the first operator, closed with the server."""
        return self.client(load_credential(self.data_dir / "operator.json"))

    def client(
        self,
        credential: ClientCredential,
        *,
        officer: str = "",
        timeout: float = 30.0,
        policy: RetryPolicy | None = None,
    ) -> Client:
        """A client of this very process, whichever process the credential names."""
        here = dataclasses.replace(credential, endpoint=self.grpc_address)
        client = Client.connect(here, officer=officer, timeout=timeout, policy=policy)
        self.clients.append(client)
        return client

    def url(self, path: str) -> str:
        """Where the process publishes `path`."""
        return f"http://{self.http_address}{path}"

    def fill_with_samples(self) -> None:
        """Make the sample agencies, types and licenses, once the process serves."""
        operator = load_credential(self.data_dir / "operator.json")
        fill(dataclasses.replace(operator, endpoint=self.grpc_address), self.data_dir / "agencies")

    def second(self, data_dir: Path) -> "ServerProcess":
        """Another server of the same register, with a data directory and ports of its own; not started yet.

        It shares the database and every secret; what is not shared is the lock, which is held per data directory.
        """
        shutil.copytree(self.data_dir, data_dir, ignore=shutil.ignore_patterns("lock"))
        return ServerProcess(data_dir, free_address(), free_address())


def initialized(data_dir: Path, *, database_url: str = "") -> ServerProcess:
    """A new development register on free ports; nothing serves it yet.

    Made by the function of `certsvc init`, in this process, which has its modules loaded already.
    """
    server = ServerProcess(data_dir, free_address(), free_address())
    init(
        data_dir=data_dir,
        database_url=database_url or None,
        public_url=f"http://localhost:{server.http_address.rpartition(':')[2]}",
        grpc_address=server.grpc_address,
        http_address=server.http_address,
        development=True,
    )
    return server


def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a certsvc command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def free_address() -> str:
    """An address on loopback that nobody listens on.

    Its port is below those that the kernel gives to outgoing connections, so that it is still free after a restart.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{port}"
