"""License codes of the right form whose signature does not count."""

from certsvc.credentials import cbor, cose
from tests.vectors.code_parts import (
    LICENSE,
    PAYLOAD,
    PROTECTED,
    UNTRUSTED,
    VC,
    byte_string,
    claims,
    envelope,
)
from tests.vectors.signers import P256_ORDER

_SIGNATURE = LICENSE.sign(cose.sig_structure(PROTECTED, PAYLOAD))
_BIT_FLIPPED = bytes((_SIGNATURE[0] ^ 1,)) + _SIGNATURE[1:]
_N = P256_ORDER.to_bytes(32, "big")


def _header(kid: str) -> bytes:
    return cbor.encode({1: -7, 4: bytes.fromhex(kid), 16: 65000})


def _signed_as(signature: bytes) -> bytes:
    return envelope(signature=byte_string(signature))


SIGNATURES = {
    "one bit of the signature changed": (_signed_as(_BIT_FLIPPED), "BAD_SIGNATURE"),
    "signature of zeros": (_signed_as(bytes(64)), "BAD_SIGNATURE"),
    "r is zero": (_signed_as(bytes(32) + _SIGNATURE[32:]), "BAD_SIGNATURE"),
    "s is zero": (_signed_as(_SIGNATURE[:32] + bytes(32)), "BAD_SIGNATURE"),
    "r is the order of the curve": (_signed_as(_N + _SIGNATURE[32:]), "BAD_SIGNATURE"),
    "s is the order of the curve": (_signed_as(_SIGNATURE[:32] + _N), "BAD_SIGNATURE"),
    "r and s exchanged": (_signed_as(_SIGNATURE[32:] + _SIGNATURE[:32]), "BAD_SIGNATURE"),
    "signature in little-endian order": (
        _signed_as(_SIGNATURE[31::-1] + _SIGNATURE[:31:-1]),
        "BAD_SIGNATURE",
    ),
    "open-ended instead of its end": (
        envelope(claims(exp=None), signature=byte_string(_SIGNATURE)),
        "BAD_SIGNATURE",
    ),
    "signed without the context of COSE_Sign1": (_signed_as(LICENSE.sign(PAYLOAD)), "BAD_SIGNATURE"),
    "signed as COSE_Sign": (
        _signed_as(LICENSE.sign(cbor.encode(["Signature", PROTECTED, b"", PAYLOAD]))),
        "BAD_SIGNATURE",
    ),
    "signed with external data": (
        _signed_as(LICENSE.sign(cose.sig_structure(PROTECTED, PAYLOAD, external_aad=b"\x01"))),
        "BAD_SIGNATURE",
    ),
    "signed by another key under a trusted kid": (envelope(signer=UNTRUSTED), "BAD_SIGNATURE"),
    "signed by an unknown key": (
        envelope(protected=_header(UNTRUSTED.kid), signer=UNTRUSTED),
        "UNKNOWN_SIGNER",
    ),
    "kid of zeros": (envelope(protected=_header("00" * 8)), "UNKNOWN_SIGNER"),
    "signed by a key of another purpose": (envelope(protected=_header(VC.kid), signer=VC), "WRONG_SIGNER"),
}
