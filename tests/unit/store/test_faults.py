"""Every kind of trouble that a driver reports has its error of ours, and none repeats a parameter."""

import sqlite3

import psycopg
import pytest
import sqlalchemy.exc as sa_errors

from certsvc.errors import (
    AlreadyExistsError,
    CertsvcError,
    DataIntegrityError,
    FailedPreconditionError,
    InvalidInputError,
    UnavailableError,
)
from certsvc.store.faults import BusyError, DisconnectedError, translated

SECRET = "11010519491231002X"


def from_sqlite(name: str, kind: type[sa_errors.DBAPIError] = sa_errors.OperationalError) -> sa_errors.DBAPIError:
    error = sqlite3.OperationalError(SECRET)
    error.sqlite_errorname = name
    return kind(SECRET, {"number": SECRET}, error)


def from_postgresql(
    state: str, kind: type[sa_errors.DBAPIError] = sa_errors.OperationalError, *, gone: bool = False
) -> sa_errors.DBAPIError:
    error = psycopg.errors.lookup(state)(SECRET) if state else psycopg.OperationalError(SECRET)
    return kind(SECRET, {"number": SECRET}, error, connection_invalidated=gone)


CASES: list[tuple[Exception, type[CertsvcError], str]] = [
    (from_sqlite("SQLITE_BUSY"), BusyError, "STORE_BUSY"),
    (from_sqlite("SQLITE_BUSY_SNAPSHOT"), BusyError, "STORE_BUSY"),
    (from_sqlite("SQLITE_LOCKED"), BusyError, "STORE_BUSY"),
    (from_sqlite("SQLITE_FULL"), UnavailableError, "STORE_FULL"),
    (from_sqlite("SQLITE_IOERR_FSYNC"), UnavailableError, "STORE_FAULT"),
    (from_sqlite("SQLITE_CORRUPT"), DataIntegrityError, "STORE_DAMAGED"),
    (from_sqlite("SQLITE_CORRUPT_INDEX"), DataIntegrityError, "STORE_DAMAGED"),
    (from_sqlite("SQLITE_NOTADB"), DataIntegrityError, "STORE_DAMAGED"),
    (from_sqlite("SQLITE_CONSTRAINT_UNIQUE", sa_errors.IntegrityError), AlreadyExistsError, "ALREADY_EXISTS"),
    (from_sqlite("SQLITE_CONSTRAINT_PRIMARYKEY", sa_errors.IntegrityError), AlreadyExistsError, "ALREADY_EXISTS"),
    (
        from_sqlite("SQLITE_CONSTRAINT_FOREIGNKEY", sa_errors.IntegrityError),
        FailedPreconditionError,
        "UNKNOWN_REFERENCE",
    ),
    (from_sqlite("SQLITE_CONSTRAINT_NOTNULL", sa_errors.IntegrityError), UnavailableError, "STORE_FAULT"),
    (from_sqlite(""), UnavailableError, "STORE_FAULT"),
    (from_postgresql("40001"), BusyError, "STORE_BUSY"),
    (from_postgresql("40P01"), BusyError, "STORE_BUSY"),
    (from_postgresql("55P03"), BusyError, "STORE_BUSY"),
    (from_postgresql("57P01"), DisconnectedError, "STORE_UNREACHABLE"),
    (from_postgresql("25P03"), DisconnectedError, "STORE_UNREACHABLE"),
    (from_postgresql("08006"), DisconnectedError, "STORE_UNREACHABLE"),
    (from_postgresql(""), DisconnectedError, "STORE_UNREACHABLE"),
    (from_postgresql("42601", sa_errors.ProgrammingError, gone=True), DisconnectedError, "STORE_UNREACHABLE"),
    (from_postgresql("23505", sa_errors.IntegrityError), AlreadyExistsError, "ALREADY_EXISTS"),
    (from_postgresql("23503", sa_errors.IntegrityError), FailedPreconditionError, "UNKNOWN_REFERENCE"),
    (from_postgresql("53100"), UnavailableError, "STORE_FULL"),
    (from_postgresql("57014"), UnavailableError, "STORE_TIMEOUT"),
    (from_postgresql("XX001", sa_errors.InternalError), DataIntegrityError, "STORE_DAMAGED"),
    (from_postgresql("42601", sa_errors.ProgrammingError), UnavailableError, "STORE_FAULT"),
    (sa_errors.DataError(SECRET, None, psycopg.DataError(SECRET)), InvalidInputError, "INVALID_INPUT"),
    (UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"), InvalidInputError, "INVALID_INPUT"),
    (OverflowError(SECRET), InvalidInputError, "INVALID_INPUT"),
    (sa_errors.TimeoutError(SECRET), UnavailableError, "STORE_BUSY"),
    (sa_errors.InvalidRequestError(SECRET), UnavailableError, "STORE_FAULT"),
]


@pytest.mark.parametrize(("error", "kind", "reason"), CASES)
def test_an_error_becomes_one_of_ours(error: Exception, kind: type[CertsvcError], reason: str) -> None:
    ours = translated(error)
    assert type(ours) is kind
    assert ours.reason == reason
    assert SECRET not in f"{ours} {ours.details}"
