"""Encrypts personal data for its place in the store: AES-256-GCM with versioned keys.

A sealed value: format (1 byte, 0x01) ‖ key version (2, big-endian) ‖ nonce (12) ‖ ciphertext and tag (16
bytes more than the plaintext). AAD: format, then length-prefixed table, row, column and key version; so a
value that was changed, or copied to another place, does not open.
"""

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certsvc.errors import DataIntegrityError
from certsvc.keyring.framing import length_prefixed

_FORMAT = b"\x01"
_NONCE_AT, _BODY_AT, _TAG_SIZE = 3, 15, 16


class AEADCipher:
    """The `Cipher` over the sealing keys of DataKeys; safe to share between threads.

    Nonces are random, 96 bits: a key version is good for 2^32 values (NIST SP 800-38D §8.3), then comes
    the next.
    """

    def __init__(self, sealing_keys: Mapping[int, bytes]) -> None:
        """`sealing_keys` maps versions (1 to 65535) to 32 bytes; the highest version seals."""
        self._aeads = {version: AESGCM(key) for version, key in sealing_keys.items()}
        self._version = max(sealing_keys)

    def seal(self, plaintext: bytes, *, table: str, row: str, column: str) -> bytes:
        """See Cipher.seal."""
        version = self._version.to_bytes(2, "big")
        nonce = os.urandom(_BODY_AT - _NONCE_AT)
        body = self._aeads[self._version].encrypt(nonce, plaintext, _aad(version, table, row, column))
        return _FORMAT + version + nonce + body

    def open(self, sealed: bytes, *, table: str, row: str, column: str) -> bytes:
        """See Cipher.open. Reasons: SEALED_FORM, SEALING_KEY_UNKNOWN, SEALED_VALUE_CHANGED."""
        if sealed[:1] != _FORMAT or len(sealed) < _BODY_AT + _TAG_SIZE:
            raise DataIntegrityError(
                reason="SEALED_FORM", message=f"{table}.{column} holds a value that was never sealed here"
            )
        version = sealed[1:_NONCE_AT]
        number = int.from_bytes(version, "big")
        if number not in self._aeads:
            raise DataIntegrityError(
                reason="SEALING_KEY_UNKNOWN",
                message=f"{table}.{column} holds a value of key version {number}, which is not here",
            )
        nonce, body = sealed[_NONCE_AT:_BODY_AT], sealed[_BODY_AT:]
        try:
            return self._aeads[number].decrypt(nonce, body, _aad(version, table, row, column))
        except InvalidTag as error:
            raise DataIntegrityError(
                reason="SEALED_VALUE_CHANGED", message=f"a value of {table}.{column} was changed or moved"
            ) from error


def _aad(version: bytes, table: str, row: str, column: str) -> bytes:
    return _FORMAT + length_prefixed(table.encode(), row.encode(), column.encode(), version)
