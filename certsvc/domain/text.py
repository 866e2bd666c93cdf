"""Words in two languages, as they are shown to people, and the rules for any text that comes from outside.

Invariant: a text that passed `text_violations` prints as one reads it: no control characters, no marks that
turn the direction of writing, no half of a surrogate pair.
"""

import unicodedata
from dataclasses import dataclass

from certsvc.errors import FieldViolation

# Cc control, Cs surrogate, Zl and Zp line and paragraph separators; Cf holds joiners that names need, so it
# is not here.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Bidirectional controls (Unicode TR 9) and the byte order mark: they make a license read differently than it
# is signed.
_FORBIDDEN_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in Chinese and in English; `zh` is always there, `en` may be empty."""

    zh: str
    en: str = ""

    def in_language(self, language: str) -> str:
        """The text for `zh` or `en`, falling back to Chinese where English is missing."""
        return self.en if language == "en" and self.en else self.zh


def text_violations(
    value: str, *, field: str, limit: int, required: bool = True, multiline: bool = False
) -> list[FieldViolation]:
    """What is wrong with `value` as a text of at most `limit` characters, nothing if it is sound.

    Reasons: REQUIRED, TOO_LONG, CONTROL_CHARACTER, SURROUNDING_SPACE. `multiline` allows line feeds and tabs.
    The text itself is never repeated in a description.
    """
    if len(value) > limit:
        # Not looked at any further: looking costs time by the length, and the length is the caller's.
        return [FieldViolation(field, "TOO_LONG", f"has {len(value)} characters, at most {limit} allowed")]
    if not value.strip():
        if required:
            return [FieldViolation(field, "REQUIRED", "must not be empty")]
        return [] if not value else [FieldViolation(field, "SURROUNDING_SPACE", "consists of spaces only")]
    violations = []
    if any(_is_forbidden(char, multiline=multiline) for char in value):
        description = "holds control characters or marks of writing direction"
        violations.append(FieldViolation(field, "CONTROL_CHARACTER", description))
    elif value != value.strip():
        violations.append(FieldViolation(field, "SURROUNDING_SPACE", "begins or ends with a space"))
    return violations


def localized_violations(text: LocalizedText, *, field: str, limit: int) -> list[FieldViolation]:
    """The same for both languages; English may be missing."""
    return [
        *text_violations(text.zh, field=f"{field}.zh", limit=limit),
        *text_violations(text.en, field=f"{field}.en", limit=limit, required=False),
    ]


def _is_forbidden(char: str, *, multiline: bool) -> bool:
    if multiline and char in "\n\t":
        return False
    return char in _FORBIDDEN_MARKS or unicodedata.category(char) in _FORBIDDEN_CATEGORIES
