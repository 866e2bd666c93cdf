"""Result codes of the national sharing interface (GB/T 36906), which go along with our verdicts.

Invariant: 4, 6 and 7 only come from matching; what is no finding about a license has no code.
"""

from collections.abc import Mapping

from certsvc.domain.verdict import Verdict

NATIONAL_CODES: Mapping[Verdict, int] = {
    Verdict.VALID: 0,
    Verdict.NOT_YET_VALID: 1,
    Verdict.SUSPENDED: 2,
    Verdict.REVOKED: 3,
    Verdict.CANCELLED: 3,
    Verdict.SUPERSEDED: 3,
    Verdict.EXPIRED: 3,
    Verdict.NOT_REGISTERED: 5,
}
"""Result codes of 信息验证 in the national sharing interface (GB/T 36906); the other verdicts have none."""


def national_code(verdict: Verdict) -> int | None:
    """The national result code of a verdict, None where it has none."""
    return NATIONAL_CODES.get(verdict)


def matching_code(*, found: int, fields_given: int, all_right: bool, verdict: Verdict) -> int:
    """The national result code, 0 to 7, of matching stated fields against the register.

    `found` is how many licenses the stated type, number and holder name, `verdict` the standing of the only
    one. 6: no field given; 5: no such license; 4: several match; 7: wrong in part; else the code of the
    standing.
    """
    if fields_given == 0:
        return 6
    if found == 0:
        return 5
    if found > 1:
        return 4
    if not all_right:
        return 7
    return NATIONAL_CODES[verdict]
