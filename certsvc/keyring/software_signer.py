"""A P-256 key in this process's memory, and how it is named and stored.

Invariants: signatures are deterministic (RFC 6979), so no weak random number can give the key away; the
private key leaves an object of this module only as the bytes that a vault wraps, never by `repr` or
pickling.
"""

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.errors import DataIntegrityError, FailedPreconditionError

KID_SIZE = 8

_COORDINATE_SIZE = 32
_ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class SoftwareSigner:
    """The `Signer` of one P-256 key in memory: ES256. Threads share it; signing takes no lock."""

    algorithm = "ES256"

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key: ec.EllipticCurvePrivateKey | None = private_key
        self.public_key = _sec1(private_key.public_key())
        """The uncompressed SEC1 point, 65 bytes."""
        self.kid = kid_of(self.public_key)

    def __repr__(self) -> str:
        return f"SoftwareSigner({self.kid})"

    @classmethod
    def generate(cls) -> "SoftwareSigner":
        """The signer of a new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pkcs8(cls, encoded: bytes) -> "SoftwareSigner":
        """The signer of a stored key (PKCS #8 DER, RFC 5958).

        Raises DataIntegrityError (PRIVATE_KEY_FORM) when it is no P-256 key.
        """
        try:
            private_key = serialization.load_der_private_key(encoded, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Without the cause: an error of the parser might show what it parsed.
            raise DataIntegrityError(reason="PRIVATE_KEY_FORM", message="a stored key is no PKCS #8 key") from None
        if not isinstance(private_key, ec.EllipticCurvePrivateKey) or private_key.curve.name != "secp256r1":
            raise DataIntegrityError(reason="PRIVATE_KEY_FORM", message="a stored key is no P-256 key")
        return cls(private_key)

    def to_pkcs8(self) -> bytes:
        """The private key as PKCS #8 DER, for a vault to wrap at once. Raises FailedPreconditionError."""
        return self._key().private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, data: bytes) -> bytes:
        """ES256 over `data`: r ‖ s, 64 bytes. Raises FailedPreconditionError (KEY_DESTROYED)."""
        r, s = decode_dss_signature(self._key().sign(data, _ES256))
        return r.to_bytes(_COORDINATE_SIZE, "big") + s.to_bytes(_COORDINATE_SIZE, "big")

    def forget(self) -> None:
        """Let the private key go; whoever still holds this signer can no longer sign. Idempotent."""
        self._private_key = None

    def _key(self) -> ec.EllipticCurvePrivateKey:
        private_key = self._private_key
        if private_key is None:
            raise FailedPreconditionError(
                reason="KEY_DESTROYED",
                message=f"the private part of key {self.kid} was destroyed",
                details={"state": "DESTROYED"},
            )
        return private_key


def kid_of(public_key: bytes) -> str:
    """The name of a P-256 key: the first 8 bytes of its RFC 9679 thumbprint, in 16 lower-case hex digits.

    The thumbprint is SHA-256 over the COSE_Key {1: 2, -1: 1, -2: x, -3: y} in deterministic CBOR, which
    for this curve is a fixed frame around two coordinates of 32 bytes.
    """
    x, y = public_key[1 : 1 + _COORDINATE_SIZE], public_key[1 + _COORDINATE_SIZE :]
    framed = b"\xa4\x01\x02\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
    return hashlib.sha256(framed).digest()[:KID_SIZE].hex()


def _sec1(public_key: ec.EllipticCurvePublicKey) -> bytes:
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
