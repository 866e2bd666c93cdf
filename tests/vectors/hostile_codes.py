"""Makes hostile/codes.json: texts that a reader of license codes must refuse, and near misses to take.

The file drives every reader (Python, JavaScript). Each case differs from a good code in one point, and
wherever that is possible it is signed by a trusted key, so that it is the point that is refused and not the
signature.

`python -m tests.vectors.hostile_codes` writes the file anew; a test compares.
"""

import json
from pathlib import Path
from typing import Any

from certsvc.credentials.key_set import KeyRecord
from certsvc.domain.signing_key import KeyPurpose
from tests.vectors.accepted_codes import accepted_cases
from tests.vectors.code_parts import LICENSE, VC, envelope
from tests.vectors.hostile_claims import CLAIMS
from tests.vectors.hostile_envelopes import ENVELOPES, HEADERS
from tests.vectors.hostile_signatures import SIGNATURES
from tests.vectors.samples import VERIFY_URL

FILE = Path(__file__).with_name("hostile") / "codes.json"

ABOUT = (
    "Read each case as its `text`, with `fill` put at the end as often as `times` says; or, where it has `hex`"
    " instead, as `verify_url`, '#' and the decimal number whose big-endian bytes `hex` gives. `keys` are all the"
    " keys that are trusted. `expect` is MALFORMED with its `reason`, UNKNOWN_SIGNER, BAD_SIGNATURE, WRONG_SIGNER,"
    " or ACCEPTED with the `host` and `code` that must come out. A reader may find another reason, but no other"
    " answer."
)

_DIGITS = str(int.from_bytes(envelope(), "big"))

TEXTS = {
    "empty text": ("", "TEXT_FORM"),
    "URL without a fragment": (VERIFY_URL, "TEXT_FORM"),
    "URL with an empty fragment": (f"{VERIFY_URL}#", "TEXT_FORM"),
    "fragment without a URL": (f"#{_DIGITS}", "TEXT_FORM"),
    "zero": (f"{VERIFY_URL}#0", "TEXT_FORM"),
    "leading zero": (f"{VERIFY_URL}#0{_DIGITS}", "TEXT_FORM"),
    "letter among the digits": (f"{VERIFY_URL}#{_DIGITS[:9]}O{_DIGITS[10:]}", "TEXT_FORM"),
    "full-width digit": (f"{VERIFY_URL}#{_DIGITS[:9]}７{_DIGITS[10:]}", "TEXT_FORM"),
    "Arabic-Indic digit": (f"{VERIFY_URL}#{_DIGITS[:9]}٧{_DIGITS[10:]}", "TEXT_FORM"),
    "superscript digit": (f"{VERIFY_URL}#{_DIGITS[:9]}²{_DIGITS[10:]}", "TEXT_FORM"),
    "plus sign": (f"{VERIFY_URL}#+{_DIGITS}", "TEXT_FORM"),
    "minus sign": (f"{VERIFY_URL}#-{_DIGITS}", "TEXT_FORM"),
    "underscore between digits": (f"{VERIFY_URL}#{_DIGITS[:9]}_{_DIGITS[9:]}", "TEXT_FORM"),
    "space before the digits": (f"{VERIFY_URL}# {_DIGITS}", "TEXT_FORM"),
    "space between digits": (f"{VERIFY_URL}#{_DIGITS[:9]} {_DIGITS[9:]}", "TEXT_FORM"),
    "line feed after the digits": (f"{VERIFY_URL}#{_DIGITS}\n", "TEXT_FORM"),
    "NUL after the digits": (f"{VERIFY_URL}#{_DIGITS}\0", "TEXT_FORM"),
    "hexadecimal": (f"{VERIFY_URL}#0x{envelope().hex()}", "TEXT_FORM"),
    "exponent": (f"{VERIFY_URL}#1e700", "TEXT_FORM"),
    "decimal point": (f"{VERIFY_URL}#{_DIGITS}.0", "TEXT_FORM"),
    "percent-encoded digit": (f"{VERIFY_URL}#%31{_DIGITS[1:]}", "TEXT_FORM"),
    "two fragments": (f"{VERIFY_URL}#1#{_DIGITS}", "TEXT_FORM"),
    "script URL": (f"javascript:alert(1)#{_DIGITS}", "TEXT_FORM"),
    "data URL": (f"data:text/html,x#{_DIGITS}", "TEXT_FORM"),
    "relative URL": (f"/q#{_DIGITS}", "TEXT_FORM"),
    "URL without a host": (f"https:///q#{_DIGITS}", "TEXT_FORM"),
    "URL with a space": (f"https://zz.example.gov.cn/a b#{_DIGITS}", "TEXT_FORM"),
    "URL with a line feed": (f"https://zz.example.gov.cn\n/q#{_DIGITS}", "TEXT_FORM"),
    "URL with Chinese letters": (f"https://例子.example/q#{_DIGITS}", "TEXT_FORM"),
    "digits of one byte": (f"{VERIFY_URL}#1", "CODE_SIZE"),
}

FILLED = {
    "2,468 digits": (f"{VERIFY_URL}#", "9", 2468, "TEXT_SIZE"),
    "100,000 digits": (f"{VERIFY_URL}#", "9", 100_000, "TEXT_SIZE"),
    "2,467 digits of more than 1,024 bytes": (f"{VERIFY_URL}#", "9", 2467, "CODE_SIZE"),
    "endless URL": ("https://zz.example.gov.cn/", "a", 100_000, "TEXT_SIZE"),
}


def hostile_file() -> dict[str, Any]:
    """The whole file."""
    cases: list[dict[str, Any]] = [
        {"name": name, "expect": "MALFORMED", "reason": reason, "text": text} for name, (text, reason) in TEXTS.items()
    ]
    cases += [
        {"name": name, "expect": "MALFORMED", "reason": reason, "text": text, "fill": fill, "times": times}
        for name, (text, fill, times, reason) in FILLED.items()
    ]
    cases += [
        {"name": name, "expect": "MALFORMED", "reason": reason, "hex": raw.hex()}
        for name, (raw, reason) in (ENVELOPES | HEADERS | CLAIMS).items()
    ]
    cases += [{"name": name, "expect": expect, "hex": raw.hex()} for name, (raw, expect) in SIGNATURES.items()]
    return {
        "about": ABOUT,
        "verify_url": VERIFY_URL,
        "keys": [
            KeyRecord.of(LICENSE.record(KeyPurpose.LICENSE), agency_name=None).to_json(),
            KeyRecord.of(VC.record(KeyPurpose.VC), agency_name=None).to_json(),
        ],
        "cases": [*cases, *accepted_cases()],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(hostile_file(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
