"""The reject file: every refused row with its number, the field, the reason, and the row itself, ready to be mended.

A line a violation: row, field, reason, description, then the row's own cells under their own header. It holds what the
imported file holds, so only its owner can read it; and it is opened in spreadsheets, so no cell of it is a formula.
"""

import csv
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from certsvc.cli.importing.source import Row, guarded
from certsvc.client import CallError
from certsvc.errors import CertsvcError, FieldViolation, InvalidInputError, UnavailableError

COLUMNS = ("row", "field", "reason", "description")

_FIELD_IN_MESSAGE = re.compile(r"([a-z_]+(?:\[\d+\])?(?:\.\w+)*): (.+)", re.DOTALL)


class RejectFile:
    """Collects rejects and writes them in the order of the rows when the block ends, however it ends; none, no file."""

    def __init__(self, path: Path, header: tuple[str, ...]) -> None:
        """Raises UnavailableError (REJECT_FILE_UNWRITABLE)."""
        self.path = path
        self._header = header
        self._rejects: list[tuple[Row, CertsvcError]] = []
        try:
            # Opened now, so that an import is not carried out whose rejects would be lost.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise UnavailableError(
                reason="REJECT_FILE_UNWRITABLE", message=f"cannot write {path}: {error.strerror}"
            ) from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")

    @property
    def rows(self) -> int:
        """How many rows were refused."""
        return len(self._rejects)

    def add(self, row: Row, error: CertsvcError) -> None:
        """Note one refused row."""
        self._rejects.append((row, error))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._file as file:
            writer = csv.writer(file)
            writer.writerow((*COLUMNS, *map(guarded, self._header)))
            for row, refusal in sorted(self._rejects, key=lambda reject: reject[0].number):
                for violation in violations_of(refusal):
                    described = (str(row.number), violation.field, violation.reason, violation.description)
                    writer.writerow(map(guarded, (*described, *row.cells)))
        if not self._rejects:
            self.path.unlink()


def violations_of(error: CertsvcError) -> list[FieldViolation]:
    """What was wrong, a field at a time; an error about one field says which at the start of its message."""
    if isinstance(error, CallError | InvalidInputError) and error.violations:
        return list(error.violations)
    named = _FIELD_IN_MESSAGE.fullmatch(error.message)
    field, description = named.groups() if named else ("", error.message)
    return [FieldViolation(field, error.reason or getattr(error, "code", ""), description)]
