"""The wrapping key: seals every other secret of the register before it touches a disk.

Invariants: a sealed secret opens only under the usage and the name that it was sealed for; the wrapping
key itself lies in a file of its own, which belongs on another medium, and in another backup, than the
sealed secrets.

A sealed secret: format (1 byte, 0x01) ‖ id of the wrapping key (8) ‖ nonce (12) ‖ AES-256-GCM ciphertext
and tag. AAD: length-prefixed label, format and id, usage, name.
"""

import base64
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certsvc.errors import DataIntegrityError, FailedPreconditionError
from certsvc.keyring.framing import length_prefixed
from certsvc.keyring.private_file import create_private, read_private

KEY_SIZE = 32

_FORMAT = b"\x01"
_ID_SIZE, _NONCE_SIZE, _TAG_SIZE = 8, 12, 16
_HEADER_SIZE = len(_FORMAT) + _ID_SIZE
_LABEL = b"certsvc wrapped secret"


class WrappingKey:
    """A 256-bit key that wraps secrets; safe to share between threads."""

    def __init__(self, key: bytes) -> None:
        """Raises DataIntegrityError (WRAPPING_KEY_SIZE) unless `key` has 32 bytes."""
        if len(key) != KEY_SIZE:
            raise DataIntegrityError(reason="WRAPPING_KEY_SIZE", message=f"a wrapping key has {KEY_SIZE} bytes")
        self._aead = AESGCM(key)
        # Tells a wrong wrapping key from damage, and one wrapping key from the next while secrets are
        # re-wrapped.
        self.key_id = hmac.digest(key, b"certsvc wrapping key id", hashlib.sha256)[:_ID_SIZE]

    def __repr__(self) -> str:
        return f"WrappingKey({self.key_id.hex()})"

    def wrap(self, secret: bytes, *, usage: str, name: str) -> bytes:
        """Seal `secret` for this usage and name."""
        # Random nonces: a store holds some thousands of secrets, far from the 2^32 that 96 random bits allow.
        nonce = os.urandom(_NONCE_SIZE)
        header = _FORMAT + self.key_id
        return header + nonce + self._aead.encrypt(nonce, secret, _aad(header, usage, name))

    def unwrap(self, sealed: bytes, *, usage: str, name: str) -> bytes:
        """Open what `wrap` sealed for the same usage and name.

        Raises FailedPreconditionError (WRONG_WRAPPING_KEY) when another wrapping key sealed it,
        DataIntegrityError (WRAPPED_SECRET_CHANGED) when it, its usage or its name were changed.
        """
        header, body = sealed[:_HEADER_SIZE], sealed[_HEADER_SIZE:]
        if header[:1] != _FORMAT or len(body) < _NONCE_SIZE + _TAG_SIZE:
            raise _changed(usage, name)
        if header[1:] != self.key_id:
            raise FailedPreconditionError(
                reason="WRONG_WRAPPING_KEY",
                message=f"{usage} key {name} was sealed with another wrapping key",
            )
        try:
            return self._aead.decrypt(body[:_NONCE_SIZE], body[_NONCE_SIZE:], _aad(header, usage, name))
        except InvalidTag as error:
            raise _changed(usage, name) from error


def create_wrapping_key(path: Path) -> WrappingKey:
    """Make a wrapping key and write it to a new file of mode 0600: its 32 random bytes in Base64, one line.

    Raises AlreadyExistsError: a wrapping key is never overwritten, for what it sealed would be lost.
    """
    key = os.urandom(KEY_SIZE)
    create_private(path, base64.b64encode(key) + b"\n")
    return WrappingKey(key)


def load_wrapping_key(path: Path) -> WrappingKey:
    """The wrapping key of a file.

    Raises what `read_private` raises, and DataIntegrityError (WRAPPING_KEY_FORM, WRAPPING_KEY_SIZE).
    """
    try:
        key = base64.b64decode(read_private(path).strip(), validate=True)
    except ValueError as error:
        raise DataIntegrityError(reason="WRAPPING_KEY_FORM", message=f"{path} is not Base64") from error
    return WrappingKey(key)


def _aad(header: bytes, usage: str, name: str) -> bytes:
    return length_prefixed(_LABEL, header, usage.encode(), name.encode())


def _changed(usage: str, name: str) -> DataIntegrityError:
    return DataIntegrityError(
        reason="WRAPPED_SECRET_CHANGED", message=f"{usage} key {name} was changed, moved or damaged"
    )
