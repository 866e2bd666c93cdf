"""Digests that are no use without their key: of a request's payload, and of what the register signed."""

import hashlib
import hmac

FINGERPRINT_SIZE = 8


class PayloadDigest:
    """The `KeyedDigest` of requests, over the payload-digest key of DataKeys: HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._key = key

    def of(self, data: bytes) -> bytes:
        """See KeyedDigest.of."""
        return hmac.digest(self._key, data, hashlib.sha256)


class Fingerprint:
    """Keyed BLAKE2b (RFC 7693 §2.9) of 64 bits, over the fingerprint key of DataKeys.

    Short enough to keep one per code in memory. The key is what makes 64 bits enough: without it nobody
    can search for a second input with the fingerprint of a registered one.
    """

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._keyed = hashlib.blake2b(digest_size=FINGERPRINT_SIZE, key=key)

    def of(self, digest: bytes) -> int:
        """The fingerprint of a registration digest, 0 to 2^64 - 1."""
        hashed = self._keyed.copy()  # the key costs half of a hash
        hashed.update(digest)
        return int.from_bytes(hashed.digest(), "big")
