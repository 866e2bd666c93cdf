"""License codes at the edges of the format, which every reader must take, and what must come out of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from certsvc.credentials import cose
from certsvc.credentials.qr_code import sign_code, text_of
from certsvc.domain.license_code import CodeHolder, LicenseCode
from tests.vectors.code_parts import GOOD, LICENSE, PAYLOAD, PROTECTED, byte_string, envelope
from tests.vectors.samples import VERIFY_URL, license_code
from tests.vectors.signers import P256_ORDER


def _malleated() -> bytes:
    """The good code with the other signature that everybody can make from the first: (r, n - s)."""
    signature = LICENSE.sign(cose.sig_structure(PROTECTED, PAYLOAD))
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    return envelope(signature=byte_string(signature[:32] + s.to_bytes(32, "big")))


CODES = {
    "good code": GOOD,
    "open-ended": license_code(expires=None),
    "earliest time": license_code(not_before=datetime(1899, 12, 31, 16, tzinfo=UTC)),
    "begun and ended before 1970": license_code(
        not_before=datetime(1954, 10, 1, tzinfo=UTC), expires=datetime(1969, 1, 1, tzinfo=UTC)
    ),
    "latest time": license_code(expires=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    "one second long": license_code(
        not_before=datetime(2026, 1, 1, tzinfo=UTC), expires=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    ),
    "issued in 1970": license_code(issued_at=datetime(1970, 1, 1, tzinfo=UTC)),
    "last status entry": license_code(status_list=2**31 - 1, status_index=2**17 - 1),
    "first status entry": license_code(status_list=0, status_index=0),
    "largest type version": license_code(type_version=2**16 - 1),
    "no holders shown": license_code(holders=()),
    "name not shown": license_code(holders=(CodeHolder("", "****0034"),)),
    "two holders, masked": license_code(holders=(CodeHolder("张*三", "****0034"), CodeHolder("欧**娜"))),
    "no fields shown": license_code(fields={}),
    "every kind of field": license_code(
        fields={1: "", 2: 0, 3: -1, 4: True, 5: False, 23: 23, 24: 24, 25: 255, 26: 256, 255: 65_536}
    ),
    "largest integers": license_code(fields={1: 2**53 - 1, 2: -(2**53) + 1, 3: 2**32, 4: -(2**32) - 1}),
    "rare character": license_code(fields={1: "𠮷野家 😀 é"}),
    "byte order mark kept": license_code(fields={1: "\ufeffA"}),
    "text of 255 and 256 bytes": license_code(fields={1: "a" * 255, 2: "b" * 256}),
    "agency of 6 digits": license_code(identifier="1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"),
}

_DIGITS = text_of(envelope(), verify_url="").removeprefix("#")

TEXTS = {
    "bare digits": (_DIGITS, None),
    "foreign host": (f"https://evil.example/q#{_DIGITS}", "evil.example"),
    "register's name before the host": (
        f"https://zz.example.gov.cn@evil.example/q#{_DIGITS}",
        "evil.example",
    ),
    "host in capitals, with a port and a query": (
        f"HTTP://ZZ.Example.GOV.CN:8443/a?b=c#{_DIGITS}",
        "zz.example.gov.cn",
    ),
}


def accepted_cases() -> Iterator[dict[str, Any]]:
    """The cases as the file has them."""
    for name, code in CODES.items():
        raw = sign_code(code, signer=LICENSE)
        yield _case(name, code, host="zz.example.gov.cn", hex=raw.hex())
    yield _case("signature (r, n - s)", GOOD, host="zz.example.gov.cn", hex=_malleated().hex())
    for name, (text, host) in TEXTS.items():
        yield _case(name, GOOD, host=host, text=text)
    assert VERIFY_URL.startswith("https://zz.example.gov.cn/")


def _case(name: str, code: LicenseCode, *, host: str | None, **source: str) -> dict[str, Any]:
    return {"name": name, "expect": "ACCEPTED", **source, "host": host, "code": code_json(code)}


def code_json(code: LicenseCode) -> dict[str, Any]:
    """A code in JSON: times in Unix seconds, keys of fields as text, holders as they stand."""
    return {
        "kid": LICENSE.kid,
        "issued_at": int(code.issued_at.timestamp()),
        "not_before": int(code.not_before.timestamp()),
        "expires": None if code.expires is None else int(code.expires.timestamp()),
        "identifier": code.identifier,
        "type_version": code.type_version,
        "status_list": code.status_list,
        "status_index": code.status_index,
        "holders": [[name] if number is None else [name, number] for name, number in code.holders],
        "fields": {str(key): value for key, value in code.fields.items()},
    }
