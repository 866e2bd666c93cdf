"""JSON and base64url: one reading for every text."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.credentials.strict_json import dump_json, load_json, load_object, member, time_member
from certsvc.errors import MalformedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text().filter(lambda text: text.isprintable()), JSON.filter(lambda _: True), max_size=4))
def test_round_trip(value: dict[str, Any]) -> None:
    assert load_object(dump_json(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"\xff",
        b'\xef\xbb\xbf{"a":1}',
        b"{'a':1}",
        b"[1,]",
        b"1 2",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_other_texts_are_refused(text: bytes) -> None:
    with pytest.raises(MalformedError, match="JSON"):
        load_json(text)


@pytest.mark.parametrize("text", [b"[]", b"1", b'"a"', b"null"])
def test_an_object_is_an_object(text: bytes) -> None:
    with pytest.raises(MalformedError, match="JSON"):
        load_object(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_nan_is_written(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        dump_json({"a": value})


def test_members_are_of_their_kind() -> None:
    container = {"text": "a", "number": 1, "flag": True, "past": -1, "future": 253_402_300_800}
    assert member(container, "text", str) == "a"
    assert member(container, "number", int) == 1
    assert member(container, "flag", bool) is True
    assert time_member(container, "number").timestamp() == 1
    for name, kind in (("text", int), ("flag", int), ("number", bool), ("missing", str)):
        with pytest.raises(MalformedError, match="JSON_MEMBER"):
            member(container, name, kind)
    with pytest.raises(MalformedError, match="JSON_MEMBER"):
        member(["text"], "text", str)
    for name in ("past", "future", "flag", "missing"):
        with pytest.raises(MalformedError, match="JSON_MEMBER"):
            time_member(container, name)


@given(st.binary(max_size=100))
def test_base64url_round_trip(data: bytes) -> None:
    text = encode_base64url(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert decode_base64url(text) == data


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA==", "AB", "AAB", "A+/A", "AA A", "AA\n", "ＡＡ", "é"])
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="BASE64URL"):
        decode_base64url(text)
