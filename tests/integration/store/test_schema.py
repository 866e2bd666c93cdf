"""The migrations make exactly the tables of `tables`, once, whoever runs them."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from certsvc.errors import FailedPreconditionError, InvalidInputError, UnavailableError
from certsvc.store import tables
from certsvc.store.schema import migrate, newest_version, schema_version
from tests.integration.store.conftest import OpenLedger


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    migrate(database_url)
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        found = sa.inspect(connection)
        for table in tables.metadata.tables.values():
            wanted = {constraint.name for constraint in table.constraints}
            # SQLite's keys that count by themselves are written in the column, without a name.
            assert wanted ^ constraint_names(found, table.name) <= {None, f"pk_{table.name}"}, table.name
    engine.dispose()


def test_partial_indices_have_their_conditions(database_url: str) -> None:
    migrate(database_url)
    engine = sa.create_engine(database_url)
    catalog = {"sqlite": "SELECT sql FROM sqlite_master", "postgresql": "SELECT indexdef FROM pg_indexes"}
    with engine.connect() as connection:
        found = connection.exec_driver_sql(catalog[engine.dialect.name]).scalars().all()
    engine.dispose()
    definitions = {name: text for text in found for name in PARTIAL if text and f" {name} " in text}
    assert definitions.keys() == PARTIAL
    assert "'SUSPENDED'" in definitions["uq_licenses_not_final"]
    assert "UNIQUE" in definitions["uq_licenses_not_final"]
    assert "<>" in definitions["ix_licenses_handed_on"]
    assert "superseded_at IS NOT NULL" in definitions["ix_license_versions_exceptional"]


PARTIAL = {"uq_licenses_not_final", "ix_licenses_handed_on", "ix_license_versions_exceptional"}


def constraint_names(found: sa.Inspector, table: str) -> set[str | None]:
    return {
        found.get_pk_constraint(table)["name"],
        *(constraint["name"] for constraint in found.get_foreign_keys(table)),
        *(constraint["name"] for constraint in found.get_unique_constraints(table)),
    }


def test_migrating_again_changes_nothing(database_url: str, open_at: OpenLedger) -> None:
    migrate(database_url)
    open_at(database_url).lease("license", 5)
    migrate(database_url)
    assert schema_version(database_url) == newest_version() == "0001"
    assert open_at(database_url).lease("license", 1) == range(6, 7)


def test_four_that_migrate_at_once_do_it_once(postgres_url: str, open_at: OpenLedger) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [postgres_url] * 4))
    with open_at(postgres_url).read() as r:
        assert r.signing_keys.key_set_version() == 0


def test_a_database_without_the_schema_is_not_opened(database_url: str, open_at: OpenLedger) -> None:
    if database_url.startswith("postgresql"):
        assert schema_version(database_url) is None
    with pytest.raises(FailedPreconditionError) as refused:
        open_at(database_url)
    assert refused.value.reason == "SCHEMA_VERSION"


def test_a_newer_schema_is_not_opened(database_url: str, open_at: OpenLedger) -> None:
    migrate(database_url)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(FailedPreconditionError) as refused:
        open_at(database_url)
    assert refused.value.details == {"state": "9999"}


def test_the_sqlite_files_are_private(tmp_path: Path, open_at: OpenLedger) -> None:
    url = f"sqlite:///{tmp_path / 'register.sqlite'}"
    migrate(url)
    open_at(url).lease("license", 1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "register.sqlite-wal" in modes


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://secret@host/db", "not a url", ""])
def test_another_kind_of_url_is_refused_and_not_repeated(url: str, open_at: OpenLedger) -> None:
    for opening in (migrate, schema_version, open_at):
        with pytest.raises(InvalidInputError) as refused:
            opening(url)
        assert "secret" not in str(refused.value)


def test_a_database_that_does_not_answer_is_unavailable(open_at: OpenLedger) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    for opening in (migrate, schema_version, open_at):
        with pytest.raises(UnavailableError) as refused:
            opening(url)
        assert refused.value.reason == "STORE_UNREACHABLE"
