"""The wrapping key and its file."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certsvc.errors import (
    AlreadyExistsError,
    DataIntegrityError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from certsvc.keyring.wrapping import WrappingKey, create_wrapping_key, load_wrapping_key

KEY = bytes(range(32))


def test_what_is_wrapped_opens_at_its_place_only() -> None:
    key = WrappingKey(KEY)
    sealed = key.wrap(b"secret", usage="license", name="ab")

    assert key.unwrap(sealed, usage="license", name="ab") == b"secret"
    # ("licensea", "b") joins to the same text as ("license", "ab").
    for usage, name in [("vc", "ab"), ("license", "ac"), ("licensea", "b")]:
        with pytest.raises(DataIntegrityError):
            key.unwrap(sealed, usage=usage, name=name)


def test_the_format_is_the_documented_one() -> None:
    key = WrappingKey(KEY)
    sealed = key.wrap(b"secret", usage="license", name="ab")

    header, nonce, body = sealed[:9], sealed[9:21], sealed[21:]
    parts = [b"certsvc wrapped secret", header, b"license", b"ab"]
    aad = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert header == b"\x01" + key.key_id
    assert AESGCM(KEY).decrypt(nonce, body, aad) == b"secret"


def test_no_two_wrappings_are_equal() -> None:
    key = WrappingKey(KEY)

    assert len({key.wrap(b"secret", usage="license", name="a") for _ in range(100)}) == 100


def test_a_wrapping_key_shows_its_id_only() -> None:
    key = WrappingKey(KEY)

    assert repr(key) == f"WrappingKey({key.key_id.hex()})"
    assert key.key_id not in KEY
    assert key.key_id != WrappingKey(KEY[::-1]).key_id


def test_a_created_key_file_is_private_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "wrapping.key"

    created = create_wrapping_key(path)

    assert load_wrapping_key(path).key_id == created.key_id
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes(), validate=False)) == 32


def test_created_keys_differ(tmp_path: Path) -> None:
    assert create_wrapping_key(tmp_path / "a").key_id != create_wrapping_key(tmp_path / "b").key_id


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "wrapping.key"
    created = create_wrapping_key(path)

    with pytest.raises(AlreadyExistsError):
        create_wrapping_key(path)

    assert load_wrapping_key(path).key_id == created.key_id
    assert [entry.name for entry in tmp_path.iterdir()] == ["wrapping.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606, 0o610, 0o601, 0o777])
def test_a_key_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "wrapping.key"
    create_wrapping_key(path)
    path.chmod(mode)

    with pytest.raises(FailedPreconditionError) as refused:
        load_wrapping_key(path)

    assert refused.value.reason == "KEY_FILE_PERMISSIONS"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "WRAPPING_KEY_SIZE"),
        (base64.b64encode(bytes(31)), "WRAPPING_KEY_SIZE"),
        (base64.b64encode(bytes(33)), "WRAPPING_KEY_SIZE"),
        (bytes(32), "WRAPPING_KEY_FORM"),
        ("密钥".encode(), "WRAPPING_KEY_FORM"),
        (base64.b64encode(bytes(32))[:-1], "WRAPPING_KEY_FORM"),
        (b"A" * 1_000_000, "KEY_FILE_SIZE"),
    ],
    ids=["empty", "31 bytes", "33 bytes", "raw bytes", "not ASCII", "cut", "1 MB"],
)
def test_anything_but_32_bytes_in_base64_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "wrapping.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(DataIntegrityError) as refused:
        load_wrapping_key(path)

    assert refused.value.reason == reason


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_wrapping_key(tmp_path / "missing")
    with pytest.raises(UnavailableError):
        load_wrapping_key(tmp_path)
