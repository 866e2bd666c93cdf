"""The queries that a large register asks often find their rows by an index, on both databases."""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa

from certsvc.store import feed, license_queries
from certsvc.store.schema import migrate

QUERIES: dict[str, tuple[sa.Select[*tuple[object, ...]], str]] = {
    "the license with a number": (license_queries._NOT_FINAL, "uq_licenses_not_final"),
    "exceptions of a status list": (license_queries._EXCEPTIONS, "ix_license_versions_exceptional"),
    "licenses of a holder": (license_queries._OF_HOLDER, "ix_license_holders_number"),
    "licenses with a number": (license_queries._WITH_NUMBER, "ix_licenses_number"),
}


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    migrate(module_database_url)
    engine = sa.create_engine(module_database_url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")  # the tables are empty
        yield connection
    engine.dispose()


def plan(connection: sa.Connection, query: sa.Select[*tuple[object, ...]]) -> str:
    compiled = query.compile(dialect=connection.dialect)
    assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
    # Any value of its type: for NULL, PostgreSQL plans nothing.
    samples = {str: "x", bytes: b"x", int: 1, date: date(2026, 5, 4)}
    values = {name: samples[bind.type.python_type] for name, bind in compiled.binds.items()}
    word = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    parameters = tuple(values[name] for name in compiled.positiontup) if compiled.positiontup else values
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{word} {compiled}", parameters))


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_uses_its_index(connection: sa.Connection, name: str) -> None:
    query, index = QUERIES[name]
    assert index in plan(connection, query)


def test_a_holders_licenses_are_not_looked_for_among_all_of_a_type(connection: sa.Connection) -> None:
    assert "ix_licenses_number" not in plan(connection, license_queries._OF_HOLDER)


def test_polling_begins_where_it_stopped(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert plan(connection, feed._AFTER_ON_SQLITE) == "SEARCH changes USING INTEGER PRIMARY KEY (rowid>?)"
    else:
        assert "Index Cond: ((ROW(transaction_id, sequence) > ROW(" in plan(connection, feed._AFTER_ON_POSTGRESQL)
