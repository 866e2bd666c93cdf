"""One import: rows to requests, answers to counts and rejects.

Invariants: every row is counted once; rows that are equal are sent once, unless another row of the same license stands
between them, so that the last row of a license counts; an error that is not the row's own (the
register cannot be reached, the caller may not issue) ends the run instead of rejecting rows, and the next run goes on.
"""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol

from certsvc.cli.importing.requests import RowRequests
from certsvc.cli.importing.source import Row, Source
from certsvc.client import CallError, IssueAnswer
from certsvc.client.licenses import keys_of_license
from certsvc.errors import CertsvcError, InvalidInputError
from certsvc.v1 import license_service_pb2 as pb

_NOT_THE_ROWS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"})


@dataclass(slots=True)
class ImportCounts:
    """How many rows became what. `issued` are licenses of this import, those of an earlier, broken-off run included."""

    issued: int = 0
    amended: int = 0
    skipped: int = 0
    pending: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """All rows that have an answer."""
        return sum(getattr(self, field.name) for field in fields(self))


class Rejects(Protocol):
    """Where refused rows go."""

    def add(self, row: Row, error: CertsvcError) -> None:
        """Note one refused row."""


_COUNTERS = {
    pb.DISPOSITION_ISSUED: "issued",
    pb.DISPOSITION_CHANGED: "amended",
    pb.DISPOSITION_SKIPPED: "skipped",
    pb.DISPOSITION_PENDING: "pending",
}


class ImportRun:
    """Sends the rows of a source and keeps the counts."""

    def __init__(self, source: Source, requests: RowRequests, rejects: Rejects) -> None:
        self.counts = ImportCounts()
        self._source = source
        self._requests = requests
        self._rejects = rejects
        self._sent: dict[int, Row] = {}
        self._not_sent: queue.SimpleQueue[tuple[Row, InvalidInputError | None]] = queue.SimpleQueue()
        self._known: set[str] = set()
        self._latest: dict[str, str] = {}
        self._sent_count = 0

    def go(
        self,
        issue_many: Callable[[Iterator[pb.IssueLicenseRequest]], Iterator[IssueAnswer]],
        *,
        progress: Callable[[int], None],
    ) -> ImportCounts:
        """Send all rows through `issue_many`; `progress` hears the number of rows answered so far.

        Raises CallError for what is not a row's own error.
        """
        for answer in issue_many(self._rows()):
            self._count(answer)
            self._count_unsent()
            progress(self.counts.rows)
        self._count_unsent()
        progress(self.counts.rows)
        return self.counts

    def _rows(self) -> Iterator[pb.IssueLicenseRequest]:
        """The requests, read by a thread of the client's; what is not sent is left to the other thread to count."""
        for row in self._source.rows():
            try:
                request = self._requests.request(row)
            except InvalidInputError as error:
                self._not_sent.put((row, error))
                continue
            content_id, keys = request.request_id, keys_of_license(request)
            if content_id in self._known:
                if all(self._latest[key] == content_id for key in keys):
                    self._not_sent.put((row, None))
                    continue
                request.request_id = self._requests.id_of_repeated(content_id, row)
            self._known.add(content_id)
            self._latest.update(dict.fromkeys(keys, content_id))
            # The client numbers what it reads, from 0.
            self._sent[self._sent_count] = row
            self._sent_count += 1
            yield request

    def _count(self, answer: IssueAnswer) -> None:
        row = self._sent.pop(answer.position)
        if answer.change is not None:
            name = _COUNTERS[answer.change.disposition]
            setattr(self.counts, name, getattr(self.counts, name) + 1)
        elif answer.error is not None:
            if answer.error.is_transient or answer.error.code in _NOT_THE_ROWS:
                raise answer.error
            self._reject(row, answer.error)

    def _count_unsent(self) -> None:
        while True:
            try:
                row, error = self._not_sent.get_nowait()
            except queue.Empty:
                return
            if error is None:
                self.counts.skipped += 1
            else:
                self._reject(row, error)

    def _reject(self, row: Row, error: CallError | InvalidInputError) -> None:
        self.counts.rejected += 1
        self._rejects.add(row, error)
