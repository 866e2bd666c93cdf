"""Checking a license's fields against its type's JSON Schema.

Invariant: a description says what was expected, never what was found: field values are personal.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from certsvc.domain.license_type import LicenseType
from certsvc.errors import FieldViolation
from certsvc.services.schema_patterns import MAX_MATCHED

MAX_VIOLATIONS = 100
_MAX_NAMED_CHOICES = 300
_FIELD_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FieldsValidator:
    """Validators of license types, each made once: a published version never changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._validators: dict[tuple[str, int], Any] = {}

    def validate(self, license_type: LicenseType, fields: Mapping[str, Any]) -> list[FieldViolation]:
        """What is wrong with `fields`, at most 100 findings, in the order of paths (`fields.x`, `fields.y[0]`).

        Reasons are the JSON Schema keywords in capitals, such as MAX_LENGTH, and UNKNOWN_FIELD.
        """
        errors = islice(self._validator(license_type).iter_errors(fields), MAX_VIOLATIONS)
        found = {violation: None for error in errors for violation in _violations(error)}
        return sorted(found, key=lambda violation: violation.field)

    def _validator(self, license_type: LicenseType) -> Any:
        key = (license_type.code, license_type.version)
        validator = self._validators.get(key)
        if validator is None:
            validator = _Validator(license_type.schema, format_checker=_FORMATS)
            with self._lock:
                self._validators[key] = validator
        return validator


def _bounded_pattern(
    validator: Any, pattern: str, instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`pattern`, but never on a text whose length the pattern's cost was not judged for."""
    if not validator.is_type(instance, "string"):
        return
    if len(instance) > MAX_MATCHED or not re.search(pattern, instance):
        yield ValidationError("")


def _is_day(value: object) -> bool:
    if isinstance(value, str):
        if not _DAY.fullmatch(value):
            raise ValueError("not YYYY-MM-DD")
        date.fromisoformat(value)
    return True


_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date", raises=ValueError)(_is_day)
_Validator: Any = extend(  # type: ignore[no-untyped-call] # types-jsonschema left it out
    Draft202012Validator, {"pattern": _bounded_pattern}
)


def _violations(error: ValidationError) -> Iterator[FieldViolation]:
    path = _path(error)
    keyword = str(error.validator)
    value: Any = error.validator_value
    fields: Any = error.instance
    schema: Any = error.schema
    if keyword == "required":
        missing = [name for name in value if name not in fields]
        yield from (FieldViolation(f"{path}.{name}", "REQUIRED", "is required") for name in missing)
    elif keyword == "additionalProperties":
        for name in fields.keys() - schema.get("properties", {}).keys():
            # A name that no field can have may be anything, so it is not repeated.
            place = f"{path}.{name}" if _FIELD_NAME.fullmatch(name) else path
            yield FieldViolation(place, "UNKNOWN_FIELD", "the license type has no such field")
    else:
        reason = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", keyword).upper()
        describe = _DESCRIPTIONS.get(keyword)
        text = describe(value) if describe else f"does not fit the type's schema ({keyword})"
        yield FieldViolation(path, reason, text)


def _path(error: ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return "fields" + "".join(steps)


def _choices(values: list[Any]) -> str:
    listed = ", ".join(str(value) for value in values)
    return f"must be one of: {listed}" if len(listed) <= _MAX_NAMED_CHOICES else "must be one of the type's values"


_DESCRIPTIONS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be of the type {kind if isinstance(kind, str) else ' or '.join(kind)}",
    "enum": _choices,
    "const": lambda value: f"must be {value}",
    "format": lambda _: "must be a calendar day, YYYY-MM-DD",
    "pattern": lambda pattern: f"must have at most {MAX_MATCHED} characters and match {pattern}",
    "minLength": lambda bound: f"must have at least {bound} characters",
    "maxLength": lambda bound: f"must have at most {bound} characters",
    "minimum": lambda bound: f"must be at least {bound}",
    "maximum": lambda bound: f"must be at most {bound}",
    "exclusiveMinimum": lambda bound: f"must be more than {bound}",
    "exclusiveMaximum": lambda bound: f"must be less than {bound}",
    "multipleOf": lambda step: f"must be a multiple of {step}",
    "minItems": lambda bound: f"must have at least {bound} items",
    "maxItems": lambda bound: f"must have at most {bound} items",
    "uniqueItems": lambda _: "must not hold an item twice",
}
