"""Between the messages of LicenseTypeService and the domain."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
from certsvc.rpc.agency_messages import LEVELS
from certsvc.rpc.convert import EnumNames, Violations, read_text, write_instant, write_text
from certsvc.rpc.license_messages import GRADES
from certsvc.services.license_types import TypeDraft
from certsvc.v1 import license_type_service_pb2 as pb

HOLDER_KINDS = EnumNames(pb.HolderKind, HolderKind, "HOLDER_KIND_")
VALIDITY_KINDS = EnumNames(pb.ValidityKind, ValidityKind, "VALIDITY_KIND_")
MASKS = EnumNames(pb.Mask, Mask, "MASK_")
STATES = EnumNames(pb.TypeState, TypeState, "TYPE_STATE_")

_FIELD = "license_type"


def read_draft(message: pb.LicenseType, violations: Violations) -> TypeDraft:
    """The type as its author wrote it; what is wrong with the message itself is added to `violations`.

    Masks left open are those of the holders: natural persons' names and numbers masked, all else in full.
    """
    holder_kinds = HOLDER_KINDS.read_all(message.holder_kinds, field=f"{_FIELD}.holder_kinds", violations=violations)
    legal_only = holder_kinds == {HolderKind.LEGAL}
    name_mask = _read_mask(message.qr_name_mask, f"{_FIELD}.qr_name_mask", violations)
    number_mask = _read_mask(message.qr_number_mask, f"{_FIELD}.qr_number_mask", violations)
    validity = _read_validity(message.validity, violations)
    fields = tuple(
        _read_field(spec, f"{_FIELD}.fields[{place}]", violations) for place, spec in enumerate(message.fields)
    )
    issuers = _read_issuers(message.issuers, violations)
    grade = GRADES.read_optional(message.trust_grade, field=f"{_FIELD}.trust_grade", violations=violations)

    def draft(*, version: int, schema: Mapping[str, Any], state: TypeState, created_at: datetime) -> LicenseType:
        return LicenseType(
            code=message.code,
            version=version,
            name=read_text(message.name),
            holder_kinds=holder_kinds,
            min_holders=message.min_holders,
            max_holders=message.max_holders,
            schema=schema,
            fields=fields,
            issuers=issuers,
            validity=validity,
            state=state,
            created_at=created_at,
            qr_name_mask=name_mask or (Mask.FULL if legal_only else Mask.NAME),
            qr_number_mask=number_mask or (Mask.FULL if legal_only else Mask.TAIL4),
            purposes={purpose: tuple(named.names) for purpose, named in message.purposes.items()},
            trust_grade=grade or TrustGrade.A,
            public=message.public,
            second_officer=message.second_officer,
            limits=Limits(message.per_officer_daily, message.per_agency_daily),
        )

    return draft


def write_license_type(license_type: LicenseType) -> pb.LicenseType:
    """A version of a type; its schema as compact JSON."""
    issuers, validity = license_type.issuers, license_type.validity
    return pb.LicenseType(
        code=license_type.code,
        version=license_type.version,
        name=write_text(license_type.name),
        holder_kinds=sorted(map(HOLDER_KINDS.write, license_type.holder_kinds)),
        min_holders=license_type.min_holders,
        max_holders=license_type.max_holders,
        fields_schema=json.dumps(license_type.schema, ensure_ascii=False, separators=(",", ":")),
        fields=map(_write_field, license_type.fields),
        issuers=pb.IssuerRule(
            agency_ids=sorted(issuers.agency_ids),
            region=issuers.region or "",
            levels=sorted(map(LEVELS.write, issuers.levels)),
            by_region=issuers.region is not None,
        ),
        validity=pb.ValidityRule(
            kind=VALIDITY_KINDS.write(validity.kind), months=validity.months, grace_days=validity.grace_days
        ),
        qr_name_mask=MASKS.write(license_type.qr_name_mask),
        qr_number_mask=MASKS.write(license_type.qr_number_mask),
        purposes={purpose: pb.PurposeFields(names=names) for purpose, names in license_type.purposes.items()},
        trust_grade=GRADES.write(license_type.trust_grade),
        public=license_type.public,
        second_officer=license_type.second_officer,
        per_officer_daily=license_type.limits.per_officer_daily,
        per_agency_daily=license_type.limits.per_agency_daily,
        state=STATES.write(license_type.state),
        create_time=write_instant(license_type.created_at),
    )


def _read_mask(number: int, field: str, violations: Violations) -> Mask | None:
    return MASKS.read_optional(number, field=field, violations=violations)


def _read_field(spec: pb.FieldSpec, field: str, violations: Violations) -> FieldSpec:
    mask = _read_mask(spec.qr_mask, f"{field}.qr_mask", violations)
    return FieldSpec(spec.name, read_text(spec.label), spec.qr_key or None, mask or Mask.FULL)


def _write_field(spec: FieldSpec) -> pb.FieldSpec:
    return pb.FieldSpec(
        name=spec.name,
        label=write_text(spec.label),
        qr_key=spec.qr_key or 0,
        qr_mask=MASKS.write(spec.qr_mask),
    )


def _read_validity(rule: pb.ValidityRule, violations: Violations) -> ValidityRule:
    kind = VALIDITY_KINDS.read(rule.kind, field=f"{_FIELD}.validity.kind", violations=violations)
    return ValidityRule(kind, rule.months, rule.grace_days)


def _read_issuers(rule: pb.IssuerRule, violations: Violations) -> IssuerRule:
    if not rule.by_region and (rule.region or rule.levels):
        violations.add(f"{_FIELD}.issuers.by_region", "CONTRADICTION", "region and levels count with by_region only")
    return IssuerRule(
        agency_ids=frozenset(rule.agency_ids),
        region=rule.region if rule.by_region else None,
        levels=LEVELS.read_all(rule.levels, field=f"{_FIELD}.issuers.levels", violations=violations),
    )
