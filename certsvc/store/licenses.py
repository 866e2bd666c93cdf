"""Licenses, their versions, holders and events; issue counts; digests of what else the register signed.

Invariants: (agency, type, license number) is unique among licenses that are not final; identifier, digest and status
slot of a version are unique for ever; a license changes only from the revision that its changer has read; the state
stands in the license and in all its versions alike.
"""

from datetime import date, datetime

import sqlalchemy as sa

from certsvc.domain.license import License, LicenseEvent
from certsvc.errors import AlreadyExistsError
from certsvc.store import tables
from certsvc.store.commands import Command, insertion, insertion_if_free, plain_insert
from certsvc.store.faults import StaleError
from certsvc.store.license_queries import LicenseQueries
from certsvc.store.license_rows import event_values, holder_values, license_values, version_values

_l, _v, _h, _n = (
    tables.licenses.c,
    tables.license_versions.c,
    tables.license_holders.c,
    tables.issue_counts.c,
)
_p = sa.bindparam

_ADD = insertion_if_free(tables.licenses)
_ADD_VERSION = insertion_if_free(tables.license_versions)
_ADD_HOLDER = insertion(tables.license_holders)
_ADD_EVENT = insertion(tables.license_events)
_ADD_VC = insertion_if_free(tables.signed_vcs)

# Everything else of a license is the same for ever, or changes by another method.
_CHANGED = ("license_number_ix", "state", "trust_grade", "revision", "current_version", "updated_at", "confirmed_at")
_UPDATE = Command(
    lambda _: (
        sa.update(tables.licenses)
        .where(_l.license_id == _p("key"), _l.revision == _p("stored_revision"))
        .values({name: _p(name) for name in _CHANGED})
    )
)
_CONFIRM = Command(lambda _: sa.update(tables.licenses).where(_l.license_id == _p("key")).values(confirmed_at=_p("at")))
_SET_VERSION_STATES = Command(
    lambda _: sa.update(tables.license_versions).where(_v.license_id == _p("key")).values(state=_p("state"))
)
_SUPERSEDE = Command(
    lambda _: (
        sa.update(tables.license_versions)
        .where(_v.license_id == _p("key"), _v.superseded_at.is_(None))
        .values(superseded_at=_p("at"))
    )
)
_REMOVE_HOLDERS = Command(lambda _: sa.delete(tables.license_holders).where(_h.license_id == _p("key")))


def _count_both(dialect_name: str) -> sa.Insert:
    """One statement for the officer's row and the agency's, in this order always: two calls never lock crosswise."""
    common = {"agency_id": _p("agency_id"), "type_code": _p("type_code"), "day": _p("day"), "count": sa.literal(1)}
    insert = plain_insert(tables.issue_counts, dialect_name).values(
        [
            common | {"scope": sa.literal("OFFICER"), "officer_id": _p("officer_id")},
            common | {"scope": sa.literal("AGENCY"), "officer_id": sa.literal("")},
        ]
    )
    key = tables.issue_counts.primary_key.columns
    return insert.on_conflict_do_update(index_elements=key, set_={"count": _n.count + 1}).returning(_n.scope, _n.count)


_COUNT = Command(_count_both)


class SQLLicenseRepository(LicenseQueries):
    """ports.LicenseRepository; each method keeps what the port says."""

    def add(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """See the port; reason LICENSE_EXISTS. A new license has revision 1."""
        if not self._session.change(_ADD, **license_values(license, self._privacy)):
            raise self._session.refused(_exists(self._holder_of_number(license)))
        self._add_version(license, digest=digest)
        self._add_holders_and_event(license, event)

    def add_version(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """See the port. Raises AlreadyExistsError (LICENSE_EXISTS) where its new number or an id is taken."""
        # On PostgreSQL an update that meets a unique key ends the transaction, and could not say whose it is.
        identifier = self._holder_of_number(license)
        if identifier:
            raise self._session.refused(_exists(identifier))
        self._update(license)
        self._session.change(_SUPERSEDE, key=license.license_id, at=event.recorded_at)
        self._add_version(license, digest=digest)
        self._session.settle()
        self._session.change(_REMOVE_HOLDERS, key=license.license_id)
        self._add_holders_and_event(license, event)

    def set_state(self, license: License, *, event: LicenseEvent) -> None:
        """See the port."""
        self._update(license)
        self._session.change(_SET_VERSION_STATES, key=license.license_id, state=license.state)
        self._session.append(_ADD_EVENT, **event_values(license, event, self._privacy))

    def confirm(self, license_id: int, *, at: datetime) -> None:
        """See the port; the revision stays."""
        self._session.change(_CONFIRM, key=license_id, at=at)

    def add_vc(self, *, digest: bytes, identifier: str, expires: datetime) -> None:
        """See the port; idempotent."""
        self._session.change(_ADD_VC, digest=digest, identifier=identifier, expires=expires)

    def count_issue(self, *, agency_id: str, officer_id: str, type_code: str, day: date) -> tuple[int, int]:
        """See the port."""
        counted = self._session.returned(
            _COUNT, agency_id=agency_id, officer_id=officer_id, type_code=type_code, day=day
        )
        counts: dict[str, int] = dict(tuple(row) for row in counted)
        return counts["OFFICER"], counts["AGENCY"]

    def _update(self, license: License) -> None:
        values = license_values(license, self._privacy)
        changed = {name: values[name] for name in _CHANGED}
        updated = self._session.change(_UPDATE, key=license.license_id, stored_revision=license.revision - 1, **changed)
        if not updated:
            raise self._session.refused(StaleError("STALE_REVISION", "somebody changed the license meanwhile"))

    def _add_version(self, license: License, *, digest: bytes) -> None:
        if not self._session.change(_ADD_VERSION, **version_values(license, digest, self._privacy)):
            taken = self.by_identifier(license.current.identifier)
            raise self._session.refused(_exists(taken.version.identifier if taken else ""))

    def _add_holders_and_event(self, license: License, event: LicenseEvent) -> None:
        for values in holder_values(license, self._privacy):
            self._session.append(_ADD_HOLDER, **values)
        self._session.append(_ADD_EVENT, **event_values(license, event, self._privacy))

    def _holder_of_number(self, license: License) -> str:
        """The current identifier of another license that is not final and has this one's key; empty if none has."""
        other = self.by_license_number(
            agency_id=license.agency_id,
            type_code=license.type_code,
            license_number=license.current.license_number,
        )
        return other.current.identifier if other and other.license_id != license.license_id else ""


def _exists(identifier: str) -> AlreadyExistsError:
    message = "a license with this number or identifier is registered already"
    return AlreadyExistsError("LICENSE_EXISTS", message, {"identifier": identifier})
