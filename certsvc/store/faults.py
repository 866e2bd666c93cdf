"""Turns what SQLAlchemy and the drivers raise into errors of this project, at the only place where both are known.

Invariants: no driver's error leaves the store; no message repeats a statement's parameters, which may be personal;
what a retry can cure is told apart from what it cannot.
"""

import sqlite3
from collections.abc import Callable, Mapping

import sqlalchemy.exc as sa_errors

from certsvc.errors import (
    AlreadyExistsError,
    CertsvcError,
    ConflictError,
    DataIntegrityError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    UnavailableError,
)

DRIVER_ERRORS = (sa_errors.SQLAlchemyError, UnicodeEncodeError, OverflowError)
"""What a statement can raise: SQLite's driver refuses half surrogates and integers over 64 bits with its own types."""


class BusyError(UnavailableError):
    """Lost a race for a lock or a snapshot; the same work may succeed when run again."""


class StaleError(ConflictError):
    """The row was changed after the work had read it; the same work may succeed, or be told better, when run again."""


class DisconnectedError(UnavailableError):
    """The connection is gone, and with it the transaction."""


# SQLSTATE: 40001 serialization failure, 40P01 deadlock, 55P03 lock timeout.
_BUSY_STATES = frozenset({"40001", "40P01", "55P03"})
# 25P03 and 57P05 idle too long; 57P01 to 57P03 the server is stopping or starting.
_DISCONNECTED_STATES = frozenset({"25P03", "57P01", "57P02", "57P03", "57P05"})
_SQLITE_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})
_SQLITE_DAMAGE = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


def translated(error: Exception) -> CertsvcError:
    """The error to raise instead of `error` (one of DRIVER_ERRORS); raise it `from` the original."""
    if isinstance(error, UnicodeEncodeError | OverflowError | sa_errors.DataError):
        return _unstorable()
    if isinstance(error, sa_errors.TimeoutError):
        return UnavailableError("STORE_BUSY", "no connection to the store became free in time")
    if not isinstance(error, sa_errors.DBAPIError):
        return UnavailableError("STORE_FAULT", "the store could not run a statement")
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_fault(error, _sqlite_name(error.orig))
    return _postgresql_fault(error, getattr(error.orig, "sqlstate", None) or "")


def _sqlite_name(error: sqlite3.Error) -> str:
    """SQLite's name of the error, extended codes cut to the two words of the primary one (SQLITE_IOERR_WRITE)."""
    name: str = getattr(error, "sqlite_errorname", "") or ""
    return name if name.startswith("SQLITE_CONSTRAINT") else "_".join(name.split("_")[:2])


def _sqlite_fault(error: sa_errors.DBAPIError, name: str) -> CertsvcError:
    if name in _SQLITE_BUSY:
        return BusyError("STORE_BUSY", "another process holds the database")
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"):
        return _taken()
    if name.startswith("SQLITE_CONSTRAINT_FOREIGN"):
        return _unknown_reference()
    if name in _SQLITE_DAMAGE:
        return _damaged()
    if name == "SQLITE_FULL":
        return _full()
    if isinstance(error, sa_errors.IntegrityError):
        return UnavailableError("STORE_FAULT", "a row breaks a rule of its table")
    return UnavailableError("STORE_FAULT", f"the database answered {name or 'an error'}")


def _postgresql_fault(error: sa_errors.DBAPIError, state: str) -> CertsvcError:
    if state in _BUSY_STATES:
        return BusyError("STORE_BUSY", "another transaction was in the way")
    if error.connection_invalidated or state in _DISCONNECTED_STATES or state.startswith("08"):
        return _disconnected()
    if not state and isinstance(error, sa_errors.OperationalError):
        return _disconnected()  # it never got as far as an answer
    named = _POSTGRESQL_FAULTS.get(state) or _POSTGRESQL_FAULTS.get(state[:2])
    return named() if named else UnavailableError("STORE_FAULT", f"the database answered {state or 'an error'}")


def _disconnected() -> CertsvcError:
    return DisconnectedError("STORE_UNREACHABLE", "the connection to the database was lost")


def _unstorable() -> CertsvcError:
    description = "holds a character or an integer that cannot be stored"
    return InvalidInputError.of(FieldViolation("", "UNSTORABLE_VALUE", description))


def _taken() -> CertsvcError:
    return AlreadyExistsError("ALREADY_EXISTS", "another row has this key", {"identifier": ""})


def _unknown_reference() -> CertsvcError:
    return FailedPreconditionError("UNKNOWN_REFERENCE", "names something that is not registered", {"state": "UNKNOWN"})


def _damaged() -> CertsvcError:
    return DataIntegrityError("STORE_DAMAGED", "the database says that its file is damaged")


def _full() -> CertsvcError:
    return UnavailableError("STORE_FULL", "the database has run out of disk, memory or connections")


def _slow() -> CertsvcError:
    return UnavailableError("STORE_TIMEOUT", "the database took too long")


# SQLSTATE, or its class (the first two characters).
_POSTGRESQL_FAULTS: Mapping[str, Callable[[], CertsvcError]] = {
    "23505": _taken,
    "23503": _unknown_reference,
    "53": _full,
    "57014": _slow,
    "XX001": _damaged,
    "XX002": _damaged,
}
