"""`make bench`: issues and verifications a second, by a real server on SQLite and on PostgreSQL, in a minute.

The client runs on the same machine and takes about as much of it as the server: these are numbers to compare with
those of yesterday, not the most that a server can do.
"""

import argparse
import platform
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from os import cpu_count, devnull
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Load, Measure
from tests.databases import fresh_database, running_server, sqlite_url, stop_server
from tests.e2e.conftest import serving

DATABASES = ("sqlite", "postgresql")


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if name == "sqlite":
        yield sqlite_url(folder)
        return
    folder.chmod(0o711)  # the cluster's user passes through
    cluster = running_server(folder)
    try:
        with fresh_database(cluster) as url:
            yield url
    finally:
        stop_server(folder)


def measured(name: str, *, seconds: float) -> list[Measure]:
    """All measures on one database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="certsvc-bench-")))
        with redirect_stdout(stack.enter_context(Path(devnull).open("w"))):  # what `init` says to people
            url = stack.enter_context(database(name, folder))
            server = stack.enter_context(serving(folder, url))
        return list(Load(server, seconds=seconds).measures())


def milliseconds(seconds: float | None) -> str:
    """For the table."""
    return "" if seconds is None else f"{seconds * 1000:.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measure")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    arguments = parser.parse_args()
    console = Console()
    table = Table("database", "what", "a second", "p50 ms", "p99 ms", title="certsvc, one server process")
    for column in table.columns[2:]:
        column.justify = "right"
    for name in arguments.database or DATABASES:
        with console.status(f"measuring on {name}"):
            for measure in measured(name, seconds=arguments.seconds):
                latencies = (milliseconds(measure.latency(share)) for share in (0.5, 0.99))
                table.add_row(name, measure.name, f"{measure.rate:,.0f}", *latencies)
    console.print(table)
    console.print(f"Python {platform.python_version()}, {platform.machine()}, {cpu_count()} cores, client included")


if __name__ == "__main__":
    main()
