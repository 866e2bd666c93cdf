"""The page reads status lists: those of the draft, those of this register, and no bombs."""

import base64
import random
import re
import zlib

import pytest

from certsvc.credentials.base64url import encode_base64url
from certsvc.credentials.status_list import MAX_BYTES, SIZE, StatusList
from tests.require import shared
from tests.unit.web.page_modules import ask_page


def vector(name: str) -> str:
    """The `lst` of one of the draft's examples."""
    text = shared(f"vectors/status_list/{name}.md").read_text()
    match = re.search(r'"lst":\s*"([^"]+)"', text)
    assert match is not None
    return re.sub(r"\\?\s", "", match[1])


def test_the_two_bit_example_of_the_draft() -> None:
    lst = vector("status_list_encoding2_json")
    wanted = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    answers = ask_page([{"ask": "status", "lst": lst, "index": i} for i in range(len(wanted))])
    assert [answer["value"] for answer in answers] == wanted


def test_every_entry_of_a_list_of_this_register() -> None:
    chance = random.Random(2)
    statuses = {chance.randrange(SIZE): chance.randrange(1, 4) for _ in range(300)} | {0: 1, SIZE - 1: 3}
    lst = encode_base64url(StatusList.of(statuses).compress())
    indices = [*statuses, *(chance.randrange(SIZE) for _ in range(300))]
    answers = ask_page([{"ask": "status", "lst": lst, "index": index} for index in indices])
    assert [answer["value"] for answer in answers] == [statuses.get(index, 0) for index in indices]


def zipped(data: bytes) -> str:
    return encode_base64url(zlib.compress(data, 9))


@pytest.mark.parametrize(
    "lst",
    [
        zipped(bytes(MAX_BYTES + 1)),
        zipped(bytes(64 * 1024 * 1024)),
        zipped(bytes(16))[:-4],
        encode_base64url(b"no zlib stream"),
        encode_base64url(zlib.compress(bytes(16), 9)[2:-4]),
        base64.b64encode(zlib.compress(random.Random(1).randbytes(64))).decode(),
        "",
    ],
    ids=["one byte over", "bomb", "cut off", "no zlib", "raw deflate", "plain base64", "empty"],
)
def test_what_is_no_list_of_this_size_is_refused(lst: str) -> None:
    assert ask_page([{"ask": "size", "lst": lst}]) == [{"refused": "UNEXPECTED_ANSWER"}]


def test_the_largest_list_and_its_end() -> None:
    lst = zipped(bytes(MAX_BYTES))
    answers = ask_page(
        [
            {"ask": "size", "lst": lst},
            {"ask": "status", "lst": lst, "index": SIZE - 1},
            {"ask": "status", "lst": zipped(bytes(4)), "index": 16},
        ]
    )
    assert answers == [{"value": MAX_BYTES}, {"value": 0}, {"refused": "UNEXPECTED_ANSWER"}]
