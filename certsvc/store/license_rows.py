"""How a license, its versions and its events stand in rows, both ways.

Invariants: holders, license number and fields of a version are one sealed document, its signed code another; a row
that was moved or changed raises DataIntegrityError when it is read.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from certsvc.domain.license import Holder, License, LicenseEvent, LicenseVersion, StateCause, ValidityPeriod
from certsvc.domain.numbers import Number, NumberKind
from certsvc.store import tables
from certsvc.store.sealing import Privacy
from certsvc.store.session import Row

_l, _v, _e = tables.licenses.c, tables.license_versions.c, tables.license_events.c

VERSION_COLUMNS = [column.label(f"v_{column.name}") for column in _v]
"""A version's columns under names that do not meet those of the license in one row."""

LICENSE_AND_VERSION = sa.select(tables.licenses, *VERSION_COLUMNS).join(
    tables.license_versions, _v.license_id == _l.license_id
)
CURRENT = LICENSE_AND_VERSION.where(_v.version == _l.current_version)


def license_of(row: Row, current: LicenseVersion) -> License:
    """The license of a row that has its columns."""
    return License(
        license_id=row.license_id,
        type_code=row.type_code,
        agency_id=row.agency_id,
        responsible_agency_id=row.responsible_agency_id,
        serial=row.serial,
        state=row.state,
        trust_grade=row.trust_grade,
        revision=row.revision,
        current=current,
        created_at=row.created_at,
        updated_at=row.updated_at,
        confirmed_at=row.confirmed_at,
    )


def version_of(row: Row, privacy: Privacy) -> LicenseVersion:
    """The version of a row that has VERSION_COLUMNS. Raises DataIntegrityError."""
    key = (row.v_license_id, row.v_version)
    content = privacy.open_json(_v.content, row.v_content, *key)
    return LicenseVersion(
        version=row.v_version,
        identifier=row.v_identifier,
        type_version=row.v_type_version,
        license_number=content["license_number"],
        holders=tuple(
            Holder(number=Number(NumberKind(kind), value), name=name) for kind, value, name in content["holders"]
        ),
        fields=content["fields"],
        validity=ValidityPeriod(row.v_valid_from, row.v_valid_until),
        kid=row.v_kid,
        code=privacy.open(_v.code, row.v_code, *key),
        status_slot=row.v_status_slot,
        issued_at=row.v_issued_at,
        superseded_at=row.v_superseded_at,
    )


def license_values(license: License, privacy: Privacy) -> dict[str, Any]:
    """The columns of `licenses`."""
    return {
        "license_id": license.license_id,
        "type_code": license.type_code,
        "agency_id": license.agency_id,
        "responsible_agency_id": license.responsible_agency_id,
        "serial": license.serial,
        "license_number_ix": privacy.license_number_ix(license.type_code, license.current.license_number),
        "state": license.state,
        "trust_grade": license.trust_grade,
        "revision": license.revision,
        "current_version": license.current.version,
        "created_at": license.created_at,
        "updated_at": license.updated_at,
        "confirmed_at": license.confirmed_at,
    }


def version_values(license: License, digest: bytes, privacy: Privacy) -> dict[str, Any]:
    """The columns of `license_versions` for the license's current version."""
    version = license.current
    key = (license.license_id, version.version)
    content = {
        "holders": [(holder.number.kind, holder.number.value, holder.name) for holder in version.holders],
        "license_number": version.license_number,
        "fields": dict(version.fields),
    }
    return {
        "license_id": license.license_id,
        "version": version.version,
        "identifier": version.identifier,
        "digest": digest,
        "status_slot": version.status_slot,
        "state": license.state,
        "type_version": version.type_version,
        "kid": version.kid,
        "valid_from": version.validity.first,
        "valid_until": version.validity.last,
        "issued_at": version.issued_at,
        "superseded_at": version.superseded_at,
        "content": privacy.seal_json(_v.content, content, *key),
        "code": privacy.seal(_v.code, version.code, *key),
    }


def holder_values(license: License, privacy: Privacy) -> Iterator[dict[str, Any]]:
    """The rows of `license_holders` for the license's current version."""
    for position, holder in enumerate(license.current.holders):
        yield {
            "license_id": license.license_id,
            "position": position,
            "number_ix": privacy.index.number(holder.number),
        }


def event_of(row: Row, privacy: Privacy) -> LicenseEvent:
    """The event of a row of `license_events`. Raises DataIntegrityError."""
    reason, legal_basis = privacy.open_json(_e.cause, row.cause, row.license_id, row.ordinal)
    return LicenseEvent(
        action=row.action,
        state=row.state,
        version=row.version,
        cause=StateCause(reason, legal_basis, row.effective_at, row.revocation_kind),
        agency_id=row.agency_id,
        officer_id=row.officer_id,
        recorded_at=row.recorded_at,
    )


def event_values(license: License, event: LicenseEvent, privacy: Privacy) -> dict[str, Any]:
    """The columns of `license_events`.

    Every event belongs to one revision of its license, so that the revision numbers it: no counter to ask.
    """
    cause = event.cause
    sealed = privacy.seal_json(_e.cause, [cause.reason, cause.legal_basis], license.license_id, license.revision)
    return {
        "license_id": license.license_id,
        "ordinal": license.revision,
        "action": event.action,
        "state": event.state,
        "version": event.version,
        "effective_at": cause.effective_at,
        "recorded_at": event.recorded_at,
        "revocation_kind": cause.revocation_kind,
        "agency_id": event.agency_id,
        "officer_id": event.officer_id,
        "cause": sealed,
    }
