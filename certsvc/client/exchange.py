"""Items out, an answer for each back, over as many streams as it takes.

Invariants: every item is answered exactly once to the caller; what was unanswered when a stream broke is sent
again on the next one, unchanged, so items must be safe to repeat (a request_id, or a read); at most `window`
items are unanswered at a time, those that wait for their turn included; no wait is longer than the connection's
timeout without an answer. Items that share a key are sent one at a time in their order: the register answers side by
side what is on one stream.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
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

    `index_of` reads from an answer the position of its item in the stream, from 0; `keys_of` from an item the keys
    that it shares with those that it must not overtake.
    """

    def __init__(
        self,
        connection: Connection,
        method: "grpc.StreamStreamMultiCallable[Req, Res]",
        items: Iterable[Req],
        *,
        index_of: Callable[[Res], int],
        keys_of: Callable[[Req], Iterable[Hashable]] = lambda _: (),
        window: int = WINDOW,
    ) -> None:
        self._connection = connection
        self._policy = connection.policy
        self._method = method
        self._index_of = index_of
        self._keys_of = keys_of
        self._window = window
        self._source = iter(items)
        self._source_lock = threading.Lock()
        self._source_error: BaseException | None = None
        self._source_ended = False
        self._changed = threading.Condition()
        self._unanswered: dict[int, Req] = {}
        self._to_send: deque[int] = deque()
        self._queues: dict[Hashable, deque[int]] = {}
        self._keys: dict[int, tuple[Hashable, ...]] = {}
        self._held_back: set[int] = set()
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
                    # Only now: until it asks on, the caller may still be busy with this item.
                    self._let_next(answered[0])
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
                self._to_send = deque(sorted(self._unanswered.keys() - self._held_back))
        if self._source_error is not None:
            raise self._source_error

    def _is_done(self) -> bool:
        with self._changed:
            return self._source_ended and not self._unanswered

    def next_to_send(self, stream: "_Stream[Req, Res]") -> tuple[int, Req] | None:
        """The next item for `stream` to send, once there is room; None when there is none or it closed."""
        with self._source_lock:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: stream.closed or self._to_send or self._has_room())
                    # A stream that was closed while an item was read leaves the item to its successor.
                    if stream.closed:
                        return None
                    if self._to_send:
                        return self._take()
                    if self._source_ended:
                        return None
                self._read_one()

    def _has_room(self) -> bool:
        """Whether to read on; at the end of the source, whether no item waits for its turn any more."""
        return not self._held_back if self._source_ended else len(self._unanswered) < self._window

    def _is_its_turn(self, position: int) -> bool:
        return all(self._queues[key][0] == position for key in self._keys.get(position, ()))

    def _let_next(self, position: int) -> None:
        """Let those that waited for the item at `position` have their turn."""
        with self._changed:
            following = set()
            for key in self._keys.pop(position, ()):
                waiting = self._queues[key]
                waiting.popleft()
                if waiting:
                    following.add(waiting[0])
                else:
                    del self._queues[key]
            free = sorted(filter(self._is_its_turn, following))
            self._held_back.difference_update(free)
            self._to_send.extend(free)
            self._changed.notify_all()

    def _take(self) -> tuple[int, Req]:
        position = self._to_send.popleft()
        return position, self._unanswered[position]

    def _read_one(self) -> None:
        """Read one item from the source, without holding up answers meanwhile."""
        try:
            item = next(self._source)
            keys = tuple(dict.fromkeys(self._keys_of(item)))
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
            if keys:
                self._keys[self._read] = keys
            for key in keys:
                self._queues.setdefault(key, deque()).append(self._read)
            if self._is_its_turn(self._read):
                self._to_send.append(self._read)
            else:
                self._held_back.add(self._read)
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
