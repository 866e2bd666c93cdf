"""Pages of lists (AIP-158): how many rows a page has, and tokens that lead to the next.

Invariant: a token is good for one caller and one list with the same filters only, and shows nothing to who holds
it, for it is sealed with both as its place; any other is refused, so nobody pages into what another asked for.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from certsvc.domain.principal import Caller
from certsvc.errors import DataIntegrityError, FieldViolation, InvalidInputError
from certsvc.ports import Cipher

Row = TypeVar("Row")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
_MAX_TOKEN = 512
_TABLE = "page_tokens"


class ListRequest(Protocol):
    """A request for a page; whatever else it holds are its filters."""

    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for: read up to `fetch` rows that follow `after` ("" for the first page), then `cut`."""

    after: str
    size: int
    _seal: Callable[[str], str]

    @property
    def fetch(self) -> int:
        """One row more than the page has, which tells whether another page follows."""
        return self.size + 1

    def cut(self, rows: Sequence[Row], after_of: Callable[[Row], str]) -> tuple[Sequence[Row], str]:
        """The rows of the page and the next page's token, empty on the last; `after_of` names a row's place."""
        if len(rows) <= self.size:
            return rows, ""
        return rows[: self.size], self._seal(after_of(rows[self.size - 1]))


class Paging:
    """Opens pages and seals tokens; the same key on every worker makes a token good on all of them."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def open(self, request: ListRequest, caller: Caller) -> Page:
        """The page that `request` asks for; 0 rows mean 50, more than 500 mean 500.

        Raises InvalidInputError (PAGE_SIZE, PAGE_TOKEN).
        """
        if not isinstance(request, Message):
            raise TypeError("pages are opened from requests")
        if request.page_size < 0:
            description = f"must be 0 to {MAX_PAGE_SIZE}"
            raise InvalidInputError.of(FieldViolation("page_size", "PAGE_SIZE", description))
        filters = _filters_of(request)

        def seal(after: str) -> str:
            sealed = self._cipher.seal(after.encode(), table=_TABLE, row=caller.name, column=filters)
            return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

        after = self._after(request.page_token, caller, filters) if request.page_token else ""
        return Page(after, min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE), seal)

    def _after(self, token: str, caller: Caller, filters: str) -> str:
        try:
            if len(token) > _MAX_TOKEN:
                raise ValueError("too long")
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self._cipher.open(sealed, table=_TABLE, row=caller.name, column=filters).decode()
        except (ValueError, binascii.Error, DataIntegrityError) as error:
            description = "is not from an answer to the same request; start again without one"
            raise InvalidInputError.of(FieldViolation("page_token", "PAGE_TOKEN", description)) from error


def _filters_of(request: Message) -> str:
    """The kind of list and its filters, as a digest: filters may be personal."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_size")
    filters.ClearField("page_token")
    digest = hashlib.sha256(filters.SerializeToString(deterministic=True)).hexdigest()
    return f"{request.DESCRIPTOR.full_name}/{digest}"
