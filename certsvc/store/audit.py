"""Audit entries as rows: written with what they record, never changed."""

from collections.abc import Sequence

import sqlalchemy as sa

from certsvc.ports import AuditEntry
from certsvc.store import tables
from certsvc.store.commands import insertion
from certsvc.store.session import Session

_c = tables.audit_entries.c

_ADD = insertion(tables.audit_entries)
_LIST = (
    sa.select(tables.audit_entries)
    .where(_c.entry_id > sa.bindparam("after"))
    .order_by(_c.entry_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


class SQLAuditLog:
    """ports.AuditLog; each method keeps what the port says."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, entry: AuditEntry) -> None:
        """See the port."""
        self._session.append(
            _ADD,
            at=entry.at,
            actor=entry.actor,
            officer_id=entry.officer_id,
            action=entry.action,
            target=entry.target,
            details=dict(entry.details),
        )

    def list(self, *, after: int, limit: int) -> Sequence[tuple[int, AuditEntry]]:
        """Entries with their numbers, oldest first."""
        self._session.settle()
        return [
            (
                row.entry_id,
                AuditEntry(row.at, row.actor, row.officer_id, row.action, row.target, row.details),
            )
            for row in self._session.rows(_LIST, after=after, limit=limit)
        ]
