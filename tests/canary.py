"""Finds planted personal values in a raw dump, in whatever coat they come.

A dump is searched as it is, and again after decoding everything in it that reads as hex, Base64, a decimal number (the
form of a QR code) or a deflated stream, one inside the other. CBOR and JSON keep text as UTF-8, so that plain search
sees into them; JSON's escapes, UTF-16 and percent escapes are looked for as such.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import quote

DEPTH = 3
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_DECIMAL = re.compile(rb"[0-9]{20,4300}")
_DEFLATED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")


def find_canaries(blob: bytes, canaries: Iterable[str]) -> set[tuple[str, str]]:
    """(canary, way it was found) for every canary that `blob` gives away."""
    patterns = [(canary, name, form) for canary in canaries for name, form in _forms(canary)]
    return set(_search(blob, patterns, way="raw", depth=DEPTH))


def _forms(canary: str) -> Iterator[tuple[str, bytes]]:
    yield "utf-8", canary.encode()
    yield "lower case", canary.lower().encode()
    yield "utf-16", canary.encode("utf-16-le")
    yield "utf-16", canary.encode("utf-16-be")
    yield "json escapes", canary.encode("ascii", "backslashreplace")
    yield "percent escapes", quote(canary).encode()


def _search(blob: bytes, patterns: list[tuple[str, str, bytes]], *, way: str, depth: int) -> Iterator[tuple[str, str]]:
    for canary, name, form in patterns:
        if form in blob:
            yield canary, f"{way}/{name}"
    if depth:
        for name, inner in _decoded(blob):
            yield from _search(inner, patterns, way=f"{way}/{name}", depth=depth - 1)


def _decoded(blob: bytes) -> Iterator[tuple[str, bytes]]:
    for run in _HEX.finditer(blob):
        text = run.group()
        for start in (0, 1):
            yield "hex", bytes.fromhex(text[start : len(text) - (len(text) - start) % 2].decode())
    for run in _BASE64.finditer(blob):
        text = run.group().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        # The run may begin before the encoded text does: every alignment is tried.
        for start in range(4):
            part = text[start:]
            try:
                yield "base64", base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + b"==")
            except binascii.Error:
                continue
    for run in _DECIMAL.finditer(blob):
        number = int(run.group())
        yield "decimal", number.to_bytes((number.bit_length() + 7) // 8)
    for run in _DEFLATED.finditer(blob):
        try:
            yield "zlib", zlib.decompressobj(wbits=47).decompress(blob[run.start() :], 1 << 20)
        except zlib.error:
            continue
