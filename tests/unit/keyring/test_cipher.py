"""The cipher of personal data: opens at its place only, with old keys too."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import DataIntegrityError
from certsvc.keyring.cipher import AEADCipher
from certsvc.ports import Cipher
from tests.unit.keyring.builders import data_keys

PLACE = {"table": "licenses", "row": "17", "column": "fields"}
VALUE = '{"经营范围": "软件开发"}'.encode()


def _cipher() -> Cipher:
    return AEADCipher(data_keys().sealing)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens(value: bytes) -> None:
    assert _cipher().open(_cipher().seal(value, **PLACE), **PLACE) == value


def test_the_format_is_the_documented_one() -> None:
    sealed = _cipher().seal(VALUE, **PLACE)

    assert sealed[:3] == b"\x01\x00\x02"
    assert len(sealed) == 1 + 2 + 12 + len(VALUE) + 16
    parts = [b"licenses", b"17", b"fields", b"\x00\x02"]
    aad = b"\x01" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert AESGCM(b"2" * 32).decrypt(sealed[3:15], sealed[15:], aad) == VALUE


@pytest.mark.parametrize(
    "other",
    [
        {**PLACE, "table": "holders"},
        {**PLACE, "row": "18"},
        {**PLACE, "column": "names"},
        {"table": "license", "row": "s17", "column": "fields"},
        {"table": "licenses", "row": "17f", "column": "ields"},
        {"table": "", "row": "", "column": "licenses17fields"},
    ],
    ids=["table", "row", "column", "table to row", "column to row", "all in one"],
)
def test_a_value_moved_elsewhere_does_not_open(other: dict[str, str]) -> None:
    sealed = _cipher().seal(VALUE, **PLACE)

    with pytest.raises(DataIntegrityError) as refused:
        _cipher().open(sealed, **other)

    assert refused.value.reason == "SEALED_VALUE_CHANGED"


def test_every_changed_or_missing_byte_is_detected() -> None:
    sealed = _cipher().seal(VALUE, **PLACE)

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        for content in (bytes(changed), sealed[:position], sealed[:position] + sealed[position + 1 :]):
            with pytest.raises(DataIntegrityError):
                _cipher().open(content, **PLACE)


def test_old_versions_open_and_the_newest_seals() -> None:
    keys = data_keys().sealing
    old = AEADCipher({1: keys[1]}).seal(VALUE, **PLACE)

    assert old[1:3] == b"\x00\x01"
    assert _cipher().open(old, **PLACE) == VALUE
    assert _cipher().seal(VALUE, **PLACE)[1:3] == b"\x00\x02"


def test_the_version_in_a_value_cannot_be_exchanged() -> None:
    same_key = {1: b"k" * 32, 2: b"k" * 32}
    sealed = AEADCipher(same_key).seal(VALUE, **PLACE)

    with pytest.raises(DataIntegrityError):
        AEADCipher(same_key).open(sealed[:1] + b"\x00\x01" + sealed[3:], **PLACE)


def test_a_version_without_a_key_is_named() -> None:
    sealed = _cipher().seal(VALUE, **PLACE)

    with pytest.raises(DataIntegrityError) as refused:
        AEADCipher({1: b"1" * 32}).open(sealed, **PLACE)

    assert refused.value.reason == "SEALING_KEY_UNKNOWN"
    assert "version 2" in refused.value.message


@pytest.mark.parametrize("value", [b"", b"\x01", VALUE, b"\x02" + bytes(60), b"\x01" + bytes(29)])
def test_what_was_never_sealed_does_not_open(value: bytes) -> None:
    with pytest.raises(DataIntegrityError) as refused:
        _cipher().open(value, **PLACE)

    assert refused.value.reason == "SEALED_FORM"


def test_no_two_sealed_values_are_equal() -> None:
    cipher = _cipher()

    assert len({cipher.seal(VALUE, **PLACE) for _ in range(1000)}) == 1000


def test_threads_share_a_cipher() -> None:
    cipher = _cipher()

    def there_and_back(number: int) -> bool:
        value = b"%d" % number * 50
        return cipher.open(cipher.seal(value, **PLACE), **PLACE) == value

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(there_and_back, range(2000)))
