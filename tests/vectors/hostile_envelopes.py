"""License codes whose envelope (framing, COSE_Sign1, protected header) is wrong in one point each."""

from certsvc.credentials import cbor
from certsvc.credentials.cose import der_signature
from tests.vectors import code_parts as parts
from tests.vectors.code_parts import LICENSE, PAYLOAD, PROTECTED, byte_string, envelope

_SIGNATURE = LICENSE.sign(b"any")

ENVELOPES = {
    "1,025 bytes": (b"\x01" + bytes(1024), "CODE_SIZE"),
    "version 2": (envelope(version=b"\x02"), "CODE_VERSION"),
    "version 0x81": (envelope(version=b"\x81"), "CODE_VERSION"),
    "no version byte": (envelope(version=b""), "CODE_VERSION"),
    "no tag": (envelope(tag=b""), "CBOR_TAG"),
    "tag of COSE_Mac0": (envelope(tag=b"\xd1"), "CBOR_TAG"),
    "tag of COSE_Sign": (envelope(tag=b"\xd8\x62"), "CBOR_TAG"),
    "CWT tag around the tag": (envelope(tag=b"\xd8\x3d\xd2"), "CBOR_TAG"),
    "tag twice": (envelope(tag=b"\xd2\xd2"), "CBOR_TAG"),
    "tag in long form": (envelope(tag=b"\xd8\x12"), "CBOR_TAG"),
    "byte after the message": (envelope(tail=b"\x00"), "CBOR_TRAILING_BYTES"),
    "last byte missing": (envelope()[:-1], "CBOR_TRUNCATED"),
    "only the tag": (b"\x01\xd2", "CBOR_TRUNCATED"),
    "array of three": (envelope(head=b"\x83", signature=b""), "COSE_SHAPE"),
    "array of five": (envelope(head=b"\x85", tail=b"\x00"), "COSE_SHAPE"),
    "map in place of the array": (b"\x01\xd2\xa0", "COSE_SHAPE"),
    "array of indefinite length": (envelope(head=b"\x9f", tail=b"\xff"), "CBOR_INDEFINITE"),
    "array head in long form": (envelope(head=b"\x98\x04"), "CBOR_LONG_FORM"),
    "array of 2^63 items": (b"\x01\xd2\x9b\x80" + bytes(7), "CBOR_TRUNCATED"),
    "no payload": (
        b"\x01\xd2\x84" + byte_string(PROTECTED) + b"\xa0\xf6" + byte_string(bytes(64)),
        "CBOR_SIMPLE",
    ),
    "payload in chunks": (
        b"\x01\xd2\x84"
        + byte_string(PROTECTED)
        + b"\xa0\x5f"
        + byte_string(PAYLOAD)
        + b"\xff"
        + byte_string(bytes(64)),
        "CBOR_INDEFINITE",
    ),
    "kid in the unprotected header": (
        envelope(unprotected=b"\xa1\x04" + byte_string(bytes.fromhex(LICENSE.kid))),
        "CODE_SHAPE",
    ),
    "algorithm in the unprotected header": (envelope(unprotected=b"\xa1\x01\x26"), "CODE_SHAPE"),
    "unprotected header is an array": (envelope(unprotected=b"\x80"), "COSE_SHAPE"),
    "signature of 63 bytes": (envelope(signature=byte_string(bytes(63))), "CODE_SHAPE"),
    "signature of 65 bytes": (envelope(signature=byte_string(bytes(65))), "CODE_SHAPE"),
    "empty signature": (envelope(signature=byte_string(b"")), "CODE_SHAPE"),
    "signature in DER": (envelope(signature=byte_string(der_signature(_SIGNATURE))), "CODE_SHAPE"),
    "signature is text": (envelope(signature=cbor.encode("A" * 64)), "COSE_SHAPE"),
}

_KID = bytes.fromhex(LICENSE.kid)


def _header(*pairs: tuple[bytes, bytes]) -> bytes:
    return envelope(protected=parts.raw_map(*pairs))


def _usual_header(*, alg: bytes = b"\x26", kid: bytes = byte_string(_KID), typ: bytes = b"\x19\xfd\xe8") -> bytes:
    return _header((b"\x01", alg), (b"\x04", kid), (b"\x10", typ))


HEADERS = {
    "empty protected header": (envelope(protected=b""), "CODE_HEADER"),
    "protected header of an empty map": (envelope(protected=b"\xa0"), "CODE_HEADER"),
    "protected header is an array": (envelope(protected=b"\x80"), "COSE_HEADER"),
    "byte after the protected header": (envelope(protected=PROTECTED + b"\x00"), "CBOR_TRAILING_BYTES"),
    "protected header of indefinite length": (
        envelope(protected=b"\xbf" + PROTECTED[1:] + b"\xff"),
        "CBOR_INDEFINITE",
    ),
    "no algorithm": (_header((b"\x04", byte_string(_KID)), (b"\x10", b"\x19\xfd\xe8")), "CODE_HEADER"),
    "algorithm none": (_usual_header(alg=cbor.encode("none")), "ALG_MISMATCH"),
    "algorithm 0": (_usual_header(alg=b"\x00"), "ALG_MISMATCH"),
    "algorithm EdDSA": (_usual_header(alg=cbor.encode(-8)), "ALG_MISMATCH"),
    "algorithm ES384": (_usual_header(alg=cbor.encode(-35)), "ALG_MISMATCH"),
    "algorithm ESP256": (_usual_header(alg=cbor.encode(-9)), "ALG_MISMATCH"),
    "algorithm HS256": (_usual_header(alg=cbor.encode(5)), "ALG_MISMATCH"),
    "algorithm in long form": (_usual_header(alg=b"\x38\x06"), "CBOR_LONG_FORM"),
    "algorithm as a float": (_usual_header(alg=b"\xf9\xc7\x00"), "CBOR_SIMPLE"),
    "no kid": (_header((b"\x01", b"\x26"), (b"\x10", b"\x19\xfd\xe8")), "CODE_HEADER"),
    "kid of 7 bytes": (_usual_header(kid=byte_string(_KID[:7])), "CODE_HEADER"),
    "kid of 9 bytes": (_usual_header(kid=byte_string(_KID + b"\x00")), "CODE_HEADER"),
    "empty kid": (_usual_header(kid=byte_string(b"")), "CODE_HEADER"),
    "kid is text": (_usual_header(kid=cbor.encode(LICENSE.kid)), "CODE_HEADER"),
    "kid is a path": (_usual_header(kid=cbor.encode("../../etc/passwd")), "CODE_HEADER"),
    "no typ": (_header((b"\x01", b"\x26"), (b"\x04", byte_string(_KID))), "CODE_HEADER"),
    "typ of a presentation": (_usual_header(typ=cbor.encode(65001)), "CODE_TYP"),
    "typ of another application": (_usual_header(typ=cbor.encode(60)), "CODE_TYP"),
    "typ is text": (_usual_header(typ=cbor.encode("65000")), "CODE_TYP"),
    "critical header": (
        _header(
            (b"\x01", b"\x26"),
            (b"\x02", b"\x81\x10"),
            (b"\x04", byte_string(_KID)),
            (b"\x10", b"\x19\xfd\xe8"),
        ),
        "CODE_HEADER",
    ),
    "certificate chain in the header": (
        envelope(protected=b"\xa4" + PROTECTED[1:] + b"\x18\x21" + byte_string(b"certificate")),
        "CODE_HEADER",
    ),
    "header keys twice": (
        _header((b"\x01", b"\x26"), (b"\x01", b"\x26"), (b"\x04", byte_string(_KID)), (b"\x10", b"\x19\xfd\xe8")),
        "CBOR_DUPLICATE_KEY",
    ),
    "header keys unsorted": (
        _header((b"\x04", byte_string(_KID)), (b"\x01", b"\x26"), (b"\x10", b"\x19\xfd\xe8")),
        "CBOR_UNSORTED_KEYS",
    ),
}
