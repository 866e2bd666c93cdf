"""Column types that mean the same on SQLite and PostgreSQL.

Invariants: an instant is stored as whole microseconds since 1970 UTC, so that both databases order and compare it
alike, and is read as an aware UTC datetime; an enumeration is stored as its value, and a stored value that the
enumeration does not have is damage, never guessed at.
"""

import enum
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from certsvc.errors import DataIntegrityError

E = TypeVar("E", bound=enum.StrEnum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""An integer key: 64 bits on both; SQLite takes only the word INTEGER for the key that is the row's own number."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 UTC."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Raises TypeError for a naive datetime: it names no instant."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The instant, in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class OneOf(TypeDecorator[E]):
    """A member of one enumeration, as its value."""

    impl = sa.String
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The value, as a plain string: psycopg would store an enumeration by its name."""
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:  # noqa: ARG002
        """The member. Raises DataIntegrityError for a value that the enumeration does not have."""
        if value is None:
            return None
        try:
            return self.members(value)
        except ValueError as error:
            message = f"a stored {self.members.__name__} has no known value"
            raise DataIntegrityError("UNKNOWN_STORED_VALUE", message) from error
