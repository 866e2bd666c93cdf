"""Reading a license's code from a picture: a scan, a photo, a screenshot.

Decoding happens here, on the machine that has the picture, never in the register's signing process. It needs zxing-cpp
and Pillow, which the extra `certsvc[cli]` brings. Invariant: file and picture are bounded before they are unpacked.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.credentials.qr_code import parse_text
from certsvc.errors import FailedPreconditionError, FieldViolation, InvalidInputError, MalformedError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""A photo of the largest phone cameras, unpacked to 50 MB of grey."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def decode_picture(picture: Path | str | bytes) -> str:
    """The text of the one license code in a picture, given as its bytes or its path; nothing in it is checked yet.

    Other codes beside it do not matter. Raises FailedPreconditionError (PICTURES_NOT_INSTALLED) without the libraries,
    InvalidInputError: PICTURE_UNREADABLE, PICTURE_SIZE, PICTURE_FORM, NO_CODE, NOT_A_LICENSE_CODE, SEVERAL_CODES.
    """
    data = picture if isinstance(picture, bytes) else _read(Path(picture))
    if len(data) > MAX_BYTES:
        raise _refusal("PICTURE_SIZE", f"more than {MAX_BYTES // 1024 // 1024} MB")
    texts = _codes_in(data)
    licenses = {text for text in texts if _is_license_code(text)}
    if len(licenses) > 1:
        raise _refusal("SEVERAL_CODES", "shows several license codes; cut out the one that is meant")
    if licenses:
        return licenses.pop()
    if texts:
        raise _refusal("NOT_A_LICENSE_CODE", "shows a QR code, but none of a license")
    raise _refusal("NO_CODE", "shows no QR code that can be read")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal("PICTURE_UNREADABLE", f"cannot be read: {error.strerror}") from error


def _codes_in(data: bytes) -> set[str]:
    """The texts of all QR codes in a picture."""
    try:
        import zxingcpp  # noqa: PLC0415 - an extra: the rest of the client works without it
        from PIL import Image  # noqa: PLC0415
    except ImportError as error:
        raise FailedPreconditionError(
            reason="PICTURES_NOT_INSTALLED",
            message="reading pictures needs zxing-cpp and Pillow: pip install 'certsvc[cli]'",
        ) from error
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _refusal("PICTURE_SIZE", f"more than {MAX_PIXELS // 1_000_000} million pixels")
            grey = _grey(image)
    except InvalidInputError:
        raise
    except Exception as error:  # a decoder of pictures from outside: whatever it stumbles over, it is the picture
        raise _refusal("PICTURE_FORM", f"not a whole picture of the kinds {', '.join(FORMATS)}") from error
    found = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), text_mode=zxingcpp.TextMode.Plain
    )
    return {barcode.text for barcode in found}


def _grey(image: "Image") -> "Image":
    """Eight bits a pixel, on white where the picture is transparent: black on nothing is no code."""
    from PIL import Image  # noqa: PLC0415

    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("L")


def _is_license_code(text: str) -> bool:
    try:
        parse_text(text)
    except MalformedError:
        return False
    return True


def _refusal(reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation("picture", reason, description))
