"""Between messages and the domain: enums by name, instants, texts, and JSON objects.

Invariants: what a caller got wrong is a FieldViolation with the path of the field, never an exception, so that all
are reported at once; a value that was refused is replaced by a stand-in, which nobody sees, as the request fails.
"""

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf import struct_pb2, timestamp_pb2

from certsvc.domain.text import LocalizedText
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2

Member = TypeVar("Member", bound=enum.Enum)

MAX_STRUCT_DEPTH = 8
MAX_STRUCT_VALUES = 2_000
_LARGEST_INTEGER = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Violations:
    """Collects what is wrong with a request."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    @property
    def found(self) -> tuple[FieldViolation, ...]:
        """All so far, in the order of finding."""
        return tuple(self._found)

    def add(self, field: str, reason: str, description: str) -> None:
        """One more."""
        self._found.append(FieldViolation(field, reason, description))

    def extend(self, more: Iterable[FieldViolation]) -> None:
        """Some more."""
        self._found.extend(more)

    def check(self) -> None:
        """Raise InvalidInputError with all of them, if there are any."""
        if self._found:
            raise InvalidInputError.of(*self._found)


class WireEnum(Protocol):
    """A generated enum: its values' names and numbers."""

    def items(self) -> Sequence[tuple[str, Any]]:
        """All of them."""


class EnumNames(Generic[Member]):
    """One enum on both sides: `AGENCY_LEVEL_CITY` there is `AgencyLevel.CITY` here, by name and not by number.

    Zero, `_UNSPECIFIED`, has no member here. Making one raises ValueError where names differ, so that a value added
    on one side only is found at import.
    """

    def __init__(self, wire: WireEnum, member: type[Member], prefix: str) -> None:
        names = {name.removeprefix(prefix): number for name, number in wire.items() if number}
        if set(names) != {each.name for each in member} - {"UNSPECIFIED"}:
            raise ValueError(f"{prefix}: {sorted(names)} are not the names of {member.__name__}")
        self._members = {number: member[name] for name, number in names.items()}
        self._numbers = {each: number for number, each in self._members.items()}

    def write(self, member: Member) -> Any:
        """The number of a member; Any because the generated types are ints of many names."""
        return self._numbers[member]

    def read(self, number: int, *, field: str, violations: Violations) -> Member:
        """The member; unspecified and unknown numbers are violations (REQUIRED, ENUM_VALUE)."""
        found = self.read_optional(number, field=field, violations=violations)
        if found is not None:
            return found
        if number == 0:
            violations.add(field, "REQUIRED", f"must be one of {self._choices()}")
        return next(iter(self._numbers))

    def read_optional(self, number: int, *, field: str, violations: Violations) -> Member | None:
        """The same where unspecified is allowed and means None."""
        if number and number not in self._members:
            violations.add(field, "ENUM_VALUE", f"must be one of {self._choices()}")
        return self._members.get(number)

    def read_all(self, numbers: Iterable[int], *, field: str, violations: Violations) -> frozenset[Member]:
        """The members of a repeated field."""
        return frozenset(
            self.read(number, field=f"{field}[{place}]", violations=violations) for place, number in enumerate(numbers)
        )

    def _choices(self) -> str:
        return ", ".join(member.name for member in self._numbers)


def read_instant(message: Any, field: str, *, violations: Violations, path: str = "") -> datetime | None:
    """The instant in a Timestamp field of `message`, None where it is absent; finer than microseconds is cut."""
    if not message.HasField(field):
        return None
    try:
        instant: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        violations.add(path or field, "TIMESTAMP", "must be a time between the years 1 and 9999")
        return _EPOCH
    return instant


def write_instant(moment: datetime | None) -> timestamp_pb2.Timestamp | None:
    """The Timestamp of an instant; None stays None, which leaves a field absent."""
    if moment is None:
        return None
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def read_text(text: common_pb2.LocalizedText) -> LocalizedText:
    """A text in two languages."""
    return LocalizedText(zh=text.zh, en=text.en)


def write_text(text: LocalizedText) -> common_pb2.LocalizedText:
    """A text in two languages."""
    return common_pb2.LocalizedText(zh=text.zh, en=text.en)


def read_struct(struct: struct_pb2.Struct, *, field: str, violations: Violations) -> dict[str, Any]:
    """The JSON object of a Struct; numbers without a fraction become int.

    Violations: TOO_DEEP (8 levels), TOO_MANY_VALUES (2,000), NUMBER (not finite, or over 2^53, which a Struct's
    double does not hold exactly).
    """
    return _StructReader(violations).object(struct, field)


def write_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The Struct of a JSON object."""
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


class _StructReader:
    """One reading of a Struct; counts values, because a small message can hold a great many."""

    def __init__(self, violations: Violations) -> None:
        self._violations = violations
        self._left = MAX_STRUCT_VALUES

    def object(self, struct: struct_pb2.Struct, path: str, depth: int = 1) -> dict[str, Any]:
        return {
            name: self._value(value, f"{path}.{name}", depth)
            for name, value in struct.fields.items()
            if self._counted(path)
        }

    def _value(self, value: struct_pb2.Value, path: str, depth: int) -> Any:
        match value.WhichOneof("kind"):
            case "string_value":
                return value.string_value
            case "bool_value":
                return value.bool_value
            case "number_value":
                return self._number(value.number_value, path)
            case "struct_value" if self._fits(path, depth):
                return self.object(value.struct_value, path, depth + 1)
            case "list_value" if self._fits(path, depth):
                return [
                    self._value(item, f"{path}[{place}]", depth + 1)
                    for place, item in enumerate(value.list_value.values)
                    if self._counted(path)
                ]
        return None

    def _number(self, number: float, path: str) -> int | float:
        if not math.isfinite(number) or abs(number) > _LARGEST_INTEGER:
            self._violations.add(path, "NUMBER", "must be finite and at most 2^53; send longer numbers as text")
            return 0
        return int(number) if number.is_integer() else number

    def _fits(self, path: str, depth: int) -> bool:
        if depth >= MAX_STRUCT_DEPTH:
            self._violations.add(path, "TOO_DEEP", f"is nested more than {MAX_STRUCT_DEPTH} levels deep")
        return depth < MAX_STRUCT_DEPTH

    def _counted(self, path: str) -> bool:
        self._left -= 1
        if self._left == -1:
            self._violations.add(path, "TOO_MANY_VALUES", f"holds more than {MAX_STRUCT_VALUES} values in all")
        return self._left >= 0
