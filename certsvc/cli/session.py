"""What every command has at hand: where it writes, in which language, and the client it calls with.

Invariants: standard output holds the answer and nothing else; everything else goes to standard error; the client is
opened when it is first needed, so that what needs no register works without one.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from google.protobuf.message import Message
from rich.console import Console

from certsvc.cli.rendering import record_lines, table_of, to_json
from certsvc.cli.words import TEXTS
from certsvc.client import CallError, Client, SystemClock
from certsvc.errors import CertsvcError, InvalidInputError

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res")

UNBOUNDED_WIDTH = 100_000
"""Columns where nobody looks: a line that is wrapped for a screen is of no use to a program."""


class DryRunEnd(Exception):  # noqa: N818 - no error: the end of a command that only shows what it would do
    """Raised in place of a call when the command shall only say what it would send."""


@dataclass(slots=True)
class Session:
    """One run of one command."""

    credential: Path
    officer: str
    timeout: float
    as_json: bool
    language: str
    dry_run: bool = False
    clock: SystemClock = field(default_factory=SystemClock)
    _closing: ExitStack = field(default_factory=ExitStack)
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The client, opened with the command's credential at first use. Raises what Client.connect raises."""
        if self._client is None:
            opened = Client.connect(self.credential, officer=self.officer, timeout=self.timeout)
            self._client = self._closing.enter_context(opened)
        return self._client

    @property
    def out(self) -> Console:
        """Standard output; where it is no terminal, plain and without a width to wrap at."""
        return _console(sys.stdout)

    @property
    def err(self) -> Console:
        """Standard error, in the same way."""
        return _console(sys.stderr)

    def close(self) -> None:
        """Close what was opened."""
        self._closing.close()

    def say(self, name: str) -> str:
        """A text of words.TEXTS in this run's language."""
        return TEXTS[name].in_language(self.language)

    def change(self, call: Callable[[Req], Res], request: Req) -> Res:
        """Send a request that changes something; with --dry-run print it instead and raise DryRunEnd."""
        if self.dry_run:
            self.err.print(self.say("dry_run"))
            self.print_json({type(request).DESCRIPTOR.name: to_json(request)})
            raise DryRunEnd
        return call(request)

    def print_json(self, value: Any) -> None:
        """Print one JSON document on one or more lines."""
        self.out.print(json.dumps(value, ensure_ascii=False, indent=2))

    def show(self, message: Message) -> None:
        """Print one message: its proto JSON, or a line for each field that is set."""
        if self.as_json:
            self.print_json(to_json(message))
            return
        lines = record_lines(message, language=self.language)
        for label, text in lines or [(self.say("none"), "")]:
            self.out.print(f"{label}: {text}" if text else label)

    def show_all(self, name: str, messages: Iterable[Message], columns: Sequence[str]) -> None:
        """Print many messages: a JSON object with the list under `name`, or a table of these columns."""
        if self.as_json:
            self.print_json({name: [to_json(message) for message in messages]})
            return
        table = table_of(messages, columns, language=self.language)
        self.out.print(table if table.row_count else self.say("none"))

    def show_error(self, error: CertsvcError) -> None:
        """Print an error to standard error, with all its violations."""
        violations = error.violations if isinstance(error, CallError | InvalidInputError) else ()
        if self.as_json:
            code = error.code if isinstance(error, CallError) else ""
            described = {
                "code": code,
                "reason": error.reason,
                "message": error.message,
                "metadata": dict(error.details),
                "violations": [
                    {"field": v.field, "reason": v.reason, "description": v.description} for v in violations
                ],
            }
            self.err.print(json.dumps({"error": described}, ensure_ascii=False, indent=2))
            return
        name = " ".join(part for part in (getattr(error, "code", ""), error.reason) if part)
        if not violations:
            self.err.print(f"{self.say('error')}: {error.message or name} [{name}]")
            return
        self.err.print(f"{self.say('error')}: [{name}]")
        for violation in violations:
            self.err.print(f"  {violation.field}: {violation.description} [{violation.reason}]")


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else UNBOUNDED_WIDTH
    return Console(file=file, width=width, soft_wrap=width is not None, highlight=False, markup=False)
