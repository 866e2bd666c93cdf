"""A public key ready to check signatures with: parsed once, bound to one algorithm and one purpose.

Parsing a point costs more than half a check, so callers keep these objects; nothing here caches.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials import cose
from certsvc.domain.signing_key import SigningKey
from certsvc.errors import MalformedError

ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A trusted key. `algorithm` is its JOSE name; `purpose` the only thing it speaks for."""

    kid: str
    algorithm: str
    purpose: str
    public_key: ec.EllipticCurvePublicKey

    @classmethod
    def from_sec1(cls, sec1: bytes, *, purpose: str) -> "VerificationKey":
        """An ES256 key from its uncompressed point, named by its thumbprint. Raises MalformedError."""
        public_key = cose.load_public_key(sec1)
        return cls(kid=cose.kid_of(sec1).hex(), algorithm=ES256, purpose=purpose, public_key=public_key)

    @classmethod
    def from_record(cls, record: SigningKey) -> "VerificationKey":
        """The key of a record of the register.

        Raises MalformedError when the record's kid is not the thumbprint of its key (KID_MISMATCH), or its
        algorithm is not ES256 (ALG_MISMATCH).
        """
        key = cls.from_sec1(record.public_key, purpose=record.purpose)
        if key.kid != record.kid:
            raise MalformedError(reason="KID_MISMATCH", message="the kid is not the thumbprint of the key")
        if record.algorithm != ES256:
            raise MalformedError(reason="ALG_MISMATCH", message="only ES256 keys are used")
        return key


KeyLookup = Callable[[str], VerificationKey | None]
"""Finds a trusted key by kid in a closed table; None when it is not there. Never fetches."""
