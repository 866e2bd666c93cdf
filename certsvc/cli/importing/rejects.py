"""The reject file: every refused row with its number, the field, the reason, and the row itself, ready to be mended.

A line a violation: row, field, reason, description, then the row's own cells under their own header. It holds what the
imported file holds, so only its owner can read it.
"""

import csv
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from certsvc.cli.importing.source import Row
from certsvc.client import CallError
from certsvc.errors import CertsvcError, FieldViolation, InvalidInputError, UnavailableError

COLUMNS = ("row", "field", "reason", "description")

_FIELD_IN_MESSAGE = re.compile(r"([a-z_]+(?:\[\d+\])?(?:\.\w+)*): (.+)", re.DOTALL)


class RejectFile:
    """Writes rejects as they come; a file without any is removed at the end. A context manager."""

    def __init__(self, path: Path, header: tuple[str, ...]) -> None:
        """Raises UnavailableError (REJECT_FILE_UNWRITABLE)."""
        self.path = path
        self.rows = 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise UnavailableError(
                reason="REJECT_FILE_UNWRITABLE", message=f"cannot write {path}: {error.strerror}"
            ) from error
        os.fchmod(descriptor, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow((*COLUMNS, *header))

    def add(self, row: Row, error: CertsvcError) -> None:
        """Write one refused row."""
        self.rows += 1
        for violation in violations_of(error):
            described = (row.number, violation.field, violation.reason, violation.description)
            self._writer.writerow((*described, *row.cells))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self.rows:
            self.path.unlink()


def violations_of(error: CertsvcError) -> list[FieldViolation]:
    """What was wrong, a field at a time; an error about one field says which at the start of its message."""
    if isinstance(error, CallError | InvalidInputError) and error.violations:
        return list(error.violations)
    named = _FIELD_IN_MESSAGE.fullmatch(error.message)
    field, description = named.groups() if named else ("", error.message)
    return [FieldViolation(field, error.reason or getattr(error, "code", ""), description)]
