"""JSON Schemas of license types: every keyword means something, nothing leads outside, nothing walks for ever."""

import json
from typing import Any

import pytest

from certsvc.services.field_schemas import MAX_SCHEMA_BYTES, read_schema

SOUND: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["pattern"],
    "$defs": {"day": {"type": "string", "format": "date"}},
    "properties": {
        # Names of fields are no keywords, and values of enum are no schemas.
        "pattern": {"type": "string", "pattern": "^[A-Z]+$"},
        "begins": {"$ref": "#/$defs/day", "x-hint": "as printed"},
        "kind": {"enum": [{"pattern": "("}, {"$ref": "http://elsewhere"}]},
    },
}


def reasons(schema: Any) -> list[str]:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return [violation.reason for violation in read_schema(text)[1]]


def doubling(levels: int) -> dict[str, Any]:
    """Every definition asks for the one before it twice."""
    definitions: dict[str, Any] = {"l0": {"type": "string"}}
    for level in range(1, levels):
        definitions[f"l{level}"] = {"allOf": [{"$ref": f"#/$defs/l{level - 1}"}] * 2}
    return {"$defs": definitions, "$ref": f"#/$defs/l{levels - 1}"}


def chain(length: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {"l0": {"type": "string"}}
    for level in range(1, length):
        definitions[f"l{level}"] = {"$ref": f"#/$defs/l{level - 1}"}
    return {"$defs": definitions, "$ref": f"#/$defs/l{length - 1}"}


def test_a_sound_schema_is_read() -> None:
    assert read_schema(json.dumps(SOUND)) == (SOUND, [])


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("", "JSON"),
        ("[]", "JSON"),
        ('{"type": NaN}', "JSON"),
        ('{"type": "object", "type": "string"}', "JSON"),
        ('{"a":' * 100_000, "TOO_LONG"),
        ('{"a":' * 9_000 + "1" + "}" * 9_000, "JSON"),
        ('{"not":' * 900 + "{}" + "}" * 900, "TOO_DEEP"),
        (" " * (MAX_SCHEMA_BYTES + 1), "TOO_LONG"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "DIALECT"),
        ({"type": "text"}, "SCHEMA"),
        ({"properties": {"x": {"minLength": -1}}}, "SCHEMA"),
        ({"properties": {"x": {"minLenght": 1}}}, "UNKNOWN_KEYWORD"),
        ({"$id": "https://register.example"}, "UNKNOWN_KEYWORD"),
        ({"$dynamicRef": "#x"}, "UNKNOWN_KEYWORD"),
        ({"patternProperties": {"a": {}}}, "UNKNOWN_KEYWORD"),
        ({"$ref": "https://elsewhere.example/schema"}, "REMOTE_REF"),
        ({"$ref": "file:///etc/passwd"}, "REMOTE_REF"),
        ({"$ref": "#"}, "REMOTE_REF"),
        ({"$ref": "#/$defs/none"}, "REF"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "REF"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "REF"),
        ({"format": "email"}, "FORMAT"),
        ({"items": {"pattern": "(a+)+"}}, "PATTERN"),
        (doubling(40), "TOO_COMPLEX"),
        (chain(40), "TOO_COMPLEX"),
        (chain(1_500), "TOO_DEEP"),
    ],
)
def test_an_unsound_schema_is_refused(schema: Any, reason: str) -> None:
    assert reasons(schema) == [reason]


def test_every_fault_is_found_at_once() -> None:
    assert sorted(reasons({"properties": {"x": {"formt": 1, "format": "uri", "pattern": "(a*)*"}}})) == [
        "FORMAT",
        "PATTERN",
        "UNKNOWN_KEYWORD",
    ]
