"""Taking over the feed of another PostgreSQL cluster, after a dump was restored or the register moved.

Invariant: no row of the feed bears a transaction that this cluster has not begun, so nothing waits for one that never
comes. Transaction numbers are the cluster's own: those of another one mean nothing here.
"""

import sqlalchemy as sa

from certsvc.store import tables

_BEGUN = sa.literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint", sa.BigInteger)


def adopt_changes(engine: sa.Engine) -> None:
    """Let changes from another cluster stand before all of this one, in their order; on SQLite there are none."""
    if engine.dialect.name != "postgresql":
        return
    foreign = tables.changes.c.transaction_id >= _BEGUN
    with engine.begin() as connection:
        connection.execute(sa.update(tables.changes).where(foreign).values(transaction_id=0))
