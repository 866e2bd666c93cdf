"""Quotas on reading and testing what others issued: of one agency, and of one agency about one subject.

Invariant: whoever's number was stated, the subjects concerned count, so that no way of asking becomes an oracle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from certsvc.domain.numbers import Number
from certsvc.domain.principal import Caller
from certsvc.errors import ExhaustedError
from certsvc.ports import Clock, Repositories


@dataclass(frozen=True, slots=True)
class AccessQuotas:
    """Most calls of one operation in a day."""

    per_agency_daily: int
    per_subject_daily: int

    def check(
        self, repositories: Repositories, caller: Caller, operation: str, concerned: Iterable[Number], *, clock: Clock
    ) -> None:
        """Raise ExhaustedError (ACCESS_QUOTA) where one is used up; counts what the access log holds."""
        since = clock.now() - timedelta(days=1)

        def count(holder: Number | None = None) -> int:
            return repositories.access.count_since(
                agency_id=caller.owner_id, operation=operation, since=since, holder=holder
            )

        if count() >= self.per_agency_daily or any(count(number) >= self.per_subject_daily for number in concerned):
            raise ExhaustedError(
                reason="ACCESS_QUOTA",
                message=f"the quota of this agency for {operation} is used up; it refills within a day",
            )
