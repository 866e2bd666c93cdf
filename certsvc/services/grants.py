"""Grants: which agency may issue or verify which license types, and where.

Invariant: a grant names an agency that works here and a type that exists, or all of them.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from certsvc.domain.agency import ANY_TYPE, Grant
from certsvc.domain.changes import ChangeKind
from certsvc.domain.principal import Caller
from certsvc.errors import FieldViolation, InvalidInputError, NotFoundError
from certsvc.ports import Ledger, Repositories
from certsvc.services.agencies import check_own_agency, working_agency
from certsvc.services.directory import Directory
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

_REGION = re.compile(r"(?:[0-9]{2}){0,3}")


class Grants:
    """The use cases of AgencyService that are about grants."""

    def __init__(self, *, mutations: TracedMutations, ledger: Ledger, directory: Directory) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory

    def create(self, grant: Grant, mutation: Mutation[Grant], *, found: Iterable[FieldViolation] = ()) -> bytes:
        """Give a grant.

        Raises InvalidInputError, NotFoundError, FailedPreconditionError (AGENCY_DEACTIVATED), AlreadyExistsError.
        """

        def prepare(_now: datetime) -> Grant:
            violations = list(found)
            if grant.type_code != ANY_TYPE and self._directory.license_type(grant.type_code) is None:
                description = f"must be the code of a license type that exists, or {ANY_TYPE}"
                violations.append(FieldViolation("grant.type_code", "NO_SUCH_TYPE", description))
            if not _REGION.fullmatch(grant.region):
                description = "must be 0, 2, 4 or 6 digits (GB/T 2260)"
                violations.append(FieldViolation("grant.region", "REGION", description))
            if violations:
                raise InvalidInputError.of(*violations)
            return grant

        def work(repositories: Repositories, grant: Grant, _now: datetime) -> Grant:
            working_agency(repositories, grant.agency_id, field="grant.agency_id")
            repositories.agencies.add_grant(grant)
            return grant

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda grant: _trace("grant.created", grant)
        )

    def revoke(self, grant: Grant, mutation: Mutation[None], *, found: Iterable[FieldViolation] = ()) -> bytes:
        """Take a grant away, exactly as it was given. Raises InvalidInputError, NotFoundError (NO_SUCH_GRANT)."""

        def prepare(_now: datetime) -> Grant:
            violations = tuple(found)
            if violations:
                raise InvalidInputError.of(*violations)
            return grant

        def work(repositories: Repositories, grant: Grant, _now: datetime) -> None:
            if not repositories.agencies.remove_grant(grant):
                raise NotFoundError(reason="NO_SUCH_GRANT", message="grant: the agency has no grant like this")

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda grant: _trace("grant.revoked", grant)
        )

    def list(self, caller: Caller, agency_id: str) -> Sequence[Grant]:
        """All grants of an agency. Raises PermissionDeniedError (OTHER_AGENCY)."""
        check_own_agency(caller, agency_id)
        with self._ledger.read() as repositories:
            return repositories.agencies.grants(agency_id)


def _trace(action: str, grant: Grant) -> Trace:
    return Trace(
        action,
        ChangeKind.AGENCY,
        grant.agency_id,
        details={"kind": grant.kind, "type_code": grant.type_code, "region": grant.region},
    )
