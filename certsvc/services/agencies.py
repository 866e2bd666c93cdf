"""Agencies: adding, changing and deactivating them.

Invariants: an agency is never removed; a deactivated one is never changed again, and names a successor only if that
one works here and took over its licenses in the same transaction.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.agency import Agency, AgencyLevel, AgencyState
from certsvc.domain.changes import ChangeKind
from certsvc.domain.numbers import NumberKind, parse_number
from certsvc.domain.principal import Caller
from certsvc.domain.text import LocalizedText, localized_violations, text_violations
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import (
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from certsvc.ports import Ledger, Repositories
from certsvc.services.directory import Directory
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

MAX_NAME = 200
MAX_REASON = 500
_REGION = re.compile(r"(?:[0-9]{2}){1,3}")


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An agency to add; `agency_id` is its unified social credit code."""

    agency_id: str
    name: LocalizedText
    region: str
    level: AgencyLevel


@dataclass(frozen=True, slots=True)
class AgencyUpdate:
    """What to change of an agency; None and "" keep. An empty `etag` changes whatever is there."""

    agency_id: str
    etag: str
    name: LocalizedText | None
    region: str
    level: AgencyLevel | None


@dataclass(frozen=True, slots=True)
class AgencyEnd:
    """Which agency ends its work here, who takes over ("" for nobody), and why."""

    agency_id: str
    successor_id: str
    reason: str


class Agencies:
    """The use cases of AgencyService that are about agencies themselves."""

    def __init__(self, *, mutations: TracedMutations, ledger: Ledger, directory: Directory) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory

    def create(self, new: NewAgency, mutation: Mutation[Agency], *, found: Iterable[FieldViolation] = ()) -> bytes:
        """Add an agency. `found` is what was wrong with the request already; all is reported at once.

        Raises InvalidInputError, AlreadyExistsError.
        """

        def prepare(now: datetime) -> Agency:
            violations = [*found, *_name_and_region_violations(new.name, new.region)]
            agency_id = new.agency_id
            try:
                agency_id = parse_number(
                    new.agency_id, today=day_in_shanghai(now), kind=NumberKind.CREDIT_CODE, field="agency_id"
                ).value
            except InvalidInputError as error:
                violations += error.violations
            _refuse(violations)
            return Agency(agency_id, new.name, new.region, new.level, AgencyState.ACTIVE, 1, now)

        def work(repositories: Repositories, agency: Agency, _now: datetime) -> Agency:
            repositories.agencies.add(agency)
            return agency

        return self._mutations.run(
            mutation,
            prepare=prepare,
            work=work,
            trace=lambda agency: Trace("agency.created", ChangeKind.AGENCY, agency.agency_id),
        )

    def get(self, agency_id: str) -> Agency:
        """One agency. Raises NotFoundError (NO_SUCH_AGENCY)."""
        agency = self._directory.agency(agency_id)
        if agency is None:
            raise _unknown_agency("agency_id")
        return agency

    def list(self, *, region: str, after: str, limit: int) -> Sequence[Agency]:
        """Agencies of a region (prefix), in the order of credit codes."""
        with self._ledger.read() as repositories:
            return repositories.agencies.list(region=region, after=after, limit=limit)

    def update(
        self, update: AgencyUpdate, mutation: Mutation[Agency], *, found: Iterable[FieldViolation] = ()
    ) -> bytes:
        """Change name, region or level.

        Raises InvalidInputError, NotFoundError, FailedPreconditionError (AGENCY_DEACTIVATED), ConflictError.
        """

        def prepare(_now: datetime) -> AgencyUpdate:
            # What is kept is sound already, so a sound stand-in is tested for it.
            name = update.name or LocalizedText("-")
            _refuse([*found, *_name_and_region_violations(name, update.region or "00")])
            return update

        def work(repositories: Repositories, update: AgencyUpdate, _now: datetime) -> Agency:
            agency = working_agency(repositories, update.agency_id)
            check_etag(update.etag, agency.revision)
            changed = replace(
                agency,
                name=update.name or agency.name,
                region=update.region or agency.region,
                level=update.level or agency.level,
                revision=agency.revision + 1,
            )
            repositories.agencies.update(changed)
            return changed

        return self._mutations.run(
            mutation,
            prepare=prepare,
            work=work,
            trace=lambda update: Trace("agency.changed", ChangeKind.AGENCY, update.agency_id),
        )

    def deactivate(self, end: AgencyEnd, mutation: Mutation[Agency]) -> bytes:
        """End an agency's work here and hand its licenses to its successor, if it names one.

        Its system and officers call nothing from now on, because callers are looked up at every call.
        Raises InvalidInputError, NotFoundError, FailedPreconditionError (AGENCY_DEACTIVATED, of either agency).
        """

        def prepare(_now: datetime) -> AgencyEnd:
            violations = text_violations(end.reason, field="reason", limit=MAX_REASON)
            if end.successor_id == end.agency_id:
                violations.append(FieldViolation("successor_id", "SAME_AGENCY", "must be another agency"))
            _refuse(violations)
            return end

        def work(repositories: Repositories, end: AgencyEnd, _now: datetime) -> Agency:
            agency = working_agency(repositories, end.agency_id)
            if end.successor_id:
                successor = working_agency(repositories, end.successor_id, field="successor_id")
                # A new revision, so that nobody deactivates the successor at the same time.
                repositories.agencies.update(replace(successor, revision=successor.revision + 1))
                repositories.agencies.transfer_licenses(from_id=end.agency_id, to_id=end.successor_id)
            ended = replace(
                agency,
                state=AgencyState.DEACTIVATED,
                successor_id=end.successor_id or None,
                revision=agency.revision + 1,
            )
            repositories.agencies.update(ended)
            return ended

        return self._mutations.run(
            mutation,
            prepare=prepare,
            work=work,
            trace=lambda end: Trace(
                "agency.deactivated",
                ChangeKind.AGENCY,
                end.agency_id,
                also=(end.successor_id,) if end.successor_id else (),
                details={"successor": end.successor_id, "reason": end.reason},
            ),
        )


def check_own_agency(caller: Caller, agency_id: str) -> None:
    """Raise PermissionDeniedError (OTHER_AGENCY) unless the caller is an operator or this agency."""
    if not caller.is_operator and not caller.is_agency(agency_id):
        raise PermissionDeniedError(reason="OTHER_AGENCY", message="agency_id: an agency may do this for itself only")


def working_agency(repositories: Repositories, agency_id: str, *, field: str = "agency_id") -> Agency:
    """The agency, if it works here.

    Raises NotFoundError (NO_SUCH_AGENCY), FailedPreconditionError (AGENCY_DEACTIVATED).
    """
    agency = repositories.agencies.get(agency_id)
    if agency is None:
        raise _unknown_agency(field)
    if agency.state is not AgencyState.ACTIVE:
        raise FailedPreconditionError(
            reason="AGENCY_DEACTIVATED",
            message=f"{field}: this agency does not work here any more",
            details={"state": agency.state},
        )
    return agency


def check_etag(etag: str, revision: int) -> None:
    """Raise ConflictError (STALE_ETAG) unless the etag is empty or that of this revision."""
    if etag and etag != str(revision):
        raise ConflictError(
            reason="STALE_ETAG",
            message="etag: it changed since it was read; read it again",
            details={"etag": str(revision)},
        )


def _unknown_agency(field: str) -> NotFoundError:
    return NotFoundError(reason="NO_SUCH_AGENCY", message=f"{field}: no agency with this credit code is here")


def _name_and_region_violations(name: LocalizedText, region: str) -> list[FieldViolation]:
    violations = localized_violations(name, field="name", limit=MAX_NAME)
    if not _REGION.fullmatch(region):
        violations.append(FieldViolation("region", "REGION", "must be 2, 4 or 6 digits (GB/T 2260)"))
    return violations


def _refuse(violations: Sequence[FieldViolation]) -> None:
    if violations:
        raise InvalidInputError.of(*violations)
