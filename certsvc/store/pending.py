"""Changes that wait for a second officer, as rows; requests and the reasons of decisions are sealed."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from certsvc.errors import AlreadyExistsError, ConflictError
from certsvc.ports import PendingRecord
from certsvc.store import tables
from certsvc.store.commands import Command, insertion_if_free
from certsvc.store.sealing import Privacy
from certsvc.store.session import Row, Session, columns_of

_c = tables.pending_changes.c
_p = sa.bindparam

_CLEAR = (
    "change_id",
    "agency_id",
    "action",
    "identifier",
    "type_code",
    "requested_by",
    "requested_at",
    "expires_at",
)
_DECISION = ("decided_at", "approved", "decided_by", "decision_reason")

_UNDECIDED = sa.select(tables.pending_changes).where(_c.decided_at.is_(None))
_GET = _UNDECIDED.where(_c.change_id == _p("change_id"))
_LIST = (
    _UNDECIDED.where(_c.agency_id == _p("agency_id"), _c.change_id > _p("after"), _c.expires_at > _p("now"))
    .order_by(_c.change_id)
    .limit(_p("limit", type_=sa.Integer))
)
_ADD = insertion_if_free(tables.pending_changes)
_DECIDE = Command(
    lambda _: (
        sa.update(tables.pending_changes)
        .where(_c.change_id == _p("key"), _c.decided_at.is_(None))
        .values({name: _p(name) for name in _DECISION})
    )
)


class SQLPendingChangeRepository:
    """ports.PendingChangeRepository; each method keeps what the port says."""

    def __init__(self, session: Session, privacy: Privacy) -> None:
        self._session = session
        self._privacy = privacy

    def add(self, record: PendingRecord) -> None:
        """Raises AlreadyExistsError, reason PENDING_CHANGE_EXISTS."""
        added = self._session.change(
            _ADD,
            **{name: getattr(record, name) for name in _CLEAR},
            **dict.fromkeys(_DECISION),
            request=self._privacy.seal(_c.request, record.request, record.change_id),
        )
        if not added:
            message = "a change with this id is waiting already"
            raise self._session.refused(AlreadyExistsError("PENDING_CHANGE_EXISTS", message))

    def get(self, change_id: str) -> PendingRecord | None:
        """See the port; one past its end too."""
        row = self._session.first(_GET, change_id=change_id)
        return self._record(row) if row else None

    def list(self, agency_id: str, *, after: str, limit: int, now: datetime) -> Sequence[PendingRecord]:
        """Those still to be decided, in the order of ids."""
        rows = self._session.rows(_LIST, agency_id=agency_id, after=after, limit=limit, now=now)
        return [self._record(row) for row in rows]

    def decide(self, change_id: str, *, approved: bool, by: str, reason: str, at: datetime) -> None:
        """See the port; reason ALREADY_DECIDED."""
        sealed = self._privacy.seal(_c.decision_reason, reason.encode(), change_id)
        decided = self._session.change(
            _DECIDE, key=change_id, decided_at=at, approved=approved, decided_by=by, decision_reason=sealed
        )
        if not decided:
            raise self._session.refused(ConflictError("ALREADY_DECIDED", "the change was decided meanwhile"))

    def _record(self, row: Row) -> PendingRecord:
        columns = columns_of(row)
        clear = {name: columns[name] for name in _CLEAR}
        return PendingRecord(**clear, request=self._privacy.open(_c.request, row.request, row.change_id))
