"""The register's storage, as transactions over all repositories."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from certsvc.domain.changes import Change, FeedPosition
from certsvc.ports.journals import AccessLog, AuditLog, Outbox, PendingChangeRepository, RequestLog
from certsvc.ports.licenses import LicenseRepository
from certsvc.ports.registry import AgencyRepository, LicenseTypeRepository, SigningKeyRepository

T = TypeVar("T")


class Repositories(Protocol):
    """What one transaction offers."""

    agencies: AgencyRepository
    license_types: LicenseTypeRepository
    signing_keys: SigningKeyRepository
    licenses: LicenseRepository
    requests: RequestLog
    pending: PendingChangeRepository
    access: AccessLog
    audit: AuditLog
    outbox: Outbox


class Ledger(Protocol):
    """The register's storage, as transactions."""

    def write(self, work: Callable[[Repositories], T], *, order: str = "") -> T:
        """Run `work` in a transaction of its own or in a savepoint of a shared one; durable on return.

        What `work` raises is raised here and leaves nothing behind; so does an error of a repository that `work`
        swallowed. `work` may be run again after a failed commit, so it has no effect but through the repositories, and
        runs on another thread. Works of one shared transaction run in the order of `order`: works that lock the same
        counters in the same order spare two servers from waiting for each other.
        Raises UnavailableError when nothing could be committed, reason COMMIT_UNKNOWN when nobody can know.
        """

    def read(self) -> AbstractContextManager[Repositories]:
        """A consistent snapshot for reading; nothing written through it is kept."""

    def lease(self, name: str, count: int) -> range:
        """`count` numbers from 1 on that nobody else gets, ever; those of a crashed worker are skipped, not reused."""

    def poll(self, after: FeedPosition, *, limit: int) -> Sequence[Change]:
        """Committed changes after a position, in feed order; none is ever skipped (DESIGN §6).

        Raises UnavailableError FEED_STALLED where committed changes are held back, so that knowledge would be stale.
        """

    def head(self) -> FeedPosition:
        """The position after which everything still to come lies."""

    def wait_for_change(self, timeout: float) -> None:
        """Return when something may have been committed here, or after `timeout` seconds: a hint, no promise."""

    def close(self) -> None: ...
