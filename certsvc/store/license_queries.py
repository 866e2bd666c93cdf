"""Reading licenses: one, lists, histories, and what the verifying side needs of all of them."""

from collections.abc import Iterator, Sequence
from datetime import date

import sqlalchemy as sa

from certsvc.domain.license import License, LicenseEvent, LicenseState, LicenseVersion
from certsvc.domain.numbers import Number
from certsvc.domain.permutation import STATUS_LIST_BITS
from certsvc.errors import DataIntegrityError
from certsvc.ports import LicenseFilter, RegisteredVersion, SlotRecord
from certsvc.store import tables
from certsvc.store.commands import Command
from certsvc.store.license_rows import CURRENT, LICENSE_AND_VERSION, VERSION_COLUMNS, event_of, license_of, version_of
from certsvc.store.sealing import Privacy
from certsvc.store.session import Row, Session

MAX_CANDIDATES = 10

_l, _v, _h, _e, _t = (
    tables.licenses.c,
    tables.license_versions.c,
    tables.license_holders.c,
    tables.license_events.c,
    tables.license_types.c,
)
_p = sa.bindparam
_limit = _p("limit", type_=sa.Integer)

_BY_IDENTIFIER = LICENSE_AND_VERSION.where(_v.identifier == _p("identifier"))
_BY_SLOT = LICENSE_AND_VERSION.where(_v.status_slot == _p("slot"))
_ONE_VERSION = sa.select(*VERSION_COLUMNS).where(_v.license_id == _p("license_id"), _v.version == _p("version"))
_VERSIONS = sa.select(*VERSION_COLUMNS).where(_v.license_id == _p("license_id")).order_by(_v.version)
_EVENTS = (
    sa.select(tables.license_events)
    .where(_e.license_id == _p("license_id"), _e.ordinal > _p("after"))
    .order_by(_e.ordinal)
    .limit(_limit)
)
_NOT_FINAL = CURRENT.where(
    _l.license_id.in_(
        sa.select(_l.license_id)
        .where(
            _l.agency_id == _p("agency_id"),
            _l.type_code == _p("type_code"),
            _l.license_number_ix == _p("number_ix"),
            tables.NOT_FINAL,
        )
        .correlate(None)
    )
)
_WITH_NUMBER = (
    CURRENT.where(_l.type_code == _p("type_code"), _l.license_number_ix == _p("number_ix"))
    .order_by(_l.license_id.desc())
    .limit(MAX_CANDIDATES)
)
_OF_HOLDER = (
    CURRENT.where(
        # An expression, so that SQLite does not read all licenses of the type by their index rather than the holder's.
        _l.type_code.concat("") == _p("type_code"),
        _l.license_id.in_(sa.select(_h.license_id).where(_h.number_ix == _p("number_ix"))),
    )
    .order_by(_l.license_id.desc())
    .limit(MAX_CANDIDATES)
)
_SLOT_COLUMNS = sa.select(_v.status_slot, _v.digest, _v.state, _v.superseded_at.is_not(None))
# A command, whose values come unconverted: a worker that starts reads every slot there is.
_SLOTS = Command(lambda _: _SLOT_COLUMNS.where(_v.status_slot > _p("after")).order_by(_v.status_slot).limit(_limit))
_STATES = {state.value: state for state in LicenseState}
_EXCEPTIONS = _SLOT_COLUMNS.where(
    tables.EXCEPTIONAL,
    _v.status_slot.between(_p("first"), _p("last")),
    sa.or_(_v.valid_until.is_(None), _v.valid_until >= _p("today", type_=sa.Date)),
).order_by(_v.status_slot)
_DIGESTS = (
    sa.select(_v.digest, _v.state, _v.superseded_at)
    .where(_v.digest.between(_p("low"), _p("high")))
    .order_by(_v.digest)
    .limit(_limit)
)
_COUNT = sa.select(sa.func.count()).select_from(tables.license_versions)
_HIGHEST_SLOT = sa.select(sa.func.coalesce(sa.func.max(_v.status_slot), -1))
_HAS_VC = sa.select(sa.literal(1)).where(
    tables.signed_vcs.c.digest == _p("digest"), tables.signed_vcs.c.identifier == _p("identifier")
)
_TYPE_CODES = sa.select(_t.code).distinct()


class LicenseQueries:
    """The reading half of ports.LicenseRepository; each method keeps what the port says."""

    def __init__(self, session: Session, privacy: Privacy) -> None:
        self._session = session
        self._privacy = privacy

    def by_identifier(self, identifier: str) -> RegisteredVersion | None:
        """See the port."""
        return self._registered(self._session.first(_BY_IDENTIFIER, identifier=identifier))

    def by_slot(self, slot: int) -> RegisteredVersion | None:
        """See the port."""
        return self._registered(self._session.first(_BY_SLOT, slot=slot))

    def by_license_number(self, *, agency_id: str, type_code: str, license_number: str) -> License | None:
        """See the port; None too for an empty number, which is no key."""
        number_ix = self._privacy.license_number_ix(type_code, license_number)
        if number_ix is None:
            return None
        row = self._session.first(_NOT_FINAL, agency_id=agency_id, type_code=type_code, number_ix=number_ix)
        return self._current(row) if row else None

    def candidates(self, *, type_code: str, license_number: str, holder: Number | None) -> Sequence[License]:
        """See the port; newest first, nothing without a number and a holder."""
        number_ix = self._privacy.license_number_ix(type_code, license_number)
        statement = _WITH_NUMBER
        if number_ix is None:
            if holder is None:
                return []
            self._session.settle()
            statement, number_ix = _OF_HOLDER, self._privacy.index.number(holder)
        found = self._session.rows(statement, type_code=type_code, number_ix=number_ix)
        return [self._current(row) for row in found]

    def versions(self, license_id: int) -> Sequence[LicenseVersion]:
        """See the port."""
        return [version_of(row, self._privacy) for row in self._session.rows(_VERSIONS, license_id=license_id)]

    def events(self, license_id: int, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, LicenseEvent]]:
        """See the port."""
        self._session.settle()
        found = self._session.rows(_EVENTS, license_id=license_id, after=after, limit=limit)
        return [(row.ordinal, event_of(row, self._privacy)) for row in found]

    def list(self, *, agency_id: str, filters: LicenseFilter, after: int, limit: int) -> Sequence[License]:
        """See the port."""
        self._session.settle()
        conditions = list(self._conditions(filters))
        if after:
            conditions.append(_l.license_id < after)
        # Two halves, because no index serves an OR over two columns in the order of a third.
        mine = _l.responsible_agency_id == agency_id
        handed_on = sa.and_(_l.agency_id == agency_id, tables.HANDED_ON)
        halves = [
            sa.select(_l.license_id)
            .join(tables.license_versions, (_v.license_id == _l.license_id) & (_v.version == _l.current_version))
            .where(half, *conditions)
            .order_by(_l.license_id.desc())
            .limit(limit)
            .subquery()
            for half in (mine, handed_on)
        ]
        found = sa.union_all(*(sa.select(half.c.license_id) for half in halves)).subquery()
        page = (
            CURRENT.where(_l.license_id.in_(sa.select(found.c.license_id))).order_by(_l.license_id.desc()).limit(limit)
        )
        return [self._current(row) for row in self._session.rows(page)]

    def slots(self, *, after: int, limit: int) -> Sequence[SlotRecord]:
        """See the port; -1 comes before the first slot."""
        found = self._session.returned(_SLOTS, after=after, limit=limit)
        try:
            return [
                SlotRecord(slot, digest, _STATES[state], bool(superseded)) for slot, digest, state, superseded in found
            ]
        except KeyError as error:
            raise DataIntegrityError("UNKNOWN_STORED_VALUE", "a stored LicenseState has no known value") from error

    def exceptions(self, *, list_number: int, today: date) -> Sequence[SlotRecord]:
        """See the port."""
        first = list_number << STATUS_LIST_BITS
        last = first + (1 << STATUS_LIST_BITS) - 1
        return [SlotRecord(*row) for row in self._session.rows(_EXCEPTIONS, first=first, last=last, today=today)]

    def digests_under(self, *, low: bytes, high: bytes, limit: int) -> Sequence[tuple[bytes, str]]:
        """See the port. A version that is both final and superseded is final: the state is tested first."""
        found = self._session.rows(_DIGESTS, low=low, high=high, limit=limit)
        return [
            (digest, "SUPERSEDED" if superseded_at and not state.is_final else state.value)
            for digest, state, superseded_at in found
        ]

    def count_versions(self) -> int:
        """See the port."""
        return self._session.number(_COUNT)

    def highest_slot(self) -> int:
        """See the port."""
        return self._session.number(_HIGHEST_SLOT)

    def has_vc(self, digest: bytes, *, identifier: str) -> bool:
        """Whether the register signed this for a version with this identifier."""
        return self._session.first(_HAS_VC, digest=digest, identifier=identifier) is not None

    def _registered(self, row: Row | None) -> RegisteredVersion | None:
        if row is None:
            return None
        asked = current = version_of(row, self._privacy)
        if row.current_version != row.v_version:
            newest = self._session.first(_ONE_VERSION, license_id=row.license_id, version=row.current_version)
            assert newest is not None  # noqa: S101 - written in one transaction with current_version
            current = version_of(newest, self._privacy)
        return RegisteredVersion(license=license_of(row, current), version=asked, digest=row.v_digest)

    def _current(self, row: Row) -> License:
        return license_of(row, version_of(row, self._privacy))

    def _conditions(self, filters: LicenseFilter) -> Iterator[sa.ColumnElement[bool]]:
        if filters.type_code:
            yield _l.type_code == filters.type_code
        if filters.state is not None:
            yield _l.state == filters.state
        if filters.holder is not None:
            number_ix = self._privacy.index.number(filters.holder)
            yield _l.license_id.in_(sa.select(_h.license_id).where(_h.number_ix == number_ix))
        if filters.license_number:
            # The index of a number depends on the type: without one, every type's is looked for.
            codes = [filters.type_code] if filters.type_code else [row.code for row in self._session.rows(_TYPE_CODES)]
            indices = [self._privacy.license_number_ix(code, filters.license_number) for code in codes]
            yield _l.license_number_ix.in_(indices)
        if filters.issued_after is not None:
            yield _v.issued_at >= filters.issued_after
