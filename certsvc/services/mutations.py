"""Mutations happen once: the first answer to a (caller, request_id) is kept for 30 days and given again.

Invariants: the answer is stored in the transaction of the change it answers; the same request_id with another payload
is refused; a mutation that failed leaves no trace, so its request_id may be used again.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from certsvc.domain.principal import Caller
from certsvc.errors import AlreadyExistsError, CertsvcError, FieldViolation, InvalidInputError
from certsvc.ports import Clock, KeyedDigest, Ledger, RecordedAnswer, Repositories

R = TypeVar("R")
P = TypeVar("P")

MAX_REQUEST_ID = 128


@dataclass(frozen=True, slots=True)
class Mutation(Generic[R]):
    """A caller's request to change something.

    `payload` is the request without its request_id, serialized deterministically; `encode` makes the answer's bytes,
    which are stored and replayed.
    """

    caller: Caller
    request_id: str
    payload: bytes
    encode: Callable[[R], bytes]


class Mutations:
    """Runs mutations on the ledger, each once."""

    def __init__(self, *, ledger: Ledger, digest: KeyedDigest, clock: Clock) -> None:
        self._ledger = ledger
        self._digest = digest
        self._clock = clock

    def run(self, mutation: Mutation[R], *, prepare: Callable[[], P], work: Callable[[Repositories, P], R]) -> bytes:
        """Carry a mutation out and return its encoded answer, or the first answer to this request; durable on return.

        `prepare` runs first and outside the transaction: checks of the input, leases, signatures. `work` runs inside,
        perhaps more than once (Ledger.write), and has no effect but through the repositories. What either raises is
        raised here, unless this request was answered before: then its first answer stands.

        Raises InvalidInputError for a bad request_id, AlreadyExistsError if it was used for another payload.
        """
        check_request_id(mutation.request_id)
        try:
            return self._carry_out(mutation, prepare(), work)
        except CertsvcError:
            # Answered before, or by another worker meanwhile: then that answer stands, whatever is refused now.
            with self._ledger.read() as repositories:
                recorded = self._recorded(repositories, mutation)
            if recorded is None:
                raise
            return recorded

    def _carry_out(self, mutation: Mutation[R], prepared: P, work: Callable[[Repositories, P], R]) -> bytes:
        def once(repositories: Repositories) -> bytes:
            recorded = self._recorded(repositories, mutation)
            if recorded is not None:
                return recorded
            answer = mutation.encode(work(repositories, prepared))
            repositories.requests.add(
                caller=mutation.caller.name,
                request_id=mutation.request_id,
                recorded=RecordedAnswer(payload_digest=self._digest.of(mutation.payload), answer=answer),
                at=self._clock.now(),
            )
            return answer

        return self._ledger.write(once, order=f"{mutation.caller.name}/{mutation.request_id}")

    def _recorded(self, repositories: Repositories, mutation: Mutation[R]) -> bytes | None:
        found = repositories.requests.find(caller=mutation.caller.name, request_id=mutation.request_id)
        if found is None:
            return None
        if not hmac.compare_digest(found.payload_digest, self._digest.of(mutation.payload)):
            raise AlreadyExistsError(
                reason="REQUEST_ID_REUSED",
                message="this request_id was used for another request; use a new one for a new request",
            )
        return found.answer


def check_request_id(request_id: str) -> None:
    """Raise InvalidInputError unless it is 1 to 128 printable ASCII characters without blanks."""
    if not 1 <= len(request_id) <= MAX_REQUEST_ID or not all("!" <= c <= "~" for c in request_id):
        raise InvalidInputError.of(
            FieldViolation(
                field="request_id",
                reason="REQUEST_ID",
                description=f"must be 1 to {MAX_REQUEST_ID} printable ASCII characters without blanks",
            )
        )
