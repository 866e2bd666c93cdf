"""Building blocks of hostile license codes: a good code taken apart, to be put together wrongly.

Everything takes and gives encoded bytes, so that what no encoder would write can be written.
"""

from certsvc.credentials import cbor, cose
from certsvc.credentials.code_claims import encode_payload
from tests.vectors.samples import COMPANY, CREDIT_CODE, license_code
from tests.vectors.signers import VectorSigner

LICENSE = VectorSigner("license")
UNTRUSTED = VectorSigner("untrusted")
VC = VectorSigner("vc")

PROTECTED = cbor.encode({1: -7, 4: bytes.fromhex(LICENSE.kid), 16: 65000})
GOOD = license_code()
_END = GOOD.expires or GOOD.issued_at
PAYLOAD = encode_payload(GOOD)


def raw_map(*pairs: tuple[bytes, bytes]) -> bytes:
    """A map of encoded keys and values in the order given, right or wrong."""
    return bytes((0xA0 | len(pairs),)) + b"".join(key + value for key, value in pairs)


def _changed_map(good: dict[str, tuple[bytes, bytes]], changes: dict[str, bytes | None]) -> bytes:
    pairs = [(key, changes.get(name, value)) for name, (key, value) in good.items()]
    return raw_map(*((key, value) for key, value in pairs if value is not None))


def claims(**changes: bytes | None) -> bytes:
    """The good payload with encoded claims replaced, or left out where None."""
    good = {
        "exp": (b"\x04", cbor.encode(int(_END.timestamp()))),
        "nbf": (b"\x05", cbor.encode(int(GOOD.not_before.timestamp()))),
        "iat": (b"\x06", cbor.encode(int(GOOD.issued_at.timestamp()))),
        "cti": (b"\x07", cbor.encode(GOOD.identifier.removeprefix("1.2.156.3005.2.").encode())),
        "body": (cbor.encode(-65537), body()),
    }
    return _changed_map(good, changes)


def body(**changes: bytes | None) -> bytes:
    """The good private claim with encoded members replaced, or left out where None."""
    good = {
        "status": (b"\x00", cbor.encode([0, 77_777])),
        "holders": (b"\x01", cbor.encode([[COMPANY, CREDIT_CODE]])),
        "fields": (b"\x02", cbor.encode(dict(GOOD.fields))),
        "type_version": (b"\x03", cbor.encode(1)),
    }
    return _changed_map(good, changes)


def field(value: bytes, *, key: bytes = b"\x01") -> bytes:
    """A payload whose only field is this encoded value."""
    return claims(body=body(fields=b"\xa1" + key + value))


def byte_string(data: bytes) -> bytes:
    """An encoded byte string."""
    return cbor.encode(data)


def envelope(
    payload: bytes = PAYLOAD,
    *,
    protected: bytes = PROTECTED,
    signature: bytes | None = None,
    version: bytes = b"\x01",
    tag: bytes = b"\xd2",
    head: bytes = b"\x84",
    unprotected: bytes = b"\xa0",
    signer: VectorSigner = LICENSE,
    tail: bytes = b"",
) -> bytes:
    """A code of these parts, signed over what it holds."""
    if signature is None:
        signature = byte_string(signer.sign(cose.sig_structure(protected, payload)))
    parts = byte_string(protected) + unprotected + byte_string(payload) + signature
    return version + tag + head + parts + tail
