"""QR pictures, read by two decoders that we did not write, in all three forms; and the sizes that are promised."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pyzbar import pyzbar
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import QRData

from certsvc.credentials.qr_code import sign_code, sized_text, text_of
from certsvc.credentials.qr_image import (
    MAX_MODULE_SIZE,
    QUIET_ZONE,
    ErrorCorrection,
    QrSymbol,
    draw,
    qr_version_for,
)
from certsvc.errors import InvalidInputError
from tests.vectors.samples import COMPANY, VERIFY_URL, license_code
from tests.vectors.signers import VectorSigner

LEVELS: list[ErrorCorrection] = ["L", "M", "Q", "H"]
LIBRARY_LEVELS = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
TEXT = text_of(sign_code(license_code(), signer=VectorSigner("license")), verify_url=VERIFY_URL)

Pixels = NDArray[np.uint8]


def _pixels(png: bytes) -> Pixels:
    return np.array(Image.open(io.BytesIO(png)).convert("L"))


def _upscaled(symbol: QrSymbol) -> Pixels:
    dark = np.array(symbol.rows, dtype=bool)
    return np.kron(np.where(dark, 0, 255), np.ones((4, 4))).astype(np.uint8)


def _read(pixels: Pixels) -> zxingcpp.Barcode:
    (barcode,) = zxingcpp.read_barcodes(pixels)
    return barcode


def test_the_sample_is_what_is_promised() -> None:
    """A company name of 20 Chinese characters, a URL of 31 characters: version 15 at level M at most."""
    assert len(COMPANY) == 20
    assert len(VERIFY_URL) == 31
    assert qr_version_for(TEXT, error_correction="M") <= 15
    assert qr_version_for(sized_text(license_code(), verify_url=VERIFY_URL), error_correction="M") <= 15


@pytest.mark.parametrize("level", LEVELS)
def test_png_is_read_by_zxing_and_zbar(level: ErrorCorrection) -> None:
    symbol = draw(TEXT, error_correction=level)
    pixels = _pixels(symbol.png(module_size=4))
    barcode = _read(pixels)
    assert barcode.text == TEXT
    assert barcode.ec_level == level
    (found,) = pyzbar.decode(pixels, symbols=[pyzbar.ZBarSymbol.QRCODE])
    assert found.data.decode() == TEXT


def test_svg_draws_the_same_modules() -> None:
    symbol = draw(TEXT, error_correction="M")
    svg = symbol.svg(module_size=3).decode()
    side = len(symbol.rows)
    assert f'width="{side * 3}" height="{side * 3}" viewBox="0 0 {side} {side}"' in svg
    drawn = np.zeros((side, side), dtype=bool)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg):
        drawn[int(y), int(x) : int(x) + int(length)] = True
    assert tuple(map(tuple, drawn.tolist())) == symbol.rows
    assert "script" not in svg
    assert "href" not in svg


def test_terminal_text_draws_the_same_modules() -> None:
    symbol = draw(TEXT, error_correction="L")
    lines = re.findall(r"\x1b\[30;107m(.+)\x1b\[0m\n", symbol.terminal_text())
    rows = []
    for line in lines:
        rows.append(tuple(character in "▀█" for character in line))
        rows.append(tuple(character in "▄█" for character in line))
    assert tuple(rows[: len(symbol.rows)]) == symbol.rows
    assert not any(any(row) for row in rows[len(symbol.rows) :])
    assert _read(_upscaled(symbol)).text == TEXT


def test_quiet_zone_is_part_of_the_picture() -> None:
    rows = np.array(draw(TEXT, error_correction="M").rows)
    inside = rows[QUIET_ZONE:-QUIET_ZONE, QUIET_ZONE:-QUIET_ZONE]
    assert rows.sum() == inside.sum()
    assert inside[0].any()
    assert inside[:, 0].any()


def test_png_is_one_bit_grey_without_anything_else() -> None:
    symbol = draw(TEXT, error_correction="M")
    png = symbol.png(module_size=1)
    side = len(symbol.rows)
    kinds = []
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind, data = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", png, position + 8 + length) == (zlib.crc32(kind + data),)
        kinds.append(kind)
        position += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    image = Image.open(io.BytesIO(png))
    assert (image.mode, image.size) == ("1", (side, side))


@pytest.mark.parametrize("level", LEVELS)
def test_largest_code_fits_every_decoder(level: ErrorCorrection) -> None:
    """1,024 bytes, the most that the format allows, at the version that was computed."""
    text = text_of(b"\x01" + bytes(range(256)) * 3 + bytes(255), verify_url=VERIFY_URL)
    symbol = draw(text, error_correction=level)
    assert symbol.version == qr_version_for(text, error_correction=level)
    assert _read(_upscaled(symbol)).text == text


@settings(max_examples=12)  # the library writes every bit one by one
@given(digits=st.integers(1, 3500), url=st.integers(0, 60), level=st.sampled_from(LEVELS))
def test_computed_version_is_the_smallest_that_holds_the_text(digits: int, url: int, level: ErrorCorrection) -> None:
    """Compared with the fit of the drawing library, which encodes all the data to find it."""
    text = "u" * url + "#" + "7" * digits
    library = QRCode(error_correction=LIBRARY_LEVELS[level])
    library.add_data(QRData(f"{'u' * url}#".encode(), mode=4))
    library.add_data(QRData(b"7" * digits, mode=1))
    try:
        expected = library.best_fit()
    except (DataOverflowError, ValueError):  # the latter where it counts past version 40
        expected = None
    try:
        assert qr_version_for(text, error_correction=level) == expected
    except InvalidInputError:
        assert expected is None


def test_texts_without_digits_are_drawn_as_bytes() -> None:
    for text in ("https://zz.example.gov.cn/", "长期#12a", "1234"):
        assert _read(_upscaled(draw(text, error_correction="M"))).text == text


@pytest.mark.parametrize("size", [0, -1, MAX_MODULE_SIZE + 1])
def test_sizes_are_bounded(size: int) -> None:
    symbol = draw("#1", error_correction="L")
    for render in (symbol.png, symbol.svg):
        with pytest.raises(InvalidInputError, match="module_size"):
            render(module_size=size)


def test_unknown_levels_and_overlong_texts_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="error_correction"):
        draw(TEXT, error_correction="X")  # type: ignore[arg-type]
    # One digit more than a symbol of numbers alone holds (ISO/IEC 18004, table 7).
    for level, digits in zip(LEVELS, (7090, 5597, 3994, 3058), strict=True):
        with pytest.raises(InvalidInputError, match="no QR code"):
            qr_version_for("#" + "1" * digits, error_correction=level)
