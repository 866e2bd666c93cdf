"""Makes and names the database's schema; `migrations/` holds the steps.

Invariants: two processes that migrate at once do it one after the other; a step happens whole or not at all.
"""

import os
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from certsvc.errors import FailedPreconditionError
from certsvc.store.engine import open_engines, parsed_url
from certsvc.store.faults import translated

MIGRATIONS = Path(__file__).with_name("migrations")

_ADVISORY_LOCK = 0x63657274  # any number that every version of this program uses


def migrate(url: str) -> None:
    """Bring the database at `url` to this program's schema; make the SQLite file where there is none (mode 0600).

    Raises InvalidInputError for a URL of another kind, UnavailableError when the database does not answer.
    """
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        _make_private_file(Path(parsed.database or ""))
    engines = open_engines(parsed)
    try:
        with engines.writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            configuration = _configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engines.dispose()


def schema_version(url: str) -> str | None:
    """The revision of the schema at `url`, None for a database that was never migrated."""
    engines = open_engines(parsed_url(url))
    try:
        return _stored_version(engines.writer)
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engines.dispose()


def check_schema(engine: sa.Engine) -> None:
    """Raise FailedPreconditionError (SCHEMA_VERSION) unless the schema is this program's."""
    stored, expected = _stored_version(engine), newest_version()
    if stored != expected:
        message = f"the database has schema {stored or 'none'}, this program needs {expected}: run migrate"
        raise FailedPreconditionError("SCHEMA_VERSION", message, {"state": stored or "NONE"})


def newest_version() -> str:
    """The revision of this program's schema."""
    head = ScriptDirectory.from_config(_configuration()).get_current_head()
    assert head is not None  # noqa: S101 - this program has at least one migration
    return head


def _stored_version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def _make_private_file(path: Path) -> None:
    if not path.exists():
        # SQLite gives its WAL the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
