"""License types as rows: a published version never changes but for its state, so its definition is one document."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from certsvc.domain.agency import AgencyLevel
from certsvc.domain.license_type import (
    FieldSpec,
    HolderKind,
    IssuerRule,
    LicenseType,
    Limits,
    Mask,
    TrustGrade,
    TypeState,
    ValidityKind,
    ValidityRule,
)
from certsvc.domain.text import LocalizedText
from certsvc.errors import AlreadyExistsError
from certsvc.store import tables
from certsvc.store.commands import Command, insertion_if_free
from certsvc.store.session import Row, Session

_t = tables.license_types.c
_p = sa.bindparam
_newer = tables.license_types.alias("newer")

_GET = sa.select(tables.license_types).where(_t.code == _p("code"), _t.version == _p("version"))
_NEWEST = sa.select(tables.license_types).where(_t.code == _p("code")).order_by(_t.version.desc()).limit(1)
_LIST = (
    sa.select(tables.license_types)
    .where(
        _t.code > _p("after"),
        ~sa.exists().where(_newer.c.code == _t.code, _newer.c.version > _t.version),
    )
    .order_by(_t.code)
    .limit(_p("limit", type_=sa.Integer))
)
_ADD = insertion_if_free(tables.license_types)
_RETIRE = Command(
    lambda _: (
        sa.update(tables.license_types)
        .where(_t.code == _p("key"))
        .values(state=sa.literal(TypeState.RETIRED, _t.state.type))
    )
)


class SQLLicenseTypeRepository:
    """ports.LicenseTypeRepository; each method keeps what the port says."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, code: str, version: int | None = None) -> LicenseType | None:
        """See the port."""
        if version is None:
            row = self._session.first(_NEWEST, code=code)
        else:
            row = self._session.first(_GET, code=code, version=version)
        return _license_type(row) if row else None

    def list(self, *, after: str, limit: int) -> Sequence[LicenseType]:
        """See the port."""
        return [_license_type(row) for row in self._session.rows(_LIST, after=after, limit=limit)]

    def add(self, license_type: LicenseType) -> None:
        """See the port."""
        added = self._session.change(
            _ADD,
            code=license_type.code,
            version=license_type.version,
            state=license_type.state,
            created_at=license_type.created_at,
            definition=_definition(license_type),
        )
        if not added:
            message = "this version of the license type is registered already"
            raise self._session.refused(AlreadyExistsError("LICENSE_TYPE_EXISTS", message))

    def retire(self, code: str) -> None:
        """See the port."""
        self._session.change(_RETIRE, key=code)


def _definition(license_type: LicenseType) -> dict[str, Any]:
    validity, limits, issuers = license_type.validity, license_type.limits, license_type.issuers
    return {
        "name": _texts(license_type.name),
        "holder_kinds": sorted(license_type.holder_kinds),
        "min_holders": license_type.min_holders,
        "max_holders": license_type.max_holders,
        "schema": license_type.schema,
        "fields": [
            {"name": spec.name, "label": _texts(spec.label), "qr_key": spec.qr_key, "qr_mask": spec.qr_mask}
            for spec in license_type.fields
        ],
        "issuers": {
            "agency_ids": sorted(issuers.agency_ids),
            "region": issuers.region,
            "levels": sorted(issuers.levels),
        },
        "validity": {"kind": validity.kind, "months": validity.months, "grace_days": validity.grace_days},
        "qr_name_mask": license_type.qr_name_mask,
        "qr_number_mask": license_type.qr_number_mask,
        "purposes": {purpose: list(names) for purpose, names in license_type.purposes.items()},
        "trust_grade": license_type.trust_grade,
        "public": license_type.public,
        "second_officer": license_type.second_officer,
        "limits": {
            "per_officer_daily": limits.per_officer_daily,
            "per_agency_daily": limits.per_agency_daily,
        },
    }


def _license_type(row: Row) -> LicenseType:
    stored: Mapping[str, Any] = row.definition
    issuers, validity = stored["issuers"], stored["validity"]
    return LicenseType(
        code=row.code,
        version=row.version,
        name=LocalizedText(*stored["name"]),
        holder_kinds=frozenset(HolderKind(kind) for kind in stored["holder_kinds"]),
        min_holders=stored["min_holders"],
        max_holders=stored["max_holders"],
        schema=stored["schema"],
        fields=tuple(
            FieldSpec(spec["name"], LocalizedText(*spec["label"]), spec["qr_key"], Mask(spec["qr_mask"]))
            for spec in stored["fields"]
        ),
        issuers=IssuerRule(
            agency_ids=frozenset(issuers["agency_ids"]),
            region=issuers["region"],
            levels=frozenset(AgencyLevel(level) for level in issuers["levels"]),
        ),
        validity=ValidityRule(ValidityKind(validity["kind"]), validity["months"], validity["grace_days"]),
        state=row.state,
        created_at=row.created_at,
        qr_name_mask=Mask(stored["qr_name_mask"]),
        qr_number_mask=Mask(stored["qr_number_mask"]),
        purposes={purpose: tuple(names) for purpose, names in stored["purposes"].items()},
        trust_grade=TrustGrade(stored["trust_grade"]),
        public=stored["public"],
        second_officer=stored["second_officer"],
        limits=Limits(**stored["limits"]),
    )


def _texts(text: LocalizedText) -> list[str]:
    return [text.zh, text.en]
