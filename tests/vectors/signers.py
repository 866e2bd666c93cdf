"""Test keys that anyone can make again from a name, so that no private key lies in the repository.

The private scalar is 1 + (SHA-256("certsvc test key: " ‖ name) mod (n - 1)), n being the order of P-256.
Signatures are deterministic (RFC 6979), so that vectors made with these keys can be made again byte for byte.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certsvc.credentials import cose
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class VectorSigner:
    """The test key of this name, as a `Signer`."""

    algorithm = "ES256"

    def __init__(self, name: str) -> None:
        digest = hashlib.sha256(f"certsvc test key: {name}".encode()).digest()
        scalar = 1 + int.from_bytes(digest, "big") % (P256_ORDER - 1)
        self.private_key = ec.derive_private_key(scalar, ec.SECP256R1())
        self.sec1 = self.private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.kid = cose.kid_of(self.sec1).hex()

    def sign(self, data: bytes) -> bytes:
        """Sign with RFC 6979 nonces."""
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        return cose.raw_signature(self.private_key.sign(data, algorithm))

    def verification_key(self, purpose: str) -> VerificationKey:
        """The public half, trusted for `purpose`."""
        return VerificationKey.from_sec1(self.sec1, purpose=purpose)

    def record(self, purpose: KeyPurpose, *, state: KeyState = KeyState.ACTIVE) -> SigningKey:
        """The register's record of this key, published in 2026 for every agency and type."""
        published = datetime(2026, 1, 1, tzinfo=UTC)
        return SigningKey(
            kid=self.kid,
            purpose=purpose,
            algorithm=self.algorithm,
            public_key=self.sec1,
            agency_id=None,
            type_codes=(),
            state=state,
            development=False,
            created_at=published,
            published_at=published,
            signing_until=published + timedelta(days=90),
            activated_at=published + timedelta(days=2),
        )
