"""Issuing licenses (DESIGN §3): check, number, sign, and only then write, all rows in one transaction.

Invariants: nothing leaves before the commit; the key is still ACTIVE in the transaction that stores what it signed;
(agency, type, license number) is unique among non-final licenses; a type that asks for a second officer gets one.
"""

from collections.abc import Callable
from datetime import datetime

from certsvc.domain.agency import Agency, GrantKind
from certsvc.domain.identifier import LicenseIdentifier
from certsvc.domain.license import License, LicenseAction, LicenseState, StateCause
from certsvc.domain.license_type import LicenseType, TypeState
from certsvc.domain.principal import Caller
from certsvc.domain.text import text_violations
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import (
    ExhaustedError,
    FailedPreconditionError,
    FieldViolation,
    PermissionDeniedError,
)
from certsvc.ports import Clock, CodeFormat, Repositories
from certsvc.services.approvals import put_up
from certsvc.services.directory import Directory
from certsvc.services.known_licenses import IssuePlan, KnownLicenses
from certsvc.services.license_commands import Disposition, IssueCommand, LicenseOutcome
from certsvc.services.license_drafts import Draft, Drafting
from certsvc.services.license_history import check_history, imported_identifier
from certsvc.services.license_records import LicenseRecords
from certsvc.services.license_signing import LicenseSigning
from certsvc.services.mutations import Mutation, Mutations
from certsvc.services.numbering import Numbering

MAX_LEGAL_BASIS = 500


class LicenseIssuing:
    """The use case of IssueLicense and BatchIssueLicenses."""

    def __init__(
        self,
        *,
        mutations: Mutations,
        directory: Directory,
        drafting: Drafting,
        signing: LicenseSigning,
        records: LicenseRecords,
        numbering: Numbering,
        codes: CodeFormat,
        clock: Clock,
    ) -> None:
        self._mutations = mutations
        self._directory = directory
        self._drafting = drafting
        self._signing = signing
        self._records = records
        self._numbering = numbering
        self._known = KnownLicenses(records=records, codes=codes)
        self._clock = clock

    def issue(self, caller: Caller, command: IssueCommand, mutation: Mutation[LicenseOutcome]) -> bytes:
        """Issue, take over, skip, amend, or put up for approval; the encoded LicenseOutcome, durable on return.

        Raises InvalidInputError with all violations, PermissionDeniedError (ISSUE_NOT_GRANTED), FailedPreconditionError
        (TYPE_RETIRED, NO_SIGNING_KEY, SIGNING_ENDED), AlreadyExistsError (LICENSE_EXISTS, LICENSE_DIFFERS,
        REQUEST_ID_REUSED), ExhaustedError (OFFICER_LIMIT, AGENCY_LIMIT).
        """

        def work(repositories: Repositories, plan: IssuePlan) -> LicenseOutcome:
            if plan.license_type.second_officer:
                existing = self._known.find(repositories, command, plan)
                if existing is not None:
                    return self._known.meet(repositories, caller, command, plan, existing)
                return put_up(
                    repositories,
                    caller,
                    action=LicenseAction.IMPORT if command.imported else LicenseAction.ISSUE,
                    identifier="",
                    type_code=command.type_code,
                    payload=mutation.payload,
                    now=plan.now,
                )
            return self._carry_out(repositories, caller, command, plan)

        return self._mutations.run(mutation, prepare=lambda: self._prepare(caller, command), work=work)

    def prepare_approved(self, caller: Caller, command: IssueCommand) -> Callable[[Repositories], LicenseOutcome]:
        """Prepare a command that a second officer agreed to; what is returned carries it out."""
        plan = self._prepare(caller, command)
        return lambda repositories: self._carry_out(repositories, caller, command, plan)

    def _prepare(self, caller: Caller, command: IssueCommand) -> IssuePlan:
        now = self._clock.now()
        # 1. Right before existence: who may not issue the type learns nothing of it.
        license_type, agency = self._issuable(caller, command.type_code)
        # 2. Every violation of the input at once.
        violations: list[FieldViolation] = text_violations(
            command.legal_basis, field="legal_basis", limit=MAX_LEGAL_BASIS
        )
        identifier: LicenseIdentifier | None = None
        if command.imported is not None:
            identifier = imported_identifier(
                command.imported,
                type_code=command.type_code,
                agency_id=agency.agency_id,
                violations=violations,
            )
            violations += check_history(command.imported, now=now)
        draft = self._drafting.draft(
            license_type,
            license_number=command.license_number,
            holders=command.holders,
            fields=command.fields,
            valid_from=command.valid_from,
            valid_until=command.valid_until,
            today=day_in_shanghai(now),
            more=violations,
        )
        if license_type.state is TypeState.RETIRED:
            raise FailedPreconditionError(
                reason="TYPE_RETIRED",
                message="this license type was retired and issues nothing new",
                details={"state": TypeState.RETIRED},
            )
        # 3. Number and sign, outside the transaction.
        return self._sign(license_type, agency, command, draft, identifier, now)

    def _sign(
        self,
        license_type: LicenseType,
        agency: Agency,
        command: IssueCommand,
        draft: Draft,
        identifier: LicenseIdentifier | None,
        now: datetime,
    ) -> IssuePlan:
        license_id = self._numbering.license_id()
        serial = identifier.serial if identifier else self._numbering.serial(license_id)
        entry = self._numbering.status_entry()
        key = self._signing.key_for(license_type, agency.agency_id, now=now)
        signed = self._signing.sign(
            license_type,
            draft,
            agency_id=agency.agency_id,
            serial=serial,
            version=identifier.version if identifier else 1,
            entry=entry,
            key=key,
            now=now,
        )
        license_ = License(
            license_id=license_id,
            type_code=license_type.code,
            agency_id=agency.agency_id,
            responsible_agency_id=agency.agency_id,
            serial=serial,
            state=LicenseState.ACTIVE,
            trust_grade=command.trust_grade or license_type.trust_grade,
            revision=1,
            current=signed.version,
            created_at=now,
            updated_at=now,
            confirmed_at=now,
        )
        return IssuePlan(license_type, draft, license_, signed, key, entry, now)

    def _carry_out(
        self, repositories: Repositories, caller: Caller, command: IssueCommand, plan: IssuePlan
    ) -> LicenseOutcome:
        existing = self._known.find(repositories, command, plan)
        if existing is not None:
            return self._known.meet(repositories, caller, command, plan, existing)
        self._count(repositories, caller, plan)
        imported = command.imported
        began_at = imported.began_at(plan.now) if imported else plan.now
        license_ = self._records.add(
            repositories,
            caller,
            plan.license,
            plan.signed,
            action=LicenseAction.IMPORT if imported else LicenseAction.ISSUE,
            cause=StateCause("", command.legal_basis, began_at),
        )
        if imported is not None and imported.state not in (None, LicenseState.ACTIVE):
            license_ = self._known.take_over_state(repositories, caller, command, license_, plan.now)
        return self._known.outcome(Disposition.ISSUED, license_)

    def _issuable(self, caller: Caller, type_code: str) -> tuple[LicenseType, Agency]:
        agency = self._directory.agency(caller.owner_id)
        license_type = self._directory.license_type(type_code)
        if (
            agency is None
            or license_type is None
            or not license_type.issuers.allows(agency)
            or not self._directory.allows(agency.agency_id, GrantKind.ISSUE, type_code=type_code, region=agency.region)
        ):
            raise PermissionDeniedError(
                reason="ISSUE_NOT_GRANTED",
                message="type_code: this agency may not issue a license type of this code",
            )
        return license_type, agency

    def _count(self, repositories: Repositories, caller: Caller, plan: IssuePlan) -> None:
        limits = plan.license_type.limits
        if not limits.per_officer_daily and not limits.per_agency_daily:
            return
        by_officer, by_agency = repositories.licenses.count_issue(
            agency_id=plan.license.agency_id,
            officer_id=caller.officer_id,
            type_code=plan.license.type_code,
            day=day_in_shanghai(plan.now),
        )
        for count, limit, reason in (
            (by_officer, limits.per_officer_daily, "OFFICER_LIMIT"),
            (by_agency, limits.per_agency_daily, "AGENCY_LIMIT"),
        ):
            if limit and count > limit:
                raise ExhaustedError(
                    reason=reason,
                    message=f"the type allows {limit} licenses a day here; try again tomorrow",
                    details={"limit": str(limit)},
                )
