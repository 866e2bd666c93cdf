"""What a caller states of a license's life in another register, checked before it is taken over."""

from datetime import datetime, timedelta

from certsvc.domain.identifier import LicenseIdentifier, parse_identifier
from certsvc.domain.license import LicenseState
from certsvc.domain.text import text_violations
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.services.license_commands import ImportedHistory

MAX_REASON = 500
CLOCK_SLACK = timedelta(minutes=5)
"""The other register's clock may be this far ahead."""


def imported_identifier(
    imported: ImportedHistory, *, type_code: str, agency_id: str, violations: list[FieldViolation]
) -> LicenseIdentifier | None:
    """The identifier that the license has there, None where it has none; violations are added to the list."""
    if not imported.identifier:
        return None
    field = "imported.identifier"
    try:
        identifier = parse_identifier(imported.identifier, field=field)
    except InvalidInputError as error:
        violations += error.violations
        return None
    if identifier.type_code != type_code:
        violations.append(FieldViolation(field, "OTHER_TYPE", "names another license type than type_code"))
    # Some old identifiers name the agency by six digits: they are read so, and written anew with its credit code.
    if len(identifier.agency_id) == len(agency_id) and identifier.agency_id != agency_id:
        violations.append(FieldViolation(field, "OTHER_AGENCY", "names another agency than the caller"))
    return identifier


def check_history(imported: ImportedHistory, *, now: datetime) -> list[FieldViolation]:
    """What is wrong with the stated state and its times.

    Reasons: IN_FUTURE, REQUIRED, BEFORE_ISSUE, REVOCATION_KIND, and those of `text_violations`.
    """
    violations = text_violations(imported.state_reason, field="imported.state_reason", limit=MAX_REASON, required=False)
    for field, moment in (("issue_time", imported.issued_at), ("state_time", imported.state_at)):
        if moment is not None and moment > now + CLOCK_SLACK:
            violations.append(FieldViolation(f"imported.{field}", "IN_FUTURE", "lies in the future"))
    if imported.state not in (None, LicenseState.ACTIVE) and imported.state_at is None:
        description = "is needed with any state but active"
        violations.append(FieldViolation("imported.state_time", "REQUIRED", description))
    if imported.issued_at and imported.state_at and imported.state_at < imported.issued_at:
        violations.append(FieldViolation("imported.state_time", "BEFORE_ISSUE", "lies before issue_time"))
    if (imported.state is LicenseState.REVOKED) != (imported.revocation_kind is not None):
        description = "is needed with the revoked state, and only there"
        violations.append(FieldViolation("imported.revocation_kind", "REVOCATION_KIND", description))
    return violations
