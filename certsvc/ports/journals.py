"""What is written beside the registry: answers, waiting changes, access records, audit, news."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from certsvc.domain.access import AccessContext
from certsvc.domain.changes import Change
from certsvc.domain.numbers import Number


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The first answer to a request_id. `payload_digest` is keyed: a digest of personal data is personal."""

    payload_digest: bytes
    answer: bytes


class RequestLog(Protocol):
    """First answers by (caller, request_id), kept for 30 days, encrypted."""

    def find(self, *, caller: str, request_id: str) -> RecordedAnswer | None: ...
    def add(self, *, caller: str, request_id: str, recorded: RecordedAnswer, at: datetime) -> None:
        """Raises AlreadyExistsError if it was taken meanwhile."""

    def purge(self, *, before: datetime, limit: int) -> int:
        """Forget at most `limit` answers given before a time; how many that were."""


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A change that waits for a second officer; `request` is the serialized request, encrypted at rest."""

    change_id: str
    agency_id: str
    action: str
    identifier: str
    type_code: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    request: bytes


class PendingChangeRepository(Protocol):
    """Changes that wait for a second officer."""

    def add(self, record: PendingRecord) -> None: ...
    def get(self, change_id: str) -> PendingRecord | None:
        """None when unknown or already decided."""

    def list(self, agency_id: str, *, after: str, limit: int, now: datetime) -> Sequence[PendingRecord]: ...
    def decide(self, change_id: str, *, approved: bool, by: str, reason: str, at: datetime) -> None:
        """Exactly once; raises ConflictError if it was decided meanwhile."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """Who read or tested what of whom, when and why; the subject can read it."""

    at: datetime
    agency_id: str
    officer_id: str
    operation: str
    right: str
    context: AccessContext
    license_id: int | None
    holders: tuple[Number, ...]
    fields: tuple[str, ...]
    purpose: str = ""


class AccessLog(Protocol):
    """Access records, counted for quotas."""

    def add(self, record: AccessRecord) -> None: ...
    def count_since(self, *, agency_id: str, operation: str, since: datetime, holder: Number | None = None) -> int: ...
    def list(self, *, holder: Number, limit: int) -> Sequence[AccessRecord]:
        """Newest first."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What an operator, agency or officer did; `details` holds nothing personal."""

    at: datetime
    actor: str
    officer_id: str
    action: str
    target: str
    details: Mapping[str, Any]


class AuditLog(Protocol):
    """Append-only; written in the transaction of what it records."""

    def add(self, entry: AuditEntry) -> None: ...
    def list(self, *, after: int, limit: int) -> Sequence[tuple[int, AuditEntry]]: ...


class Outbox(Protocol):
    """Tells every worker and watcher, in the transaction of what changed."""

    def add(self, change: Change) -> None:
        """`change.position` is ignored; the store assigns it."""
