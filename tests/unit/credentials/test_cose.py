"""COSE_Sign1 against the vectors of cose-wg, thumbprints against RFC 9679, and ES256 against cryptography."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials import cbor, cose
from certsvc.errors import CertsvcError, MalformedError, SignatureError
from tests.require import shared
from tests.vectors.signers import P256_ORDER, VectorSigner

VECTORS = [f"sign1-tests_sign-pass-0{number}" for number in (1, 2, 3)] + ["CWT_A_3"]
FAILURES = {
    "sign1-tests_sign-fail-01": "CBOR_TAG",
    "sign1-tests_sign-fail-02": "BAD_SIGNATURE",
    "sign1-tests_sign-fail-03": "ALG_MISMATCH",
    "sign1-tests_sign-fail-04": "ALG_MISMATCH",
    "sign1-tests_sign-fail-06": "BAD_SIGNATURE",
    "sign1-tests_sign-fail-07": "BAD_SIGNATURE",
    "CWT_A_4": "CBOR_TAG",
    "CWT_A_5": "CBOR_TAG",
    "CWT_A_6": "CBOR_TAG",
    "CWT_A_7": "CBOR_TAG",
}


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(shared(f"vectors/cose/{name}.json").read_text())
    return vector


def _coordinate(key: dict[str, str], name: str) -> bytes:
    if f"{name}_hex" in key:
        return bytes.fromhex(key[f"{name}_hex"])
    return base64.urlsafe_b64decode(key[name] + "==")


def _message(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["output"]["cbor"])


def _verify(vector: dict[str, Any], *, tagged: bool) -> cose.Sign1:
    signing = vector["input"].get("sign0", {})
    key = signing.get("key") or _vector("CWT_A_3")["input"]["sign0"]["key"]
    public_key = cose.load_public_key(b"\x04" + _coordinate(key, "x") + _coordinate(key, "y"))
    message = cose.parse_sign1(_message(vector), tagged=tagged)
    external_aad = bytes.fromhex(signing.get("external", ""))
    cose.verify_sign1(message, public_key, algorithm=cose.ALG_ES256, external_aad=external_aad)
    return message


@pytest.mark.parametrize("name", VECTORS)
def test_cose_wg_vectors_that_pass(name: str) -> None:
    vector = _vector(name)
    message = _verify(vector, tagged="RemoveCBORTag" not in vector["input"].get("failures", {}))
    to_be_signed = vector["intermediates"]["ToBeSign_hex"]
    external_aad = bytes.fromhex(vector["input"]["sign0"].get("external", ""))
    signed = cose.sig_structure(message.protected, message.payload, external_aad=external_aad)
    assert signed == bytes.fromhex(to_be_signed)


@pytest.mark.parametrize(("name", "reason"), FAILURES.items())
def test_cose_wg_vectors_that_must_fail(name: str, reason: str) -> None:
    with pytest.raises(CertsvcError, match=reason):
        _verify(_vector(name), tagged=True)


def test_float_claims_of_cwt_example_a_7_are_refused() -> None:
    with pytest.raises(MalformedError, match="CBOR_SIMPLE"):
        cbor.decode(bytes.fromhex(_vector("CWT_A_7")["input"]["plaintext_hex"]))


def test_external_data_counts() -> None:
    vector = _vector("sign1-tests_sign-pass-02")
    vector["input"]["sign0"]["external"] = ""
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        _verify(vector, tagged=True)


def test_critical_headers_are_refused() -> None:
    vector = _vector("sign1-tests_sign-pass-01")
    message = cose.parse_sign1(_message(vector))
    critical = cose.Sign1(message.protected, {**message.unprotected, 2: [99]}, message.payload, message.signature)
    with pytest.raises(MalformedError, match="COSE_CRIT"):
        cose.verify_sign1(critical, VectorSigner("any").private_key.public_key(), algorithm=cose.ALG_ES256)


def test_thumbprint_of_the_example_in_rfc_9679() -> None:
    x = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
    y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
    thumbprint = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"
    assert cose.thumbprint(bytes.fromhex(f"04{x}{y}")).hex() == thumbprint
    assert cose.kid_of(bytes.fromhex(f"04{x}{y}")).hex() == thumbprint[:16]


def test_kid_and_algorithm_of_a_key_do_not_change_its_thumbprint() -> None:
    sec1 = VectorSigner("license").sec1
    listed = cose.cose_key(sec1, kid=cose.kid_of(sec1))
    assert listed[2] == cose.kid_of(sec1)
    assert listed[3] == cose.ALG_ES256
    assert {label: listed[label] for label in (1, -1, -2, -3)} == cose.cose_key(sec1)


def test_signatures_convert_between_raw_and_der() -> None:
    signer = VectorSigner("license")
    der = signer.private_key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    raw = cose.raw_signature(der)
    assert len(raw) == cose.SIGNATURE_SIZE
    assert cose.der_signature(raw) == der


def test_both_forms_of_a_malleable_signature_verify() -> None:
    """Hence no identity is ever made from the bytes of a signature."""
    signer = VectorSigner("license")
    signature = signer.sign(b"data")
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    other = signature[:32] + s.to_bytes(32, "big")
    for raw in (signature, other):
        cose.verify_es256(signer.private_key.public_key(), signed=b"data", signature=raw)


@pytest.mark.parametrize("size", [0, 63, 65, 72])
def test_signatures_of_another_size_are_refused(size: int) -> None:
    public_key = VectorSigner("license").private_key.public_key()
    with pytest.raises(SignatureError, match="SIGNATURE_SIZE"):
        cose.verify_es256(public_key, signed=b"data", signature=bytes(size))


@pytest.mark.parametrize(
    "sec1",
    [
        b"",
        bytes(65),
        b"\x02" + VectorSigner("license").sec1[1:33],
        b"\x03" + VectorSigner("license").sec1[1:],
        b"\x04" + bytes(64),
        VectorSigner("license").sec1[:-1] + b"\x00",
        VectorSigner("license").sec1 + b"\x00",
    ],
)
def test_points_of_another_form_or_off_the_curve_are_refused(sec1: bytes) -> None:
    with pytest.raises(MalformedError, match="PUBLIC_KEY"):
        cose.load_public_key(sec1)


def test_a_message_without_an_algorithm_is_refused() -> None:
    signer = VectorSigner("license")
    message = cose.Sign1(b"", {}, b"payload", signer.sign(cose.sig_structure(b"", b"payload")))
    with pytest.raises(MalformedError, match="ALG_MISMATCH"):
        cose.verify_sign1(message, signer.private_key.public_key(), algorithm=cose.ALG_ES256)
