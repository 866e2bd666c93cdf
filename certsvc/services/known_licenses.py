"""Meeting a license that the register has already: files imported again, and the daily deltas of other registers.

Invariants: the same row twice changes nothing; a row changes only what it states, so that a file without states ends no
suspension; a final license stays final, and is not issued anew by the row that it came from.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.license import License, LicenseAction, LicenseState, LicenseVersion
from certsvc.domain.license_type import LicenseType
from certsvc.domain.principal import Caller
from certsvc.domain.signing_key import SigningKey
from certsvc.errors import AlreadyExistsError, InvalidInputError
from certsvc.ports import CodeFormat, Repositories
from certsvc.services.license_commands import (
    CauseInput,
    Disposition,
    ImportedHistory,
    IssueCommand,
    LicenseOutcome,
    LicenseView,
    OnExisting,
)
from certsvc.services.license_drafts import Draft, renamed
from certsvc.services.license_records import LicenseRecords
from certsvc.services.license_signing import SignedVersion
from certsvc.services.numbering import StatusEntry

_STATE_ACTIONS = {
    LicenseState.ACTIVE: LicenseAction.REINSTATE,
    LicenseState.SUSPENDED: LicenseAction.SUSPEND,
    LicenseState.REVOKED: LicenseAction.REVOKE,
    LicenseState.CANCELLED: LicenseAction.CANCEL,
}
_CAUSE_FIELDS = {
    "cause.reason": "imported.state_reason",
    "cause.legal_basis": "legal_basis",
    "cause.effective_time": "imported.state_time",
    "kind": "imported.revocation_kind",
}


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """All that issuing needs inside the transaction."""

    license_type: LicenseType
    draft: Draft
    license: License
    signed: SignedVersion
    key: SigningKey
    entry: StatusEntry
    now: datetime


class KnownLicenses:
    """Finds the license that a command means, and brings it to what the command states."""

    def __init__(self, *, records: LicenseRecords, codes: CodeFormat) -> None:
        self._records = records
        self._codes = codes

    def find(self, repositories: Repositories, command: IssueCommand, plan: IssuePlan) -> License | None:
        """The license that this command means, if the register has it: by identifier, else by number.

        A number may be issued again once its license is final. So a final one is only meant where the command states
        its state, or asks to skip or amend and has its very content.
        """
        licenses, imported = repositories.licenses, command.imported
        if imported is not None and imported.identifier:
            found = licenses.by_identifier(plan.signed.version.identifier)
            if found is not None:
                return found.license
        current = licenses.by_license_number(
            agency_id=plan.license.agency_id,
            type_code=plan.license.type_code,
            license_number=plan.draft.license_number,
        )
        stated = imported.state if imported else None
        by_state = stated is not None and stated.is_final
        by_content = command.on_existing is not OnExisting.REFUSE
        if current is not None or not (by_state or by_content):
            return current
        candidates = licenses.candidates(
            type_code=plan.license.type_code, license_number=plan.draft.license_number, holder=None
        )
        meant = (
            license_
            for license_ in candidates
            if license_.agency_id == plan.license.agency_id
            and (
                (by_state and license_.state is stated) or (by_content and _same_content(license_.current, plan.draft))
            )
        )
        return next(meant, None)

    def meet(
        self, repositories: Repositories, caller: Caller, command: IssueCommand, plan: IssuePlan, existing: License
    ) -> LicenseOutcome:
        """Refuse, skip or amend. Raises AlreadyExistsError (LICENSE_EXISTS, LICENSE_DIFFERS)."""
        if command.on_existing is OnExisting.REFUSE:
            raise AlreadyExistsError(
                reason="LICENSE_EXISTS",
                message="license_number: this agency already issued a license of this type with this number",
                details={"identifier": existing.current.identifier},
            )
        stated = (command.imported.state if command.imported else None) or existing.state
        same_content = _same_content(existing.current, plan.draft)
        if same_content and stated is existing.state:
            repositories.licenses.confirm(existing.license_id, at=plan.now)
            return self.outcome(Disposition.SKIPPED, replace(existing, confirmed_at=plan.now))
        may_amend = command.on_existing is OnExisting.AMEND and not plan.license_type.second_officer
        if not may_amend or existing.state.is_final:
            raise AlreadyExistsError(
                reason="LICENSE_DIFFERS",
                message="license_number: the register has this license with other content or state",
                details={"identifier": existing.current.identifier, "state": existing.state},
            )
        changed = existing
        # The amendment takes effect now and the state perhaps yesterday: only a final state, which takes no new
        # version after it, may come second all the same.
        if stated is not existing.state and not stated.is_final:
            changed = self.take_over_state(repositories, caller, command, changed, plan.now)
        if not same_content:
            changed = self._amend(repositories, caller, command, plan, changed)
        if stated.is_final:
            changed = self.take_over_state(repositories, caller, command, changed, plan.now)
        return self.outcome(Disposition.CHANGED, changed)

    def take_over_state(
        self, repositories: Repositories, caller: Caller, command: IssueCommand, license_: License, now: datetime
    ) -> License:
        """Bring the license to the state that the other register has for it.

        Raises InvalidInputError for a time that does not fit, and what `LicenseRecords.set_state` raises.
        """
        imported = command.imported or ImportedHistory()
        action = _STATE_ACTIONS[imported.state or LicenseState.ACTIVE]
        stated = CauseInput(
            imported.state_reason or "taken over with this state",
            command.legal_basis,
            # The other register's clock may be ahead a little (license_history.CLOCK_SLACK).
            min(imported.state_at, now) if imported.state_at else None,
        )
        cause, violations = self._records.cause_of(
            repositories, license_, action, stated, imported.revocation_kind, now=now
        )
        if violations:
            raise InvalidInputError.of(*renamed(violations, _CAUSE_FIELDS))
        return self._records.set_state(repositories, caller, license_, action=action, cause=cause, now=now)

    def outcome(self, disposition: Disposition, license_: License) -> LicenseOutcome:
        """The answer: the license in its current version, with its code's text."""
        return LicenseOutcome(
            disposition=disposition,
            view=LicenseView(license_, license_.current),
            qr_text=self._codes.text(license_.current.code),
        )

    def _amend(
        self, repositories: Repositories, caller: Caller, command: IssueCommand, plan: IssuePlan, license_: License
    ) -> License:
        stated = CauseInput("changed in the issuing register", command.legal_basis)
        # Nothing can be wrong with it: the legal basis was checked with the command.
        cause, _ = self._records.cause_of(repositories, license_, LicenseAction.AMEND, stated, None, now=plan.now)
        return self._records.add_version(
            repositories,
            caller,
            license_,
            action=LicenseAction.AMEND,
            draft=plan.draft,
            license_type=plan.license_type,
            key=plan.key,
            entry=plan.entry,
            cause=cause,
            now=plan.now,
        )


def _same_content(version: LicenseVersion, draft: Draft) -> bool:
    return (
        version.license_number == draft.license_number
        and version.holders == draft.holders
        and dict(version.fields) == dict(draft.fields)
        and version.validity == draft.validity
    )
