"""First answers to request_ids as rows; the answers are sealed."""

from datetime import datetime

import sqlalchemy as sa

from certsvc.errors import AlreadyExistsError
from certsvc.ports import RecordedAnswer
from certsvc.store import tables
from certsvc.store.commands import Command, insertion_if_free
from certsvc.store.sealing import Privacy
from certsvc.store.session import Session

_r = tables.requests.c
_p = sa.bindparam

_FIND = Command(
    lambda _: sa.select(_r.payload_digest, _r.answer).where(
        _r.caller == _p("caller"), _r.request_id == _p("request_id")
    )
)
_ADD = insertion_if_free(tables.requests)
_PURGE = Command(
    lambda _: sa.delete(tables.requests).where(
        sa.tuple_(_r.caller, _r.request_id).in_(
            sa.select(_r.caller, _r.request_id)
            .where(_r.answered_at < _p("before"))
            .correlate(None)
            .limit(_p("limit", type_=sa.Integer))
        )
    )
)


class SQLRequestLog:
    """ports.RequestLog; each method keeps what the port says."""

    def __init__(self, session: Session, privacy: Privacy) -> None:
        self._session = session
        self._privacy = privacy

    def find(self, *, caller: str, request_id: str) -> RecordedAnswer | None:
        """See the port."""
        for payload_digest, answer in self._session.returned(_FIND, caller=caller, request_id=request_id):
            return RecordedAnswer(payload_digest, self._privacy.open(_r.answer, answer, caller, request_id))
        return None

    def add(self, *, caller: str, request_id: str, recorded: RecordedAnswer, at: datetime) -> None:
        """See the port; reason REQUEST_EXISTS."""
        added = self._session.change(
            _ADD,
            caller=caller,
            request_id=request_id,
            payload_digest=recorded.payload_digest,
            answer=self._privacy.seal(_r.answer, recorded.answer, caller, request_id),
            answered_at=at,
        )
        if not added:
            message = "this request_id was answered meanwhile"
            raise self._session.refused(AlreadyExistsError("REQUEST_EXISTS", message))

    def purge(self, *, before: datetime, limit: int) -> int:
        """See the port."""
        return self._session.change(_PURGE, before=before, limit=limit)
