"""Reading codes from pictures drawn by a library that we did not write, and refusing what is none."""

import io
import re
import sys
import tomllib
from pathlib import Path

import pytest
import qrcode
from PIL import Image

from certsvc.client import pictures
from certsvc.client.pictures import decode_picture
from certsvc.credentials import qr_code
from certsvc.errors import FailedPreconditionError, InvalidInputError
from tests.require import ROOT
from tests.vectors.samples import VERIFY_URL, license_code
from tests.vectors.signers import VectorSigner


def _text(holder: str = "a") -> str:
    signer = VectorSigner(f"picture {holder}")
    return qr_code.text_of(qr_code.sign_code(license_code(), signer=signer), verify_url=VERIFY_URL)


def _drawn(text: str) -> Image.Image:
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, box_size=4)
    code.add_data(text)
    code.make(fit=True)
    return code.make_image().get_image().convert("L")


def _bytes(image: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format=form)
    return file.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_code_is_read_from_every_form(form: str) -> None:
    assert decode_picture(_bytes(_drawn(_text()), form)) == _text()


def test_a_code_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "license.png"
    path.write_bytes(_bytes(_drawn(_text())))
    assert decode_picture(path) == decode_picture(str(path)) == _text()


def test_a_turned_code_on_nothing_is_read() -> None:
    turned = _drawn(_text()).rotate(90, expand=True)
    mask = turned.point(lambda level: 255 - level)
    transparent = Image.merge("RGBA", (turned, turned, turned, mask))
    assert decode_picture(_bytes(transparent)) == _text()


def test_other_codes_beside_it_do_not_matter() -> None:
    license_, other = _drawn(_text()), _drawn("https://example.org/")
    both = Image.new("L", (license_.width + other.width, license_.height), 255)
    both.paste(license_, (0, 0))
    both.paste(other, (license_.width, 0))
    assert decode_picture(_bytes(both)) == _text()


def _reason(picture: bytes | Path) -> str:
    with pytest.raises(InvalidInputError) as raised:
        decode_picture(picture)
    return raised.value.violations[0].reason


def test_two_license_codes_are_one_too_many() -> None:
    first, second = _drawn(_text("a")), _drawn(_text("b"))
    both = Image.new("L", (first.width + second.width, first.height), 255)
    both.paste(first, (0, 0))
    both.paste(second, (first.width, 0))
    assert _reason(_bytes(both)) == "SEVERAL_CODES"


def test_refusals_say_what_is_wrong(tmp_path: Path) -> None:
    assert _reason(_bytes(Image.new("L", (50, 50), 255))) == "NO_CODE"
    assert _reason(_bytes(_drawn("https://example.org/"))) == "NOT_A_LICENSE_CODE"
    assert _reason(b"no picture") == "PICTURE_FORM"
    assert _reason(_bytes(_drawn(_text()))[:300]) == "PICTURE_FORM"
    assert _reason(tmp_path / "missing.png") == "PICTURE_UNREADABLE"


def test_size_is_bounded_before_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = _bytes(_drawn(_text()))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)
    assert _reason(picture) == "PICTURE_SIZE"
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    assert _reason(picture) == "PICTURE_SIZE"


def test_without_the_libraries_the_error_names_the_extra_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    with pytest.raises(FailedPreconditionError) as raised:
        decode_picture(b"")
    named = re.search(r"certsvc\[(\w+)\]", raised.value.message)
    assert named is not None
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = " ".join(extras[named[1]])
    assert "zxing-cpp" in wanted
    assert "pillow" in wanted
