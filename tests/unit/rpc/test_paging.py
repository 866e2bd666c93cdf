"""Page tokens: good for the same caller and the same list only, and opaque."""

import base64
from dataclasses import replace

import pytest

from certsvc.domain.agency import CallerKind
from certsvc.domain.principal import Caller
from certsvc.errors import InvalidInputError
from certsvc.keyring.cipher import AEADCipher
from certsvc.rpc.paging import Paging
from certsvc.v1.agency_service_pb2 import ListAgenciesRequest, ListOfficersRequest

CALLER = Caller(CallerKind.AGENCY, "11440300455834562Y", "", frozenset(), "fedcba9876543210")
PAGING = Paging(AEADCipher({1: b"1" * 32}))
ROWS = [f"row-{number:03d}" for number in range(120)]


def read_all(region: str = "44", *, size: int) -> list[list[str]]:
    """All pages of ROWS, read as a servicer does."""
    pages: list[list[str]] = []
    token = ""
    while not pages or token:
        request = ListAgenciesRequest(region=region, page_size=size, page_token=token)
        page = PAGING.open(request, CALLER)
        found = [row for row in ROWS if row > page.after][: page.fetch]
        rows, token = page.cut(found, lambda row: row)
        pages.append(list(rows))
    return pages


def some_token(region: str = "44") -> str:
    page = PAGING.open(ListAgenciesRequest(region=region, page_size=1), CALLER)
    return page.cut(ROWS, lambda row: row)[1]


@pytest.mark.parametrize("size", [1, 40, 119, 120, 121])
def test_pages_hold_every_row_once(size: int) -> None:
    pages = read_all(size=size)

    assert [row for page in pages for row in page] == ROWS
    assert all(len(page) == size for page in pages[:-1])
    assert pages[-1]


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (500, 500), (501, 500), (2**31 - 1, 500)])
def test_page_sizes_are_bounded(asked: int, given: int) -> None:
    assert PAGING.open(ListAgenciesRequest(page_size=asked), CALLER).size == given


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        PAGING.open(ListAgenciesRequest(page_size=-1), CALLER)

    assert [(v.field, v.reason) for v in refused.value.violations] == [("page_size", "PAGE_SIZE")]


def test_the_page_size_may_change_between_pages() -> None:
    request = ListAgenciesRequest(region="44", page_size=7, page_token=some_token())

    assert PAGING.open(request, CALLER).after == "row-000"


def test_a_token_shows_nothing() -> None:
    token = some_token()

    assert b"row" not in base64.urlsafe_b64decode(token + "==")
    assert token != some_token()


@pytest.mark.parametrize(
    "token",
    ["x", "!" * 40, "a" * 41, "A" * 100_000, "é", some_token()[:-2], some_token()[::-1], some_token("37")],
    ids=["short", "letters", "odd", "long", "other_alphabet", "cut", "turned", "other_filter"],
)
def test_a_token_from_elsewhere_is_refused(token: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        PAGING.open(ListAgenciesRequest(region="44", page_token=token), CALLER)

    assert [(v.field, v.reason) for v in refused.value.violations] == [("page_token", "PAGE_TOKEN")]


def test_a_token_of_another_caller_or_another_list_is_refused() -> None:
    request = ListAgenciesRequest(region="44", page_token=some_token())
    with pytest.raises(InvalidInputError):
        PAGING.open(request, replace(CALLER, owner_id="11440000006940140C"))
    # The same bytes of filters, under the same field number, of another list.
    officers = ListOfficersRequest(page_token=some_token(""))
    with pytest.raises(InvalidInputError):
        PAGING.open(officers, CALLER)
