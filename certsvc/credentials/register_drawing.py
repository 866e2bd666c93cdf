"""Drawing and measuring QR codes for the services; needs the server extra (qrcode)."""

from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from certsvc.credentials import qr_code
from certsvc.credentials.qr_image import ErrorCorrection, QrSymbol, draw, qr_version_for
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.domain.identifier import make_identifier
from certsvc.domain.license_code import CodeHolder, FieldValue, LicenseCode
from certsvc.domain.license_type import LicenseType, Mask
from certsvc.domain.numbers import HolderKind
from certsvc.domain.validity_dates import SHANGHAI

LONGEST_NAME = "某" * 40
"""Names of companies in the registers rarely pass 40 characters; each code is measured again when it is issued."""
LONGEST_NUMBER = "9" * 18
LONGEST_SERIAL = "Z" * 32


@lru_cache(maxsize=256)
def _drawn(text: str, level: ErrorCorrection) -> QrSymbol:
    return draw(text, error_correction=level)


class QRPictures:
    """Port QRDrawing; drawing tries every mask and takes tens of milliseconds, so symbols are kept."""

    def draw(self, text: str, *, svg: bool, module_size: int, level: str) -> tuple[bytes, int]:
        """See QRDrawing."""
        symbol = _drawn(text, cast(ErrorCorrection, level))
        image = symbol.svg(module_size=module_size) if svg else symbol.png(module_size=module_size)
        return image, symbol.version


def fullest_qr_version(license_type: LicenseType, *, urls: RegisterURLs) -> int:
    """The QR version (1 to 40, level M) of the fullest code that a license of this type has.

    Texts count with the schema's maxLength in characters of three bytes, or with the longest value that it lists;
    `check_license_type` sees to it that there is one. Raises InvalidInputError (QR_CAPACITY, CODE_SIZE, or what the
    code's claims refuse) where no code holds it.
    """
    far = datetime(9998, 12, 31, tzinfo=SHANGHAI)
    code = LicenseCode(
        issued_at=far,
        not_before=far.replace(year=9997),
        expires=far,
        identifier=make_identifier(
            type_code=license_type.code,
            agency_id=license_type.defining_agency_id,
            serial=LONGEST_SERIAL,
            version=999,
        ).text,
        type_version=license_type.version,
        status_list=2**16,
        status_index=2**17 - 1,
        holders=tuple(_fullest_holder(license_type) for _ in range(license_type.max_holders)),
        fields={
            spec.qr_key: _fullest_value(license_type.schema["properties"][spec.name], spec.qr_mask)
            for spec in license_type.fields
            if spec.qr_key is not None and spec.qr_mask is not Mask.HIDDEN
        },
    )
    return qr_version_for(qr_code.sized_text(code, verify_url=urls.verify), error_correction="M")


def _fullest_holder(license_type: LicenseType) -> CodeHolder:
    legal = HolderKind.LEGAL in license_type.holder_kinds
    name = LONGEST_NAME if legal else "某" * 12
    if license_type.qr_number_mask is Mask.HIDDEN:
        return CodeHolder(name)
    full = legal or license_type.qr_number_mask is Mask.FULL
    return CodeHolder(name, LONGEST_NUMBER if full else "*" + LONGEST_NUMBER[:4])


def _fullest_value(schema: Any, mask: Mask) -> FieldValue:
    match schema.get("type"):
        case "boolean":
            return True
        case "integer":
            return 2**53 - 1
    if mask is Mask.TAIL4:
        return "*9999"
    if schema.get("format") == "date":
        return "9998-12-31"
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    if listed is not None:
        return max((text for text in listed if isinstance(text, str)), key=lambda text: len(text.encode()), default="")
    return "某" * int(schema["maxLength"])
