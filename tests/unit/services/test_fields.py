"""Fields against a type's schema: every violation, with its path, and never the value that was found."""

from typing import Any

import pytest

from certsvc.domain.license_type import LicenseType
from certsvc.services.fields import MAX_VIOLATIONS, FieldsValidator
from tests.unit.domain.builders import a_type

SECRET = "王小明 13800138000"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["founded", "capital"],
    "$defs": {"branch": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    "properties": {
        "founded": {"type": "string", "format": "date"},
        "capital": {"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 5},
        "legal_form": {"enum": ["limited", "public"]},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 20},
        "branches": {"type": "array", "items": {"$ref": "#/$defs/branch"}, "maxItems": 150, "uniqueItems": True},
        "note": {"type": ["string", "boolean"], "minLength": 2},
        "either": {"oneOf": [{"type": "integer"}, {"minimum": 3}]},
    },
}


def with_schema(schema: dict[str, Any] = SCHEMA, **changes: Any) -> LicenseType:
    return a_type(schema=schema, **changes)


def found(**fields: Any) -> dict[str, str]:
    """Path to reason, of what is wrong with these fields on top of sound ones."""
    whole = {"founded": "2020-02-29", "capital": 50} | fields
    violations = FieldsValidator().validate(with_schema(), {k: v for k, v in whole.items() if v is not ...})
    assert not any(part in violation.description for violation in violations for part in SECRET.split())
    return {violation.field: violation.reason for violation in violations}


def test_sound_fields_pass() -> None:
    assert found(legal_form="limited", code="ABC", branches=[{"name": "x"}], note=False, either=2) == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"founded": ..., "capital": ...}, {"fields.founded": "REQUIRED", "fields.capital": "REQUIRED"}),
        ({"founded": SECRET}, {"fields.founded": "FORMAT"}),
        ({"founded": "2021-02-29"}, {"fields.founded": "FORMAT"}),
        ({"founded": "20200229"}, {"fields.founded": "FORMAT"}),
        ({"founded": "2020-W01-1"}, {"fields.founded": "FORMAT"}),
        ({"capital": SECRET}, {"fields.capital": "TYPE"}),
        ({"capital": True}, {"fields.capital": "TYPE"}),
        ({"capital": None}, {"fields.capital": "TYPE"}),
        ({"capital": 0}, {"fields.capital": "MINIMUM"}),
        ({"capital": 105}, {"fields.capital": "MAXIMUM"}),
        ({"capital": 7}, {"fields.capital": "MULTIPLE_OF"}),
        ({"legal_form": SECRET}, {"fields.legal_form": "ENUM"}),
        ({"code": SECRET}, {"fields.code": "PATTERN"}),
        ({"note": "x"}, {"fields.note": "MIN_LENGTH"}),
        ({"note": 3}, {"fields.note": "TYPE"}),
        ({"either": 5}, {"fields.either": "ONE_OF"}),
        ({"branches": [{"name": "x"}, {}]}, {"fields.branches[1].name": "REQUIRED"}),
        ({"branches": [{"name": SECRET}, {"name": SECRET}]}, {"fields.branches": "UNIQUE_ITEMS"}),
        ({"unknown": SECRET}, {"fields.unknown": "UNKNOWN_FIELD"}),
        ({SECRET: 1}, {"fields": "UNKNOWN_FIELD"}),
        (
            {"founded": SECRET, "capital": -5, "extra": 1},
            {"fields.founded": "FORMAT", "fields.capital": "MINIMUM", "fields.extra": "UNKNOWN_FIELD"},
        ),
    ],
)
def test_each_violation_is_named(fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert found(**fields) == expected


def test_a_text_too_long_for_its_pattern_is_not_matched() -> None:
    descriptions = [
        violation.description
        for violation in FieldsValidator().validate(
            with_schema({"properties": {"x": {"pattern": "^A+$"}}}), {"x": "A" * 257}
        )
    ]
    assert descriptions == ["must have at most 256 characters and match ^A+$"]


def test_the_number_of_violations_is_bounded() -> None:
    branches = [{"number": place} for place in range(140)]

    violations = FieldsValidator().validate(
        with_schema(), {"founded": "2020-01-01", "capital": 5, "branches": branches}
    )

    assert len(violations) == MAX_VIOLATIONS


def test_each_version_of_a_type_has_its_own_validator() -> None:
    validator = FieldsValidator()
    strict = with_schema({"properties": {"x": {"const": 1}}}, version=2)

    assert validator.validate(with_schema({}), {"x": 2}) == []
    assert [v.reason for v in validator.validate(strict, {"x": 2})] == ["CONST"]
    assert validator.validate(with_schema({}), {"x": 2}) == []
