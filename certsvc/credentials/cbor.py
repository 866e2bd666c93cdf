"""Deterministic CBOR (RFC 8949 §4.2.1) for the few types our formats use, and a strict reader of the same.

Items are integers (64 bit), byte strings, text strings (valid UTF-8), booleans, arrays and maps with integer
or text keys. Invariants: one value has one encoding, so `encode(decode(x)) == x` for whatever `decode`
accepts; the reader never recurses deeper than MAX_DEPTH and never reserves memory for a count that the input
cannot hold.

`decode(..., ordered=False)` alone relaxes the order of map keys, for CWTs that others made: RFC 8392 asks for
no order.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from certsvc.errors import MalformedError

Item: TypeAlias = "int | bytes | str | bool | list[Item] | dict[int | str, Item]"
Encodable: TypeAlias = (
    "int | bytes | str | bool | Sequence[Encodable]"
    " | Mapping[int, Encodable] | Mapping[str, Encodable] | Mapping[int | str, Encodable]"
)

MAX_DEPTH = 8
SIGN1_TAG = 18

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_FALSE, _TRUE = 20, 21
_LENGTH_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}


def _refuse(reason: str, message: str) -> MalformedError:
    return MalformedError(reason=f"CBOR_{reason}", message=message)


def _head(major: int, argument: int) -> bytes:
    """The shortest head of an item (RFC 8949 §4.2.1)."""
    if argument < 24:
        return bytes((major << 5 | argument,))
    for additional, size in _LENGTH_SIZES.items():
        if argument < 1 << 8 * size:
            return bytes((major << 5 | additional,)) + argument.to_bytes(size, "big")
    raise ValueError("integer of more than 64 bits")


def encode(item: Encodable) -> bytes:
    """The one deterministic encoding of `item`.

    Raises TypeError for a type that our formats do not use, ValueError for integers outside CBOR's 64 bits
    and for text that is not Unicode (lone surrogates).
    """
    match item:
        case bool():
            return b"\xf5" if item else b"\xf4"
        case int():
            return _head(_UINT, item) if item >= 0 else _head(_NINT, -1 - item)
        case bytes():
            return _head(_BYTES, len(item)) + item
        case str():
            text = item.encode()
            return _head(_TEXT, len(text)) + text
        case Mapping():
            if not all(type(key) in (int, str) for key in item):
                raise TypeError("map keys are integers or text")
            pairs = sorted((encode(key), encode(value)) for key, value in item.items())
            return _head(_MAP, len(pairs)) + b"".join(key + value for key, value in pairs)
        case list() | tuple():
            return _head(_ARRAY, len(item)) + b"".join(map(encode, item))
        case _:
            raise TypeError(f"no CBOR form for {type(item).__name__}")


def encode_tagged(tag: int, item: Encodable) -> bytes:
    """`item` under a tag (RFC 8949 §3.4)."""
    return _head(_TAG, tag) + encode(item)


def decode(data: bytes, *, tag: int | None = None, ordered: bool = True) -> Item:
    """Read exactly one item, under `tag` where that is given and untagged otherwise.

    Raises MalformedError with a reason `CBOR_…` for anything but the deterministic encoding of the types
    above; `ordered=False` takes map keys in any order, still without duplicates.
    """
    start = 0
    if tag is not None:
        head = _head(_TAG, tag)
        if not data.startswith(head):
            raise _refuse("TAG", f"does not start with tag {tag}")
        start = len(head)
    item, end = _Reader(data, ordered).item(start, 0)
    if end != len(data):
        raise _refuse("TRAILING_BYTES", f"{len(data) - end} bytes follow the item")
    return item


class _Reader:
    """Reads items at positions of one input; a class only to share that input and its rule."""

    __slots__ = ("_data", "_ordered")

    def __init__(self, data: bytes, ordered: bool) -> None:
        self._data = data
        self._ordered = ordered

    def item(self, position: int, depth: int) -> tuple[Item, int]:
        """The item at `position` and the position after it; `depth` counts the arrays and maps around it."""
        major, argument, start = self._head(position)
        if major == _UINT:
            return argument, start
        if major == _TEXT:
            end = self._end_of_string(start, argument)
            try:
                return self._data[start:end].decode(), end
            except UnicodeDecodeError as error:
                raise _refuse("BAD_UTF8", "text is not UTF-8") from error
        if major == _BYTES:
            end = self._end_of_string(start, argument)
            return self._data[start:end], end
        if major == _MAP:
            return self._map(start, argument, depth + 1)
        if major == _ARRAY:
            return self._array(start, argument, depth + 1)
        if major == _NINT:
            return -1 - argument, start
        if major == _TAG:
            raise _refuse("TAG", f"tag {argument} is not used here")
        return argument == _TRUE, start

    def _head(self, position: int) -> tuple[int, int, int]:
        """Major type, argument and the position after the head; shortest forms, true and false only."""
        data = self._data
        if position >= len(data):
            raise _refuse("TRUNCATED", "ends before an item")
        initial = data[position]
        major, additional = initial >> 5, initial & 31
        if major == _SIMPLE and additional not in (_FALSE, _TRUE):
            raise _refuse("SIMPLE", "only true and false are used, no null, undefined, floats or breaks")
        if additional < 24:
            return major, additional, position + 1
        if additional == 31:
            raise _refuse("INDEFINITE", "indefinite length")
        if additional > 27:
            raise _refuse("RESERVED", f"reserved additional information {additional}")
        size = _LENGTH_SIZES[additional]
        end = position + 1 + size
        if end > len(data):
            raise _refuse("TRUNCATED", "ends within a head")
        argument = int.from_bytes(data[position + 1 : end], "big")
        if argument < (24 if size == 1 else 1 << 4 * size):
            raise _refuse("LONG_FORM", "a shorter form of this head exists")
        return major, argument, end

    def _end_of_string(self, start: int, length: int) -> int:
        end = start + length
        if end > len(self._data):
            raise _refuse("TRUNCATED", "ends within a string")
        return end

    def _check_container(self, start: int, least_size: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _refuse("TOO_DEEP", f"nested deeper than {MAX_DEPTH}")
        if least_size > len(self._data) - start:
            raise _refuse("TRUNCATED", "counts more items than there are bytes left")

    def _array(self, position: int, count: int, depth: int) -> tuple[Item, int]:
        self._check_container(position, count, depth)
        items: list[Item] = []
        for _ in range(count):
            item, position = self.item(position, depth)
            items.append(item)
        return items, position

    def _map(self, position: int, count: int, depth: int) -> tuple[Item, int]:
        self._check_container(position, 2 * count, depth)
        items: dict[int | str, Item] = {}
        previous = b""
        for _ in range(count):
            start = position
            key, position = self.item(start, depth)
            if isinstance(key, bool) or not isinstance(key, int | str):
                raise _refuse("KEY_TYPE", "map keys are integers or text")
            if key in items:
                raise _refuse("DUPLICATE_KEY", "a map has one key twice")
            encoded = self._data[start:position]
            if self._ordered and encoded < previous:
                raise _refuse("UNSORTED_KEYS", "map keys are not in bytewise order")
            previous = encoded
            items[key], position = self.item(position, depth)
        return items, position
