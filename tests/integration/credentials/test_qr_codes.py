"""QR codes of one's own licenses: the text, the picture, and what is refused."""

from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from certsvc.v1 import license_service_pb2 as pb
from tests.builders import BUSINESS_FIELDS, TRAFFIC_POLICE, business_license, company, food_permit
from tests.integration.register import PUBLIC_URL, Register
from tests.integration.transitions.changes import act
from tests.refusals import findings, refusal


def test_the_text_is_the_one_that_was_issued(register: Register) -> None:
    licenses = register.agency().licenses
    issued = licenses.issue(food_permit())
    forms = (pb.CREDENTIAL_FORMAT_UNSPECIFIED, pb.CREDENTIAL_FORMAT_QR_TEXT)
    asked = [pb.GetCredentialRequest(identifier=issued.license.identifier, format=form) for form in forms]
    answer, same = map(licenses.get_credential, asked)
    assert answer == same
    assert answer.credential == issued.qr_text
    assert issued.qr_text.startswith(f"{PUBLIC_URL}/q#")
    # A change of state leaves the code as it is; a new version has its own.
    act(licenses, "suspend", issued.license.identifier)
    assert licenses.get_credential(pb.GetCredentialRequest(identifier=issued.license.identifier)) == answer
    renewed = act(licenses, "amend", issued.license.identifier)
    assert renewed.qr_text != issued.qr_text


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_a_picture_reads_as_the_text(register: Register, level: str) -> None:
    licenses = register.agency().licenses
    issued = licenses.issue(business_license())
    drawn = licenses.render_qr_code(
        pb.RenderQrCodeRequest(
            identifier=issued.license.identifier,
            module_size=4,
            error_correction=pb.ErrorCorrection.Value(f"ERROR_CORRECTION_{level}"),
        )
    )
    assert drawn.media_type == "image/png"
    picture = Image.open(BytesIO(drawn.image))
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.text == issued.qr_text
    assert code.ec_level == level
    # Modules of the version, and a quiet zone of four on each side (ISO/IEC 18004 §5.3.8).
    assert picture.width == 4 * (17 + 4 * drawn.qr_version + 8)


def test_a_drawing_is_svg(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = licenses.issue(business_license()).license.identifier
    drawn = licenses.render_qr_code(pb.RenderQrCodeRequest(identifier=identifier, format=pb.IMAGE_FORMAT_SVG))
    assert drawn.media_type == "image/svg+xml"
    assert drawn.image.lstrip().startswith((b"<?xml", b"<svg"))


def test_twenty_characters_fit_version_15(register: Register) -> None:
    """The size that FIELD and DESIGN measured: level M, a URL of 31 characters."""
    assert len(f"{PUBLIC_URL}/q") == 31
    request = business_license(
        holders=[company(name="海岱星河智能装备产业发展集团有限责任公司")],
        fields=BUSINESS_FIELDS | {"legal_representative": "欧阳李四光"},
        valid_until="2051-05-17",
    )
    licenses = register.agency().licenses
    identifier = licenses.issue(request).license.identifier
    assert licenses.render_qr_code(pb.RenderQrCodeRequest(identifier=identifier)).qr_version <= 15


def test_what_cannot_be_drawn_is_named(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = licenses.issue(business_license()).license.identifier
    wrong = pb.RenderQrCodeRequest(identifier=identifier, module_size=21)
    wrong.error_correction, wrong.format = 9, 9  # type: ignore[assignment]
    assert findings(refusal(lambda: licenses.render_qr_code(wrong))) == {
        ("module_size", "OUT_OF_RANGE"),
        ("error_correction", "ENUM_VALUE"),
        ("format", "ENUM_VALUE"),
    }
    unknown = pb.GetCredentialRequest(identifier=identifier)
    unknown.format = 9  # type: ignore[assignment]
    assert findings(refusal(lambda: licenses.get_credential(unknown))) == {("format", "ENUM_VALUE")}


def test_anothers_code_is_not_given_out(register: Register) -> None:
    issued = register.agency().licenses.issue(business_license())
    other = register.agency(TRAFFIC_POLICE).licenses
    for ask in (
        lambda: other.get_credential(pb.GetCredentialRequest(identifier=issued.license.identifier)),
        lambda: other.render_qr_code(pb.RenderQrCodeRequest(identifier=issued.license.identifier)),
    ):
        error = refusal(ask)
        assert (error.code, error.reason) == ("PERMISSION_DENIED", "NOT_OWN")
