"""Access records as rows: found by subject and by caller, their content sealed."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from certsvc.domain.access import AccessContext
from certsvc.domain.numbers import Number, NumberKind
from certsvc.ports import AccessRecord
from certsvc.store import tables
from certsvc.store.commands import insertion
from certsvc.store.sealing import Privacy
from certsvc.store.session import Row, Session

_r, _h = tables.access_records.c, tables.access_holders.c
_p = sa.bindparam

_ADD = insertion(tables.access_records)
_ADD_HOLDER = insertion(tables.access_holders)
_COUNT = sa.select(sa.func.count()).where(
    _r.agency_id == _p("agency_id"), _r.operation == _p("operation"), _r.at >= _p("since")
)
_COUNT_OF_HOLDER = sa.select(sa.func.count()).where(
    _h.number_ix == _p("number_ix"),
    _h.agency_id == _p("agency_id"),
    _h.operation == _p("operation"),
    _h.at >= _p("since"),
)
_LIST = (
    sa.select(tables.access_records)
    .join(tables.access_holders, _h.record_id == _r.record_id)
    .where(_h.number_ix == _p("number_ix"))
    .order_by(_h.record_id.desc())
    .limit(_p("limit", type_=sa.Integer))
)


class SQLAccessLog:
    """ports.AccessLog; each method keeps what the port says."""

    def __init__(self, session: Session, privacy: Privacy) -> None:
        self._session = session
        self._privacy = privacy

    def add(self, record: AccessRecord) -> None:
        """See the port."""
        record_id = _record_id(record.at)
        common = {"agency_id": record.agency_id, "operation": record.operation, "at": record.at}
        context = record.context
        content = {
            "context": [context.matter, context.case_number, context.cause, context.legal_basis],
            "holders": [(number.kind, number.value) for number in record.holders],
            "fields": record.fields,
            "purpose": record.purpose,
        }
        self._session.append(
            _ADD,
            **common,
            record_id=record_id,
            officer_id=record.officer_id,
            right=record.right,
            license_id=record.license_id,
            content=self._privacy.seal_json(_r.content, content, record_id),
        )
        for number_ix in {self._privacy.index.number(number) for number in record.holders}:
            self._session.append(_ADD_HOLDER, **common, record_id=record_id, number_ix=number_ix)

    def count_since(self, *, agency_id: str, operation: str, since: datetime, holder: Number | None = None) -> int:
        """How often the agency did this from `since` on, to this holder or to anyone."""
        self._session.settle()
        asked: dict[str, Any] = {"agency_id": agency_id, "operation": operation, "since": since}
        if holder is None:
            return self._session.number(_COUNT, **asked)
        return self._session.number(_COUNT_OF_HOLDER, **asked, number_ix=self._privacy.index.number(holder))

    def list(self, *, holder: Number, limit: int) -> Sequence[AccessRecord]:
        """See the port."""
        self._session.settle()
        number_ix = self._privacy.index.number(holder)
        return [self._record(row) for row in self._session.rows(_LIST, number_ix=number_ix, limit=limit)]

    def _record(self, row: Row) -> AccessRecord:
        content = self._privacy.open_json(_r.content, row.content, row.record_id)
        return AccessRecord(
            at=row.at,
            agency_id=row.agency_id,
            officer_id=row.officer_id,
            operation=row.operation,
            right=row.right,
            context=AccessContext(*content["context"]),
            license_id=row.license_id,
            holders=tuple(Number(NumberKind(kind), value) for kind, value in content["holders"]),
            fields=tuple(content["fields"]),
            purpose=content["purpose"],
        )


def _record_id(at: datetime) -> str:
    """A UUIDv7 (RFC 9562 §5.7) without its hyphens: milliseconds, then chance, so that order is the order of time."""
    milliseconds = int(at.timestamp() * 1000) & (1 << 48) - 1
    number = milliseconds << 80 | secrets.randbits(80)
    # Version and variant replace the bits that the RFC gives them.
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0b11 << 62) | 0b10 << 62
    return f"{number:032x}"
