"""From what a caller stated to checked content: every violation is found, all are reported at once.

Invariant: a Draft satisfies its type (holders, fields, days, texts); nothing else makes one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from certsvc.domain import validity_dates
from certsvc.domain.license import Holder, ValidityPeriod
from certsvc.domain.license_content import check_license_content
from certsvc.domain.license_type import LicenseType
from certsvc.domain.numbers import parse_number
from certsvc.domain.validity_dates import check_validity
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.services.fields import FieldsValidator
from certsvc.services.license_commands import HolderInput


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """The checked content of a version."""

    license_number: str
    holders: tuple[Holder, ...]
    fields: Mapping[str, Any]
    validity: ValidityPeriod


class Drafting:
    """Checks stated content against a license type."""

    def __init__(self, fields: FieldsValidator) -> None:
        self._fields = fields

    def draft(
        self,
        license_type: LicenseType,
        *,
        license_number: str,
        holders: Iterable[HolderInput],
        fields: Mapping[str, Any],
        valid_from: str,
        valid_until: str,
        today: date,
        more: Iterable[FieldViolation] = (),
    ) -> Draft:
        """The checked content. Raises InvalidInputError with every violation, those in `more` included."""
        violations = list(more)
        stated = tuple(holders)
        parsed = parse_holders(stated, today=today, violations=violations)
        content = check_license_content(license_type, license_number=license_number, holders=parsed, fields=fields)
        if len(parsed) != len(stated):
            # Holders with unsound numbers are reported already: counting the others would report them again.
            content = [violation for violation in content if violation.field != "holders"]
        violations += content
        violations += self._fields.validate(license_type, fields)
        first = parse_day(valid_from, field="valid_from", violations=violations)
        last = parse_day(valid_until, field="valid_until", violations=violations) if valid_until else None
        if first is not None and (last is not None or not valid_until):
            period = ValidityPeriod(first, last)
            violations += renamed(check_validity(period, license_type.validity), PERIOD_FIELDS)
            if not violations:
                return Draft(license_number, parsed, dict(fields), period)
        raise InvalidInputError.of(*violations)


PERIOD_FIELDS = {"validity.first": "valid_from", "validity.last": "valid_until"}
"""What callers call the days, where the domain calls them otherwise."""


def renamed(violations: Iterable[FieldViolation], names: Mapping[str, str]) -> list[FieldViolation]:
    """The violations with their fields as callers name them."""
    return [replace(violation, field=names.get(violation.field, violation.field)) for violation in violations]


def parse_holders(
    holders: Iterable[HolderInput], *, today: date, violations: list[FieldViolation]
) -> tuple[Holder, ...]:
    """The holders whose numbers are sound; violations of the others are added to the list."""
    parsed = []
    for place, holder in enumerate(holders):
        try:
            number = parse_number(holder.number, today=today, kind=holder.kind, field=f"holders[{place}].number")
        except InvalidInputError as error:
            violations += error.violations
        else:
            parsed.append(Holder(number, holder.name))
    return tuple(parsed)


def parse_day(text: str, *, field: str, violations: list[FieldViolation]) -> date | None:
    """A calendar day YYYY-MM-DD; what is wrong with it is added to the list."""
    try:
        return validity_dates.parse_day(text)
    except ValueError:
        violations.append(FieldViolation(field, "DATE", "must be a calendar day, YYYY-MM-DD"))
        return None
