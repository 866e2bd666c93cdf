"""One who listens: calls of WatchLicenseEvents, read in threads of their own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from certsvc.client import CallError
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    CLERK,
)
from tests.integration.register import Register
from tests.integration.wire import LICENSES, Wire

WATCH = f"{LICENSES}/WatchLicenseEvents"
WAIT = 20.0


class Ear:
    """One call of WatchLicenseEvents, read in a thread of its own."""

    def __init__(self, wire: Wire, request: pb.WatchLicenseEventsRequest) -> None:
        self.heard: SimpleQueue[tuple[float, pb.WatchLicenseEventsResponse]] = SimpleQueue()
        self.ended: CallError | None = None
        self._answers = wire.stream(WATCH, [request])
        self.token = self._next().resume_token
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _next(self) -> pb.WatchLicenseEventsResponse:
        return pb.WatchLicenseEventsResponse.FromString(next(self._answers))

    def _listen(self) -> None:
        try:
            while True:
                self.heard.put((time.monotonic(), self._next()))
        except (CallError, StopIteration, RuntimeError) as error:
            self.ended = error if isinstance(error, CallError) else None

    def next(self) -> pb.WatchLicenseEventsResponse:
        """The next event; heartbeats are passed over."""
        while True:
            _, answer = self.heard.get(timeout=WAIT)
            if answer.HasField("event"):
                return answer

    def nothing(self, *, for_seconds: float = 0.5) -> bool:
        """Whether nothing is heard for a while."""
        try:
            return not self.heard.get(timeout=for_seconds)[1].HasField("event")
        except Empty:
            return True


@contextmanager
def ear(register: Register, agency: str = APPROVAL_BUREAU, officer: str = CLERK, **wanted: Any) -> Iterator[Ear]:
    """What happens from now on, or from the resume token on."""
    register.catch_up()
    connection = register.connect(register.credentials.agency(agency), officer=officer, timeout=60)
    with connection.channel:
        yield Ear(Wire(connection), pb.WatchLicenseEventsRequest(**wanted))
