"""A KeyVault that forgets everything with its process: for tests."""

import threading
from collections.abc import Callable

from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import AlreadyExistsError, NotFoundError
from certsvc.keyring.software_signer import SoftwareSigner
from certsvc.ports import Signer


class MemoryVault:
    """Signing keys in memory, nowhere else. `make` is where new keys come from."""

    def __init__(self, *, make: Callable[[], SoftwareSigner] = SoftwareSigner.generate) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._signers: dict[str, tuple[KeyPurpose, SoftwareSigner]] = {}

    def generate(self, *, purpose: KeyPurpose) -> tuple[str, bytes]:
        """See KeyVault.generate; durable as long as the process."""
        signer = self._make()
        with self._lock:
            if signer.kid in self._signers:
                raise AlreadyExistsError(reason="KEY_EXISTS", message=f"there is a key {signer.kid} already")
            self._signers[signer.kid] = purpose, signer
        return signer.kid, signer.public_key

    def signer(self, kid: str, *, purpose: KeyPurpose) -> Signer:
        """See KeyVault.signer."""
        with self._lock:
            known_purpose, signer = self._signers.get(kid, (None, None))
        if signer is None or known_purpose is not purpose:
            raise NotFoundError(reason="KEY_NOT_FOUND", message=f"the vault holds no such {purpose} key")
        return signer

    def destroy(self, kid: str) -> None:
        """See KeyVault.destroy."""
        with self._lock:
            _, signer = self._signers.pop(kid, (None, None))
        if signer is not None:
            signer.forget()
