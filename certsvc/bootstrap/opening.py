"""Opening the store of a data directory, under its lock and with the keys that belong to it.

Invariant: one process at a time works on a data directory.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from certsvc.config import Settings
from certsvc.errors import FailedPreconditionError
from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.keyring.cipher import AEADCipher
from certsvc.keyring.data_keys import load_data_keys
from certsvc.keyring.file_vault import FileVault
from certsvc.keyring.keyed_digest import Fingerprint, PayloadDigest
from certsvc.keyring.secret_files import SecretFiles
from certsvc.keyring.wrapping import load_wrapping_key
from certsvc.ports import Ledger
from certsvc.store.ledger import open_ledger


class SystemClock:
    """Port Clock: the machine's own."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """The opened store with the keys that belong to it."""

    ledger: Ledger
    vault: FileVault
    cipher: AEADCipher
    payload_digest: PayloadDigest
    fingerprint: Fingerprint
    permutation_key: bytes


@contextmanager
def held_lock(settings: Settings) -> Iterator[None]:
    """Hold the data directory's lock. Raises FailedPreconditionError (LOCKED) if another process does."""
    with settings.lock_file.open("a") as file:
        settings.lock_file.chmod(0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FailedPreconditionError(
                reason="LOCKED",
                message=f"another certsvc process works on {settings.data_dir}; stop it first",
                details={"state": "LOCKED"},
            ) from error
        yield


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """The store of an initialized data directory; closed at the end."""
    files = SecretFiles(settings.secrets_dir, load_wrapping_key(settings.wrapping_key_file))
    keys = load_data_keys(files)
    cipher = AEADCipher(keys.sealing)
    index = HMACBlindIndex(keys.number_index)
    ledger = open_ledger(settings.database, cipher=cipher, index=index)
    try:
        yield Store(
            ledger=ledger,
            vault=FileVault(files),
            cipher=cipher,
            payload_digest=PayloadDigest(keys.payload_digest),
            fingerprint=Fingerprint(keys.fingerprint),
            permutation_key=keys.permutation,
        )
    finally:
        ledger.close()
