"""Officers of agencies: adding and changing them. An agency keeps its own; operators help.

Invariant: an officer is never removed, only ended, so that what was done keeps who did it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.agency import Officer, OfficerRole
from certsvc.domain.changes import ChangeKind
from certsvc.domain.principal import Caller
from certsvc.domain.text import text_violations
from certsvc.errors import FieldViolation, InvalidInputError, NotFoundError
from certsvc.ports import Ledger, Repositories
from certsvc.services.agencies import check_etag, check_own_agency, working_agency
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

MAX_NAME = 100
_OFFICER_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """An officer to add; `officer_id` is the agency's own staff code."""

    agency_id: str
    officer_id: str
    name: str
    roles: frozenset[OfficerRole]

    def __repr__(self) -> str:
        return f"NewOfficer({self.agency_id}, {self.officer_id}, ***)"


@dataclass(frozen=True, slots=True)
class OfficerUpdate:
    """What an officer shall be from now on; an empty `name` keeps it, an empty `etag` changes whatever is there."""

    agency_id: str
    officer_id: str
    etag: str
    name: str
    roles: frozenset[OfficerRole]
    active: bool

    def __repr__(self) -> str:
        return f"OfficerUpdate({self.agency_id}, {self.officer_id}, ***)"


class Officers:
    """The use cases of AgencyService that are about officers."""

    def __init__(self, *, mutations: TracedMutations, ledger: Ledger) -> None:
        self._mutations = mutations
        self._ledger = ledger

    def create(self, new: NewOfficer, mutation: Mutation[Officer], *, found: Iterable[FieldViolation] = ()) -> bytes:
        """Add an officer, who may call at once.

        Raises PermissionDeniedError (OTHER_AGENCY), InvalidInputError, NotFoundError, FailedPreconditionError
        (AGENCY_DEACTIVATED), AlreadyExistsError.
        """

        def prepare(_now: datetime) -> Officer:
            check_own_agency(mutation.caller, new.agency_id)
            violations = [*found, *text_violations(new.name, field="name", limit=MAX_NAME)]
            if not _OFFICER_ID.fullmatch(new.officer_id):
                description = "must be 1 to 64 of A-Z a-z 0-9 . _ -"
                violations.append(FieldViolation("officer_id", "OFFICER_ID", description))
            if violations:
                raise InvalidInputError.of(*violations)
            return Officer(new.agency_id, new.officer_id, new.name, roles=new.roles, active=True, revision=1)

        def work(repositories: Repositories, officer: Officer, _now: datetime) -> Officer:
            working_agency(repositories, officer.agency_id)
            repositories.agencies.add_officer(officer)
            return officer

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda officer: _trace("officer.created", officer)
        )

    def update(
        self, update: OfficerUpdate, mutation: Mutation[Officer], *, found: Iterable[FieldViolation] = ()
    ) -> bytes:
        """Change an officer; an ended one calls nothing from now on.

        Raises PermissionDeniedError (OTHER_AGENCY), InvalidInputError, NotFoundError, FailedPreconditionError
        (AGENCY_DEACTIVATED), ConflictError (STALE_ETAG, or when somebody was faster).
        """

        def prepare(_now: datetime) -> OfficerUpdate:
            check_own_agency(mutation.caller, update.agency_id)
            violations = [*found, *text_violations(update.name, field="name", limit=MAX_NAME, required=False)]
            if violations:
                raise InvalidInputError.of(*violations)
            return update

        def work(repositories: Repositories, update: OfficerUpdate, _now: datetime) -> Officer:
            working_agency(repositories, update.agency_id)
            officer = repositories.agencies.officer(update.agency_id, update.officer_id)
            if officer is None:
                raise NotFoundError(reason="NO_SUCH_OFFICER", message="officer_id: the agency has no such officer")
            check_etag(update.etag, officer.revision)
            changed = replace(
                officer,
                name=update.name or officer.name,
                roles=update.roles,
                active=update.active,
                revision=officer.revision + 1,
            )
            repositories.agencies.update_officer(changed)
            return changed

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda update: _trace("officer.changed", update)
        )

    def list(self, caller: Caller, agency_id: str, *, after: str, limit: int) -> Sequence[Officer]:
        """Officers in the order of their staff codes. Raises PermissionDeniedError (OTHER_AGENCY)."""
        check_own_agency(caller, agency_id)
        with self._ledger.read() as repositories:
            return repositories.agencies.officers(agency_id, after=after, limit=limit)


def _trace(action: str, officer: Officer | OfficerUpdate) -> Trace:
    return Trace(
        action,
        ChangeKind.AGENCY,
        officer.agency_id,
        target=f"{officer.agency_id}/{officer.officer_id}",
        details={"roles": " ".join(sorted(officer.roles)), "active": str(officer.active).lower()},
    )
