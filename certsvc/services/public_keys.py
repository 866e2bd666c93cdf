"""The published keys: what verifiers everywhere check signatures with.

Invariants: withdrawn, suspended and compromised keys are not in the set, only among the flags; flags are signed by the
key-set key and rebuilt with every version of the set, and at the latest after half a minute.
"""

import threading
import time

from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.errors import NotFoundError
from certsvc.ports import Clock, KeyVault, PublicDocuments
from certsvc.services.directory import Directory
from certsvc.services.license_signing import signer_of, usable_key

FLAGS_SECONDS = 30.0


class PublicKeys:
    """Key set, key records and flags as documents."""

    def __init__(self, *, directory: Directory, vault: KeyVault, documents: PublicDocuments, clock: Clock) -> None:
        self._directory = directory
        self._vault = vault
        self._documents = documents
        self._clock = clock
        self._lock = threading.Lock()
        self._flags: tuple[int, float, str] | None = None

    def published(self) -> tuple[SigningKey, ...]:
        """All keys but withdrawn ones, newest first."""
        return tuple(key for key in self._directory.signing_keys() if key.state is not KeyState.WITHDRAWN)

    def version(self) -> int:
        """Rises with every change of the set."""
        return self._directory.key_set_version()

    def trusted(self) -> tuple[SigningKey, ...]:
        """The published keys that nothing stands against: verifiers of a plain key set never read the flags."""
        doubtful = (KeyState.COMPROMISED, KeyState.SUSPENDED)
        return tuple(key for key in self.published() if key.state not in doubtful and key.compromised_since is None)

    def jwks(self) -> str:
        """The JWK Set."""
        return self._documents.jwks(self.trusted())

    def cose(self) -> bytes:
        """The COSE_KeySet."""
        return self._documents.cose(self.trusted())

    def vc_issuer(self) -> str:
        """The JWT VC issuer metadata: the keys that sign SD-JWT VCs."""
        return self._documents.vc_issuer([key for key in self.trusted() if key.purpose is KeyPurpose.VC])

    def record(self, kid: str) -> str:
        """One key's immutable record. Raises NotFoundError (NO_SUCH_KEY)."""
        key = self._directory.signing_key(kid)
        if key is None or key.state is KeyState.WITHDRAWN:
            raise NotFoundError(reason="NO_SUCH_KEY", message="no key with this kid is published")
        name: LocalizedText | None = None
        if key.agency_id is not None:
            agency = self._directory.agency(key.agency_id)
            name = agency.name if agency else LocalizedText(key.agency_id)
        return self._documents.key_record(key, name)

    def flags(self) -> str:
        """The signed flags."""
        version = self.version()
        with self._lock:
            if self._flags is None or self._flags[0] != version or time.monotonic() - self._flags[1] > FLAGS_SECONDS:
                now = self._clock.now()
                key = usable_key(self._directory, KeyPurpose.KEY_SET, now=now)
                text = self._documents.flags(
                    version,
                    self._directory.signing_keys(),
                    signer=signer_of(self._vault, key),
                    now=now,
                )
                self._flags = (version, time.monotonic(), text)
            return self._flags[2]
