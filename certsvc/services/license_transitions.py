"""Changing licenses: amend, renew, suspend, reinstate, revoke, cancel; each with cause, officer and effective time.

Invariants: only the responsible agency changes a license, and others do not learn whether it exists; what is refused
changes nothing; a type that asks for a second officer gets one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.agency import GrantKind
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.license import License, LicenseAction, StateCause
from certsvc.domain.license_type import LicenseType
from certsvc.domain.principal import Caller
from certsvc.domain.signing_key import SigningKey
from certsvc.domain.transitions import check_renewal, check_transition
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import FailedPreconditionError, FieldViolation, InvalidInputError, PermissionDeniedError
from certsvc.ports import Clock, CodeFormat, Ledger, Repositories
from certsvc.services.approvals import put_up
from certsvc.services.directory import Directory
from certsvc.services.license_commands import (
    ChangeCommand,
    Disposition,
    HolderInput,
    LicenseOutcome,
    LicenseView,
)
from certsvc.services.license_drafts import PERIOD_FIELDS, Draft, Drafting, renamed
from certsvc.services.license_records import LicenseRecords, check_etag
from certsvc.services.license_signing import LicenseSigning
from certsvc.services.mutations import Mutation, Mutations
from certsvc.services.numbering import Numbering, StatusEntry

_NEW_VERSIONS = (LicenseAction.AMEND, LicenseAction.RENEW)


@dataclass(frozen=True, slots=True)
class _NextVersion:
    """What the next version needs besides its content."""

    key: SigningKey
    entry: StatusEntry


@dataclass(frozen=True, slots=True)
class _Plan:
    """A change whose caller and form are checked; content is checked against what is stored, in the transaction."""

    license_type: LicenseType
    next_version: _NextVersion | None
    now: datetime


class LicenseTransitions:
    """The use cases that change a license."""

    def __init__(
        self,
        *,
        mutations: Mutations,
        ledger: Ledger,
        directory: Directory,
        drafting: Drafting,
        signing: LicenseSigning,
        records: LicenseRecords,
        numbering: Numbering,
        codes: CodeFormat,
        clock: Clock,
    ) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory
        self._drafting = drafting
        self._signing = signing
        self._records = records
        self._numbering = numbering
        self._codes = codes
        self._clock = clock

    def change(self, caller: Caller, command: ChangeCommand, mutation: Mutation[LicenseOutcome]) -> bytes:
        """Change a license or put the change up for approval; the encoded LicenseOutcome, durable on return.

        Raises InvalidInputError with all violations, PermissionDeniedError (NOT_RESPONSIBLE), FailedPreconditionError
        (ILLEGAL_TRANSITION with the present state, RENEWAL_TOO_LATE, NO_SIGNING_KEY), ConflictError (STALE_ETAG,
        CHANGED_MEANWHILE), AlreadyExistsError (LICENSE_EXISTS for a number that is taken).
        """

        def work(repositories: Repositories, plan: _Plan) -> LicenseOutcome:
            if not plan.license_type.second_officer:
                return self._carry_out(repositories, caller, command, plan)
            # What cannot be carried out is not asked of anybody.
            self._examine(repositories, caller, command, plan)
            return put_up(
                repositories,
                caller,
                action=command.action,
                identifier=command.identifier,
                type_code=plan.license_type.code,
                payload=mutation.payload,
                now=plan.now,
            )

        return self._mutations.run(mutation, prepare=lambda: self._prepare(caller, command), work=work)

    def prepare_approved(self, caller: Caller, command: ChangeCommand) -> Callable[[Repositories], LicenseOutcome]:
        """Prepare a change that a second officer agreed to; what is returned carries it out."""
        plan = self._prepare(caller, command)
        return lambda repositories: self._carry_out(repositories, caller, command, plan)

    def _prepare(self, caller: Caller, command: ChangeCommand) -> _Plan:
        now = self._clock.now()
        parse_identifier(command.identifier)
        with self._ledger.read() as repositories:
            license_ = self._own(repositories, caller, command.identifier)
        license_type = self._directory.license_type(license_.type_code)
        if license_type is None:
            raise FailedPreconditionError(
                reason="TYPE_UNKNOWN",
                message="the license's type is not in the catalogue",
                details={"state": "NO_TYPE"},
            )
        next_version = None
        if command.action in _NEW_VERSIONS:
            next_version = _NextVersion(
                self._signing.key_for(license_type, license_.agency_id, now=now),
                self._numbering.status_entry(),
            )
        return _Plan(license_type, next_version, now)

    def _carry_out(
        self, repositories: Repositories, caller: Caller, command: ChangeCommand, plan: _Plan
    ) -> LicenseOutcome:
        license_, cause, draft = self._examine(repositories, caller, command, plan)
        if plan.next_version is None or draft is None:
            changed = self._records.set_state(
                repositories, caller, license_, action=command.action, cause=cause, now=plan.now
            )
        else:
            changed = self._records.add_version(
                repositories,
                caller,
                license_,
                action=command.action,
                draft=draft,
                license_type=plan.license_type,
                key=plan.next_version.key,
                entry=plan.next_version.entry,
                cause=cause,
                now=plan.now,
            )
        return LicenseOutcome(
            disposition=Disposition.CHANGED,
            view=LicenseView(changed, changed.current),
            qr_text=self._codes.text(changed.current.code),
        )

    def _examine(
        self, repositories: Repositories, caller: Caller, command: ChangeCommand, plan: _Plan
    ) -> tuple[License, StateCause, Draft | None]:
        """The license as it is, the cause, and the next version's content where there will be one.

        Raises everything that stands against the change, all violations at once.
        """
        license_ = self._own(repositories, caller, command.identifier)
        check_etag(license_, command.etag)
        check_transition(license_.state, command.action)
        cause, violations = self._records.cause_of(
            repositories, license_, command.action, command.cause, command.revocation_kind, now=plan.now
        )
        if plan.next_version is not None:
            return license_, cause, self._next_content(license_, command, plan, violations)
        if violations:
            raise InvalidInputError.of(*violations)
        return license_, cause, None

    def _next_content(
        self, license_: License, command: ChangeCommand, plan: _Plan, violations: Iterable[FieldViolation]
    ) -> Draft:
        """What is stored, with what the command states in its place; checked as a whole."""
        current = license_.current
        today = day_in_shanghai(plan.now)
        holders = command.holders or tuple(
            HolderInput(holder.number.kind, holder.number.value, holder.name) for holder in current.holders
        )
        renewing = command.action is LicenseAction.RENEW
        stored_last = current.validity.last.isoformat() if current.validity.last else ""
        draft = self._drafting.draft(
            plan.license_type,
            license_number=command.license_number or current.license_number,
            holders=holders,
            fields=current.fields if command.fields is None else command.fields,
            valid_from=command.valid_from if renewing else current.validity.first.isoformat(),
            valid_until=command.valid_until if renewing else stored_last,
            today=today,
            more=violations,
        )
        if renewing:
            try:
                check_renewal(plan.license_type.validity, current=current.validity, renewed=draft.validity, today=today)
            except InvalidInputError as error:
                raise InvalidInputError.of(*renamed(error.violations, PERIOD_FIELDS)) from error
        return draft

    def _own(self, repositories: Repositories, caller: Caller, identifier: str) -> License:
        """The license, if the caller is responsible for it and may still issue its type."""
        registered = repositories.licenses.by_identifier(identifier)
        agency = self._directory.agency(caller.owner_id)
        if (
            registered is None
            or agency is None
            or registered.license.responsible_agency_id != caller.owner_id
            or not self._directory.allows(
                caller.owner_id,
                GrantKind.ISSUE,
                type_code=registered.license.type_code,
                region=agency.region,
            )
        ):
            raise PermissionDeniedError(
                reason="NOT_RESPONSIBLE",
                message="identifier: this agency is responsible for no license with this identifier",
            )
        return registered.license
