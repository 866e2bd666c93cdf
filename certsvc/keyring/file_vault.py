"""The KeyVault of a deployment without an HSM: each private key wrapped in a file, opened on first use.

Invariants: a key is durable before its kid is known; what a file holds is the key that its name says
(thumbprint recomputed at every opening); a destroyed key signs no more in this process, and opens in none.
"""

import threading
from collections.abc import Callable

from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import DataIntegrityError, NotFoundError
from certsvc.keyring.secret_files import SecretFiles
from certsvc.keyring.software_signer import SoftwareSigner
from certsvc.ports import Signer


class FileVault:
    """Signing keys in wrapped files; the usage of a file is the key's purpose, its name the kid.

    Safe to share between threads. `make` is where new keys come from.
    """

    def __init__(self, files: SecretFiles, *, make: Callable[[], SoftwareSigner] = SoftwareSigner.generate) -> None:
        self._files = files
        self._make = make
        self._lock = threading.Lock()
        self._signers: dict[tuple[KeyPurpose, str], SoftwareSigner] = {}

    def generate(self, *, purpose: KeyPurpose) -> tuple[str, bytes]:
        """See KeyVault.generate."""
        signer = self._make()
        self._files.put(signer.to_pkcs8(), usage=purpose, name=signer.kid)
        return signer.kid, signer.public_key

    def signer(self, kid: str, *, purpose: KeyPurpose) -> Signer:
        """See KeyVault.signer; also raises what opening the file raises (private_file.py, wrapping.py)."""
        # One lock around look and open: else a key could be opened and kept while `destroy` removes it.
        with self._lock:
            if not self._files.holds(usage=purpose, name=kid):
                self._forget(kid, purpose=purpose)  # Another process destroyed it.
                raise NotFoundError(reason="KEY_NOT_FOUND", message=f"the vault holds no such {purpose} key")
            signer = self._signers.get((purpose, kid))
            if signer is None:
                signer = self._signers[purpose, kid] = self._open(kid, purpose=purpose)
            return signer

    def destroy(self, kid: str) -> None:
        """See KeyVault.destroy."""
        with self._lock:
            self._files.remove(kid)
            for purpose in KeyPurpose:
                self._forget(kid, purpose=purpose)

    def _open(self, kid: str, *, purpose: KeyPurpose) -> SoftwareSigner:
        signer = SoftwareSigner.from_pkcs8(self._files.get(usage=purpose, name=kid))
        if signer.kid != kid:
            raise DataIntegrityError(reason="KID_MISMATCH", message=f"what is stored as {kid} is another key")
        return signer

    def _forget(self, kid: str, *, purpose: KeyPurpose) -> None:
        signer = self._signers.pop((purpose, kid), None)
        if signer is not None:
            signer.forget()
