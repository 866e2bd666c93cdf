"""Codes and credentials as a thief of a key would make them: real ones taken apart, changed and signed again."""

import json
from dataclasses import replace
from typing import Any

from certsvc.credentials import cbor, qr_code
from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.credentials.jws import parse_jws, sign_jws
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.credentials.sd_jwt import MAX_SIZE, TYP
from certsvc.domain.license_code import LicenseCode
from certsvc.ports import Signer
from tests.integration.register import PUBLIC_URL

URLS = RegisterURLs(PUBLIC_URL)


def code_of(text: str) -> LicenseCode:
    """What a code says."""
    return qr_code.parse_text(text).code


def signed(code: LicenseCode, signer: Signer) -> str:
    """The text of a code, signed by whoever it is."""
    return qr_code.text_of(qr_code.sign_code(code, signer=signer), verify_url=URLS.verify)


def forged(text: str, signer: Signer, **changes: Any) -> str:
    """A real code with something changed, signed again."""
    return signed(replace(code_of(text), **changes), signer)


def with_bytes_changed(text: str, place: int) -> str:
    """A real code with one bit of one byte turned, and not signed again; negative places are in the signature."""
    raw = bytearray(qr_code.parse_text(text).raw)
    raw[place] ^= 1
    return qr_code.text_of(bytes(raw), verify_url=URLS.verify)


def renamed(text: str, name: str) -> str:
    """A real code whose first holder's name became another of the same length, not signed again."""
    raw = qr_code.parse_text(text).raw
    old = code_of(text).holders[0].name.encode()
    assert len(old) == len(name.encode())
    assert raw.count(old) == 1
    return qr_code.text_of(raw.replace(old, name.encode()), verify_url=URLS.verify)


def vc_claims(text: str) -> dict[str, Any]:
    """The claims that an SD-JWT VC's issuer signed."""
    return parse_jws(text.partition("~")[0], typ=TYP, max_size=MAX_SIZE).claims


def vc_signed_again(text: str, signer: Signer, **changes: Any) -> str:
    """A real SD-JWT VC with some claims changed, under another signature."""
    _, _, disclosures = text.partition("~")
    return f"{sign_jws(vc_claims(text) | changes, typ=TYP, signer=signer)}~{disclosures}"


def vc_with_bit_turned(text: str) -> str:
    """A real SD-JWT VC whose signature lost a bit."""
    token, _, disclosures = text.partition("~")
    head, payload, signature = token.split(".")
    turned = ("B" if signature[0] == "A" else "A") + signature[1:]
    return f"{head}.{payload}.{turned}~{disclosures}"


def with_alg(text: str, alg: int) -> str:
    """A real code whose header names another algorithm (RFC 9053), its signature as it was."""
    raw = qr_code.parse_text(text).raw
    header = cbor.encode({1: -7, 4: bytes.fromhex(qr_code.parse_text(text).kid), 16: qr_code.TYP_LICENSE})
    other = cbor.encode({1: alg, 4: bytes.fromhex(qr_code.parse_text(text).kid), 16: qr_code.TYP_LICENSE})
    changed = raw.replace(cbor.encode(header), cbor.encode(other))
    assert changed != raw
    return qr_code.text_of(changed, verify_url=URLS.verify)


def vc_with_header(text: str, **changes: Any) -> str:
    """A real SD-JWT VC with some header parameters changed, its signature as it was."""
    token, _, disclosures = text.partition("~")
    head, payload, signature = token.split(".")
    header = json.loads(decode_base64url(head)) | changes
    return f"{encode_base64url(json.dumps(header).encode())}.{payload}.{signature}~{disclosures}"
