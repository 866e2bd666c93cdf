"""The file of hostile codes, and this project's Python reader against it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from certsvc.credentials.key_set import parse_key_record
from certsvc.credentials.qr_code import ParsedCode, parse_text, verify_code
from certsvc.credentials.verification_key import VerificationKey
from certsvc.errors import MalformedError, SignatureError
from tests.require import ROOT
from tests.vectors.accepted_codes import code_json
from tests.vectors.hostile_codes import FILE, hostile_file

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = DOCUMENT["cases"]
KEYS = {
    record.kid: VerificationKey.from_sec1(record.public_key, purpose=record.purpose)
    for record in map(parse_key_record, DOCUMENT["keys"])
}


def _text(case: Mapping[str, Any]) -> str:
    if "hex" in case:
        return f"{DOCUMENT['verify_url']}#{int(case['hex'], 16)}"
    return str(case["text"] + case.get("fill", "") * case.get("times", 0))


def _answer(text: str) -> tuple[str, ParsedCode | None]:
    try:
        parsed = parse_text(text)
    except MalformedError as error:
        return f"MALFORMED {error.reason}", None
    key = KEYS.get(parsed.kid)
    if key is None:
        return "UNKNOWN_SIGNER", None
    try:
        verify_code(parsed, key)
    except SignatureError as error:
        return "WRONG_SIGNER" if error.reason == "WRONG_KEY_PURPOSE" else error.reason, None
    return "ACCEPTED", parsed


def test_the_file_is_what_its_module_makes() -> None:
    assert hostile_file() == DOCUMENT


def test_names_are_unique_and_no_answer_is_missing() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))
    answers = {case["expect"] for case in CASES}
    assert answers == {"MALFORMED", "UNKNOWN_SIGNER", "BAD_SIGNATURE", "WRONG_SIGNER", "ACCEPTED"}


def test_the_format_page_names_every_reason() -> None:
    page = (ROOT / "docs" / "formats" / "qr-code.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Reasons")
    named = set(re.findall(r"`([A-Z0-9_]+)`", section.partition("## ")[0]))
    assert named == {case["reason"] for case in CASES if "reason" in case}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_reader_gives_the_expected_answer(case: Mapping[str, Any]) -> None:
    answer, parsed = _answer(_text(case))
    assert answer == " ".join(filter(None, (case["expect"], case.get("reason"))))
    if parsed is not None:
        assert parsed.host == case["host"]
        assert code_json(parsed.code) == case["code"]
