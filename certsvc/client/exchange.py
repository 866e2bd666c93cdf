"""Items out, an answer for each back, over as many streams as it takes.

Invariants: every item is answered exactly once to the caller; what was unanswered when a stream broke is sent
again on the next one, unchanged, so items must be safe to repeat (a request_id, or a read); at most `window`
items are unanswered at a time; no wait is longer than the connection's timeout without an answer.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from certsvc.client.call_error import CallError, error_of_call
from certsvc.client.connection import Connection

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)
Answer_co = TypeVar("Answer_co", covariant=True)

WINDOW = 256
"""The register leaves at most this many items of a stream unanswered."""


class _Call(Protocol[Answer_co]):
    """What gRPC returns for a stream."""

    def __next__(self) -> Answer_co: ...
    def cancel(self) -> bool: ...


class Exchange(Generic[Req, Res]):
    """One run over `items`, which are read in a thread of gRPC's, as far ahead as `window` allows.

    `index_of` reads from an answer the position of its item in the stream, from 0.
    """

    def __init__(
        self,
        connection: Connection,
        method: "grpc.StreamStreamMultiCallable[Req, Res]",
        items: Iterable[Req],
        *,
        index_of: Callable[[Res], int],
        window: int = WINDOW,
    ) -> None:
        self._connection = connection
        self._policy = connection.policy
        self._method = method
        self._index_of = index_of
        self._window = window
        self._source = iter(items)
        self._source_lock = threading.Lock()
        self._source_error: BaseException | None = None
        self._source_ended = False
        self._changed = threading.Condition()
        self._unanswered: dict[int, Req] = {}
        self._to_send: deque[int] = deque()
        self._read = 0
        self._due_since = 0.0

    def answers(self) -> Iterator[tuple[int, Req, Res]]:
        """(position, item, answer), in the order of the answers.

        Raises CallError when the register refuses the stream, or does not answer for the connection's timeout
        over all tries; raises what reading `items` raises, after the answers to all items before.
        """
        failures, give_up_at = 0, 0.0
        while True:
            stream = _Stream(self)
            try:
                for answered in stream.answers():
                    failures = 0
                    yield answered
                if self._is_done():
                    break
                error = CallError(reason="", message="the register ended the stream", code="UNAVAILABLE")
            except CallError as raised:
                error = raised
            finally:
                stream.close()
            if failures == 0:
                give_up_at = self._policy.monotonic() + self._connection.timeout
            failures += 1
            if not (error.is_transient and self._policy.wait(failures, deadline=give_up_at)):
                raise error
            with self._changed:
                self._to_send = deque(sorted(self._unanswered))
        if self._source_error is not None:
            raise self._source_error

    def _is_done(self) -> bool:
        with self._changed:
            return self._source_ended and not self._unanswered

    def next_to_send(self, stream: "_Stream[Req, Res]") -> tuple[int, Req] | None:
        """The next item for `stream` to send, once there is room; None when there is none or it closed."""
        with self._source_lock:
            with self._changed:
                self._changed.wait_for(lambda: stream.closed or self._to_send or len(self._unanswered) < self._window)
                if stream.closed:
                    return None
                if self._to_send:
                    return self._take()
                if self._source_ended:
                    return None
            self._read_one()
            with self._changed:
                # A stream that was closed meanwhile leaves the item to its successor.
                return self._take() if self._to_send and not stream.closed else None

    def _take(self) -> tuple[int, Req]:
        position = self._to_send.popleft()
        return position, self._unanswered[position]

    def _read_one(self) -> None:
        """Read one item from the source, without holding up answers meanwhile."""
        try:
            item = next(self._source)
        except StopIteration:
            self._source_ended = True
            return
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._source_error, self._source_ended = error, True
            return
        with self._changed:
            if not self._unanswered:
                self._due_since = self._policy.monotonic()
            self._unanswered[self._read] = item
            self._to_send.append(self._read)
            self._read += 1

    def open(self, requests: Iterator[Req]) -> _Call[Res]:
        """Begin a stream that sends `requests`."""
        return self._method(requests, metadata=self._connection.metadata())

    def answered(self, position: int) -> Req:
        """Note the answer to an item and make room for another."""
        with self._changed:
            self._changed.notify_all()
            return self._unanswered.pop(position)

    def woken(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def silence(self, waiting_since: float) -> float:
        """For how many seconds an answer has been due to someone who waits for one since `waiting_since`."""
        with self._changed:
            if not self._unanswered:
                return 0.0
            return self._policy.monotonic() - max(waiting_since, self._due_since)

    def position_in_stream(self, answer: Res) -> int:
        """Which item of its stream an answer is for."""
        return self._index_of(answer)

    @property
    def connection(self) -> Connection:
        """The connection that the streams run on."""
        return self._connection


class _Stream(Generic[Req, Res]):
    """One stream of an exchange: which items it sent, and a watch over its silence."""

    def __init__(self, exchange: Exchange[Req, Res]) -> None:
        self._exchange = exchange
        self._sent: dict[int, int] = {}
        self._count = 0
        self._waiting_since: float | None = None
        self._ended = threading.Event()
        self._too_silent = False
        self.closed = False

    def answers(self) -> Iterator[tuple[int, Req, Res]]:
        """The answers of this stream, until it ends. Raises CallError."""
        clock = self._exchange.connection.policy.monotonic
        call = self._exchange.open(self._requests())
        threading.Thread(target=self._watch, args=(call,), daemon=True).start()
        try:
            while True:
                self._waiting_since = clock()
                answer = next(call, None)
                self._waiting_since = None
                if answer is None:
                    return
                position = self._sent.pop(self._exchange.position_in_stream(answer))
                yield position, self._exchange.answered(position), answer
        except grpc.RpcError as raised:
            if self._too_silent:
                message = f"no answer for {self._exchange.connection.timeout:g} s"
                raise CallError(reason="", message=message, code="UNAVAILABLE") from raised
            raise error_of_call(raised) from raised
        except KeyError as raised:
            message = "the register answered an item that was not sent, or one item twice"
            raise CallError(reason="", message=message, code="INTERNAL") from raised
        finally:
            call.cancel()

    def close(self) -> None:
        """Send nothing more; items that are still to be sent are left to the next stream."""
        self.closed = True
        self._ended.set()
        self._exchange.woken()

    def _requests(self) -> Iterator[Req]:
        while (following := self._exchange.next_to_send(self)) is not None:
            position, item = following
            self._sent[self._count] = position
            self._count += 1
            yield item

    def _watch(self, call: _Call[Res]) -> None:
        """Cancel the call when answers are due and none came for the connection's timeout."""
        timeout = self._exchange.connection.timeout
        while not self._ended.wait(timeout / 4):
            since = self._waiting_since
            if since is not None and self._exchange.silence(since) > timeout:
                self._too_silent = True
                call.cancel()
                return
