"""One call as a servicer sees it: who calls, under which request id, and how much time is left.

Invariant: the caller is bound to the call's own context object, never to a thread, so that it cannot leak
into the next call or get lost when a servicer hands work to other threads.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Never, TypeAlias

import grpc

from certsvc.domain.principal import Caller
from certsvc.errors import UnauthenticatedError

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

_REQUEST_ID = re.compile(r"[!-~]{1,128}")


class CallContext(grpc.ServicerContext):
    """grpc's context of a call, and what the guard found out.

    Servicers raise CertsvcErrors, which the guard translates; they never abort by themselves.
    """

    def __init__(self, inner: grpc.ServicerContext, *, ends_at: float | None) -> None:
        """`ends_at` is our deadline on the monotonic clock, for clients that set none."""
        self._inner = inner
        self._ends_at = ends_at
        self.request_id = _request_id(inner.invocation_metadata())
        self.caller: Caller | None = None
        self.status_code = grpc.StatusCode.OK

    def bearer_token(self) -> str:
        """The token in the metadata (RFC 6750 §2.1). Raises UnauthenticatedError (TOKEN_MISSING)."""
        values = [value for key, value in self.invocation_metadata() if key == "authorization"]
        scheme, _, token = str(values[0]).partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError(
                reason="TOKEN_MISSING",
                message="send one `authorization: Bearer <token>`, signed with a registered key",
            )
        return token

    # types-grpcio has no None here, but grpc answers None where there is no deadline.
    def time_remaining(self) -> float | None:  # type: ignore[override]
        """Seconds until the deadline, the client's or ours, whichever is first; None where there is none."""
        ours = None if self._ends_at is None else self._ends_at - time.monotonic()
        clients: float | None = self._inner.time_remaining()
        return min((seconds for seconds in (ours, clients) if seconds is not None), default=None)

    def is_active(self) -> bool:
        return self._inner.is_active()

    def cancel(self) -> bool:
        return self._inner.cancel()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return self._inner.add_callback(callback)

    def invocation_metadata(self) -> Metadata:
        return self._inner.invocation_metadata()

    def peer(self) -> str:
        return self._inner.peer()

    def peer_identities(self) -> Iterable[bytes] | None:
        return self._inner.peer_identities()

    def peer_identity_key(self) -> str | None:
        return self._inner.peer_identity_key()

    def auth_context(self) -> Mapping[str, bytes]:
        return self._inner.auth_context()

    def send_initial_metadata(self, initial_metadata: Metadata) -> None:
        self._inner.send_initial_metadata(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata: Metadata) -> None:
        self._inner.set_trailing_metadata(trailing_metadata)

    def set_code(self, code: grpc.StatusCode) -> None:
        self.status_code = code
        self._inner.set_code(code)

    def set_details(self, details: str) -> None:
        self._inner.set_details(details)

    def abort(self, code: grpc.StatusCode, details: str) -> Never:
        self._inner.abort(code, details)

    def abort_with_status(self, status: grpc.Status) -> Never:
        self._inner.abort_with_status(status)


def caller_of(context: grpc.ServicerContext) -> Caller:
    """The authenticated caller of this call.

    Raises LookupError where there is none, which is a fault of ours: an open RPC must not ask.
    """
    if isinstance(context, CallContext) and context.caller is not None:
        return context.caller
    raise LookupError("this call has no caller: it did not pass the guard")


def _request_id(metadata: Metadata) -> str:
    """The caller's x-request-id if it is one that a log can take, else a new one."""
    for key, value in metadata:
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)
