"""Agencies, their officers, client keys and grants as rows. Officers' names are sealed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from certsvc.domain.agency import Agency, ClientKey, Grant, Officer, OfficerRole
from certsvc.domain.text import LocalizedText
from certsvc.errors import AlreadyExistsError
from certsvc.store import tables
from certsvc.store.commands import Command, insertion_if_free
from certsvc.store.faults import StaleError
from certsvc.store.sealing import Privacy
from certsvc.store.session import Row, Session, columns_of

_a, _o, _k, _g, _l = (
    tables.agencies.c,
    tables.officers.c,
    tables.client_keys.c,
    tables.grants.c,
    tables.licenses.c,
)
_p = sa.bindparam

_GET = sa.select(tables.agencies).where(_a.agency_id == _p("agency_id"))
_LIST = (
    sa.select(tables.agencies)
    .where(_a.agency_id > _p("after"), sa.func.substr(_a.region, 1, _p("length")) == _p("region"))
    .order_by(_a.agency_id)
    .limit(_p("limit", type_=sa.Integer))
)
_ADD = insertion_if_free(tables.agencies)
_UPDATE = Command(
    lambda _: (
        sa.update(tables.agencies)
        .where(_a.agency_id == _p("key"), _a.revision == _p("stored_revision"))
        .values({name: _p(name) for name in _a.keys() if name not in ("agency_id", "created_at")})  # noqa: SIM118
    )
)
_TRANSFER = Command(
    lambda _: (
        sa.update(tables.licenses)
        .where(_l.responsible_agency_id == _p("from_id"))
        .values(responsible_agency_id=_p("to_id"))
    )
)

_OFFICER = sa.select(tables.officers).where(_o.agency_id == _p("agency_id"), _o.officer_id == _p("officer_id"))
_OFFICERS = (
    sa.select(tables.officers)
    .where(_o.agency_id == _p("agency_id"), _o.officer_id > _p("after"))
    .order_by(_o.officer_id)
    .limit(_p("limit", type_=sa.Integer))
)
_ADD_OFFICER = insertion_if_free(tables.officers)
_UPDATE_OFFICER = Command(
    lambda _: (
        sa.update(tables.officers)
        .where(_o.agency_id == _p("key"), _o.officer_id == _p("officer_key"), _o.revision == _p("stored_revision"))
        .values({name: _p(name) for name in ("name", "roles", "active", "revision")})
    )
)

_KEY = sa.select(tables.client_keys).where(_k.key_id == _p("key_id"))
_KEYS = sa.select(tables.client_keys).where(_k.owner_id == _p("owner_id")).order_by(_k.created_at, _k.key_id)
_ADD_KEY = insertion_if_free(tables.client_keys)
_REVOKE_KEY = Command(
    lambda _: (
        sa.update(tables.client_keys).where(_k.key_id == _p("key"), _k.revoked_at.is_(None)).values(revoked_at=_p("at"))
    )
)

_GRANTS = sa.select(tables.grants).where(_g.agency_id == _p("agency_id")).order_by(_g.kind, _g.type_code, _g.region)
_ADD_GRANT = insertion_if_free(tables.grants)
_REMOVE_GRANT = Command(lambda _: sa.delete(tables.grants).where(*(column == _p(column.name) for column in _g)))


class SQLAgencyRepository:
    """ports.AgencyRepository; each method keeps what the port says."""

    def __init__(self, session: Session, privacy: Privacy) -> None:
        self._session = session
        self._privacy = privacy

    def get(self, agency_id: str) -> Agency | None:
        """See the port."""
        row = self._session.first(_GET, agency_id=agency_id)
        return _agency(row) if row else None

    def list(self, *, region: str, after: str, limit: int) -> Sequence[Agency]:
        """In the order of ids, those whose region begins with `region`."""
        rows = self._session.rows(_LIST, region=region, length=len(region), after=after, limit=limit)
        return [_agency(row) for row in rows]

    def add(self, agency: Agency) -> None:
        """See the port."""
        self._added(self._session.change(_ADD, **_agency_values(agency)), "AGENCY_EXISTS")

    def update(self, agency: Agency) -> None:
        """See the port."""
        values = _agency_values(agency)
        self._swapped(
            self._session.change(_UPDATE, key=agency.agency_id, stored_revision=agency.revision - 1, **values)
        )

    def transfer_licenses(self, *, from_id: str, to_id: str) -> None:
        """See the port; no revision rises, for every revision of a license has its event."""
        self._session.change(_TRANSFER, from_id=from_id, to_id=to_id)

    def officer(self, agency_id: str, officer_id: str) -> Officer | None:
        """See the port."""
        row = self._session.first(_OFFICER, agency_id=agency_id, officer_id=officer_id)
        return self._officer(row) if row else None

    def officers(self, agency_id: str, *, after: str, limit: int) -> Sequence[Officer]:
        """In the order of ids."""
        rows = self._session.rows(_OFFICERS, agency_id=agency_id, after=after, limit=limit)
        return [self._officer(row) for row in rows]

    def add_officer(self, officer: Officer) -> None:
        """See the port."""
        self._added(self._session.change(_ADD_OFFICER, **self._officer_values(officer)), "OFFICER_EXISTS")

    def update_officer(self, officer: Officer) -> None:
        """See the port."""
        self._swapped(
            self._session.change(
                _UPDATE_OFFICER,
                key=officer.agency_id,
                officer_key=officer.officer_id,
                stored_revision=officer.revision - 1,
                **self._officer_values(officer),
            )
        )

    def client_key(self, key_id: str) -> ClientKey | None:
        """See the port."""
        row = self._session.first(_KEY, key_id=key_id)
        return ClientKey(**columns_of(row)) if row else None

    def client_keys(self, owner_id: str) -> Sequence[ClientKey]:
        """Oldest first, revoked ones too."""
        return [ClientKey(**columns_of(row)) for row in self._session.rows(_KEYS, owner_id=owner_id)]

    def add_client_key(self, key: ClientKey) -> None:
        """See the port."""
        values = {name: getattr(key, name) for name in _k.keys()}  # noqa: SIM118
        self._added(self._session.change(_ADD_KEY, **values), "CLIENT_KEY_EXISTS")

    def revoke_client_key(self, key_id: str, *, at: datetime) -> None:
        """See the port; the first time stays."""
        self._session.change(_REVOKE_KEY, key=key_id, at=at)

    def grants(self, agency_id: str) -> Sequence[Grant]:
        """See the port."""
        return [Grant(**columns_of(row)) for row in self._session.rows(_GRANTS, agency_id=agency_id)]

    def add_grant(self, grant: Grant) -> None:
        """See the port."""
        self._added(self._session.change(_ADD_GRANT, **_grant_values(grant)), "GRANT_EXISTS")

    def remove_grant(self, grant: Grant) -> bool:
        """See the port."""
        return self._session.change(_REMOVE_GRANT, **_grant_values(grant)) == 1

    def _added(self, count: int, reason: str) -> None:
        if count == 0:
            raise self._session.refused(AlreadyExistsError(reason, "it is registered already"))

    def _swapped(self, count: int) -> None:
        if count == 0:
            raise self._session.refused(StaleError("STALE_REVISION", "somebody changed it meanwhile"))

    def _officer(self, row: Row) -> Officer:
        return Officer(
            agency_id=row.agency_id,
            officer_id=row.officer_id,
            name=self._privacy.open(_o.name, row.name, row.agency_id, row.officer_id).decode(),
            roles=frozenset(OfficerRole(role) for role in row.roles),
            active=row.active,
            revision=row.revision,
        )

    def _officer_values(self, officer: Officer) -> dict[str, Any]:
        name = self._privacy.seal(_o.name, officer.name.encode(), officer.agency_id, officer.officer_id)
        return {
            "agency_id": officer.agency_id,
            "officer_id": officer.officer_id,
            "name": name,
            "roles": sorted(officer.roles),
            "active": officer.active,
            "revision": officer.revision,
        }


def _agency(row: Row) -> Agency:
    return Agency(
        agency_id=row.agency_id,
        name=LocalizedText(row.name_zh, row.name_en),
        region=row.region,
        level=row.level,
        state=row.state,
        revision=row.revision,
        created_at=row.created_at,
        successor_id=row.successor_id,
    )


def _agency_values(agency: Agency) -> dict[str, Any]:
    return {
        "agency_id": agency.agency_id,
        "name_zh": agency.name.zh,
        "name_en": agency.name.en,
        "region": agency.region,
        "level": agency.level,
        "state": agency.state,
        "revision": agency.revision,
        "created_at": agency.created_at,
        "successor_id": agency.successor_id,
    }


def _grant_values(grant: Grant) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in _g.keys()}  # noqa: SIM118
