"""Counters leased in blocks: numbers that nobody else gets, ever, taken in one small transaction."""

import sqlalchemy as sa

from certsvc.store import tables
from certsvc.store.commands import Command, insert_into
from certsvc.store.session import Session

FIRST = 1
"""License rows are listed after a number, so that 0 must stay free."""


def _lease(dialect_name: str) -> sa.Insert:
    """Add `count` to the counter; a counter that is new is inserted with `next` = FIRST + count."""
    insert = insert_into(tables.leases, dialect_name)
    return insert.on_conflict_do_update(
        index_elements=["name"], set_={"next": tables.leases.c.next + insert.excluded.next - FIRST}
    ).returning(tables.leases.c.next)


_LEASE = Command(_lease)


def lease(session: Session, name: str, count: int) -> range:
    """The next `count` numbers of the counter `name`; they are taken once the transaction is committed."""
    (row,) = session.returned(_LEASE, name=name, next=FIRST + count)
    end = int(row[0])
    return range(end - count, end)
