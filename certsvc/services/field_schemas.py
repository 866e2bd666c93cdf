"""JSON Schemas (2020-12) of license types: which are taken, and what they may cost.

Invariants: a schema that passed `check_schema` refers to nothing outside of itself, has no recursion, and is walked
in a bounded number of steps; every keyword in it means something here, so that a typing error is no silent hole.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from certsvc.errors import FieldViolation
from certsvc.services.schema_patterns import pattern_fault

MAX_SCHEMA_BYTES = 64 * 1024
MAX_STEPS = 5_000
MAX_DEPTH = 16
DIALECT = "https://json-schema.org/draft/2020-12/schema"
FORMATS = frozenset({"date"})
"""The formats that are checked; another would look as if it were."""

_FIELD = "schema"
_DEFINITIONS = "#/$defs/"

# What holds one schema, several in a list, several by name, and what holds values. `patternProperties` is not
# among them: it would match patterns against names of any length.
# fmt: off
_ONE = frozenset(
    {
        "additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else",
        "unevaluatedItems", "unevaluatedProperties",
    }
)
# fmt: on
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "$defs", "dependentSchemas"})
# fmt: off
_VALUES = frozenset(
    {
        "$schema", "$ref", "$comment", "type", "enum", "const", "format", "pattern", "minLength",
        "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties",
        "maxProperties", "required", "dependentRequired", "title", "description", "default", "examples",
        "deprecated", "readOnly", "writeOnly",
    }
)
# fmt: on


def read_schema(text: str) -> tuple[dict[str, Any], list[FieldViolation]]:
    """The schema that a JSON text holds and what is wrong with it; an empty one where it cannot be read."""
    if len(text.encode()) > MAX_SCHEMA_BYTES:
        return {}, [_violation("TOO_LONG", f"has more than {MAX_SCHEMA_BYTES} bytes")]
    try:
        schema = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return {}, [_violation("JSON", f"is no JSON: {str(error)[:100]}")]
    if not isinstance(schema, dict):
        return {}, [_violation("JSON", "must be a JSON object")]
    return schema, check_schema(schema)


def check_schema(schema: Mapping[str, Any]) -> list[FieldViolation]:
    """What is wrong with a schema; nothing if it can check fields."""
    if schema.get("$schema", DIALECT) != DIALECT:
        return [_violation("DIALECT", f"must be of {DIALECT}")]
    try:
        Draft202012Validator.check_schema(schema)
        violations = [violation for part, path in _parts(schema, "") for violation in _faults(part, path)]
        return violations or _cost_faults(schema)
    except SchemaError as error:
        path = "".join(f"/{step}" for step in error.absolute_path)
        return [_violation("SCHEMA", f"is no JSON Schema at {path or '/'}: {error.message[:150]}")]
    except RecursionError:
        return [_violation("TOO_DEEP", "is nested too deep")]


def _parts(schema: Any, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The schema and every schema inside it, with their JSON pointers; values are no schemas."""
    if not isinstance(schema, Mapping):
        return
    yield schema, path
    for name, child in _children(schema):
        yield from _parts(child, f"{path}/{name}")


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield keyword, value
        elif keyword in _LISTS:
            yield from ((f"{keyword}/{place}", child) for place, child in enumerate(value))
        elif keyword in _MAPS:
            yield from ((f"{keyword}/{name}", child) for name, child in value.items())


def _faults(schema: Mapping[str, Any], path: str) -> Iterator[FieldViolation]:
    at = path or "/"
    for keyword in schema.keys() - _ONE - _LISTS - _MAPS - _VALUES:
        if not keyword.startswith("x-"):
            yield _violation("UNKNOWN_KEYWORD", f"has the keyword {keyword[:40]!r} at {at}, which is not used here")
    if not str(schema.get("$ref", _DEFINITIONS)).startswith(_DEFINITIONS):
        yield _violation("REMOTE_REF", f"refers at {at} to something else than its own $defs")
    if schema.get("format", "date") not in FORMATS:
        yield _violation("FORMAT", f"has at {at} a format that is not checked; known is date, or use a pattern")
    if fault := pattern_fault(schema.get("pattern", "")):
        yield _violation("PATTERN", f"at {at}: the pattern {fault}")


def _cost_faults(schema: Mapping[str, Any]) -> list[FieldViolation]:
    """References can make a small text walk for ever, or twice as long with every line (billion laughs)."""
    definitions = schema.get("$defs", {})
    known: dict[str, tuple[int, int]] = {}

    def cost(part: Any, open_names: tuple[str, ...]) -> tuple[int, int]:
        """Steps and depth of walking a schema with its references followed."""
        if not isinstance(part, Mapping):
            return 1, 1
        costs = [cost(child, open_names) for name, child in _children(part) if not name.startswith("$defs/")]
        if "$ref" in part:
            costs.append(referred(part["$ref"].removeprefix(_DEFINITIONS), open_names))
        return 1 + sum(steps for steps, _ in costs), 1 + max((depth for _, depth in costs), default=0)

    def referred(name: str, open_names: tuple[str, ...]) -> tuple[int, int]:
        if name in open_names or name not in definitions:
            raise _UnsoundReferenceError(name)
        if name not in known:
            known[name] = cost(definitions[name], (*open_names, name))
        return known[name]

    try:
        steps, depth = cost(schema, ())
    except _UnsoundReferenceError:
        return [_violation("REF", "has a $ref that leads nowhere, or back to itself")]
    if steps > MAX_STEPS or depth > MAX_DEPTH:
        return [_violation("TOO_COMPLEX", f"takes more than {MAX_STEPS} steps or {MAX_DEPTH} levels to walk")]
    return []


class _UnsoundReferenceError(Exception):
    """A $ref that leads nowhere or round."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice in one object")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _violation(reason: str, description: str) -> FieldViolation:
    return FieldViolation(_FIELD, reason, description)
