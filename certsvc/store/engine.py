"""Opens a database so that what is committed stays, and refuses one that does not promise it.

Invariants: on SQLite one connection writes and checkpoints (Debian's 3.40.1 can damage a WAL that several connections
write), all others are opened read-only; on PostgreSQL durability is on and every session has its timeouts; no error
message holds a parameter.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from certsvc.errors import FailedPreconditionError, FieldViolation, InvalidInputError
from certsvc.store.sealing import to_json

READERS = 16
POOL_TIMEOUT_SECONDS = 10.0
BUSY_TIMEOUT_SECONDS = 5.0

_SESSION_SETTINGS = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    # In a group a work waits but a moment for a lock, and is tried again alone: no lock of its neighbors' is held then.
    "lock_timeout": "250ms",
}
_REQUIRED_SETTINGS = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_apply"},
    "data_sync_retry": {"off"},
    "server_encoding": {"UTF8"},
}
_CONNECTION = {
    "connect_timeout": 5,
    "application_name": "certsvc",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


@dataclass(frozen=True, slots=True)
class Engines:
    """`writer` runs groups, one at a time; `reader` opens snapshots; `single` commits each statement."""

    writer: sa.Engine
    reader: sa.Engine
    single: sa.Engine

    def dispose(self) -> None:
        """Close all connections, readers first: the last to leave a SQLite database writes its WAL back."""
        self.reader.dispose()
        self.writer.dispose()


def parsed_url(text: str) -> sa.URL:
    """The URL of a database that the store can open. Raises InvalidInputError, which repeats none of it."""
    try:
        url = sa.make_url(text)
    except ArgumentError:
        url = None
    if url is not None and url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url is not None and url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+pysqlite")
    description = "expected sqlite:///<file> or postgresql://<user>@<host>/<database>"
    raise InvalidInputError.of(FieldViolation("database_url", "DATABASE_URL", description))


def open_engines(url: sa.URL) -> Engines:
    """Engines for a database; nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").absolute()
        writer = _sqlite_engine(path, writing=True)
        return Engines(writer=writer, reader=_sqlite_engine(path, writing=False), single=writer)
    writer = _postgresql_engine(url, pool_size=2, max_overflow=2)
    reader = _postgresql_engine(
        url,
        pool_size=READERS // 2,
        max_overflow=READERS // 2,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )
    return Engines(writer=writer, reader=reader, single=writer.execution_options(isolation_level="AUTOCOMMIT"))


def check_durability(engine: sa.Engine) -> None:
    """Raise FailedPreconditionError (NOT_DURABLE) where PostgreSQL may lose what it has confirmed."""
    if engine.dialect.name != "postgresql":
        return
    asked = sa.text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    with engine.connect() as connection:
        found = connection.execute(asked, {"names": list(_REQUIRED_SETTINGS)}).all()
    wrong = sorted(f"{name}={setting}" for name, setting in found if setting not in _REQUIRED_SETTINGS[name])
    if wrong:
        message = f"PostgreSQL is not set up to keep what it confirms: {', '.join(wrong)}"
        raise FailedPreconditionError("NOT_DURABLE", message, {"state": ",".join(wrong)})


def _sqlite_engine(path: Path, *, writing: bool) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={'rwc' if writing else 'ro'}",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,  # transactions begin where SQLAlchemy says so, and not where the driver guesses
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        if writing:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=1 if writing else READERS // 2,
        max_overflow=0 if writing else READERS // 2,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        json_serializer=to_json,
    )
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: sa.URL, **options: Any) -> sa.Engine:
    settings = " ".join(f"-c {name}={value}" for name, value in _SESSION_SETTINGS.items())
    # What the operator's URL says comes last and wins.
    given = url.query.get("options", "")
    return sa.create_engine(
        url,
        connect_args=_CONNECTION | {"options": f"{settings} {given}".strip()},
        pool_pre_ping=True,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        json_serializer=to_json,
        **options,
    )
