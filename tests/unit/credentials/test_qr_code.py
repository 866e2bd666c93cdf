"""The code printed on a license: what is signed comes back, and nothing else is signed or believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials import cose, qr_code
from certsvc.credentials.code_claims import MAX_INTEGER, STATUS_LIST_SIZE, encode_payload, read_payload
from certsvc.domain.license_code import CodeHolder, LicenseCode
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import InvalidInputError, MalformedError, SignatureError
from tests.vectors.samples import COMPANY, VERIFY_URL, license_code
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("license")
KEY = SIGNER.verification_key(KeyPurpose.LICENSE)

TIMES = st.integers(-2_209_017_600, 253_402_300_000).map(
    lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
TEXTS = st.text(max_size=20)
HOLDERS = st.builds(CodeHolder, TEXTS, st.none() | TEXTS)
VALUES = st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS


@st.composite
def license_codes(draw: st.DrawFn) -> LicenseCode:
    not_before = draw(TIMES)
    return license_code(
        issued_at=draw(TIMES.filter(lambda moment: moment.year >= 1970)),
        not_before=not_before,
        expires=draw(st.none() | TIMES.filter(lambda moment: moment > not_before)),
        type_version=draw(st.integers(1, 2**16 - 1)),
        status_list=draw(st.integers(0, 2**31 - 1)),
        status_index=draw(st.integers(0, STATUS_LIST_SIZE - 1)),
        holders=tuple(draw(st.lists(HOLDERS, max_size=3))),
        fields=draw(st.dictionaries(st.integers(1, 255), VALUES, max_size=5)),
    )


@given(license_codes())
def test_round_trip(code: LicenseCode) -> None:
    raw = qr_code.sign_code(code, signer=SIGNER)
    parsed = qr_code.parse_text(qr_code.text_of(raw, verify_url=VERIFY_URL))
    assert parsed.code == code
    assert parsed.raw == raw
    assert encode_payload(parsed.code) == encode_payload(code)
    qr_code.verify_code(parsed, KEY)


@given(st.data())
def test_any_changed_bit_is_refused(data: st.DataObject) -> None:
    raw = bytearray(qr_code.sign_code(license_code(), signer=SIGNER))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        parsed = qr_code.parse_code(bytes(raw))
    except MalformedError:
        return
    with pytest.raises(SignatureError):
        qr_code.verify_code(parsed, KEY)


@given(st.binary(max_size=1100) | st.binary(max_size=1023).map(lambda tail: b"\x01" + tail))
def test_reader_is_total(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        qr_code.parse_code(raw)


@given(st.text(max_size=100) | st.from_regex(r"https?://[!-~]{0,20}#[0-9]{0,40}", fullmatch=True))
def test_text_reader_is_total(text: str) -> None:
    with pytest.raises(MalformedError):
        qr_code.parse_text(text)


def test_fields_of_two_codes_cannot_be_exchanged() -> None:
    first = qr_code.parse_code(qr_code.sign_code(license_code(), signer=SIGNER))
    second = qr_code.parse_code(qr_code.sign_code(license_code(holders=(CodeHolder("别的公司"),)), signer=SIGNER))
    mixed = replace(first, code=second.code, signed_bytes=second.signed_bytes)
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        qr_code.verify_code(mixed, KEY)


def test_what_is_signed_is_the_sig_structure_and_its_digest_the_identity() -> None:
    parsed = qr_code.parse_code(qr_code.sign_code(license_code(), signer=SIGNER))
    header = bytes.fromhex(f"a301260448{SIGNER.kid}1019fde8")
    assert parsed.signed_bytes == cose.sig_structure(header, encode_payload(license_code()))
    assert len(qr_code.digest_of(parsed.signed_bytes)) == 32


def test_host_is_reported_and_not_trusted() -> None:
    raw = qr_code.sign_code(license_code(), signer=SIGNER)
    digits = qr_code.text_of(raw, verify_url="").removeprefix("#")
    for text, host in ((digits, None), (f"https://evil.example/q#{digits}", "evil.example")):
        parsed = qr_code.parse_text(text)
        assert parsed.host == host
        qr_code.verify_code(parsed, KEY)


def test_key_must_be_the_one_named_and_for_licenses() -> None:
    parsed = qr_code.parse_code(qr_code.sign_code(license_code(), signer=SIGNER))
    with pytest.raises(SignatureError, match="WRONG_KEY"):
        qr_code.verify_code(parsed, VectorSigner("other").verification_key(KeyPurpose.LICENSE))
    for purpose in set(KeyPurpose) - {KeyPurpose.LICENSE}:
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            qr_code.verify_code(parsed, SIGNER.verification_key(purpose))


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - a naive time is the point
        {"issued_at": datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)},
        {"issued_at": datetime(1969, 1, 1, tzinfo=UTC)},
        {"not_before": datetime(1899, 1, 1, tzinfo=UTC)},
        {"expires": license_code().not_before},
        {"expires": license_code().not_before - timedelta(seconds=1)},
        {"identifier": "1.2.156.3005.2.119900009999000119001.1299010099990002X3.2026000000001.001.3"},
        {"identifier": "119900009999000119001.1299010099990002X3.2026000000001.001.2"},
        {"type_version": 0},
        {"type_version": 2**16},
        {"status_list": -1},
        {"status_list": 2**31},
        {"status_index": -1},
        {"status_index": STATUS_LIST_SIZE},
        {"holders": (CodeHolder("\ud800"),)},
        {"holders": (CodeHolder(COMPANY, 1),)},  # type: ignore[arg-type]
        {"fields": {0: "x"}},
        {"fields": {256: "x"}},
        {"fields": {1: 2**53}},
        {"fields": {1: 1.5}},
        {"fields": {1: None}},
        {"fields": {1: b"x"}},
        {"fields": {1: ["x"]}},
        {"fields": {"1": "x"}},
    ],
)
def test_nothing_is_signed_that_the_reader_would_refuse(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        qr_code.sign_code(license_code(**changes), signer=SIGNER)


def test_size_is_bounded_before_signing() -> None:
    def code(length: int) -> LicenseCode:
        return license_code(fields={1: "a" * length})

    spare = qr_code.MAX_SIZE - len(qr_code.sign_code(code(600), signer=SIGNER)) + 600
    raw = qr_code.sign_code(code(spare), signer=SIGNER)
    assert len(raw) == qr_code.MAX_SIZE
    text = qr_code.text_of(raw, verify_url=VERIFY_URL)
    assert qr_code.parse_text(text).code == code(spare)
    with pytest.raises(InvalidInputError, match="1025 bytes"):
        qr_code.sign_code(code(spare + 1), signer=SIGNER)
    with pytest.raises(InvalidInputError, match="1025 bytes"):
        qr_code.sized_text(code(spare + 1), verify_url=VERIFY_URL)


def test_sized_text_is_as_long_as_the_signed_one() -> None:
    signed = qr_code.text_of(qr_code.sign_code(license_code(), signer=SIGNER), verify_url=VERIFY_URL)
    assert len(qr_code.sized_text(license_code(), verify_url=VERIFY_URL)) == len(signed)


def test_a_signer_that_returns_der_is_refused() -> None:
    class DerSigner(VectorSigner):
        def sign(self, data: bytes) -> bytes:
            return cose.der_signature(super().sign(data))

    with pytest.raises(SignatureError, match="SIGNATURE_SIZE"):
        qr_code.sign_code(license_code(), signer=DerSigner("license"))


def test_true_and_one_are_different_fields() -> None:
    payloads = [encode_payload(license_code(fields={1: value})) for value in (True, 1, "1")]
    assert len(set(payloads)) == 3
    assert read_payload(payloads[0]).fields[1] is True
