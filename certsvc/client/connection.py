"""One connection to a register: tokens, deadlines, retries and request ids, the same for every call.

Invariants: every call has a deadline; a call is repeated only when the register gives the same answer to
both: it reads, or it carries a request_id, which stays the same over all tries. A call with an access context
is not repeated, because each try may write an access record.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import Message

from certsvc.client.call_error import error_of_call
from certsvc.client.retries import RetryPolicy

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)
Item = TypeVar("Item")


class Connection:
    """A channel with the caller's identity; safe to use from many threads."""

    def __init__(
        self,
        channel: grpc.Channel,
        *,
        authorization: Callable[[], str],
        timeout: float,
        policy: RetryPolicy,
    ) -> None:
        """`authorization` gives that header's value; `timeout` is in seconds, for a whole call."""
        self.channel = channel
        self.timeout = timeout
        self.policy = policy
        self._authorization = authorization

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call: a token that is still good for it."""
        return (("authorization", self._authorization()),)

    def call(
        self, method: "grpc.UnaryUnaryMultiCallable[Req, Res]", request: Req, *, timeout: float | None = None
    ) -> Res:
        """Make a unary call within `timeout` seconds, again where that is safe and helps. Raises CallError."""
        request = with_request_id(request)
        repeatable = not _has_access_context(request)
        deadline = self.policy.monotonic() + (self.timeout if timeout is None else timeout)
        failures = 0
        while True:
            try:
                remaining = deadline - self.policy.monotonic()
                return method(request, timeout=max(remaining, 0.0), metadata=self.metadata())
            except grpc.RpcError as raised:
                error = error_of_call(raised)
                failures += 1
                if not (repeatable and error.is_transient and self.policy.wait(failures, deadline=deadline)):
                    raise error from raised

    def read_stream(
        self, method: "grpc.UnaryStreamMultiCallable[Req, Res]", request: Req, *, timeout: float | None = None
    ) -> Iterator[Res]:
        """Make a call that answers with a stream of pieces, once. Raises CallError from the iterator."""
        seconds = self.timeout if timeout is None else timeout
        call = method(request, timeout=seconds, metadata=self.metadata())
        try:
            yield from call
        except grpc.RpcError as raised:
            raise error_of_call(raised) from raised
        finally:
            call.cancel()

    def pages(self, fetch: Callable[[str], tuple[Sequence[Item], str]]) -> Iterator[Item]:
        """All items of a paged listing; `fetch` takes a page token and returns a page and the next token."""
        token = ""
        while True:
            items, token = fetch(token)
            yield from items
            if not token:
                return


def with_request_id(request: Req) -> Req:
    """The request, where it is a mutation without a request_id as a copy with a new one."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or cast(Any, request).request_id:
        return request
    filled = type(request)()
    filled.CopyFrom(request)
    cast(Any, filled).request_id = uuid.uuid4().hex
    return filled


def _has_access_context(request: Message) -> bool:
    return "access_context" in request.DESCRIPTOR.fields_by_name and request.HasField("access_context")
