"""The guard before every servicer: no call reaches one but through the numbered steps of `_admitted`.

Invariants: an RPC without a rule is refused; nobody unauthenticated reaches a servicer, save by an open rule;
who loses the right to call loses running streams too; what a client sent never answers INTERNAL; every call
leaves one log line and one count.
"""

import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from certsvc.domain.principal import Caller
from certsvc.errors import CertsvcError, DeadlineError
from certsvc.rpc.call import CallContext
from certsvc.rpc.limits import CallLimits, CallSlots, StreamSlots
from certsvc.rpc.messages import UnreadableMessage, check_message, read_message
from certsvc.rpc.metrics import RPCMetrics
from certsvc.rpc.permissions import RULES, Rule, check_permission
from certsvc.rpc.status import code_of, to_refusal

Request = TypeVar("Request")
Response = TypeVar("Response")
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Behavior: TypeAlias = Callable[[Any, grpc.ServicerContext], Any]

# Nobody may call an RPC that the table forgot.
_NO_RULE = Rule()
_OUR_FAULT = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS})

_log = structlog.get_logger("certsvc.rpc")


class Authentication(Protocol):
    """Says who calls (services/authentication.py)."""

    def authenticate(self, token: str) -> Caller:
        """The caller that this token proves. Raises UnauthenticatedError."""

    def recheck(self, caller: Caller) -> Caller:
        """The caller as it is now, its token's end aside. Raises UnauthenticatedError if it may not call."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One RPC as the guard needs it."""

    method: str
    rule: Rule
    serve: Behavior
    request_streaming: bool
    response_streaming: bool

    @property
    def is_stream(self) -> bool:
        return self.request_streaming or self.response_streaming


class CallGuard(grpc.ServerInterceptor):
    """Wraps the handlers of all RPCs, of all four kinds."""

    def __init__(
        self,
        *,
        authentication: Authentication,
        limits: CallLimits,
        metrics: RPCMetrics,
        stream_pool: futures.ThreadPoolExecutor,
    ) -> None:
        """`stream_pool` runs every stream whose servicer names no pool of its own."""
        self._authentication = authentication
        self._unary_seconds = limits.unary_seconds
        self._calls = CallSlots(limits.unary_calls)
        self._streams = StreamSlots(limit=limits.streams, per_caller=limits.streams_per_caller)
        self._metrics = metrics
        self._stream_pool = stream_pool

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Request, Response] | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """The handler of this call, guarded. Runs when the call arrives, before it waits for a thread."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        serve, build = _of_its_kind(handler)
        endpoint = _Endpoint(
            method=method,
            rule=RULES.get(method, _NO_RULE),
            serve=serve,
            request_streaming=handler.request_streaming,
            response_streaming=handler.response_streaming,
        )
        answer: Any = self._answer_stream if handler.response_streaming else self._answer_once
        behavior: Any = partial(answer, endpoint, time.monotonic())
        # grpc looks for a pool on the behavior that it is given, so a servicer's own is carried over.
        behavior.experimental_thread_pool = getattr(serve, "experimental_thread_pool", None) or (
            self._stream_pool if endpoint.is_stream else None
        )
        parse: Any = handler.request_deserializer
        read = partial(read_message, parse, endpoint.rule.max_bytes)
        guarded: grpc.RpcMethodHandler[Request, Response] = build(behavior, read, handler.response_serializer)
        return guarded

    def _answer_once(self, endpoint: _Endpoint, arrived: float, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(endpoint, arrived, context) as call, self._admitted(endpoint, call):
            return endpoint.serve(self._incoming(endpoint, call, request), call)

    def _answer_stream(
        self, endpoint: _Endpoint, arrived: float, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        with self._call(endpoint, arrived, context) as call, self._admitted(endpoint, call):
            for response in endpoint.serve(self._incoming(endpoint, call, request), call):
                self._recheck(endpoint, call)
                yield response

    @contextmanager
    def _admitted(self, endpoint: _Endpoint, call: CallContext) -> Iterator[None]:
        """Let the call through to its servicer, or raise. The order is the safety argument: keep it whole."""
        rule = endpoint.rule
        with ExitStack() as held:
            # 1. A slot of the worker: one at its limit spends nothing more on a call than this.
            if not endpoint.is_stream:
                held.enter_context(self._calls.take())
            # 2. Time left: work that nobody waits for is not begun.
            remaining = call.time_remaining()
            if remaining is not None and remaining <= 0:
                raise DeadlineError(reason="DEADLINE", message="the deadline passed before work began")
            # 3. Who calls, and 4. whether this caller may; what the call is about is for the service.
            if not rule.is_open:
                caller = self._authentication.authenticate(call.bearer_token())
                check_permission(rule, caller)
                call.caller = caller
            # 5. A stream's slot is its caller's.
            if endpoint.is_stream:
                owner = call.caller.name if call.caller else endpoint.method
                held.enter_context(self._streams.take(owner))
            # 6. The message was measured and read when it came in; what is wrong with it is told now.
            yield

    def _incoming(self, endpoint: _Endpoint, call: CallContext, request: Any) -> Any:
        """The request, or the stream of them, as the servicer may have it."""
        if endpoint.request_streaming:
            return self._each_incoming(endpoint, call, request)
        return check_message(endpoint.rule, request)

    def _each_incoming(
        self, endpoint: _Endpoint, call: CallContext, requests: Iterator[Message | UnreadableMessage]
    ) -> Iterator[Message | UnreadableMessage]:
        for request in requests:
            self._recheck(endpoint, call)
            yield request if endpoint.rule.itemwise else check_message(endpoint.rule, request)

    def _recheck(self, endpoint: _Endpoint, call: CallContext) -> None:
        """Steps 3 and 4 again, because a stream outlives the rights that it began with."""
        if call.caller is not None:
            check_permission(endpoint.rule, self._authentication.recheck(call.caller))

    @contextmanager
    def _call(self, endpoint: _Endpoint, arrived: float, inner: grpc.ServicerContext) -> Iterator[CallContext]:
        """Everything around a call: its id, its log line, its count, and the translation of its errors."""
        call = CallContext(inner, ends_at=None if endpoint.is_stream else arrived + self._unary_seconds)
        call.set_trailing_metadata((("x-request-id", call.request_id),))
        self._metrics.began(endpoint.method)
        error: Exception | None = None
        code = grpc.StatusCode.CANCELLED  # what stays where the client just went away
        try:
            yield call
            code = call.status_code
        except grpc.RpcError:
            raise  # the client went away while its requests were read: grpc's own error, which it knows again
        except Exception as caught:  # noqa: BLE001 - the edge: whatever it is, it becomes a status
            error, code = caught, code_of(caught)
        finally:
            seconds = time.monotonic() - arrived
            self._metrics.ended(endpoint.method, code, seconds=seconds)
            _write_line(endpoint.method, call, code, error, seconds=seconds)
        if error is not None:
            call.abort_with_status(to_refusal(error, request_id=call.request_id))


def _of_its_kind(handler: Handler) -> tuple[Any, Callable[..., Any]]:
    """The servicer's method in a handler, and what builds a handler of the same kind."""
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return handler.unary_unary, grpc.unary_unary_rpc_method_handler
        case False, True:
            return handler.unary_stream, grpc.unary_stream_rpc_method_handler
        case True, False:
            return handler.stream_unary, grpc.stream_unary_rpc_method_handler
        case _:
            return handler.stream_stream, grpc.stream_stream_rpc_method_handler


def _write_line(
    method: str, call: CallContext, code: grpc.StatusCode, error: Exception | None, *, seconds: float
) -> None:
    """One line a call. Of errors only the reason: a message may hold what a caller sent."""
    line = {
        "method": method,
        "code": code.name,
        "caller": call.caller.name if call.caller else "",
        "ms": round(seconds * 1000, 1),
        "request_id": call.request_id,
    }
    if isinstance(error, CertsvcError):
        line["reason"] = error.reason
    if code in _OUR_FAULT:
        _log.error("rpc", **line, exc_info=error)
    else:
        _log.info("rpc", **line)
