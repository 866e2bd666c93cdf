"""Compiled commands: the same values reach both databases' drivers in the form that each takes."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from certsvc.domain.changes import ChangeKind
from certsvc.store import tables
from certsvc.store.commands import Command, current_transaction, insertion, insertion_if_free

SQLITE, POSTGRESQL = (sa.make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql"))

ADD = insertion(tables.changes, transaction_id=current_transaction())
VALUES = {
    "kind": ChangeKind.LICENSE,
    "ref": "r",
    "recorded_at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    "data": {"a": 1},
}


def test_values_are_converted_and_in_order_for_sqlite() -> None:
    compiled = ADD.compiled(SQLITE)
    assert compiled.text == "INSERT INTO changes (transaction_id, kind, ref, recorded_at, data) VALUES (0, ?, ?, ?, ?)"
    assert compiled.bind(VALUES) == ("LICENSE", "r", 1_000_000, '{"a": 1}')


def test_values_are_converted_and_named_for_postgresql() -> None:
    compiled = ADD.compiled(POSTGRESQL)
    assert "pg_current_xact_id()::text::bigint" in compiled.text
    bound = compiled.bind(VALUES)
    assert isinstance(bound, dict)
    assert bound | {"data": None} == {"kind": "LICENSE", "ref": "r", "recorded_at": 1_000_000, "data": None}


def test_a_missing_value_is_a_defect() -> None:
    with pytest.raises(KeyError):
        ADD.compiled(SQLITE).bind({"kind": ChangeKind.LICENSE})


def test_constants_of_the_statement_need_no_value() -> None:
    count = tables.issue_counts.c.count
    command = Command(lambda _: sa.update(tables.issue_counts).values(count=count + 1))
    assert command.compiled(SQLITE).bind({}) == (1,)


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL])
def test_an_insertion_if_free_leaves_the_transaction_usable(dialect: sa.Dialect) -> None:
    assert insertion_if_free(tables.grants).compiled(dialect).text.endswith("ON CONFLICT DO NOTHING")


def test_a_command_is_compiled_once_per_database() -> None:
    assert ADD.compiled(SQLITE) is ADD.compiled(type(SQLITE)())
    assert ADD.compiled(SQLITE) is not ADD.compiled(POSTGRESQL)
