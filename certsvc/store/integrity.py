"""Looks for damage: what the database says of its own file, and rows that contradict each other."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from certsvc.store import tables
from certsvc.store.session import Session

_l, _v, _h = tables.licenses.c, tables.license_versions.c, tables.license_holders.c

_current = sa.and_(_v.license_id == _l.license_id, _v.version == _l.current_version)
_PAIRS = sa.select(sa.func.count()).select_from(tables.licenses.join(tables.license_versions))

_CONTRADICTIONS = {
    "licenses without their current version": sa.select(sa.func.count())
    .select_from(tables.licenses)
    .where(~sa.exists().where(_current).correlate(tables.licenses)),
    "versions whose state is not their license's": _PAIRS.where(_v.state != _l.state),
    "current versions marked as superseded": _PAIRS.where(
        _v.version == _l.current_version, _v.superseded_at.is_not(None)
    ),
    "older versions not marked as superseded": _PAIRS.where(
        _v.version != _l.current_version, _v.superseded_at.is_(None)
    ),
    "licenses without a holder": sa.select(sa.func.count())
    .select_from(tables.licenses)
    .where(~sa.exists().where(_h.license_id == _l.license_id).correlate(tables.licenses)),
}


def integrity_findings(session: Session) -> Sequence[str]:
    """One line a finding, in plain words and without personal data; empty if all is sound."""
    return [*_file_findings(session), *_row_findings(session)]


def _file_findings(session: Session) -> Iterator[str]:
    if not session.on_sqlite:
        return
    for (line,) in session.rows(sa.text("PRAGMA integrity_check(20)")):
        if line != "ok":
            yield f"SQLite: {line}"
    for table, *_ in session.rows(sa.text("PRAGMA foreign_key_check")):
        yield f"SQLite: a row of {table} names a row that is not there"


def _row_findings(session: Session) -> Iterator[str]:
    for what, counting in _CONTRADICTIONS.items():
        count = session.number(counting)
        if count:
            yield f"{count} {what}"
