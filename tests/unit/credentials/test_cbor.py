"""CBOR: one encoding a value, nothing else read, and the same as cbor2 sees it."""

from io import BytesIO
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials import cbor
from certsvc.errors import MalformedError

INTEGERS = st.integers(-(2**64), 2**64 - 1)
LEAVES = INTEGERS | st.booleans() | st.binary(max_size=300) | st.text(max_size=300)
ITEMS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(INTEGERS | st.text(), inner, max_size=5),
    max_leaves=20,
)


def _depth(item: object) -> int:
    if isinstance(item, dict):
        return 1 + max(map(_depth, item.values()), default=0)
    return 1 + max(map(_depth, item), default=0) if isinstance(item, list) else 0


def _sorted_bytewise(item: Any) -> Any:
    """Maps in the order of their encoded keys, for an encoder that keeps the order it is given."""
    if isinstance(item, dict):
        pairs = sorted(item.items(), key=lambda pair: cbor2.dumps(pair[0]))
        return {key: _sorted_bytewise(value) for key, value in pairs}
    return [_sorted_bytewise(inner) for inner in item] if isinstance(item, list) else item


@given(ITEMS.filter(lambda item: _depth(item) <= cbor.MAX_DEPTH))
def test_round_trip_and_the_same_bytes_as_cbor2(item: Any) -> None:
    encoded = cbor.encode(item)
    assert cbor.decode(encoded) == item
    assert encoded == cbor2.dumps(_sorted_bytewise(item))


@given(st.binary(max_size=200))
def test_what_is_read_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        item = cbor.decode(data)
    except MalformedError:
        return
    assert cbor.encode(item) == data


@given(ITEMS.filter(lambda item: _depth(item) <= cbor.MAX_DEPTH), st.data())
def test_a_changed_byte_is_refused_or_read_as_cbor2_reads_it(item: Any, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(item))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        read = cbor.decode(bytes(encoded))
    except MalformedError:
        return
    assert read == cbor2.loads(bytes(encoded))


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (1_000_000, "1a000f4240"),
        (1_000_000_000_000, "1b000000e8d4a51000"),
        (2**64 - 1, "1bffffffffffffffff"),
        (-1, "20"),
        (-1000, "3903e7"),
        (-(2**64), "3bffffffffffffffff"),
        (False, "f4"),
        (True, "f5"),
        (b"\x01\x02\x03\x04", "4401020304"),
        ("水", "63e6b0b4"),
        ("\U00010151", "64f0908591"),
        ([], "80"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        ({}, "a0"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
        # RFC 8949 §4.2.1: bytewise order puts 100 before -1 and both before text.
        ({10: 0, 100: 0, -1: 0, "z": 0, "aa": 0}, "a50a001864002000617a0062616100"),
    ],
)
def test_examples_of_rfc_8949(item: Any, encoded: str) -> None:
    assert cbor.encode(item).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == item


@pytest.mark.parametrize("item", [1.5, None, {True: 1}, {b"a": 1}, {1.0: 1}, object()])
def test_no_form_for_other_types(item: Any) -> None:
    with pytest.raises(TypeError):
        cbor.encode(item)


@pytest.mark.parametrize("item", [2**64, -(2**64) - 1, "\ud800"])
def test_no_form_for_values_out_of_range(item: Any) -> None:
    with pytest.raises(ValueError, match=r"64 bits|surrogates"):
        cbor.encode(item)


def test_order_is_relaxed_only_where_asked_and_never_for_duplicates() -> None:
    unsorted = bytes.fromhex("a202000100")
    with pytest.raises(MalformedError, match="CBOR_UNSORTED_KEYS"):
        cbor.decode(unsorted)
    assert cbor.decode(unsorted, ordered=False) == {2: 0, 1: 0}
    with pytest.raises(MalformedError, match="CBOR_DUPLICATE_KEY"):
        cbor.decode(bytes.fromhex("a3020001000200"), ordered=False)


def test_deepest_nesting_is_read_and_one_more_is_not() -> None:
    cbor.decode(b"\x81" * cbor.MAX_DEPTH + b"\x00")
    with pytest.raises(MalformedError, match="CBOR_TOO_DEEP"):
        cbor.decode(b"\x81" * (cbor.MAX_DEPTH + 1) + b"\x00")


def test_tag_is_read_only_where_asked() -> None:
    tagged = cbor.encode_tagged(cbor.SIGN1_TAG, [1])
    assert tagged == cbor2.dumps(cbor2.CBORTag(18, [1]))
    assert cbor.decode(tagged, tag=cbor.SIGN1_TAG) == [1]
    for data, tag in ((tagged, None), (tagged, 61), (cbor.encode([1]), cbor.SIGN1_TAG)):
        with pytest.raises(MalformedError, match="CBOR_TAG"):
            cbor.decode(data, tag=tag)


@pytest.mark.parametrize("head", ["5b", "7b", "9b", "bb"])
def test_huge_counts_cost_nothing(head: str) -> None:
    with pytest.raises(MalformedError, match="CBOR_TRUNCATED"):
        cbor.decode(bytes.fromhex(head + "7fffffffffffffff"))


def test_counts_are_refused_before_the_items_are_looked_at() -> None:
    for data in ("83f600", "a2f600"):
        with pytest.raises(MalformedError, match="CBOR_TRUNCATED"):
            cbor.decode(bytes.fromhex(data))


def test_cbor2_refuses_what_is_cut_off_too() -> None:
    """The oracle is a reader of its own: it agrees on where an item ends."""
    encoded = cbor.encode([1, {2: b"abc"}])
    for length in range(len(encoded)):
        with pytest.raises(MalformedError):
            cbor.decode(encoded[:length])
        with pytest.raises(cbor2.CBORDecodeEOF):
            cbor2.load(BytesIO(encoded[:length]))
