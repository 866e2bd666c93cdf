"""License codes, well signed, whose claims are wrong in one point each."""

from certsvc.credentials import cbor
from tests.vectors.code_parts import GOOD, PAYLOAD, body, byte_string, claims, envelope, field, raw_map

_CTI = GOOD.identifier.removeprefix("1.2.156.3005.2.")
_NULL, _UNDEFINED, _TRUE = b"\xf6", b"\xf7", b"\xf5"
_ONE_AS_HALF, _ONE_AS_DOUBLE = b"\xf9\x3c\x00", b"\xfb\x3f\xf0" + bytes(6)
_BIGNUM = b"\xc2\x49\x01" + bytes(8)


def _cti(text: str) -> bytes:
    return claims(cti=byte_string(text.encode()))


def _more(pair: bytes) -> bytes:
    """The good claims and one more encoded pair, after all others."""
    return b"\xa6" + PAYLOAD[1:] + pair


def _status(*parts: int) -> bytes:
    return claims(body=body(status=cbor.encode(list(parts))))


def _holders(value: cbor.Encodable) -> bytes:
    return claims(body=body(holders=cbor.encode(value)))


_SETS = {
    "payload is empty": (b"", "CBOR_TRUNCATED"),
    "payload is an array": (b"\x80", "CODE_CLAIMS"),
    "payload is text": (cbor.encode("claims"), "CODE_CLAIMS"),
    "byte after the claims": (PAYLOAD + b"\x00", "CBOR_TRAILING_BYTES"),
    "claims under the CWT tag": (b"\xd8\x3d" + PAYLOAD, "CBOR_TAG"),
    "no claims": (b"\xa0", "CODE_CLAIMS"),
    "nbf missing": (claims(nbf=None), "CODE_CLAIMS"),
    "iat missing": (claims(iat=None), "CODE_CLAIMS"),
    "cti missing": (claims(cti=None), "CODE_CLAIMS"),
    "private claim missing": (claims(body=None), "CODE_CLAIMS"),
    "issuer claim": (b"\xa6\x01" + cbor.encode("https://zz.example.gov.cn") + PAYLOAD[1:], "CODE_CLAIMS"),
    "second private claim": (_more(cbor.encode(-65538) + b"\x00"), "CODE_CLAIMS"),
    "claim with a text key": (_more(cbor.encode("iss") + b"\x00"), "CODE_CLAIMS"),
    "claim twice, alike": (_more(cbor.encode(-65537) + body()), "CBOR_DUPLICATE_KEY"),
    "claim twice, apart": (_more(b"\x04\x00"), "CBOR_DUPLICATE_KEY"),
    "claim twice, once in long form": (b"\xa6\x04\x00\x18\x04" + PAYLOAD[2:], "CBOR_LONG_FORM"),
    "claims unsorted": (
        raw_map((b"\x05", b"\x00"), (b"\x04", b"\x01"), (b"\x06", b"\x00"), (b"\x07", byte_string(b""))),
        "CBOR_UNSORTED_KEYS",
    ),
    "private claim first": (b"\xa5" + cbor.encode(-65537) + body() + b"\x04\x00", "CBOR_UNSORTED_KEYS"),
    "claims of indefinite length": (b"\xbf" + PAYLOAD[1:] + b"\xff", "CBOR_INDEFINITE"),
    "claim key is a byte string": (_more(b"\x41\x04\x00"), "CBOR_KEY_TYPE"),
    "claim key is true": (_more(_TRUE + b"\x00"), "CBOR_KEY_TYPE"),
    "claim key is an array": (_more(b"\x80\x00"), "CBOR_KEY_TYPE"),
    "claim key is a float": (_more(_ONE_AS_HALF + b"\x00"), "CBOR_SIMPLE"),
    "map of 2^63 claims": (b"\xbb\x80" + bytes(7), "CBOR_TRUNCATED"),
    "one claim less than counted": (b"\xa6" + PAYLOAD[1:], "CBOR_TRUNCATED"),
}

_TIMES = {
    "nbf is text": (claims(nbf=cbor.encode("2026-11-01")), "CODE_CLAIMS"),
    "nbf is a date under tag 0": (claims(nbf=b"\xc0" + cbor.encode("2026-11-01T00:00:00+08:00")), "CBOR_TAG"),
    "nbf is a time under tag 1": (claims(nbf=b"\xc1\x01"), "CBOR_TAG"),
    "nbf is a half float": (claims(nbf=_ONE_AS_HALF), "CBOR_SIMPLE"),
    "nbf is a single float": (claims(nbf=b"\xfa\x3f\x80\x00\x00"), "CBOR_SIMPLE"),
    "nbf is a double float": (claims(nbf=_ONE_AS_DOUBLE), "CBOR_SIMPLE"),
    "nbf is infinite": (claims(nbf=b"\xf9\xfc\x00"), "CBOR_SIMPLE"),
    "nbf is null": (claims(nbf=_NULL), "CBOR_SIMPLE"),
    "nbf is undefined": (claims(nbf=_UNDEFINED), "CBOR_SIMPLE"),
    "nbf is true": (claims(nbf=_TRUE), "CODE_CLAIMS"),
    "nbf is a big number": (claims(nbf=_BIGNUM), "CBOR_TAG"),
    "nbf is 2^64 - 1": (claims(nbf=b"\x1b" + b"\xff" * 8), "CODE_CLAIMS"),
    "nbf is -2^64": (claims(nbf=b"\x3b" + b"\xff" * 8), "CODE_CLAIMS"),
    "nbf before 1900": (claims(nbf=cbor.encode(-2_209_017_601)), "CODE_CLAIMS"),
    "nbf after 9999": (claims(exp=None, nbf=cbor.encode(253_402_300_800)), "CODE_CLAIMS"),
    "nbf in long form": (claims(nbf=b"\x1b" + bytes(4) + b"\x6a\x00\x00\x00"), "CBOR_LONG_FORM"),
    "nbf with reserved head": (claims(nbf=b"\x1c"), "CBOR_RESERVED"),
    "nbf is a break": (claims(nbf=b"\xff"), "CBOR_SIMPLE"),
    "iat negative": (claims(iat=b"\x20"), "CODE_CLAIMS"),
    "iat after 9999": (claims(iat=cbor.encode(253_402_300_800)), "CODE_CLAIMS"),
    "iat is a float": (claims(iat=_ONE_AS_DOUBLE), "CBOR_SIMPLE"),
    "exp is null": (claims(exp=_NULL), "CBOR_SIMPLE"),
    "exp is text": (claims(exp=cbor.encode("长期")), "CODE_CLAIMS"),
    "exp after 9999": (claims(exp=cbor.encode(253_402_300_800)), "CODE_CLAIMS"),
    "exp equals nbf": (claims(exp=b"\x00", nbf=b"\x00"), "CODE_CLAIMS"),
    "exp before nbf": (claims(exp=b"\x00"), "CODE_CLAIMS"),
    "exp negative and before nbf": (claims(exp=b"\x20"), "CODE_CLAIMS"),
}

_IDENTIFIERS = {
    "cti is text": (claims(cti=cbor.encode(_CTI)), "CODE_CLAIMS"),
    "cti is a number": (claims(cti=b"\x01"), "CODE_CLAIMS"),
    "cti is empty": (_cti(""), "CODE_IDENTIFIER"),
    "cti with its root": (_cti(GOOD.identifier), "CODE_IDENTIFIER"),
    "cti with a wrong check character": (_cti(f"{_CTI[:-1]}3"), "CODE_IDENTIFIER"),
    "cti whose issuer counts A as 11": (
        _cti("119900009999000119001.1299010099990002X3.A0B1C2D3E4F50617.001.D"),
        "CODE_IDENTIFIER",
    ),
    "cti with one digit changed": (_cti(_CTI.replace("2026", "2027")), "CODE_IDENTIFIER"),
    "cti in lower case": (_cti(_CTI.lower()), "CODE_IDENTIFIER"),
    "cti with a full-width digit": (_cti(_CTI.replace("2026", "２026")), "CODE_IDENTIFIER"),
    "cti not in ASCII": (claims(cti=byte_string(_CTI.encode()[:-1] + b"\xb2")), "CODE_IDENTIFIER"),
    "cti with a line feed": (_cti(f"{_CTI}\n"), "CODE_IDENTIFIER"),
    "cti with a NUL": (_cti(f"{_CTI}\0"), "CODE_IDENTIFIER"),
    "cti without dots": (_cti(_CTI.replace(".", "")), "CODE_IDENTIFIER"),
    "cti with a part too many": (_cti(f"{_CTI}.0"), "CODE_IDENTIFIER"),
    "cti of version 000": (
        _cti("119900009999000119001.1299010099990002X3.2026000000001.000.4"),
        "CODE_IDENTIFIER",
    ),
    "cti of 500 characters": (_cti(_CTI.replace("2026", "2" * 430)), "CODE_IDENTIFIER"),
    "cti in chunks": (claims(cti=b"\x5f" + byte_string(_CTI.encode()) + b"\xff"), "CBOR_INDEFINITE"),
    "cti longer than the input": (claims(cti=b"\x5b" + b"\xff" * 8), "CBOR_TRUNCATED"),
}

_BODIES = {
    "private claim is an array": (claims(body=b"\x80"), "CODE_CLAIMS"),
    "private claim is empty": (claims(body=b"\xa0"), "CODE_CLAIMS"),
    "status entry missing": (claims(body=body(status=None)), "CODE_CLAIMS"),
    "type version missing": (claims(body=body(type_version=None)), "CODE_CLAIMS"),
    "unknown member": (claims(body=b"\xa5" + body()[1:] + b"\x04\x00"), "CODE_CLAIMS"),
    "members unsorted": (
        claims(body=raw_map((b"\x03", b"\x01"), (b"\x00", b"\x82\x00\x00"))),
        "CBOR_UNSORTED_KEYS",
    ),
    "status entry of one": (_status(0), "CODE_CLAIMS"),
    "status entry of three": (_status(0, 1, 2), "CODE_CLAIMS"),
    "status index past the list": (_status(0, 2**17), "CODE_CLAIMS"),
    "status index negative": (_status(0, -1), "CODE_CLAIMS"),
    "status index is true": (claims(body=body(status=b"\x82\x00" + _TRUE)), "CODE_CLAIMS"),
    "status index is text": (claims(body=body(status=cbor.encode([0, "1"]))), "CODE_CLAIMS"),
    "status list negative": (_status(-1, 1), "CODE_CLAIMS"),
    "status list of 2^31": (_status(2**31, 1), "CODE_CLAIMS"),
    "status list of 2^64 - 1": (_status(2**64 - 1, 1), "CODE_CLAIMS"),
    "type version 0": (claims(body=body(type_version=b"\x00")), "CODE_CLAIMS"),
    "type version 65,536": (claims(body=body(type_version=cbor.encode(65_536))), "CODE_CLAIMS"),
    "type version is true": (claims(body=body(type_version=_TRUE)), "CODE_CLAIMS"),
    "holders empty": (_holders([]), "CODE_CLAIMS"),
    "holders are a map": (_holders({0: "张三"}), "CODE_CLAIMS"),
    "holder is text": (_holders(["张三"]), "CODE_CLAIMS"),
    "holder of no parts": (_holders([[]]), "CODE_CLAIMS"),
    "holder of three parts": (_holders([["张三", "1", "2"]]), "CODE_CLAIMS"),
    "holder's name is a number": (_holders([[1]]), "CODE_CLAIMS"),
    "holder's name is a byte string": (_holders([[b"A"]]), "CODE_CLAIMS"),
    "holder's number is a number": (_holders([["张三", 1]]), "CODE_CLAIMS"),
    "holder's number is null": (claims(body=body(holders=b"\x81\x82\x61A" + _NULL)), "CBOR_SIMPLE"),
    "fields empty": (claims(body=body(fields=b"\xa0")), "CODE_CLAIMS"),
    "fields are an array": (claims(body=body(fields=b"\x80")), "CODE_CLAIMS"),
    "field key 0": (field(b"\x01", key=b"\x00"), "CODE_CLAIMS"),
    "field key 256": (field(b"\x01", key=cbor.encode(256)), "CODE_CLAIMS"),
    "field key negative": (field(b"\x01", key=b"\x20"), "CODE_CLAIMS"),
    "field key is text": (field(b"\x01", key=b"\x61A"), "CODE_CLAIMS"),
    "field twice": (claims(body=body(fields=b"\xa2\x01\x01\x01\x02")), "CBOR_DUPLICATE_KEY"),
    "fields unsorted": (claims(body=body(fields=b"\xa2\x02\x01\x01\x02")), "CBOR_UNSORTED_KEYS"),
}

_VALUES = {
    "field is null": (field(_NULL), "CBOR_SIMPLE"),
    "field is undefined": (field(_UNDEFINED), "CBOR_SIMPLE"),
    "field is a float": (field(_ONE_AS_DOUBLE), "CBOR_SIMPLE"),
    "field is NaN": (field(b"\xf9\x7e\x00"), "CBOR_SIMPLE"),
    "field is simple value 16": (field(b"\xf0"), "CBOR_SIMPLE"),
    "field is simple value 255": (field(b"\xf8\xff"), "CBOR_SIMPLE"),
    "field is true in long form": (field(b"\xf8\x15"), "CBOR_SIMPLE"),
    "field is a byte string": (field(byte_string(b"A")), "CODE_CLAIMS"),
    "field is an array": (field(b"\x81\x01"), "CODE_CLAIMS"),
    "field is a map": (field(b"\xa1\x01\x01"), "CODE_CLAIMS"),
    "field is 2^53": (field(cbor.encode(2**53)), "CODE_CLAIMS"),
    "field is -2^53": (field(cbor.encode(-(2**53))), "CODE_CLAIMS"),
    "field is a big number": (field(_BIGNUM), "CBOR_TAG"),
    "field is a tagged URL": (field(b"\xd8\x20" + cbor.encode("https://zz.example.gov.cn")), "CBOR_TAG"),
    "field is embedded CBOR": (field(b"\xd8\x18\x41\x01"), "CBOR_TAG"),
    "field is text in chunks": (field(b"\x7f\x61A\x61B\xff"), "CBOR_INDEFINITE"),
    "field is text in long form": (field(b"\x78\x01A"), "CBOR_LONG_FORM"),
    "field is 1 in two bytes": (field(b"\x18\x01"), "CBOR_LONG_FORM"),
    "field is 1 in three bytes": (field(b"\x19\x00\x01"), "CBOR_LONG_FORM"),
    "field is 1 in five bytes": (field(b"\x1a\x00\x00\x00\x01"), "CBOR_LONG_FORM"),
    "field is 1 in nine bytes": (field(b"\x1b" + bytes(7) + b"\x01"), "CBOR_LONG_FORM"),
    "field has reserved head 29": (field(b"\x1d"), "CBOR_RESERVED"),
    "field has reserved head 30": (field(b"\x7e"), "CBOR_RESERVED"),
    "text with a stray byte": (field(b"\x61\xff"), "CBOR_BAD_UTF8"),
    "text with an overlong NUL": (field(b"\x62\xc0\x80"), "CBOR_BAD_UTF8"),
    "text with an overlong slash": (field(b"\x63\xe0\x80\xaf"), "CBOR_BAD_UTF8"),
    "text with half of a surrogate pair": (field(b"\x63\xed\xa0\x80"), "CBOR_BAD_UTF8"),
    "text with a surrogate pair": (field(b"\x66\xed\xa0\xbd\xed\xb8\x80"), "CBOR_BAD_UTF8"),
    "text past Unicode": (field(b"\x64\xf4\x90\x80\x80"), "CBOR_BAD_UTF8"),
    "text that ends within a character": (field(b"\x62\xe5\xbc"), "CBOR_BAD_UTF8"),
    "text longer than the input": (field(b"\x7a\xff\xff\xff\xff"), "CBOR_TRUNCATED"),
    "array of 2^32 items": (field(b"\x9b\x00\x00\x00\x01\x00\x00\x00\x00"), "CBOR_TRUNCATED"),
    "map of 2^32 pairs": (field(b"\xbb\x00\x00\x00\x01\x00\x00\x00\x00"), "CBOR_TRUNCATED"),
    "nested 9 deep": (field(b"\x81" * 6 + b"\x01"), "CBOR_TOO_DEEP"),
    "nested 500 deep": (field(b"\x81" * 500 + b"\x01"), "CBOR_TOO_DEEP"),
    "maps nested 200 deep": (field(b"\xa1\x01" * 200 + b"\x01"), "CBOR_TOO_DEEP"),
}

CLAIMS = {
    name: (envelope(payload), reason)
    for name, (payload, reason) in (_SETS | _TIMES | _IDENTIFIERS | _BODIES | _VALUES).items()
}
