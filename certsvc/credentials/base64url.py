"""Base64url (RFC 7515 §2) with one text for one sequence of bytes: no padding, no stray last bits."""

import base64
import re

from certsvc.errors import MalformedError

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def encode_base64url(data: bytes) -> str:
    """The unpadded base64url text of `data`."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Read unpadded base64url. Raises MalformedError (BASE64URL) for what `encode_base64url` never makes."""
    if _ALPHABET.fullmatch(text) and len(text) % 4 != 1:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if encode_base64url(data) == text:
            return data
    raise MalformedError(reason="BASE64URL", message="not canonical base64url without padding")
