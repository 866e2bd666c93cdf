"""Why a caller wants to see personal data: the access context, and the legal bases that the register knows.

Invariants: a call that returns or tests personal data of a license that the caller did not issue carries a
sound context (DESIGN, rules of the domain); the same context goes into the access record.
"""

import enum
from dataclasses import dataclass

from certsvc.domain.text import text_violations
from certsvc.errors import FieldViolation, InvalidInputError

MAX_MATTER = 64
MAX_CASE_NUMBER = 128
MAX_CAUSE = 200
"""Length of 申请事由 in the sharing interface (GB/T 36906)."""
MAX_LEGAL_BASIS = 500


class Right(enum.StrEnum):
    """On what right a subject's data is read; kept in the access record, shown to the subject.

    DUTY 依职能 by official duty, CONSENT 授权 with the holder's yes, PRESENTED what the holder showed, OWN
    the subject itself or the agency that issued the license.
    """

    DUTY = "DUTY"
    CONSENT = "CONSENT"
    PRESENTED = "PRESENTED"
    OWN = "OWN"


@dataclass(frozen=True, slots=True)
class AccessContext:
    """For which matter (事项) and case, why, and on what legal basis."""

    matter: str
    case_number: str
    cause: str
    legal_basis: str

    def check(self, *, field: str = "access_context") -> None:
        """Raise InvalidInputError with all that `violations` finds."""
        violations = self.violations(field=field)
        if violations:
            raise InvalidInputError.of(*violations)

    def violations(self, *, field: str = "access_context") -> list[FieldViolation]:
        """What is wrong with it (reasons of `text_violations`); every part is required."""
        return [
            *text_violations(self.matter, field=f"{field}.matter", limit=MAX_MATTER),
            *text_violations(self.case_number, field=f"{field}.case_number", limit=MAX_CASE_NUMBER),
            *text_violations(self.cause, field=f"{field}.cause", limit=MAX_CAUSE),
            *text_violations(self.legal_basis, field=f"{field}.legal_basis", limit=MAX_LEGAL_BASIS),
        ]
