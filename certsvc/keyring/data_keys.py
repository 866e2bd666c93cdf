"""The keys that protect personal data: how they come to be, and how a process gets them.

Invariants: every key has 32 random bytes, one task, and its own wrapped file; a sealing key is never
replaced, a newer version comes beside it, so that what an older one sealed still opens. Whoever loses
these keys loses the personal data and cannot find a subject by number again: they belong in a backup of
their own.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from certsvc.errors import AlreadyExistsError, DataIntegrityError, NotFoundError
from certsvc.keyring.secret_files import SecretFiles

KEY_SIZE = 32
FIRST_SEALING_VERSION = 1

USAGE = "data"
_NUMBER_INDEX, _PERMUTATION = "number-index", "permutation"
_PAYLOAD_DIGEST, _FINGERPRINT = "payload-digest", "fingerprint"
_SINGLE_KEYS = (_NUMBER_INDEX, _PERMUTATION, _PAYLOAD_DIGEST, _FINGERPRINT)
_SEALING = re.compile(r"sealing-([0-9]{5})", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class DataKeys:
    """All keys of personal data, 32 bytes each; `repr` shows none.

    `sealing` maps versions (1 to 65535) to keys; the highest version seals, all of them open.
    """

    sealing: Mapping[int, bytes]
    number_index: bytes
    permutation: bytes
    payload_digest: bytes
    fingerprint: bytes

    def __repr__(self) -> str:
        return f"DataKeys(sealing versions {sorted(self.sealing)})"


def create_data_keys(files: SecretFiles) -> DataKeys:
    """Make all keys of a new register, durable on return.

    Raises AlreadyExistsError (DATA_KEYS_EXIST) when there are data keys. The sealing key is made last:
    while it is missing nothing was ever sealed or indexed, so an interrupted creation may simply be
    repeated.
    """
    present = files.names(usage=USAGE)
    if any(_SEALING.fullmatch(name) for name in present):
        raise AlreadyExistsError(reason="DATA_KEYS_EXIST", message="there are keys of personal data already")
    for name in (*_SINGLE_KEYS, _sealing_name(FIRST_SEALING_VERSION)):
        if name not in present:
            files.put(os.urandom(KEY_SIZE), usage=USAGE, name=name)
    return load_data_keys(files)


def load_data_keys(files: SecretFiles) -> DataKeys:
    """The keys of this register.

    Raises NotFoundError (DATA_KEYS_MISSING) when one is not there, DataIntegrityError (DATA_KEY_SIZE), and
    what `SecretFiles.get` raises.
    """
    versions = [int(m[1]) for name in files.names(usage=USAGE) if (m := _SEALING.fullmatch(name))]
    missing = [name for name in _SINGLE_KEYS if not files.holds(usage=USAGE, name=name)]
    if not versions or missing:
        wanted = ", ".join(missing or ["sealing"])
        raise NotFoundError(reason="DATA_KEYS_MISSING", message=f"keys of personal data are missing: {wanted}")
    return DataKeys(
        sealing={version: _load(files, _sealing_name(version)) for version in versions},
        number_index=_load(files, _NUMBER_INDEX),
        permutation=_load(files, _PERMUTATION),
        payload_digest=_load(files, _PAYLOAD_DIGEST),
        fingerprint=_load(files, _FINGERPRINT),
    )


def _sealing_name(version: int) -> str:
    return f"sealing-{version:05d}"


def _load(files: SecretFiles, name: str) -> bytes:
    key = files.get(usage=USAGE, name=name)
    if len(key) != KEY_SIZE:
        raise DataIntegrityError(reason="DATA_KEY_SIZE", message=f"the key {name} has not {KEY_SIZE} bytes")
    return key
