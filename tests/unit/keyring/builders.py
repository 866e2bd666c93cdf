"""Stores of secrets and keys with good defaults."""

from pathlib import Path

from certsvc.keyring.data_keys import DataKeys
from certsvc.keyring.secret_files import SecretFiles
from certsvc.keyring.wrapping import WrappingKey

WRAPPING_KEY = WrappingKey(bytes(range(32)))


def new_files(folder: Path) -> SecretFiles:
    """An empty store in a new directory below `folder`."""
    return SecretFiles.create(folder / "keys", WRAPPING_KEY)


def reopened(folder: Path, wrapping_key: WrappingKey = WRAPPING_KEY) -> SecretFiles:
    """The store of `new_files`, as another process opens it."""
    return SecretFiles(folder / "keys", wrapping_key)


def key_file(folder: Path, *, usage: str, name: str) -> Path:
    """Where the store of `new_files` keeps a secret."""
    return folder / "keys" / f"{usage}.{name}.key"


def data_keys() -> DataKeys:
    """Five different keys, two versions of the sealing key."""
    return DataKeys(
        sealing={1: b"1" * 32, 2: b"2" * 32},
        number_index=b"n" * 32,
        permutation=b"p" * 32,
        payload_digest=b"d" * 32,
        fingerprint=b"f" * 32,
    )
