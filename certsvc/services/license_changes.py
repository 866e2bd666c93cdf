"""The LICENSE change as it travels through the feed: what workers and watchers need, nothing personal."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from certsvc.domain.changes import START, Change, ChangeKind
from certsvc.domain.license import License, LicenseAction, LicenseEvent, LicenseState, RevocationKind


@dataclass(frozen=True, slots=True)
class LicenseChangeData:
    """One change of a license. `slot` and `digest` are of the version current after it, `older_slots` of all before."""

    license_id: int
    revision: int
    identifier: str
    type_code: str
    agency_id: str
    responsible_agency_id: str
    region: str
    action: LicenseAction
    state: LicenseState
    slot: int
    digest: bytes
    older_slots: tuple[int, ...]
    effective_at: datetime
    acting_agency_id: str
    revocation_kind: RevocationKind | None

    @classmethod
    def of(cls, change: Change) -> "LicenseChangeData":
        """Read it back from a change of kind LICENSE."""
        data = dict(change.data)
        kind = data["revocation_kind"]
        return cls(
            **{
                **data,
                "action": LicenseAction(data["action"]),
                "state": LicenseState(data["state"]),
                "digest": bytes.fromhex(data["digest"]),
                "older_slots": tuple(data["older_slots"]),
                "effective_at": datetime.fromisoformat(data["effective_at"]),
                "revocation_kind": RevocationKind(kind) if kind else None,
            }
        )


def license_change(
    license_: License, event: LicenseEvent, *, region: str, digest: bytes, older_slots: tuple[int, ...]
) -> Change:
    """The feed's row for `event`, after which the license stands as given."""
    stated = LicenseChangeData(
        license_id=license_.license_id,
        revision=license_.revision,
        identifier=license_.current.identifier,
        type_code=license_.type_code,
        agency_id=license_.agency_id,
        responsible_agency_id=license_.responsible_agency_id,
        region=region,
        action=event.action,
        state=license_.state,
        slot=license_.current.status_slot,
        digest=digest,
        older_slots=older_slots,
        effective_at=event.cause.effective_at,
        acting_agency_id=event.agency_id,
        revocation_kind=event.cause.revocation_kind,
    )
    # Not dataclasses.asdict, which copies every value: that cost a twelfth of issuing.
    data: dict[str, Any] = {field.name: getattr(stated, field.name) for field in fields(stated)}
    data["digest"] = digest.hex()
    data["effective_at"] = event.cause.effective_at.isoformat()
    data["older_slots"] = list(older_slots)
    return Change(
        position=START,
        kind=ChangeKind.LICENSE,
        ref=license_.current.identifier,
        recorded_at=event.recorded_at,
        data=data,
    )
