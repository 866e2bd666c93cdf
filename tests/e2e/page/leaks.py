"""Looks for what a code says in what was sent, in every form that it could be sent in."""

import base64
from collections.abc import Iterable, Iterator

from certsvc.credentials.qr_code import digest_of, parse_code

WINDOW = 12
"""Characters of a secret that count as a leak wherever they turn up."""


def leaks(messages: Iterable[str], code_hex: str) -> list[str]:
    """What of the code with these bytes stands in the messages.

    The name of the key, the type's code and version and the list's number are asked for and are no leak; of the digest
    only what is longer than a prefix may be is one.
    """
    parsed = parse_code(bytes.fromhex(code_hex))
    text = "\n".join(messages).replace(parsed.kid, "").lower()
    found = [part for form in forms(parsed.raw) for part in windows(form) if part.lower() in text]
    type_code = parsed.code.identifier.split(".")[6]
    spoken = [*windows(parsed.code.identifier.partition(f"{type_code}.")[2])]
    spoken += [part for holder in parsed.code.holders for part in holder if part]
    spoken += [value for value in parsed.code.fields.values() if isinstance(value, str) and value]
    digest = digest_of(parsed.signed_bytes).hex()
    # A class of vehicles, C1, stands in every other key's name by chance: short ASCII values say nothing.
    telling = [part for part in spoken if not part.isascii() or len(part) >= WINDOW]
    found += [part for part in telling if part.lower() in text or part.encode().hex() in text]
    return found + [part for part in windows(digest) if part in text]


def forms(raw: bytes) -> Iterator[str]:
    """The code as digits, hex and base64 of either alphabet at every offset."""
    yield str(int.from_bytes(raw, "big"))
    yield raw.hex()
    for offset in range(3):
        yield base64.b64encode(raw[offset:]).decode()
        yield base64.urlsafe_b64encode(raw[offset:]).decode()


def windows(text: str) -> Iterator[str]:
    """All parts of WINDOW characters."""
    return (text[start : start + WINDOW] for start in range(len(text) - WINDOW + 1))
