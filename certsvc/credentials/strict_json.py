"""JSON as our signed forms use it: one reading for every text (RFC 8725 §2.4, RFC 8259 §4).

Invariants: a name stands once in an object, there is no NaN or Infinity, and no input makes the reader
recurse or convert without bound.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from certsvc.errors import MalformedError

T = TypeVar("T")

LATEST_TIME = 253_402_300_799
"""9999-12-31T23:59:59Z."""


def dump_json(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Compact UTF-8 JSON; the order of names is the caller's. Raises ValueError for NaN and Infinity."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def load_json(data: bytes) -> Any:
    """Read one JSON text. Raises MalformedError (JSON) for what two readers could read in two ways."""
    try:
        return json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError(reason="JSON", message="not a well-formed JSON text") from error


def load_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object. Raises MalformedError (JSON)."""
    value = load_json(data)
    if not isinstance(value, dict):
        raise MalformedError(reason="JSON", message="not a JSON object")
    return value


def member(container: object, name: str, kind: type[T]) -> T:
    """The member `name` of an object when it is of that kind. Raises MalformedError (JSON_MEMBER)."""
    value = container.get(name) if isinstance(container, dict) else None
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise MalformedError(reason="JSON_MEMBER", message=f"{name} is missing or of another type")


def time_member(container: object, name: str) -> datetime:
    """The member `name`, whole Unix seconds, as a time in UTC. Raises MalformedError (JSON_MEMBER)."""
    seconds = member(container, name, int)
    if not 0 <= seconds <= LATEST_TIME:
        raise MalformedError(reason="JSON_MEMBER", message=f"{name} is no time from 1970 to 9999")
    return datetime.fromtimestamp(seconds, UTC)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
