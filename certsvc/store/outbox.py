"""Puts changes into the feed, in the transaction of what changed; `feed` hands them out."""

from certsvc.domain.changes import Change
from certsvc.store import tables
from certsvc.store.commands import current_transaction, insertion
from certsvc.store.session import Session

_ADD = insertion(tables.changes, transaction_id=current_transaction())


class SQLOutbox:
    """ports.Outbox."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, change: Change) -> None:
        """See ports.Outbox."""
        self._session.append(
            _ADD, kind=change.kind, ref=change.ref, recorded_at=change.recorded_at, data=dict(change.data)
        )
        self._session.announces = True
