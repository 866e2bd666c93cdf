"""Types: a sound one passes, and each flaw is named with its field."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc.domain.license_rules import check_license_type
from certsvc.domain.license_type import (
    FieldSpec,
    IssuerRule,
    LicenseType,
    Limits,
    Mask,
    ValidityKind,
    ValidityRule,
)
from certsvc.domain.text import LocalizedText
from tests.unit.domain.builders import DEFINING, ISSUER, a_type

SOUND = a_type()
CLASS, POINTS = SOUND.fields


def a_schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def found(license_type: LicenseType) -> list[tuple[str, str]]:
    return [(violation.field, violation.reason) for violation in check_license_type(license_type)]


def test_sound_types() -> None:
    assert found(SOUND) == []
    assert found(replace(SOUND, fields=(), schema=a_schema())) == []
    assert found(replace(SOUND, issuers=IssuerRule(agency_ids=frozenset({ISSUER})))) == []
    assert found(replace(SOUND, issuers=IssuerRule(region=""))) == []
    assert found(replace(SOUND, purposes={"*": ("points",), "medical": ("points", "vehicle_class")})) == []
    assert found(replace(SOUND, purposes={"*": ("holder_name", "holder_number")})) == []


@pytest.mark.parametrize(
    ("overrides", "field", "reason"),
    [
        ({"code": f"{DEFINING}1"}, "code", "TYPE_CODE"),
        ({"code": f"{DEFINING}00A"}, "code", "TYPE_CODE"),
        ({"code": f"{DEFINING}０01"}, "code", "TYPE_CODE"),
        ({"code": "119900009999000110001"}, "code", "CHECK_CHARACTER"),
        ({"name": LocalizedText("")}, "name.zh", "REQUIRED"),
        ({"name": LocalizedText("照" * 101)}, "name.zh", "TOO_LONG"),
        ({"holder_kinds": frozenset()}, "holder_kinds", "REQUIRED"),
        ({"min_holders": 0}, "max_holders", "HOLDER_COUNT"),
        ({"min_holders": 3, "max_holders": 2}, "max_holders", "HOLDER_COUNT"),
        ({"max_holders": 21}, "max_holders", "HOLDER_COUNT"),
        ({"fields": (CLASS, replace(POINTS, name="Points"))}, "fields[1].name", "FIELD_NAME"),
        ({"fields": (CLASS, replace(POINTS, name="vehicle_class"))}, "fields[0].name", "DUPLICATE_NAME"),
        ({"fields": (CLASS, replace(POINTS, name="holder_name"))}, "fields[1].name", "RESERVED_NAME"),
        ({"fields": (CLASS, replace(POINTS, qr_key=1))}, "fields[1].qr_key", "DUPLICATE_QR_KEY"),
        ({"fields": (CLASS, replace(POINTS, qr_key=0))}, "fields[1].qr_key", "QR_KEY"),
        ({"fields": (CLASS, replace(POINTS, qr_key=256))}, "fields[1].qr_key", "QR_KEY"),
        ({"fields": (CLASS, replace(POINTS, label=LocalizedText("")))}, "fields[1].label.zh", "REQUIRED"),
        ({"fields": (CLASS, replace(POINTS, qr_mask=Mask.TAIL4))}, "fields[1].qr_mask", "QR_MASK"),
        ({"schema": {}}, "schema", "NOT_CLOSED_OBJECT"),
        ({"schema": {**SOUND.schema, "additionalProperties": True}}, "schema", "NOT_CLOSED_OBJECT"),
        ({"schema": {**SOUND.schema, "properties": []}}, "schema", "PROPERTIES"),
        ({"schema": a_schema(points={"type": "integer"})}, "schema", "PROPERTIES"),
        (
            {"schema": a_schema(points={"type": "number"}, vehicle_class={"type": "string"})},
            "fields[1].qr_key",
            "NOT_FOR_CODE",
        ),
        (
            {"schema": a_schema(points=True, vehicle_class={"type": "string"})},
            "fields[1].qr_key",
            "NOT_FOR_CODE",
        ),
        (
            {"schema": a_schema(points={"type": "integer"}, vehicle_class={"type": "string", "minLength": 1})},
            "fields[0].qr_key",
            "MAX_LENGTH_REQUIRED",
        ),
        ({"qr_name_mask": Mask.HIDDEN}, "qr_name_mask", "QR_MASK"),
        ({"qr_number_mask": Mask.NAME}, "qr_number_mask", "QR_MASK"),
        ({"issuers": IssuerRule()}, "issuers", "REQUIRED"),
        ({"issuers": IssuerRule(region="370")}, "issuers.region", "REGION"),
        ({"issuers": IssuerRule(agency_ids=frozenset({"1"}))}, "issuers.agency_ids[0]", "LENGTH"),
        ({"validity": ValidityRule(ValidityKind.FIXED_TERM, -1)}, "validity.months", "OUT_OF_RANGE"),
        ({"validity": ValidityRule(ValidityKind.OPEN_ENDED, 12)}, "validity.months", "CONTRADICTION"),
        ({"validity": ValidityRule(ValidityKind.EITHER, 0, -1)}, "validity.grace_days", "OUT_OF_RANGE"),
        ({"limits": Limits(per_agency_daily=-1)}, "limits", "OUT_OF_RANGE"),
        ({"purposes": {"*": ("blood_type",)}}, "purposes.*", "UNKNOWN_FIELD"),
    ],
)
def test_each_flaw_is_named(overrides: dict[str, Any], field: str, reason: str) -> None:
    assert (field, reason) in found(replace(SOUND, **overrides))


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ({"enum": ["A", "B"]}, Mask.FULL),
        ({"const": "A"}, Mask.NAME),
        ({"format": "date"}, Mask.FULL),
        ({"maxLength": 0}, Mask.FULL),
        ({}, Mask.TAIL4),
        ({}, Mask.HIDDEN),
    ],
)
def test_the_length_of_a_text_in_a_code_is_known(text: dict[str, Any], mask: Mask) -> None:
    schema = a_schema(points={"type": "integer"}, vehicle_class={"type": "string", **text})
    assert found(replace(SOUND, schema=schema, fields=(replace(CLASS, qr_mask=mask), POINTS))) == []
    unbounded = a_schema(points={"type": "integer"}, vehicle_class={"type": "string"})
    for shown in (Mask.FULL, Mask.NAME):
        flawed = replace(SOUND, schema=unbounded, fields=(replace(CLASS, qr_mask=shown), POINTS))
        assert found(flawed) == [("fields[0].qr_key", "MAX_LENGTH_REQUIRED")]


def test_all_flaws_are_named_at_once() -> None:
    flawed = replace(SOUND, code="", name=LocalizedText(""), min_holders=0, issuers=IssuerRule())
    assert [field for field, _ in found(flawed)] == ["code", "name.zh", "max_holders", "issuers"]


def test_too_many_fields() -> None:
    specs = tuple(FieldSpec(f"f{place}", LocalizedText("项")) for place in range(65))
    schema = a_schema(**{spec.name: {"type": "string"} for spec in specs})
    assert found(replace(SOUND, fields=specs, schema=schema)) == [("fields", "TOO_MANY")]
