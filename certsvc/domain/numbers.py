"""Numbers (号码): the one key under which a subject is known, and how a text becomes one.

Invariants: a `Number` made by `parse_number` is normalised and passed every rule of its kind; one real number
has one (kind, value) pair, whatever kind the caller called it; neither `repr` nor an error shows any part of
it.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from certsvc.domain import number_checks
from certsvc.domain.number_checks import DIGITS, LETTERS, PERMIT_PROVINCES, Rule
from certsvc.errors import FieldViolation, InvalidInputError

MAX_INPUT = 64
"""Longer texts are refused before they are looked at."""


class HolderKind(enum.StrEnum):
    """Natural persons are shown masked by default, legal persons in full."""

    NATURAL = "NATURAL"
    LEGAL = "LEGAL"


class NumberKind(enum.StrEnum):
    """What kind of number it is; the `_15` forms are those of old cards, which stay usable until they end."""

    CITIZEN = "CITIZEN"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"
    FOREIGN_RESIDENT = "FOREIGN_RESIDENT"
    CITIZEN_15 = "CITIZEN_15"
    FOREIGN_RESIDENT_15 = "FOREIGN_RESIDENT_15"
    PASSPORT = "PASSPORT"
    CREDIT_CODE = "CREDIT_CODE"

    @property
    def holder_kind(self) -> HolderKind:
        """Who holds such a number."""
        return HolderKind.LEGAL if self is NumberKind.CREDIT_CODE else HolderKind.NATURAL

    @property
    def is_checked(self) -> bool:
        """Whether the kind has a check character; a typing error in the others goes unseen."""
        return self not in (NumberKind.CITIZEN_15, NumberKind.FOREIGN_RESIDENT_15, NumberKind.PASSPORT)


NATIONAL_HOLDER_CODES = {
    "001": NumberKind.CREDIT_CODE,
    "111": NumberKind.CITIZEN,
    "414": NumberKind.PASSPORT,
    "553": NumberKind.FOREIGN_RESIDENT,
    "554": NumberKind.FOREIGN_RESIDENT,
}
"""Codes of GB/T 36903 annex A: 001 and 111 were seen in use, the others are unconfirmed."""


@dataclass(frozen=True, slots=True, repr=False)
class Number:
    """A normalised number and its kind. Its `repr` never shows the value."""

    kind: NumberKind
    value: str

    def __repr__(self) -> str:
        return f"Number({self.kind}, ***)"

    @property
    def checked(self) -> bool:
        """Whether a check character vouches for it (see NumberKind.is_checked)."""
        return self.kind.is_checked

    @property
    def holder_kind(self) -> HolderKind:
        """Who holds it."""
        return self.kind.holder_kind


def normalise(text: str) -> str:
    """Full-width characters (phone keyboards) to ASCII, ASCII letters to capitals, spaces around removed."""
    return text.translate(_TO_ASCII_CAPITALS).strip(" \t")


def parse_number(text: str, *, today: date, kind: NumberKind | None = None, field: str = "number") -> Number:
    """The number that `text` writes, or InvalidInputError with every rule of its kind that it breaks.

    `kind` is what the caller says it is; None finds out, for all kinds but passports, which must be named. A
    citizen number and a residence permit share one form: the province decides, so that one number never has
    two kinds. `today` is the calendar day in Asia/Shanghai, the last one that can be a birthday. Reasons:
    LENGTH, ALPHABET, PROVINCE, BIRTH_DATE, REGION, ORGANISATION_CHECK, CHECK_CHARACTER, AMBIGUOUS. Sources:
    GB 11643-1999, GB 32100-2015, GB 11714.
    """
    if len(text) > MAX_INPUT:
        raise _refusal(field, [("LENGTH", f"longer than {MAX_INPUT} characters")])
    value = normalise(text)
    if kind is None:
        kind = _find_kind(value, today=today, field=field)
    elif kind is NumberKind.CITIZEN and value[:2] in PERMIT_PROVINCES:
        kind = NumberKind.RESIDENCE_PERMIT
    broken = list(_broken_rules(value, kind, today=today))
    if broken:
        raise _refusal(field, broken)
    return Number(kind, value)


def kind_of_national_code(code: str, *, field: str = "holder_type") -> NumberKind:
    """The kind that a national holder type code names, or InvalidInputError (UNKNOWN_HOLDER_TYPE)."""
    kind = NATIONAL_HOLDER_CODES.get(code)
    if kind is None:
        known = ", ".join(NATIONAL_HOLDER_CODES)
        raise _refusal(field, [("UNKNOWN_HOLDER_TYPE", f"no known holder type; known are {known}")])
    return kind


_TO_ASCII_CAPITALS = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{ord(lower): ord(lower) - 32 for lower in "abcdefghijklmnopqrstuvwxyz"},
    **{code: code - 0xFEE0 - 32 for code in range(0xFF41, 0xFF5B)},
    0x3000: ord(" "),
}


def _broken_rules(value: str, kind: NumberKind, *, today: date) -> Iterator[Rule]:
    match kind:
        case NumberKind.CREDIT_CODE:
            yield from number_checks.credit_code_rules(value)
        case NumberKind.CITIZEN:
            yield from number_checks.person_number_rules(value, province=value[:2], today=today)
        case NumberKind.RESIDENCE_PERMIT:
            # Any other province is a citizen's number, so it must not pass under this kind.
            province = value[:2] if value[:2] in PERMIT_PROVINCES else ""
            yield from number_checks.person_number_rules(value, province=province, today=today)
        case NumberKind.FOREIGN_RESIDENT:
            province = value[1:3] if value[:1] == "9" else ""
            yield from number_checks.person_number_rules(value, province=province, today=today)
        case NumberKind.CITIZEN_15:
            yield from _plain_form(value, letters=0, digits=15)
        case NumberKind.FOREIGN_RESIDENT_15:
            yield from _plain_form(value, letters=3, digits=12)
        case NumberKind.PASSPORT:
            if not 5 <= len(value) <= 20:
                yield "LENGTH", "expected 5 to 20 characters"
            if not (DIGITS | LETTERS).issuperset(value):
                yield "ALPHABET", "expected digits and letters A-Z only"


def _plain_form(value: str, *, letters: int, digits: int) -> Iterator[Rule]:
    form = f"expected {letters} letters and {digits} digits" if letters else f"expected {digits} digits"
    if len(value) != letters + digits:
        yield "LENGTH", form
    elif not (LETTERS.issuperset(value[:letters]) and DIGITS.issuperset(value[letters:])):
        yield "ALPHABET", form


def _find_kind(value: str, *, today: date, field: str) -> NumberKind:
    """The kind of a number whose kind nobody stated; 18 digits can be a person's and a company's at once."""
    if len(value) == 15:
        return NumberKind.CITIZEN_15 if value[:1] in DIGITS else NumberKind.FOREIGN_RESIDENT_15
    if len(value) != 18:
        raise _refusal(field, [("LENGTH", "expected 18 characters, or 15 of an old card")])
    person = NumberKind.CITIZEN
    if value[0] == "9":
        person = NumberKind.FOREIGN_RESIDENT
    elif value[:2] in PERMIT_PROVINCES:
        person = NumberKind.RESIDENCE_PERMIT
    as_person = {reason for reason, _ in _broken_rules(value, person, today=today)}
    as_credit_code = {reason for reason, _ in _broken_rules(value, NumberKind.CREDIT_CODE, today=today)}
    if not as_person and not as_credit_code:
        raise _refusal(field, [("AMBIGUOUS", "fits a person's number and a credit code: state the kind of number")])
    # A wrong number is reported as the kind that it comes closer to.
    if "ALPHABET" not in as_person and len(as_person) <= len(as_credit_code):
        return person
    return NumberKind.CREDIT_CODE


def _refusal(field: str, broken: list[Rule]) -> InvalidInputError:
    return InvalidInputError.of(*(FieldViolation(field, reason, description) for reason, description in broken))
