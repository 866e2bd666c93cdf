"""License identifiers (证照标识, GB/T 36904).

Their form is `1.2.156.3005.2.<type 21>.<agency 18>.<serial>.<version 3>.<check>`.

Invariants: a `LicenseIdentifier` from this module has the right check character; its text is its only
spelling, so that two texts are the same identifier exactly when they are equal; made ones always name the
agency by its 18-character code.
"""

import re
from dataclasses import dataclass

from stdnum.iso7064 import mod_37_36

from certsvc.domain.number_checks import CREDIT_CODE_ALPHABET
from certsvc.errors import FieldViolation, InvalidInputError

ROOT = "1.2.156.3005.2"
MAX_SERIAL = 32
MAX_VERSION = 999

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CREDIT_CODE = f"[{CREDIT_CODE_ALPHABET}]{{18}}"
_PARTS = (
    ("TYPE_CODE", re.compile(rf"{_CREDIT_CODE}[0-9]{{3}}"), "the type is a credit code and 3 digits"),
    # Six digits, a bare region code, occur in identifiers in the field; they are read and kept, never
    # written.
    (
        "AGENCY",
        re.compile(rf"{_CREDIT_CODE}|[0-9]{{6}}"),
        "the agency is a credit code, or a region of 6 digits",
    ),
    ("SERIAL", re.compile(rf"[0-9A-Z]{{1,{MAX_SERIAL}}}"), f"the serial is 1 to {MAX_SERIAL} of 0-9 and A-Z"),
    ("VERSION", re.compile(r"(?!000)[0-9]{3}"), "the version is 3 digits, from 001"),
    ("CHECK_CHARACTER", re.compile(r"[0-9A-Z]"), "the check is one of 0-9 and A-Z"),
)


@dataclass(frozen=True, slots=True)
class LicenseIdentifier:
    """The parts of an identifier; `agency_id` has 18 characters, or 6 in some that others issued."""

    type_code: str
    agency_id: str
    serial: str
    version: int
    check: str

    @property
    def text(self) -> str:
        """The whole identifier, as printed."""
        return f"{ROOT}.{self.without_root}"

    @property
    def without_root(self) -> str:
        """The identifier without `1.2.156.3005.2.`, as a QR code carries it (claim cti)."""
        return f"{self.type_code}.{self.agency_id}.{self.serial}.{self.version:03d}.{self.check}"


def make_identifier(*, type_code: str, agency_id: str, serial: str, version: int) -> LicenseIdentifier:
    """The identifier of a new version, with its check character (ISO 7064 MOD 37,36, without dots and root).

    Raises InvalidInputError when a part is not of its form (reasons TYPE_CODE, AGENCY, SERIAL, VERSION).
    """
    parts = [type_code, agency_id, serial, f"{version:03d}"]
    violations = [
        FieldViolation(name.lower(), name, description)
        for (name, form, description), part in zip(_PARTS, parts, strict=False)
        if not form.fullmatch(part)
    ]
    if len(agency_id) == 6:
        violations.append(FieldViolation("agency", "AGENCY", "new identifiers name the agency by its credit code"))
    if violations:
        raise InvalidInputError.of(*violations)
    return LicenseIdentifier(type_code, agency_id, serial, version, check_character("".join(parts)))


def parse_identifier(text: str, *, field: str = "identifier") -> LicenseIdentifier:
    """The identifier that `text` writes in its only spelling, or InvalidInputError.

    Reasons: ROOT, PARTS, TYPE_CODE, AGENCY, SERIAL, VERSION, CHECK_CHARACTER, and CHECK_CHARACTER_A11 when
    the check character is the one that issuers reach who count A as 11 (GB/T 36904; ISO 7064 counts A as 10).
    """
    if not text.startswith(f"{ROOT}."):
        raise _refusal(field, "ROOT", f"does not begin with {ROOT}.")
    return parse_without_root(text[len(ROOT) + 1 :], field=field)


def parse_without_root(text: str, *, field: str = "identifier") -> LicenseIdentifier:
    """The same for an identifier written without its root (claim cti of a QR code)."""
    parts = text.split(".", len(_PARTS))
    if len(parts) != len(_PARTS):
        raise _refusal(field, "PARTS", "expected <type 21>.<agency 18>.<serial>.<version 3>.<check> after the root")
    wrong = [
        FieldViolation(field, name, description)
        for (name, form, description), part in zip(_PARTS, parts, strict=True)
        if not form.fullmatch(part)
    ]
    if wrong:
        raise InvalidInputError.of(*wrong)
    type_code, agency_id, serial, version, check = parts
    body = "".join(parts[:4])
    if check != check_character(body):
        if check == _check_counting_a_as_11(body):
            description = "the check character is wrong; it looks as if the issuer counted A as 11 instead of 10"
            raise _refusal(field, "CHECK_CHARACTER_A11", description)
        description = "the check character does not fit: ISO 7064 MOD 37,36 over type, agency, serial and version"
        raise _refusal(field, "CHECK_CHARACTER", description)
    return LicenseIdentifier(type_code, agency_id, serial, int(version), check)


def check_character(body: str) -> str:
    """ISO 7064 MOD 37,36 of type, agency, serial and version, joined; `body` holds 0-9 and A-Z only."""
    return mod_37_36.calc_check_digit(body)


def _check_counting_a_as_11(body: str) -> str:
    """What a widespread faulty routine computes; only to name the mistake, never to accept it.

    It takes the values of letters one too high, reduces sums with letters modulo 37 first, and looks the
    result up one place too low.
    """
    product = 36
    for char in body:
        is_letter = char >= "A"
        total = product + _ALPHABET.index(char) + is_letter
        if is_letter and total > 37:
            total %= 37
        product = (total % 36 or 36) * 2 % 37
    return _ALPHABET[36 - product]


def _refusal(field: str, reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation(field, reason, description))
