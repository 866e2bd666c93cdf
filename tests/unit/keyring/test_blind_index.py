"""The index that finds a number without storing it."""

import hashlib
import hmac

from certsvc.domain.numbers import Number, NumberKind
from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.ports import BlindIndex

KEY = b"n" * 32
NUMBER = Number(NumberKind.PASSPORT, "E12345678")


def _index(key: bytes = KEY) -> BlindIndex:
    return HMACBlindIndex(key)


def test_it_is_hmac_sha256_over_length_prefixed_parts() -> None:
    number = b"\0\0\0\6number" + b"\0\0\0\x08PASSPORT" + b"\0\0\0\x09E12345678"
    text = b"\0\0\0\4text" + b"\0\0\0\x0elicense_number" + b"\0\0\0\6" + "证1".encode() + b"23"

    assert _index().number(NUMBER) == hmac.new(KEY, number, hashlib.sha256).digest()
    assert _index().text("证123", scope="license_number") == hmac.new(KEY, text, hashlib.sha256).digest()


def test_equal_values_meet() -> None:
    assert _index().number(NUMBER) == _index().number(Number(NUMBER.kind, NUMBER.value))
    assert _index().text("a", scope="s") == _index().text("a", scope="s")


def test_everything_else_differs() -> None:
    index = _index()
    hashes = [
        index.number(NUMBER),
        index.number(Number(NumberKind.CITIZEN_15, NUMBER.value)),
        index.number(Number(NUMBER.kind, "E12345679")),
        _index(b"m" * 32).number(NUMBER),
        index.text(NUMBER.value, scope="PASSPORT"),
        index.text(NUMBER.value, scope="number"),
        index.text("ab", scope="c"),
        index.text("b", scope="ca"),
        index.text("cab", scope=""),
    ]

    assert len(set(hashes)) == len(hashes)
    assert {len(value) for value in hashes} == {32}
