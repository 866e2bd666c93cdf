"""The keys that agencies' systems and operators sign their tokens with: registering, revoking and listing them.

Invariants: only public keys come here; a key ends by itself after at most two years; an agency has at most
MAX_SERVING keys that serve, enough to rotate, too few to lose sight of.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from certsvc.domain.agency import CallerKind, ClientKey
from certsvc.domain.changes import ChangeKind
from certsvc.domain.principal import Caller
from certsvc.errors import (
    ExhaustedError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
)
from certsvc.ports import KeyNaming, Ledger, Repositories
from certsvc.services.agencies import check_own_agency, working_agency
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

DEFAULT_LIFETIME = timedelta(days=365)
MAX_LIFETIME = timedelta(days=731)
MAX_SERVING = 16

OPERATOR_PREFIX = "operator:"
_OPERATOR_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewClientKey:
    """A key to register: an uncompressed SEC1 P-256 point (65 bytes); no `expires_at` means in a year."""

    agency_id: str
    public_key: bytes
    expires_at: datetime | None


class ClientKeys:
    """The use cases of AgencyService that are about client keys."""

    def __init__(self, *, mutations: TracedMutations, ledger: Ledger, key_id_of: KeyNaming) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._key_id_of = key_id_of

    def register(
        self, new: NewClientKey, mutation: Mutation[ClientKey], *, found: Iterable[FieldViolation] = ()
    ) -> bytes:
        """Register a key; it serves at once.

        Raises PermissionDeniedError (OTHER_AGENCY), InvalidInputError, NotFoundError, FailedPreconditionError
        (AGENCY_DEACTIVATED), AlreadyExistsError (whoever has it), ExhaustedError (TOO_MANY_CLIENT_KEYS).
        """

        def prepare(now: datetime) -> ClientKey:
            check_own_agency(mutation.caller, new.agency_id)
            violations = list(found)
            expires_at = new.expires_at or now + DEFAULT_LIFETIME
            if not violations and not now < expires_at <= now + MAX_LIFETIME:
                description = f"must lie in the future, at most {MAX_LIFETIME.days} days ahead"
                violations.append(FieldViolation("expire_time", "OUT_OF_RANGE", description))
            key_id = ""
            try:
                key_id = self._key_id_of(new.public_key)
            except InvalidInputError as error:
                violations += error.violations
            if violations:
                raise InvalidInputError.of(*violations)
            return ClientKey(key_id, *_owner(new.agency_id), new.public_key, now, expires_at)

        def work(repositories: Repositories, key: ClientKey, now: datetime) -> ClientKey:
            if key.owner_kind is CallerKind.AGENCY:
                working_agency(repositories, key.owner_id)
            keys = repositories.agencies.client_keys(key.owner_id)
            if sum(each.revoked_at is None and now < each.expires_at for each in keys) >= MAX_SERVING:
                raise ExhaustedError(
                    reason="TOO_MANY_CLIENT_KEYS",
                    message=f"an agency has at most {MAX_SERVING} serving keys; revoke one first",
                    details={"limit": str(MAX_SERVING)},
                )
            repositories.agencies.add_client_key(key)
            return key

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda key: _trace("client_key.registered", key)
        )

    def revoke(self, agency_id: str, key_id: str, mutation: Mutation[ClientKey]) -> bytes:
        """Take a key away; it bites at once, and one that was taken away stays so.

        Raises PermissionDeniedError (OTHER_AGENCY), NotFoundError (NO_SUCH_CLIENT_KEY).
        """

        def prepare(_now: datetime) -> str:
            check_own_agency(mutation.caller, agency_id)
            return key_id

        def work(repositories: Repositories, key_id: str, now: datetime) -> ClientKey:
            key = repositories.agencies.client_key(key_id)
            if key is None or (key.owner_kind, key.owner_id) != _owner(agency_id):
                raise NotFoundError(reason="NO_SUCH_CLIENT_KEY", message="key_id: the agency has no such key")
            if key.owner_kind is CallerKind.OPERATOR and key_id == mutation.caller.key_id:
                raise FailedPreconditionError(
                    reason="OWN_KEY",
                    message="key_id: revoke an operator's key with another one, so that one is left that works",
                    details={"state": "IN_USE"},
                )
            repositories.agencies.revoke_client_key(key_id, at=now)
            return replace(key, revoked_at=key.revoked_at or now)

        return self._mutations.run(
            mutation,
            prepare=prepare,
            work=work,
            trace=lambda key_id: Trace(
                "client_key.revoked", ChangeKind.CLIENT_KEY, key_id, details={"owner": agency_id}
            ),
        )

    def list(self, caller: Caller, agency_id: str) -> Sequence[ClientKey]:
        """All keys of an agency, ended ones too. Raises PermissionDeniedError (OTHER_AGENCY)."""
        check_own_agency(caller, agency_id)
        with self._ledger.read() as repositories:
            return repositories.agencies.client_keys(_owner(agency_id)[1])


def _trace(action: str, key: ClientKey) -> Trace:
    return Trace(action, ChangeKind.CLIENT_KEY, key.key_id, details={"owner": key.owner_id})


def _owner(agency_id: str) -> tuple[CallerKind, str]:
    """Whose keys are meant: an agency's by its credit code, an operator's by `operator:<name>`.

    Raises InvalidInputError (OPERATOR_NAME).
    """
    if not agency_id.startswith(OPERATOR_PREFIX):
        return CallerKind.AGENCY, agency_id
    name = agency_id.removeprefix(OPERATOR_PREFIX)
    if not _OPERATOR_NAME.fullmatch(name):
        description = "an operator's name is 1 to 64 of A-Z a-z 0-9 . _ -"
        raise InvalidInputError.of(FieldViolation("agency_id", "OPERATOR_NAME", description))
    return CallerKind.OPERATOR, name
