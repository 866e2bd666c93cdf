"""The page's own reader of codes says what the register's reader says, of good codes and of bad ones."""

import json
import random
from datetime import datetime
from typing import Any

import pytest

from certsvc.credentials.cbor import decode
from certsvc.credentials.qr_code import ParsedCode, parse_text, sign_code, text_of
from certsvc.domain.identifier import check_character
from certsvc.domain.license_code import CodeHolder, LicenseCode
from certsvc.errors import MalformedError
from tests.require import ROOT
from tests.unit.web.page_modules import ask_page
from tests.vectors.samples import VERIFY_URL, license_code
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("license")
SEED = 20261122

GOOD = {
    "a company": license_code(),
    "open-ended": license_code(expires=None),
    "before 1970": license_code(not_before=datetime.fromisoformat("1958-05-01T00:00:00+08:00")),
    "two holders, one without a number": license_code(
        holders=(CodeHolder("张*三", "***************1234"), CodeHolder("欧**娜"))
    ),
    "nothing but an identifier": license_code(holders=(), fields={}),
    "every kind of field": license_code(
        fields={1: "", 2: True, 3: False, 23: 0, 24: -1, 255: 2**53 - 1, 7: -(2**53 - 1)}
    ),
    "text of every length in UTF-8": license_code(fields={1: "aé中\U00020bb7", 2: "\u202eabc", 3: "\ufeff"}),
    "last index of the last list": license_code(status_list=2**31 - 1, status_index=2**17 - 1),
}


def text(code: LicenseCode) -> str:
    return text_of(sign_code(code, signer=SIGNER), verify_url=VERIFY_URL)


def as_page_says(parsed: ParsedCode) -> dict[str, Any]:
    """What the page must read where the register's reader read this."""
    code = parsed.code
    root, _, without_root = code.identifier.partition("1.2.156.3005.2.")
    type_code, agency_id, serial, version, check = without_root.split(".")
    assert not root
    return {
        "host": parsed.host,
        "kid": parsed.kid,
        "signedBytes": parsed.signed_bytes.hex(),
        "signature": parsed.signature.hex(),
        "statusEntry": {"list": code.status_list, "index": code.status_index},
        "notBefore": int(code.not_before.timestamp()),
        "expires": None if code.expires is None else int(code.expires.timestamp()),
        "issuedAt": int(code.issued_at.timestamp()),
        "identifier": {
            "text": code.identifier,
            "typeCode": type_code,
            "agencyId": agency_id,
            "serial": serial,
            "version": version,
            "check": check,
        },
        "typeVersion": code.type_version,
        "holders": [{"name": name, "number": number} for name, number in code.holders],
        "fields": [[key, value] for key, value in sorted(code.fields.items(), key=lambda item: item[0])],
    }


def expected(code_text: str) -> dict[str, Any]:
    try:
        return {"value": as_page_says(parse_text(code_text))}
    except MalformedError as error:
        return {"refused": error.reason}


@pytest.mark.parametrize("name", GOOD)
def test_good_codes_read_alike(name: str) -> None:
    code_text = text(GOOD[name])
    wanted = expected(code_text)
    assert "value" in wanted
    assert ask_page([{"ask": "read", "text": code_text}]) == [wanted]


@pytest.mark.parametrize(
    ("before", "host"),
    [
        ("https://zz.example.gov.cn/lic/q", "zz.example.gov.cn"),
        ("HTTP://A.Example:8080/q?x=1", "a.example"),
        ("https://user:pass@evil.example/q", "evil.example"),
        ("https://good.example@evil.example", "evil.example"),
    ],
)
def test_the_host_of_a_text_is_told(before: str, host: str) -> None:
    digits = text(license_code()).partition("#")[2]
    (answer,) = ask_page([{"ask": "read", "text": f"{before}#{digits}"}])
    assert answer["value"]["host"] == host == parse_text(f"{before}#{digits}").host


def test_hostile_texts_get_the_answer_that_the_file_says() -> None:
    document = json.loads((ROOT / "tests/vectors/hostile/codes.json").read_text())
    now = int(datetime.fromisoformat("2026-11-22T09:00:00+00:00").timestamp())
    texts = [case_text(case, document["verify_url"]) for case in document["cases"]]
    questions = [{"ask": "verify", "text": each, "keys": document["keys"], "now": now} for each in texts]
    answers = ask_page(questions)
    for case, answer in zip(document["cases"], answers, strict=True):
        said = answer["value"]
        if case["expect"] == "ACCEPTED":
            # What is accepted is of the right form and signed; its dates, and those of its key, are not asked here.
            results = {check["name"]: check["result"] for check in said["checks"]}
            assert results["FORM"] == results["SIGNATURE"] == "PASS", (case["name"], said["verdict"])
            assert (said["host"], as_the_file_says(said["code"])) == (case["host"], case["code"]), case["name"]
            continue
        assert said["verdict"] == case["expect"], (case["name"], said["checks"])
        if case["expect"] == "MALFORMED":
            assert said["checks"][0]["reason"] == case["reason"], case["name"]
            assert said["asked"] == [], "nothing is asked in the name of a malformed code"
        assert (said["code"] is None) == (case["expect"] != "WRONG_SIGNER"), case["name"]


def case_text(case: dict[str, Any], verify_url: str) -> str:
    if "hex" in case:
        return f"{verify_url}#{int.from_bytes(bytes.fromhex(case['hex']), 'big')}"
    return str(case["text"]) + str(case.get("fill", "")) * int(case.get("times", 0))


def as_the_file_says(code: dict[str, Any]) -> dict[str, Any]:
    """A code as the page read it, in the words of codes.json."""
    return {
        "kid": code["kid"],
        "issued_at": code["issuedAt"],
        "not_before": code["notBefore"],
        "expires": code["expires"],
        "identifier": code["identifier"]["text"],
        "type_version": code["typeVersion"],
        "status_list": code["statusEntry"]["list"],
        "status_index": code["statusEntry"]["index"],
        "holders": [[part for part in holder.values() if part is not None] for holder in code["holders"]],
        "fields": {str(key): value for key, value in code["fields"]},
    }


def test_damaged_codes_are_refused_for_the_same_reason() -> None:
    """Bytes changed, cut out, doubled and inserted at random: both readers take and refuse the same ones."""
    chance = random.Random(SEED)
    good = [sign_code(code, signer=SIGNER) for code in GOOD.values()]
    texts = [text_of(b"\x01" + damaged(chance.choice(good)[1:], chance), verify_url=VERIFY_URL) for _ in range(4000)]
    wanted = [expected(each) for each in texts]
    assert sum("value" in answer for answer in wanted) > 100
    assert len({answer.get("refused") for answer in wanted}) > 12
    answers = ask_page([{"ask": "read", "text": each} for each in texts])
    for each, answer, want in zip(texts, answers, wanted, strict=True):
        assert answer == want, each


def damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data = data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + chance.randrange(1, 4) :]
            case 2:
                data = data[:at] + data[at : at + chance.randrange(1, 9)] + data[at:]
            case _:
                data = data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]
    return data


def test_cbor_of_any_shape_reads_alike() -> None:
    """Random bytes, most of them CBOR heads: the two readers agree on every value and every reason."""
    chance = random.Random(SEED)
    heads = bytes((0x00, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x20, 0x38, 0x3B, 0x40, 0x41, 0x58, 0x60, 0x61, 0x80, 0x81,
                   0x82, 0x9F, 0xA0, 0xA1, 0xA2, 0xBF, 0xC0, 0xD2, 0xF4, 0xF5, 0xF6, 0xF9, 0xFF))  # fmt: skip
    inputs = [
        bytes(chance.choice(heads) if chance.random() < 0.7 else chance.randrange(256) for _ in range(size))
        for size in (chance.randrange(1, 16) for _ in range(4000))
    ]
    answers = ask_page([{"ask": "cbor", "hex": data.hex()} for data in inputs])
    read = 0
    for data, answer in zip(inputs, answers, strict=True):
        try:
            wanted: dict[str, Any] = {"value": plain(decode(data))}
            read += 1
        except MalformedError as error:
            wanted = {"refused": error.reason}
        assert answer == wanted, data.hex()
    assert read > 100


def plain(item: object) -> object:
    """As page_driver.mjs writes values that JSON has no form for."""
    match item:
        case bytes():
            return item.hex()
        case bool() | str():
            return item
        case int():
            # JavaScript's integers are exact up to 2^53 - 1 and, as −1 − n, down to −2^53.
            return item if -(2**53) <= item < 2**53 else f"{item}n"
        case list():
            return [plain(each) for each in item]
        case dict():
            return [[plain(key) if isinstance(key, int) else key, plain(value)] for key, value in item.items()]
    raise TypeError(type(item))


def test_check_characters_are_the_same() -> None:
    chance = random.Random(SEED)
    bodies = [
        "".join(chance.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=k)) for k in range(1, 75) for _ in range(9)
    ]
    answers = ask_page([{"ask": "checkCharacter", "body": body} for body in bodies])
    assert [answer["value"] for answer in answers] == [check_character(body) for body in bodies]


def test_an_identifier_whose_issuer_counted_a_as_11_is_refused() -> None:
    right = "119900009999000119014.1299010099990002X3.A0B1C2D3E4F50617.001.7"
    texts = [right, *(right[:-1] + character for character in "0123456ABCDEFGHIJKLMNOPQRSTUVWXYZ89")]
    answers = ask_page([{"ask": "identifier", "text": each} for each in texts])
    assert answers[0]["value"]["text"] == f"1.2.156.3005.2.{right}"
    assert [answer["value"] for answer in answers[1:]] == [None] * 35
