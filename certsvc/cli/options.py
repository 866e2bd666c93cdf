"""Values as people type them: names of enums without their prefix, times, holders, fields."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from certsvc.domain.validity_dates import SHANGHAI
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2


@dataclass(frozen=True, slots=True)
class Choice:
    """A proto enum to choose from; `prefix` is what all its value names begin with."""

    enum: Any
    prefix: str

    @property
    def names(self) -> str:
        """The names to choose from, for a help text."""
        return ", ".join(sorted(self.values()))

    def values(self) -> dict[str, int]:
        """Lower-case name without prefix → value; the zero value cannot be chosen."""
        return {
            name.removeprefix(self.prefix).lower().replace("_", "-"): value
            for name, value in self.enum.items()
            if value
        }


def choice_value(choice: Choice, text: str, *, field: str) -> Any:
    """The value that `text` names. Raises InvalidInputError (UNKNOWN_CHOICE)."""
    value = choice.values().get(text.lower().replace("_", "-"))
    if value is None:
        raise InvalidInputError.of(FieldViolation(field, "UNKNOWN_CHOICE", f"expected one of {choice.names}"))
    return value


def timestamp(text: str, *, field: str) -> Timestamp:
    """An instant in ISO 8601; without an offset it is meant in Asia/Shanghai. Raises InvalidInputError (TIME)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        description = "expected a time such as 2026-11-22T08:00:00+08:00"
        raise InvalidInputError.of(FieldViolation(field, "TIME", description)) from error
    value = Timestamp()
    value.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI))
    return value


def holders(texts: Iterable[str]) -> list[common_pb2.Holder]:
    """Holders written as `number=name` or `kind:number=name`. Raises InvalidInputError (HOLDER, UNKNOWN_CHOICE)."""
    kinds = Choice(common_pb2.NumberKind, "NUMBER_KIND_")
    found = []
    for place, text in enumerate(texts):
        number, equals, name = text.partition("=")
        kind, colon, value = number.rpartition(":")
        if not equals:
            description = "expected number=name or kind:number=name"
            raise InvalidInputError.of(FieldViolation(f"holders[{place}]", "HOLDER", description))
        holder = common_pb2.Holder(name=name, number=common_pb2.Number(value=value))
        if colon:
            holder.number.kind = choice_value(kinds, kind, field=f"holders[{place}].number")
        found.append(holder)
    return found


def fields(texts: Iterable[str]) -> Struct:
    """Fields written as `name=text`, or `name:=value` with a value in JSON. Raises InvalidInputError (FIELD)."""
    found = Struct()
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip(":"):
            raise InvalidInputError.of(FieldViolation("fields", "FIELD", "expected name=text or name:=JSON"))
        if not name.endswith(":"):
            found[name] = value
            continue
        try:
            found[name[:-1]] = json.loads(value)
        except (ValueError, RecursionError) as error:
            description = "after := a value in JSON is expected"
            raise InvalidInputError.of(FieldViolation(f"fields.{name[:-1]}", "FIELD", description)) from error
    return found
