"""One transaction as repositories see it: reading, writing, rows held back for the end, savepoints of single works.

Invariants: a work that met an error is undone whole, even if it swallowed the error; a row that a work appended is
written before anything reads its table, and at the latest before the commit; a work that is undone leaves no row, its
neighbours lose none.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from certsvc.errors import CertsvcError
from certsvc.store.commands import Command, Parameters
from certsvc.store.faults import DRIVER_ERRORS, DisconnectedError, translated

E = TypeVar("E", bound=CertsvcError)

Row = sa.Row[*tuple[Any, ...]]

Appended = list[tuple[Command, Parameters]]


class Session:
    """A transaction on one connection; not thread-safe."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._kept: Appended = []  # by works that are done
        self._new: Appended = []  # by the work that is running
        self._settled_here: Appended = []  # kept rows that were written inside the running work's savepoint
        self._refusal: CertsvcError | None = None
        self.locked_keys: set[str] = set()
        """Signing keys that this transaction holds as ACTIVE."""
        self.announces = False
        """Whether a change was put into the feed."""

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self._dialect.name == "sqlite"

    def rows(self, statement: sa.Executable, **parameters: Any) -> Sequence[Row]:
        """All rows of a query."""
        try:
            return self._connection.execute(statement, parameters).all()
        except DRIVER_ERRORS as error:
            raise self.refused(translated(error)) from error

    def first(self, statement: sa.Executable, **parameters: Any) -> Row | None:
        """The first row of a query, None if there is none."""
        try:
            return self._connection.execute(statement, parameters).first()
        except DRIVER_ERRORS as error:
            raise self.refused(translated(error)) from error

    def number(self, statement: sa.Executable, **parameters: Any) -> int:
        """The only value of a query that counts."""
        return int(self.rows(statement, **parameters)[0][0])

    def change(self, command: Command, **values: Any) -> int:
        """Run a command; return how many rows it touched."""
        return self._run(command, values).rowcount

    def returned(self, command: Command, **values: Any) -> Sequence[Row]:
        """Run a command that returns rows; their values are the driver's, unconverted."""
        return self._run(command, values).all()

    def _run(self, command: Command, values: dict[str, Any]) -> sa.CursorResult[Any]:
        compiled = command.compiled(self._dialect)
        try:
            return self._connection.exec_driver_sql(compiled.text, compiled.bind(values))
        except DRIVER_ERRORS as error:
            raise self.refused(translated(error)) from error

    def append(self, command: Command, **values: Any) -> None:
        """Insert a row that cannot be refused, some time before the commit: together with its neighbours' it is cheap.

        A repository that reads the table calls `settle` first.
        """
        self._new.append((command, command.compiled(self._dialect).bind(values)))

    def settle(self) -> None:
        """Write the appended rows, those of one command in one go."""
        self._settled_here += self._kept
        appended, self._kept, self._new = self._kept + self._new, [], []
        batches: dict[Command, list[Any]] = {}
        for command, parameters in appended:
            batches.setdefault(command, []).append(parameters)
        for command, batch in batches.items():
            try:
                self._connection.exec_driver_sql(command.compiled(self._dialect).text, batch)
            except DRIVER_ERRORS as error:
                raise self.refused(translated(error)) from error

    def refused(self, error: E) -> E:
        """Note that the running work met `error`, which its repository raises now: it may have written half."""
        self._refusal = self._refusal or error
        return error

    def begin_work(self) -> None:
        """Start a work in a savepoint of its own."""
        self._refusal = None
        self.control("SAVEPOINT work")

    def check(self) -> None:
        """Raise the error that the running work met and swallowed, if any."""
        if self._refusal is not None:
            raise self._refusal

    def keep_work(self) -> None:
        """End the work and keep what it did. Raises like `check`."""
        self.check()
        self.control("RELEASE SAVEPOINT work")
        self._kept += self._new
        self._new, self._settled_here = [], []

    def undo_work(self) -> None:
        """Undo the work alone. Raises DisconnectedError when the transaction did not survive it."""
        if isinstance(self._refusal, DisconnectedError):
            raise self._refusal
        self.control("ROLLBACK TO SAVEPOINT work")
        self.control("RELEASE SAVEPOINT work")
        self._kept = self._settled_here + self._kept
        self._new, self._settled_here = [], []
        # A savepoint's locks go with it.
        self.locked_keys.clear()

    def wait_for_locks(self, milliseconds: int) -> None:
        """Let the rest of this transaction wait for each of others' locks so long, on PostgreSQL."""
        if not self.on_sqlite:
            self.control(f"SET LOCAL lock_timeout = {milliseconds}")

    def control(self, statement: str) -> None:
        """Run a statement about the transaction itself."""
        try:
            self._connection.exec_driver_sql(statement)
        except DRIVER_ERRORS as error:
            raise translated(error) from error


def columns_of(row: Row) -> dict[str, Any]:
    """A row's columns by name."""
    # The underscore only keeps it apart from a column's name: it is documented as public.
    return {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001
