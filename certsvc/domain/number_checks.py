"""Check characters and layouts of numbers, as the standards write them; knows nothing of kinds or holders.

Own code where python-stdnum refuses valid numbers or accepts impossible births (its `cn.ric` and `cn.uscc`);
only its ISO 7064 arithmetic is used. Every function takes normalised text (upper-case ASCII) and returns the
rules it breaks.
"""

from collections.abc import Iterator
from datetime import date

from stdnum.iso7064 import mod_11_2

DIGITS = frozenset("0123456789")
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: digits and capital letters without I, O, S, V, Z; a character's place is its value."""

PERMIT_PROVINCES = frozenset({"81", "82", "83"})
PROVINCES = PERMIT_PROVINCES | {
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37",
    "41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71",
}  # fmt: skip
"""First two digits of GB/T 2260 that were ever assigned; abolished counties stay valid and are not listed."""

EARLIEST_BIRTH = date(1900, 1, 1)

Rule = tuple[str, str]
"""A broken rule: its stable reason, and what was expected. Neither ever holds a part of the number."""

_PERSON_FORM = "18 characters: 17 digits, then a check character 0-9 or X"
_CREDIT_FORM = "18 characters of 0-9 and A-Z without I, O, S, V, Z"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def person_number_rules(text: str, *, province: str, today: date) -> Iterator[Rule]:
    """Rules that an 18-character number of a person breaks (GB 11643-1999; permits share the layout).

    `province` is the part that names the province: its place differs between citizens and foreign residents.
    """
    if len(text) != 18:
        yield "LENGTH", f"expected {_PERSON_FORM}"
        return
    if not (DIGITS.issuperset(text[:17]) and text[17] in DIGITS | {"X"}):
        yield "ALPHABET", f"expected {_PERSON_FORM}"
        return
    if province not in PROVINCES:
        yield "PROVINCE", "names no province of GB/T 2260"
    if not _is_birth_date(text[6:14], today=today):
        yield "BIRTH_DATE", "digits 7 to 14 are no date from 1900 to today"
    if not mod_11_2.is_valid(text):
        yield (
            "CHECK_CHARACTER",
            "the check character does not fit: ISO 7064 MOD 11-2 over the first 17 digits (GB 11643)",
        )


def credit_code_rules(text: str) -> Iterator[Rule]:
    """Rules that a unified social credit code breaks (GB 32100-2015 and, for the inner code, GB 11714)."""
    if len(text) != 18:
        yield "LENGTH", f"expected {_CREDIT_FORM}"
        return
    if any(char not in CREDIT_CODE_ALPHABET for char in text):
        yield "ALPHABET", f"expected {_CREDIT_FORM}"
        return
    if not DIGITS.issuperset(text[2:8]):
        yield "REGION", "characters 3 to 8 are a region of GB/T 2260: digits only"
    if text[16] != organisation_check(text[8:16]):
        yield (
            "ORGANISATION_CHECK",
            "character 17 does not fit characters 9 to 16: weights 3 7 9 10 5 8 4 2, MOD 11 (GB 11714)",
        )
    if text[17] != credit_code_check(text[:17]):
        yield (
            "CHECK_CHARACTER",
            "the last character does not fit the 17 before it: weights 3^i, MOD 31 (GB 32100)",
        )


def credit_code_check(body: str) -> str:
    """The check character of 17 characters of CREDIT_CODE_ALPHABET (GB 32100-2015, annex)."""
    total = sum(CREDIT_CODE_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return CREDIT_CODE_ALPHABET[-total % 31]


def organisation_check(body: str) -> str:
    """The check character of 8 characters of an organisation code (GB 11714; A=10 to Z=35, 10 is X)."""
    total = sum(int(char, 36) * weight for char, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def _is_birth_date(digits: str, *, today: date) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return EARLIEST_BIRTH <= born <= today
