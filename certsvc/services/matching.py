"""MatchLicense (信息验证, GB/T 36906): says right or wrong per stated field and shows nothing else.

Invariants: every answer leaves an access record, whatever it found; quotas per caller, and per caller and subject, keep
it from becoming a guessing oracle, whoever's number was stated: the holders of the license that was meant count too;
the answers to an unknown license and to a foreign one are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certsvc.domain import validity_dates
from certsvc.domain.access import AccessContext, Right
from certsvc.domain.agency import GrantKind
from certsvc.domain.judging import judge_standing
from certsvc.domain.license import Holder, License
from certsvc.domain.national_codes import matching_code
from certsvc.domain.numbers import Number, parse_number
from certsvc.domain.principal import Caller
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.domain.verdict import Verdict
from certsvc.errors import FieldViolation, InvalidInputError, PermissionDeniedError
from certsvc.ports import AccessRecord, Clock, Ledger, Repositories
from certsvc.services.access_quotas import AccessQuotas
from certsvc.services.directory import Directory
from certsvc.services.license_commands import HolderInput
from certsvc.services.license_drafts import parse_day
from certsvc.services.registrations import Moment, Registrations

OPERATION = "MatchLicense"
MAX_FIELDS = 32


@dataclass(frozen=True, slots=True, repr=False)
class MatchCommand:
    """What the caller states; empty parts are left out of the comparison."""

    type_code: str
    license_number: str
    holder: HolderInput | None
    fields: Mapping[str, Any]
    valid_from: str
    valid_until: str
    context: AccessContext


@dataclass(frozen=True, slots=True)
class MatchAnswer:
    """The national code, and right or wrong per stated field."""

    national_code: int
    matches: tuple[tuple[str, bool], ...] = ()


class MatchingService:
    """The use case of MatchLicense."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        directory: Directory,
        registrations: Registrations,
        quotas: AccessQuotas,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._registrations = registrations
        self._quotas = quotas
        self._clock = clock

    def match(self, caller: Caller, command: MatchCommand) -> MatchAnswer:
        """Compare.

        Raises InvalidInputError, PermissionDeniedError (MATCH_NOT_GRANTED), ExhaustedError (ACCESS_QUOTA).
        """
        now = self._clock.now()
        number = self._check(command)
        if not any(
            grant.kind is GrantKind.VERIFY and grant.type_code in ("*", command.type_code)
            for grant in self._directory.grants(caller.owner_id)
        ):
            raise PermissionDeniedError(
                reason="MATCH_NOT_GRANTED", message="this agency may not match licenses of this type"
            )

        def work(repositories: Repositories) -> MatchAnswer:
            found = self._candidates(repositories, caller, command, number)
            license_ = found[0] if len(found) == 1 else None
            concerned = _holders_concerned(license_, number)
            self._quotas.check(repositories, caller, OPERATION, concerned, clock=self._clock)
            answer = self._compare(repositories, command, number, found)
            repositories.access.add(
                AccessRecord(
                    at=now,
                    agency_id=caller.owner_id,
                    officer_id=caller.officer_id,
                    operation=OPERATION,
                    right=Right.DUTY,
                    context=command.context,
                    license_id=license_.license_id if license_ else None,
                    holders=concerned,
                    fields=tuple(field for field, _ in answer.matches),
                )
            )
            return answer

        return self._ledger.write(work)

    def _check(self, command: MatchCommand) -> Number | None:
        violations = command.context.violations()
        if not command.type_code:
            violations.append(FieldViolation("type_code", "REQUIRED", "must be given"))
        if len(command.fields) > MAX_FIELDS:
            violations.append(FieldViolation("fields", "TOO_MANY", f"at most {MAX_FIELDS} fields"))
        for field, day in (("valid_from", command.valid_from), ("valid_until", command.valid_until)):
            if day:
                parse_day(day, field=field, violations=violations)
        number = None
        if command.holder is not None and command.holder.number:
            today = day_in_shanghai(self._clock.now())
            try:
                number = parse_number(
                    command.holder.number, today=today, kind=command.holder.kind, field="holder.number"
                )
            except InvalidInputError as error:
                violations += error.violations
        if not command.license_number and not (command.holder and command.holder.number):
            description = "a license_number or the holder's number must say which license is meant"
            violations.append(FieldViolation("license_number", "REQUIRED", description))
        if violations:
            raise InvalidInputError.of(*violations)
        return number

    def _candidates(
        self, repositories: Repositories, caller: Caller, command: MatchCommand, number: Number | None
    ) -> list[License]:
        """Licenses that are meant, as far as the caller's grants reach; of several, those that are not final."""
        found = [
            license_
            for license_ in repositories.licenses.candidates(
                type_code=command.type_code, license_number=command.license_number, holder=number
            )
            if self._reaches(caller, license_)
        ]
        living = [license_ for license_ in found if not license_.state.is_final]
        return living or found

    def _reaches(self, caller: Caller, license_: License) -> bool:
        issuer = self._directory.agency(license_.agency_id)
        return self._directory.allows(
            caller.owner_id,
            GrantKind.VERIFY,
            type_code=license_.type_code,
            region=issuer.region if issuer else "",
        )

    def _compare(
        self,
        repositories: Repositories,
        command: MatchCommand,
        number: Number | None,
        found: list[License],
    ) -> MatchAnswer:
        stated = _stated(command, number)
        if len(found) != 1 or not stated:
            code = matching_code(found=len(found), fields_given=len(stated), all_right=False, verdict=Verdict.VALID)
            return MatchAnswer(code)
        license_ = found[0]
        matches = tuple((field, _is_right(field, value, license_)) for field, value in stated.items())
        version = license_.current
        registered = repositories.licenses.by_identifier(version.identifier)
        assert registered is not None  # noqa: S101 - it was just read in this transaction
        verdict = judge_standing(
            self._registrations.of_version(repositories, registered, Moment()),
            not_before=validity_dates.not_before(version.validity),
            expires=validity_dates.expires(version.validity),
            now=self._clock.now(),
            age_seconds=0.0,
        ).verdict
        code = matching_code(
            found=1, fields_given=len(stated), all_right=all(right for _, right in matches), verdict=verdict
        )
        return MatchAnswer(code, matches)


def _stated(command: MatchCommand, number: Number | None) -> dict[str, Any]:
    """What the caller stated, by the names that the answer uses."""
    stated: dict[str, Any] = {
        "license_number": command.license_number,
        "holder.number": number,
        "holder.name": command.holder.name if command.holder else "",
        "valid_from": command.valid_from,
        "valid_until": command.valid_until,
    }
    stated |= {f"fields.{name}": value for name, value in command.fields.items()}
    return {name: value for name, value in stated.items() if value not in ("", None)}


def _is_right(field: str, value: Any, license_: License) -> bool:
    version = license_.current
    match field:
        case "license_number":
            return bool(value == version.license_number)
        case "holder.number":
            return value in [holder.number for holder in version.holders]
        case "holder.name":
            return value in [holder.name for holder in version.holders]
        case "valid_from":
            return bool(value == version.validity.first.isoformat())
        case "valid_until":
            return version.validity.last is not None and value == version.validity.last.isoformat()
    return field.removeprefix("fields.") in version.fields and bool(
        version.fields[field.removeprefix("fields.")] == value
    )


def _holders_concerned(license_: License | None, number: Number | None) -> tuple[Number, ...]:
    """Whose data was tested: the license's holders, or the one whose number was stated."""
    holders: tuple[Holder, ...] = license_.current.holders if license_ else ()
    numbers = [holder.number for holder in holders]
    if number is not None and number not in numbers:
        numbers.append(number)
    return tuple(numbers)
