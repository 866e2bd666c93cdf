"""What is measured: issuing and verifying, call by call and on a stream, by clients that never wait between two.

Every license is issued once and every code verified once, so that nothing is answered from memory.
"""

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from certsvc.client import Client
from certsvc.v1 import license_service_pb2, verification_service_pb2
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, TRAFFIC_POLICE, permit
from tests.e2e.server_process import ServerProcess

CALLERS = 16
"""Threads that call one after another; a stream has one, which reads and writes at once."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How often in how long; `latencies` in seconds, of single calls, sorted."""

    name: str
    count: int
    seconds: float
    latencies: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Per second."""
        return self.count / self.seconds

    def latency(self, share: float) -> float | None:
        """The time that this share of the calls stays below."""
        return self.latencies[int(len(self.latencies) * share)] if self.latencies else None


class Load:
    """The measures of one register, in an order in which each leaves what the next one needs."""

    def __init__(self, server: ServerProcess, *, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._numbers = itertools.count()
        self._issued: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._unverified: list[str] = []

    def measures(self) -> Iterator[Measure]:
        """Issue, then verify what was issued: one half call by call, the other on a stream."""
        issuers = [self._server.agency(APPROVAL_BUREAU, officer=CLERK) for _ in range(CALLERS)]
        verifiers = [self._server.agency(TRAFFIC_POLICE) for _ in range(CALLERS)]
        self._calls("warm-up", issuers, self._issue, seconds=1.0)
        yield self._calls("issue, unary", issuers, self._issue, seconds=self._seconds)
        yield self._stream("issue, stream", self._issue_many(issuers[0], seconds=2 * self._seconds))
        texts = [self._issued.get() for _ in range(self._issued.qsize())]
        self._unverified = texts[::2]
        yield self._calls("verify, unary", verifiers, self._verify, seconds=self._seconds)
        self._unverified = texts[1::2]
        yield self._stream("verify, stream", self._verify_many(verifiers[0], seconds=self._seconds))

    def _calls(self, name: str, clients: list[Client], call: Callable[[Client], bool], *, seconds: float) -> Measure:
        """Make calls from all clients until the time is over, or a call says that there is nothing left to do."""
        barrier = threading.Barrier(len(clients) + 1)

        def run(client: Client) -> list[float]:
            latencies = []
            barrier.wait()
            ends_at = time.perf_counter() + seconds
            while (began := time.perf_counter()) < ends_at and call(client):
                latencies.append(time.perf_counter() - began)
            return latencies

        with ThreadPoolExecutor(len(clients)) as pool:
            running = [pool.submit(run, client) for client in clients]
            barrier.wait()
            began = time.perf_counter()
            latencies = sorted(latency for done in running for latency in done.result())
            return Measure(name, len(latencies), time.perf_counter() - began, tuple(latencies))

    def _stream(self, name: str, answers: Iterator[None]) -> Measure:
        began = time.perf_counter()
        count = sum(1 for _ in answers)
        return Measure(name, count, time.perf_counter() - began)

    def _issue(self, client: Client) -> bool:
        self._issued.put(client.licenses.issue(self._request()).qr_text)
        return True

    def _issue_many(self, client: Client, *, seconds: float) -> Iterator[None]:
        ends_at = time.perf_counter() + seconds
        going_on = itertools.takewhile(lambda _: time.perf_counter() < ends_at, itertools.repeat(None))
        for answer in client.licenses.issue_many(self._request() for _ in going_on):
            if answer.change is None:
                raise RuntimeError(f"refused: {answer.error}")
            self._issued.put(answer.change.qr_text)
            yield

    def _verify(self, client: Client) -> bool:
        text = self._next_text()
        if text is None:
            return False
        _check(client.verification.verify(text))
        return True

    def _verify_many(self, client: Client, *, seconds: float) -> Iterator[None]:
        ends_at = time.perf_counter() + seconds
        texts = itertools.takewhile(lambda _: time.perf_counter() < ends_at, iter(self._next_text, None))
        for answer in client.verification.verify_many(texts):
            if answer.result is None:
                raise RuntimeError(f"refused: {answer.error}")
            _check(answer.result)
            yield

    def _request(self) -> license_service_pb2.IssueLicenseRequest:
        return permit(f"B{next(self._numbers)}")

    def _next_text(self) -> str | None:
        try:
            return self._unverified.pop()
        except IndexError:
            return None


def _check(result: verification_service_pb2.VerificationResult) -> None:
    if result.verdict != verification_service_pb2.VERDICT_VALID:
        raise RuntimeError(f"not valid: {result}")
