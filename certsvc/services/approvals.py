"""Four eyes: a change of a type that asks for it waits until another officer of the same agency agrees.

Invariants: who asked may not agree; a change is decided exactly once, in the transaction that carries it out; it is
carried out with the rights that its asker has then; after two weeks it lapses.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from certsvc.domain.agency import OfficerRole
from certsvc.domain.license import LicenseAction
from certsvc.domain.principal import Caller
from certsvc.domain.text import text_violations
from certsvc.errors import FailedPreconditionError, InvalidInputError, NotFoundError, PermissionDeniedError
from certsvc.ports import AuditEntry, Clock, Ledger, PendingRecord, Repositories
from certsvc.services.directory import Directory
from certsvc.services.license_commands import Command, Disposition, LicenseOutcome
from certsvc.services.mutations import Mutation, Mutations

LAPSES_AFTER = timedelta(days=14)
MAX_REASON = 500


class CommandRunner(Protocol):
    """Prepares a command and gives back what carries it out inside a transaction."""

    def __call__(self, caller: Caller, command: Command) -> Callable[[Repositories], LicenseOutcome]: ...


def put_up(
    repositories: Repositories,
    caller: Caller,
    *,
    action: LicenseAction,
    identifier: str,
    type_code: str,
    payload: bytes,
    now: datetime,
) -> LicenseOutcome:
    """Let the request wait for a second officer; its outcome is PENDING."""
    record = PendingRecord(
        change_id=_change_id(now),
        agency_id=caller.owner_id,
        action=action,
        identifier=identifier,
        type_code=type_code,
        requested_by=caller.officer_id,
        requested_at=now,
        expires_at=now + LAPSES_AFTER,
        request=payload,
    )
    repositories.pending.add(record)
    _audit(repositories, caller, "change.requested", record, now)
    return LicenseOutcome(disposition=Disposition.PENDING, pending=record)


class Approvals:
    """The use cases of ListPendingChanges, ApproveChange and RejectChange."""

    def __init__(
        self,
        *,
        mutations: Mutations,
        ledger: Ledger,
        directory: Directory,
        decode: Callable[[bytes], Command],
        run: CommandRunner,
        clock: Clock,
    ) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory
        self._decode = decode
        self._run = run
        self._clock = clock

    def list(self, caller: Caller, *, after: str, limit: int) -> Sequence[PendingRecord]:
        """Changes of the own agency that wait, oldest first."""
        with self._ledger.read() as repositories:
            return repositories.pending.list(caller.owner_id, after=after, limit=limit, now=self._clock.now())

    def approve(self, caller: Caller, change_id: str, mutation: Mutation[LicenseOutcome]) -> bytes:
        """Agree and carry the change out.

        Raises NotFoundError, PermissionDeniedError (SAME_OFFICER), FailedPreconditionError (ASKER_GONE) and whatever
        the change itself raises, in which case it goes on waiting.
        """

        def prepare() -> tuple[PendingRecord, Callable[[Repositories], LicenseOutcome]]:
            record = self._waiting(caller, change_id)
            asker = self._asker(record, caller)
            return record, self._run(asker, self._decode(record.request))

        def work(
            repositories: Repositories,
            prepared: tuple[PendingRecord, Callable[[Repositories], LicenseOutcome]],
        ) -> LicenseOutcome:
            record, carry_out = prepared
            now = self._clock.now()
            repositories.pending.decide(change_id, approved=True, by=caller.officer_id, reason="", at=now)
            _audit(repositories, caller, "change.approved", record, now)
            return carry_out(repositories)

        return self._mutations.run(mutation, prepare=prepare, work=work)

    def reject(self, caller: Caller, change_id: str, reason: str, mutation: Mutation[None]) -> bytes:
        """Refuse the change. Raises NotFoundError, PermissionDeniedError (SAME_OFFICER), InvalidInputError."""

        def prepare() -> PendingRecord:
            violations = text_violations(reason, field="reason", limit=MAX_REASON)
            if violations:
                raise InvalidInputError.of(*violations)
            return self._waiting(caller, change_id)

        def work(repositories: Repositories, record: PendingRecord) -> None:
            now = self._clock.now()
            repositories.pending.decide(change_id, approved=False, by=caller.officer_id, reason=reason, at=now)
            _audit(repositories, caller, "change.rejected", record, now)

        return self._mutations.run(mutation, prepare=prepare, work=work)

    def _waiting(self, caller: Caller, change_id: str) -> PendingRecord:
        with self._ledger.read() as repositories:
            record = repositories.pending.get(change_id)
        if record is None or record.agency_id != caller.owner_id or record.expires_at <= self._clock.now():
            raise NotFoundError(reason="CHANGE_NOT_FOUND", message="no change of this agency waits under this id")
        if record.requested_by == caller.officer_id:
            raise PermissionDeniedError(
                reason="SAME_OFFICER",
                message="who asked for a change cannot decide on it; another officer must",
            )
        return record

    def _asker(self, record: PendingRecord, caller: Caller) -> Caller:
        officer = self._directory.officer(record.agency_id, record.requested_by)
        if officer is None or not officer.active or OfficerRole.ISSUER not in officer.roles:
            raise FailedPreconditionError(
                reason="ASKER_GONE",
                message="the officer who asked for this may no longer issue; reject it and ask anew",
                details={"state": "ASKER_GONE"},
            )
        return replace(caller, officer_id=officer.officer_id, roles=officer.roles)


def _change_id(now: datetime) -> str:
    """Milliseconds, then chance, in 24 hex digits: changes are listed in the order of their ids, oldest first."""
    return f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(6)}"


def _audit(repositories: Repositories, caller: Caller, action: str, record: PendingRecord, now: datetime) -> None:
    repositories.audit.add(
        AuditEntry(
            at=now,
            actor=caller.name,
            officer_id=caller.officer_id,
            action=action,
            target=record.change_id,
            details={"action": record.action, "type_code": record.type_code, "identifier": record.identifier},
        )
    )
