"""The forms joined with the domain: what a stranger writes into a VC is a verdict, and codes can be printed."""

from typing import Any

import pytest

from certsvc.credentials import qr_code
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.qr_image import qr_version_for
from certsvc.credentials.register_forms import QRCodeForm, SDJWTForm
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.credentials.sd_jwt import TYP, parse_sd_jwt
from certsvc.domain.license_code import CodeHolder
from certsvc.errors import InvalidInputError, MalformedError
from tests.vectors.samples import CountedBytes, license_code, license_vc
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("vc")
URLS = RegisterURLs("https://register.example")
VCS = SDJWTForm(URLS, random_bytes=CountedBytes())


def vc_with(**changes: Any) -> str:
    """A VC with some claims changed, None takes one out; nobody whom a register knows has signed it."""
    token, _, disclosures = issue_license_vc(license_vc(), signer=SIGNER, random_bytes=CountedBytes()).partition("~")
    claims = parse_sd_jwt(f"{token}~{disclosures}").token.claims | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return f"{sign_jws(claims, typ=TYP, signer=SIGNER)}~{disclosures}"


@pytest.mark.parametrize("claim", ["valid_from", "valid_until"])
@pytest.mark.parametrize(
    "day",
    [
        "0001-01-01", "1899-12-31", "9999-01-01", "9999-12-31",
        "2024-W01-1", "20240101", "2024-1-1", "2024-02-30", "２０２４-01-01", "2024-01-01\n", "",
    ],
)  # fmt: skip
def test_days_that_no_license_has_are_malformed(claim: str, day: str) -> None:
    with pytest.raises(MalformedError) as refused:
        VCS.read(vc_with(**{claim: day}))
    assert refused.value.reason == "VC_DATES"


def test_the_first_and_the_last_day_are_read() -> None:
    read = VCS.read(vc_with(valid_from="1900-01-01", valid_until="9998-12-31"))
    assert read.license_expires is not None
    assert (read.license_not_before.year, read.license_expires.year) == (1899, 9998)
    assert VCS.read(vc_with(valid_until=None)).license_expires is None


@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_the_ends_of_time_are_read_and_what_lies_beyond_is_malformed(claim: str) -> None:
    for moment in (0, 253_402_300_799):
        VCS.read(vc_with(**{claim: moment}))
    beyond: list[Any] = [-1, 253_402_300_800, 10**30, True, "1", 1.5]
    for moment in beyond:
        with pytest.raises(MalformedError):
            VCS.read(vc_with(**{claim: moment}))


def test_a_code_that_is_too_large_to_print_is_not_made() -> None:
    """What is counted is what the drawing needs, to the character: QR version 25 at level M."""
    codes = QRCodeForm(URLS)
    signer = VectorSigner("license")
    versions = set()
    for length in range(196, 208):
        code = license_code(holders=(CodeHolder("某" * length),), fields={1: "x" * 160})
        text = qr_code.sized_text(code, verify_url=URLS.verify)
        version = qr_version_for(text, error_correction="M")
        versions.add(version)
        if version <= 25:
            codes.sign(code, signer=signer)
            continue
        with pytest.raises(InvalidInputError) as refused:
            codes.sign(code, signer=signer)
        assert [violation.reason for violation in refused.value.violations] == ["CODE_TOO_LARGE"]
    assert {25, 26} <= versions
