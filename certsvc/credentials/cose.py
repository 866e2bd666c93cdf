"""COSE_Sign1 (RFC 9052), ES256 and COSE_Key for P-256 (RFC 9053 §2.1, §7.1.1), thumbprints (RFC 9679).

Invariants: the algorithm belongs to the caller's key record, a message that names another is refused before
any mathematics; what is signed are the bytes as they were received, never a re-encoding.

ECDSA is malleable: whoever sees the signature (r, s) can make (r, n-s), which verifies too. So neither the
bytes of a signature nor of a whole message identify anything; identities are made from `sig_structure`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from certsvc.credentials import cbor
from certsvc.errors import MalformedError, SignatureError

ALG_ES256 = -7
HEADER_ALG, HEADER_CRIT, HEADER_KID, HEADER_TYP = 1, 2, 4, 16

SIGNATURE_SIZE = 64
SEC1_SIZE = 65
KID_SIZE = 8

_COORDINATE_SIZE = 32
_KEY_KTY, _KEY_KID, _KEY_ALG, _KEY_CRV, _KEY_X, _KEY_Y = 1, 2, 3, -1, -2, -3
_KTY_EC2, _CRV_P256 = 2, 1
_ES256 = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Sign1:
    """The four parts of a COSE_Sign1. `protected` are the encoded header bytes, which are what is signed."""

    protected: bytes
    unprotected: Mapping[int | str, cbor.Item]
    payload: bytes
    signature: bytes

    def header(self) -> dict[int | str, cbor.Item]:
        """The protected header, decoded. Raises MalformedError when it is no map."""
        if not self.protected:
            return {}
        header = cbor.decode(self.protected)
        if not isinstance(header, dict):
            raise MalformedError(reason="COSE_HEADER", message="the protected header is no map")
        return header


def parse_sign1(data: bytes, *, tagged: bool = True) -> Sign1:
    """Split a COSE_Sign1 into its parts, without looking into headers or payload.

    `tagged` says whether tag 18 must be there; it is never optional. Raises MalformedError.
    """
    parts = cbor.decode(data, tag=cbor.SIGN1_TAG if tagged else None)
    match parts:
        case [bytes() as protected, dict() as unprotected, bytes() as payload, bytes() as signature]:
            return Sign1(protected, unprotected, payload, signature)
    raise MalformedError(reason="COSE_SHAPE", message="not [protected, unprotected, payload, signature]")


def encode_sign1(message: Sign1) -> bytes:
    """The tagged, deterministic encoding of a COSE_Sign1."""
    parts = (message.protected, message.unprotected, message.payload, message.signature)
    return cbor.encode_tagged(cbor.SIGN1_TAG, parts)


def sig_structure(protected: bytes, payload: bytes, *, external_aad: bytes = b"") -> bytes:
    """The bytes that a COSE_Sign1 signs (RFC 9052 §4.4); an empty header map counts as an empty string."""
    if protected == b"\xa0":
        protected = b""
    return cbor.encode(["Signature1", protected, external_aad, payload])


def verify_sign1(
    message: Sign1, public_key: ec.EllipticCurvePublicKey, *, algorithm: int, external_aad: bytes = b""
) -> None:
    """Check the signature of `message` under the algorithm of the key's record.

    A general COSE check: the algorithm may stand in either header, other header parameters are the caller's
    business. Raises MalformedError (ALG_MISMATCH) when the message names another algorithm or none,
    (COSE_CRIT) when it names critical parameters, SignatureError when the signature does not verify.
    """
    header = message.header()
    if HEADER_CRIT in header or HEADER_CRIT in message.unprotected:
        raise MalformedError(reason="COSE_CRIT", message="critical header parameters are not used here")
    stated = header.get(HEADER_ALG, message.unprotected.get(HEADER_ALG))
    if stated != algorithm or algorithm != ALG_ES256:
        raise MalformedError(reason="ALG_MISMATCH", message="the message names another algorithm than the key has")
    signed = sig_structure(message.protected, message.payload, external_aad=external_aad)
    verify_es256(public_key, signed=signed, signature=message.signature)


def verify_es256(public_key: ec.EllipticCurvePublicKey, *, signed: bytes, signature: bytes) -> None:
    """Check a raw r ‖ s signature (RFC 7518 §3.4, RFC 9053 §2.1) over `signed`. Raises SignatureError."""
    try:
        public_key.verify(der_signature(signature), signed, _ES256)
    except InvalidSignature as error:
        raise SignatureError(reason="BAD_SIGNATURE", message="the signature does not verify") from error


def der_signature(raw: bytes) -> bytes:
    """Turn r ‖ s into an ASN.1 ECDSA-Sig-Value. Raises SignatureError unless it is 64 bytes."""
    if len(raw) != SIGNATURE_SIZE:
        raise SignatureError(reason="SIGNATURE_SIZE", message=f"an ES256 signature has {SIGNATURE_SIZE} bytes")
    return encode_dss_signature(
        int.from_bytes(raw[:_COORDINATE_SIZE], "big"), int.from_bytes(raw[_COORDINATE_SIZE:], "big")
    )


def raw_signature(der: bytes) -> bytes:
    """An ASN.1 ECDSA-Sig-Value, as software keys and HSMs return it, as r ‖ s of 64 bytes."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_SIZE, "big") + s.to_bytes(_COORDINATE_SIZE, "big")


def load_public_key(sec1: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 public key of an uncompressed SEC1 point (65 bytes, on the curve). Raises MalformedError."""
    if len(sec1) != SEC1_SIZE or sec1[0] != 4:
        raise MalformedError(reason="PUBLIC_KEY", message="not an uncompressed P-256 point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sec1)
    except ValueError as error:
        raise MalformedError(reason="PUBLIC_KEY", message="the point is not on P-256") from error


def cose_key(sec1: bytes, *, kid: bytes | None = None) -> dict[int, cbor.Encodable]:
    """The COSE_Key map of a P-256 point (65 bytes SEC1); with `kid` also kid and alg, as key sets list it."""
    key: dict[int, cbor.Encodable] = {
        _KEY_KTY: _KTY_EC2,
        _KEY_CRV: _CRV_P256,
        _KEY_X: sec1[1 : 1 + _COORDINATE_SIZE],
        _KEY_Y: sec1[1 + _COORDINATE_SIZE :],
    }
    if kid is not None:
        key |= {_KEY_KID: kid, _KEY_ALG: ALG_ES256}
    return key


def thumbprint(sec1: bytes) -> bytes:
    """The SHA-256 COSE Key Thumbprint (RFC 9679 §3) of a P-256 public key, 32 bytes."""
    return hashlib.sha256(cbor.encode(cose_key(sec1))).digest()


def kid_of(sec1: bytes) -> bytes:
    """The name of a key: the first 8 bytes of its thumbprint. Its text form is `.hex()`."""
    return thumbprint(sec1)[:KID_SIZE]
