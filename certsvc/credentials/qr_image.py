"""QR symbols (ISO/IEC 18004) of code texts: PNG, SVG, characters for a terminal. Needs the server's extra.

Invariants: the part up to and with the `#` is a byte segment, the digits after it a numeric one, which is
what makes the text dense; a quiet zone of four modules is always part of the picture; sizes are bounded
before anything is drawn. Drawing tries eight masks and costs tens of milliseconds: callers draw on request
only, and keep the result.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Literal, get_args

from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.main import QRCode
from qrcode.util import BIT_LIMIT_TABLE, QRData

from certsvc.errors import FieldViolation, InvalidInputError

ErrorCorrection = Literal["L", "M", "Q", "H"]
"""Recovers about 7, 15, 25 or 30 % of the symbol."""

MAX_MODULE_SIZE = 40
"""Pixels a module: the largest symbol then has 7,400 pixels a side."""
QUIET_ZONE = 4

_LEVELS = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
_NUMERIC_MODE: Literal[1] = 1
_BYTE_MODE: Literal[4] = 4
_MODE_BITS = 4
# Bits of the character counts by version (ISO/IEC 18004, table 3): last version, byte mode, numeric mode.
_COUNT_BITS = ((9, 8, 10), (26, 16, 12), (40, 16, 14))
_HALF_BLOCKS = " ▀▄█"
_BLACK_ON_WHITE, _RESET = "\x1b[30;107m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class QrSymbol:
    """A drawn symbol: `rows` of modules, True is dark, with the quiet zone around it."""

    version: int
    rows: tuple[tuple[bool, ...], ...]

    def png(self, *, module_size: int) -> bytes:
        """A PNG in black and white, `module_size` pixels a module. Raises InvalidInputError."""
        _check_module_size(module_size)
        width = len(self.rows) * module_size
        lines = []
        for row in self.rows:
            # A set bit is white; rows are padded to bytes and start with the number of their filter, 0: none.
            bits = "".join(("0" if dark else "1") * module_size for dark in row)
            line = int(bits.ljust(-(-width // 8) * 8, "0"), 2).to_bytes(-(-width // 8), "big")
            lines.append((b"\x00" + line) * module_size)
        header = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)
        image = zlib.compress(b"".join(lines), 9)
        chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", image) + _chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunks

    def svg(self, *, module_size: int) -> bytes:
        """An SVG of one path, `module_size` pixels a module. Raises InvalidInputError."""
        _check_module_size(module_size)
        side, pixels = len(self.rows), len(self.rows) * module_size
        path = "".join(
            f"M{start} {y}h{length}v1h-{length}z"
            for y, row in enumerate(self.rows)
            for start, length in _dark_runs(row)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{pixels}" height="{pixels}"'
            f' viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
            f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path d="{path}"/></svg>\n'
        ).encode()

    def terminal_text(self) -> str:
        """Lines of half blocks, two rows of modules each, black on white in any terminal."""
        padded = (*self.rows, (False,) * len(self.rows))
        lines = (
            "".join(_HALF_BLOCKS[upper + 2 * lower] for upper, lower in zip(*pair, strict=True))
            for pair in zip(padded[::2], padded[1::2], strict=False)
        )
        return "".join(f"{_BLACK_ON_WHITE}{line}{_RESET}\n" for line in lines)


def draw(text: str, *, error_correction: ErrorCorrection) -> QrSymbol:
    """Draw the smallest symbol that holds `text`. Raises what `qr_version_for` raises."""
    version = qr_version_for(text, error_correction=error_correction)
    symbol = QRCode(version=version, error_correction=_LEVELS[error_correction], border=QUIET_ZONE)
    head, digits = _segments(text)
    symbol.add_data(QRData(head, mode=_BYTE_MODE), optimize=0)
    if digits:
        symbol.add_data(QRData(digits, mode=_NUMERIC_MODE), optimize=0)
    symbol.make(fit=False)
    return QrSymbol(version=version, rows=tuple(tuple(map(bool, row)) for row in symbol.get_matrix()))


def qr_version_for(text: str, *, error_correction: ErrorCorrection) -> int:
    """The smallest version (1 to 40) whose symbol holds `text`, without drawing it.

    Raises InvalidInputError: ERROR_CORRECTION for an unknown level, QR_CAPACITY when no symbol holds it.
    """
    if error_correction not in get_args(ErrorCorrection):
        raise _invalid("error_correction", "ERROR_CORRECTION", "is L, M, Q or H")
    head, digits = _segments(text)
    least = 1
    for last, byte_count, numeric_count in _COUNT_BITS:
        bits = _MODE_BITS + byte_count + 8 * len(head)
        if digits:
            bits += _MODE_BITS + numeric_count + len(digits) // 3 * 10 + (0, 4, 7)[len(digits) % 3]
        for version in range(least, last + 1):
            if bits <= BIT_LIMIT_TABLE[_LEVELS[error_correction]][version]:
                return version
        least = last + 1
    raise _invalid("text", "QR_CAPACITY", f"no QR code of level {error_correction} holds {len(text)} characters")


def _segments(text: str) -> tuple[bytes, bytes]:
    """The byte segment and the digits after the `#`; without such digits all is bytes."""
    head, separator, digits = text.partition("#")
    if separator and digits.isascii() and digits.isdigit():
        return f"{head}#".encode(), digits.encode()
    return text.encode(), b""


def _dark_runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Start and length of every run of dark modules."""
    runs: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((x, 1))
    return runs


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk (W3C PNG §5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _check_module_size(module_size: int) -> None:
    if not 1 <= module_size <= MAX_MODULE_SIZE:
        raise _invalid("module_size", "MODULE_SIZE", f"is from 1 to {MAX_MODULE_SIZE} pixels")


def _invalid(field: str, reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation(field, reason, description))
