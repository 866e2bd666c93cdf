"""The code printed on a license: `<verify URL>#<digits>`, a CWT (RFC 8392) that a camera opens as a URL.

docs/formats/qr-code.md and .cddl are the contract. Invariants: one license version under one key has one
sequence of signed bytes; what this module signs, its own strict reader takes; whatever the reader takes,
encodes back to the same bytes; sizes are checked before anything is converted. The host in the text is shown
to people, never trusted.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from certsvc.credentials import cbor, cose
from certsvc.credentials.code_claims import encode_payload, read_payload
from certsvc.credentials.verification_key import ES256, VerificationKey
from certsvc.domain.license_code import CodeHolder, LicenseCode
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import FieldViolation, InvalidInputError, MalformedError, SignatureError
from certsvc.ports import Signer

__all__ = [
    "CodeHolder",
    "LicenseCode",
    "ParsedCode",
    "digest_of",
    "encode_payload",
    "parse_code",
    "parse_text",
    "qr_bits",
    "sign_code",
    "sized_text",
    "text_of",
    "verify_code",
]

TYP_LICENSE = 65000

MAX_SIZE = 1024
MAX_DIGITS = 2467
MAX_TEXT = 4296
"""Characters of a whole text: no QR code holds more."""

_VERSION = 0x01
_DIGITS = re.compile(r"[1-9][0-9]*", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedCode:
    """A code of the right form whose signature was not checked yet: nothing in `code` may be believed.

    `host` is the one the text named, None for bare digits or bytes; `raw` are the bytes behind the digits.
    """

    host: str | None
    kid: str
    typ: int
    code: LicenseCode
    signed_bytes: bytes
    signature: bytes
    raw: bytes


def sign_code(code: LicenseCode, *, signer: Signer) -> bytes:
    """Sign a license code: `0x01 ‖ COSE_Sign1`, at most MAX_SIZE bytes.

    Raises InvalidInputError when the code is out of bounds or too large, and what the signer raises.
    """
    protected = _protected_header(bytes.fromhex(signer.kid), TYP_LICENSE)
    payload = encode_payload(code)
    _check_size(protected, payload)
    signature = signer.sign(cose.sig_structure(protected, payload))
    if len(signature) != cose.SIGNATURE_SIZE:
        raise SignatureError(reason="SIGNATURE_SIZE", message="the signer returned no raw ES256 signature")
    return _frame(protected, payload, signature)


def sized_text(code: LicenseCode, *, verify_url: str) -> str:
    """A text exactly as long as the signed one, with zeros for kid and signature: to measure a type by.

    Raises InvalidInputError when the code is out of bounds or too large.
    """
    protected = _protected_header(bytes(cose.KID_SIZE), TYP_LICENSE)
    payload = encode_payload(code)
    _check_size(protected, payload)
    return text_of(_frame(protected, payload, bytes(cose.SIGNATURE_SIZE)), verify_url=verify_url)


def text_of(raw: bytes, *, verify_url: str) -> str:
    """The text that a QR picture of a signed code holds."""
    return f"{verify_url}#{int.from_bytes(raw, 'big')}"


def qr_bits(text: str) -> int:
    """The data bits of a QR code of version 10 to 26 that holds a text of `text_of` (ISO/IEC 18004 §7.4.3, §7.4.5)."""
    head, _, digits = text.partition("#")
    byte_segment = 4 + 16 + 8 * (len(head) + 1)
    return byte_segment + 4 + 12 + len(digits) // 3 * 10 + (0, 4, 7)[len(digits) % 3]


def parse_text(text: str) -> ParsedCode:
    """Read a scanned text: a URL of any host with the digits as its fragment, or the digits alone.

    Raises MalformedError (TEXT_FORM, TEXT_SIZE, and what `parse_code` raises). Nothing around the text is
    removed.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(reason="TEXT_SIZE", message=f"longer than {MAX_TEXT} characters")
    before, separator, after = text.partition("#")
    host = _host_of(before) if separator else None
    digits = after if separator else before
    if len(digits) > MAX_DIGITS:
        raise MalformedError(reason="TEXT_SIZE", message=f"more than {MAX_DIGITS} digits")
    if not _DIGITS.fullmatch(digits):
        raise MalformedError(reason="TEXT_FORM", message="no decimal number without leading zeros after the URL")
    number = int(digits)
    return parse_code(number.to_bytes((number.bit_length() + 7) // 8, "big"), host=host)


def parse_code(raw: bytes, *, host: str | None = None) -> ParsedCode:
    """Read the bytes of a code: `0x01 ‖ COSE_Sign1`.

    Raises MalformedError (CODE_SIZE, CODE_VERSION, CODE_SHAPE, CODE_HEADER, CODE_TYP, CODE_CLAIMS,
    ALG_MISMATCH, CBOR_…) for everything that docs/formats/qr-code.cddl does not describe.
    """
    if not 1 < len(raw) <= MAX_SIZE:
        raise MalformedError(reason="CODE_SIZE", message=f"not between 2 and {MAX_SIZE} bytes")
    if raw[0] != _VERSION:
        raise MalformedError(reason="CODE_VERSION", message="not a code of this format's version 1")
    message = cose.parse_sign1(raw[1:])
    if message.unprotected or len(message.signature) != cose.SIGNATURE_SIZE:
        raise MalformedError(reason="CODE_SHAPE", message="unprotected header or signature are not as in this format")
    kid, typ = _read_header(message)
    return ParsedCode(
        host=host,
        kid=kid,
        typ=typ,
        code=read_payload(message.payload),
        signed_bytes=cose.sig_structure(message.protected, message.payload),
        signature=message.signature,
        raw=raw,
    )


def verify_code(parsed: ParsedCode, key: VerificationKey) -> None:
    """Check a parsed code's signature with the trusted key of its kid.

    Raises SignatureError (WRONG_KEY, WRONG_KEY_PURPOSE, BAD_SIGNATURE). Whether the key was right for this
    license and this time is the domain's question.
    """
    if key.kid != parsed.kid or key.algorithm != ES256:
        raise SignatureError(reason="WRONG_KEY", message="not the key that the code names")
    if key.purpose != KeyPurpose.LICENSE:
        raise SignatureError(reason="WRONG_KEY_PURPOSE", message="the key may not sign licenses")
    cose.verify_es256(key.public_key, signed=parsed.signed_bytes, signature=parsed.signature)


def digest_of(signed_bytes: bytes) -> bytes:
    """The registration digest, SHA-256 of the signed bytes: the identity of what the register signed."""
    return hashlib.sha256(signed_bytes).digest()


def _protected_header(kid: bytes, typ: int) -> bytes:
    header: dict[int, cbor.Encodable] = {
        cose.HEADER_ALG: cose.ALG_ES256,
        cose.HEADER_KID: kid,
        cose.HEADER_TYP: typ,
    }
    return cbor.encode(header)


def _frame(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    return bytes((_VERSION,)) + cose.encode_sign1(cose.Sign1(protected, {}, payload, signature))


def _check_size(protected: bytes, payload: bytes) -> None:
    size = len(_frame(protected, payload, bytes(cose.SIGNATURE_SIZE)))
    if size > MAX_SIZE:
        description = f"the signed code would have {size} bytes, at most {MAX_SIZE} are allowed"
        raise InvalidInputError.of(FieldViolation("code", "CODE_SIZE", description))


def _host_of(url: str) -> str:
    if _URL.fullmatch(url):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            host = None
        if host:
            return host
    raise MalformedError(reason="TEXT_FORM", message="what stands before the # is no http or https URL")


def _read_header(message: cose.Sign1) -> tuple[str, int]:
    """The kid (text form) and typ of a code's protected header, in which nothing else may stand."""
    header = message.header()
    match header:
        case {cose.HEADER_ALG: alg, cose.HEADER_KID: bytes() as kid, cose.HEADER_TYP: typ} if len(header) == 3:
            if alg != cose.ALG_ES256:
                raise MalformedError(reason="ALG_MISMATCH", message="license codes are signed with ES256")
            if len(kid) != cose.KID_SIZE:
                raise MalformedError(reason="CODE_HEADER", message=f"a kid has {cose.KID_SIZE} bytes")
            if typ != TYP_LICENSE:
                raise MalformedError(reason="CODE_TYP", message="not the type of a license code")
            return kid.hex(), TYP_LICENSE
    raise MalformedError(reason="CODE_HEADER", message="the protected header is not {alg, kid, typ}")
