"""Changes to the register's small tables, each of which leaves its traces.

Invariants: no agency, officer, key, grant or type changes without an audit entry and a row of the feed, both in its
transaction; and before the answer goes out, this worker has forgotten what it knew of the thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from certsvc.domain.changes import START, Change, ChangeKind
from certsvc.domain.principal import Caller
from certsvc.ports import AuditEntry, Clock, Repositories
from certsvc.services.directory import Directory
from certsvc.services.mutations import Mutation, Mutations

Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a change is called (`agency.created`), what the feed names (`kind`, `ref`), and what the audit names.

    `target` says which thing where `ref` is only its owner; `also` names others of the kind that changed with it;
    `details` hold nothing personal.
    """

    action: str
    kind: ChangeKind
    ref: str
    target: str = ""
    also: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class TracedMutations:
    """Mutations (services/mutations.py) with their traces."""

    def __init__(self, *, mutations: Mutations, directory: Directory, clock: Clock) -> None:
        self._mutations = mutations
        self._directory = directory
        self._clock = clock

    def run(
        self,
        mutation: Mutation[Result],
        *,
        prepare: Callable[[datetime], Prepared],
        work: Callable[[Repositories, Prepared, datetime], Result],
        trace: Callable[[Prepared], Trace],
    ) -> bytes:
        """As Mutations.run; `prepare` and `work` are given the time, `trace` what was prepared."""
        named: list[Trace] = []

        def prepared() -> Prepared:
            ready = prepare(self._clock.now())
            named.append(trace(ready))
            return ready

        def traced(repositories: Repositories, ready: Prepared) -> Result:
            now = self._clock.now()
            result = work(repositories, ready, now)
            _write(repositories, mutation.caller, trace(ready), now)
            return result

        try:
            return self._mutations.run(mutation, prepare=prepared, work=traced)
        finally:
            # Also after an error: a commit whose outcome is not known may have changed it.
            for change in named:
                for ref in (change.ref, *change.also):
                    self._directory.forget(change.kind, ref)


def _write(repositories: Repositories, caller: Caller, trace: Trace, now: datetime) -> None:
    repositories.audit.add(
        AuditEntry(
            at=now,
            actor=caller.name,
            officer_id=caller.officer_id,
            action=trace.action,
            target=trace.target or trace.ref,
            details=trace.details,
        )
    )
    for ref in (trace.ref, *trace.also):
        repositories.outbox.add(Change(START, trace.kind, ref, now))
