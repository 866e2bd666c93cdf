"""Keyed hashes that find a personal value: HMAC-SHA256 over length-prefixed parts.

A plain hash of an ID number is guessed in a minute by trying all of them; without the key this one is not.
Equal values have equal hashes, which is the purpose: the index shows that two rows belong together, and
nothing else.
"""

import hashlib
import hmac

from certsvc.domain.numbers import Number
from certsvc.keyring.framing import length_prefixed


class HMACBlindIndex:
    """The `BlindIndex` over the number-index key of DataKeys."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._key = key

    def number(self, number: Number) -> bytes:
        """See BlindIndex.number; a passport and a citizen number of equal characters differ."""
        return self._hash(b"number", number.kind.encode(), number.value.encode())

    def text(self, value: str, *, scope: str) -> bytes:
        """See BlindIndex.text; no scope leads to the hash of a number."""
        return self._hash(b"text", scope.encode(), value.encode())

    def _hash(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, length_prefixed(*parts), hashlib.sha256)
