"""Writing what happens to a license: rows, event and news, always together, inside the caller's transaction.

Invariants: no license row changes without its event and its change in the feed; revisions rise by one; a change with
a stale etag or from a state that does not allow it is refused and leaves nothing.
"""

from dataclasses import replace
from datetime import datetime

from certsvc.domain.license import License, LicenseAction, LicenseEvent, LicenseState, RevocationKind, StateCause
from certsvc.domain.license_type import LicenseType
from certsvc.domain.principal import Caller
from certsvc.domain.signing_key import SigningKey
from certsvc.domain.transitions import check_cause, check_transition
from certsvc.errors import ConflictError, FieldViolation
from certsvc.ports import Repositories
from certsvc.services.directory import Directory
from certsvc.services.license_changes import license_change
from certsvc.services.license_commands import CauseInput
from certsvc.services.license_drafts import Draft, renamed
from certsvc.services.license_signing import LicenseSigning, SignedVersion
from certsvc.services.numbering import StatusEntry
from certsvc.services.registrations import all_events
from certsvc.services.slots import Slots

CAUSE_FIELDS = {"cause.effective_at": "cause.effective_time", "cause.revocation_kind": "kind"}
"""What callers call the parts of a cause, where the domain calls them otherwise."""


class LicenseRecords:
    """Adds licenses, versions and states to the register."""

    def __init__(self, *, directory: Directory, signing: LicenseSigning, slots: Slots) -> None:
        self._directory = directory
        self._signing = signing
        self._slots = slots

    def add(
        self,
        repositories: Repositories,
        caller: Caller,
        license_: License,
        signed: SignedVersion,
        *,
        action: LicenseAction,
        cause: StateCause,
    ) -> License:
        """A new license. Raises AlreadyExistsError where its key is taken."""
        repositories.signing_keys.lock_active(signed.version.kid)
        event = _event(caller, license_, action, cause)
        repositories.licenses.add(license_, digest=signed.digest, event=event)
        self._tell(repositories, license_, event, digest=signed.digest, older_slots=())
        return license_

    def cause_of(
        self,
        repositories: Repositories,
        license_: License,
        action: LicenseAction,
        stated: CauseInput,
        kind: RevocationKind | None,
        *,
        now: datetime,
    ) -> tuple[StateCause, list[FieldViolation]]:
        """The cause as it will be recorded, and what is wrong with it.

        Where no time is stated a change takes effect now, or with the latest one if that was recorded by a worker whose
        clock is ahead of this one's.
        """
        times = [event.cause.effective_at for event in all_events(repositories, license_.license_id)]
        now = max(now, *times)
        cause = StateCause(stated.reason, stated.legal_basis, stated.effective_at or now, kind)
        violations = check_cause(cause, action, now=now, begins_at=times[0], latest_at=max(times))
        return cause, renamed(violations, CAUSE_FIELDS)

    def add_version(
        self,
        repositories: Repositories,
        caller: Caller,
        license_: License,
        *,
        action: LicenseAction,
        draft: Draft,
        license_type: LicenseType,
        key: SigningKey,
        entry: StatusEntry,
        cause: StateCause,
        now: datetime,
    ) -> License:
        """The next version with this content; state, serial and agency stay.

        Signed here, because what it follows is only sure inside the transaction. `cause` is from `cause_of`. Raises
        FailedPreconditionError (ILLEGAL_TRANSITION, KEY_NOT_ACTIVE), AlreadyExistsError for a number that is taken.
        """
        check_transition(license_.state, action)
        older_slots = tuple(version.status_slot for version in repositories.licenses.versions(license_.license_id))
        signed = self._signing.sign(
            license_type,
            draft,
            agency_id=license_.agency_id,
            serial=license_.serial,
            version=license_.current.version + 1,
            entry=entry,
            key=key,
            now=now,
        )
        repositories.signing_keys.lock_active(key.kid)
        changed = replace(
            license_,
            current=signed.version,
            revision=license_.revision + 1,
            updated_at=now,
            confirmed_at=now,
        )
        event = _event(caller, changed, action, cause)
        repositories.licenses.add_version(changed, digest=signed.digest, event=event)
        self._tell(repositories, changed, event, digest=signed.digest, older_slots=older_slots)
        return changed

    def set_state(
        self,
        repositories: Repositories,
        caller: Caller,
        license_: License,
        *,
        action: LicenseAction,
        cause: StateCause,
        now: datetime,
    ) -> License:
        """The state after `action`, for all versions. `cause` is from `cause_of`.

        Raises FailedPreconditionError (ILLEGAL_TRANSITION), ConflictError (CHANGED_MEANWHILE) when somebody was faster.
        """
        state: LicenseState = check_transition(license_.state, action)
        registered = repositories.licenses.by_identifier(license_.current.identifier)
        if registered is None:
            raise ConflictError(reason="CHANGED_MEANWHILE", message="the license changed meanwhile; read it again")
        older_slots = tuple(
            version.status_slot
            for version in repositories.licenses.versions(license_.license_id)
            if version.version != license_.current.version
        )
        changed = replace(license_, state=state, revision=license_.revision + 1, updated_at=now, confirmed_at=now)
        event = _event(caller, changed, action, cause)
        repositories.licenses.set_state(changed, event=event)
        self._tell(repositories, changed, event, digest=registered.digest, older_slots=older_slots)
        return changed

    def _tell(
        self,
        repositories: Repositories,
        license_: License,
        event: LicenseEvent,
        *,
        digest: bytes,
        older_slots: tuple[int, ...],
    ) -> None:
        if license_.revision > 1:
            # From before the commit until the feed brings the news: after the answer nobody here may say VALID for it.
            slots = (license_.current.status_slot, *older_slots)
            self._slots.distrust(license_.license_id, slots, revision=license_.revision)
        agency = self._directory.agency(license_.agency_id)
        region = agency.region if agency else ""
        repositories.outbox.add(license_change(license_, event, region=region, digest=digest, older_slots=older_slots))


def check_etag(license_: License, etag: str) -> None:
    """Raise ConflictError (STALE_ETAG) unless the etag is empty or the license's present one."""
    if etag and etag != str(license_.revision):
        raise ConflictError(
            reason="STALE_ETAG",
            message="etag: the license changed since it was read; read it again",
            details={"etag": str(license_.revision)},
        )


def _event(caller: Caller, license_: License, action: LicenseAction, cause: StateCause) -> LicenseEvent:
    return LicenseEvent(
        action=action,
        state=license_.state,
        version=license_.current.version,
        cause=cause,
        agency_id=caller.owner_id,
        officer_id=caller.officer_id,
        recorded_at=license_.updated_at,
    )
