"""Many requests on one stream, answered side by side and in any order.

Invariants: at most `unanswered` requests are taken in ahead of their answers, then the stream holds the sender back
(HTTP/2 flow control); one item's trouble never stops the others; every request that was taken in is answered, unless
the caller went away.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MAX_UNANSWERED = 256


@dataclass(frozen=True, slots=True)
class _End:
    """The requests ended after `taken` of them; `trouble` is what ended them, if not the sender."""

    taken: int
    trouble: Exception | None


class Exchange(Generic[Request, Answer]):
    """One stream. `answer(index, request)` runs on the executor and never raises for what a caller sent."""

    def __init__(
        self,
        requests: Iterable[Request],
        answer: Callable[[int, Request], Answer],
        *,
        executor: Executor,
        unanswered: int = MAX_UNANSWERED,
    ) -> None:
        self._requests = requests
        self._answer = answer
        self._executor = executor
        self._slots = threading.Semaphore(unanswered)
        self._answers: queue.SimpleQueue[Answer | _End | Exception] = queue.SimpleQueue()
        self._gone = threading.Event()

    def answers(self) -> Iterator[Answer]:
        """The answers as they come; raises what broke the stream, after all that was taken in is answered."""
        threading.Thread(target=self._take_in, name="rpc-exchange", daemon=True).start()
        given, end = 0, None
        try:
            while end is None or given < end.taken:
                item = self._answers.get()
                if isinstance(item, _End):
                    end = item
                elif isinstance(item, Exception):
                    raise item
                else:
                    given += 1
                    self._slots.release()
                    yield item
            if end.trouble is not None:
                raise end.trouble
        finally:
            self._gone.set()
            self._slots.release()

    def _take_in(self) -> None:
        taken, trouble = 0, None
        try:
            for request in self._requests:
                self._slots.acquire()
                if self._gone.is_set():
                    return
                self._executor.submit(self._run, taken, request)
                taken += 1
        except grpc.RpcError:
            pass  # the caller went away; what was taken in is still carried out
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream's own thread raises it
            trouble = error
        self._answers.put(_End(taken, trouble))

    def _run(self, index: int, request: Any) -> None:
        try:
            self._answers.put(self._answer(index, request))
        except Exception as error:  # noqa: BLE001 - a fault of ours ends the stream and is told by the guard
            self._answers.put(error)
