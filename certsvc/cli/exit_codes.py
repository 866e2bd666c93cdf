"""Exit codes of every command, documented in docs/cli.md. Nothing else in this project ends a process with a code."""

import enum

from certsvc.client import CallError
from certsvc.errors import (
    CertsvcError,
    DeadlineError,
    ExhaustedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)


class ExitCode(enum.IntEnum):
    """Stable: scripts rely on them."""

    OK = 0
    NOT_VALID = 1
    USAGE = 2
    REFUSED = 3
    NOT_ALLOWED = 4
    NOT_REACHED = 5
    PARTLY = 6
    INTERNAL = 70
    INTERRUPTED = 130


_BY_CODE = {
    "UNAUTHENTICATED": ExitCode.NOT_ALLOWED,
    "PERMISSION_DENIED": ExitCode.NOT_ALLOWED,
    "UNAVAILABLE": ExitCode.NOT_REACHED,
    "DEADLINE_EXCEEDED": ExitCode.NOT_REACHED,
    "RESOURCE_EXHAUSTED": ExitCode.NOT_REACHED,
    "CANCELLED": ExitCode.NOT_REACHED,
    "INVALID_ARGUMENT": ExitCode.REFUSED,
    "OUT_OF_RANGE": ExitCode.REFUSED,
    "NOT_FOUND": ExitCode.REFUSED,
    "ALREADY_EXISTS": ExitCode.REFUSED,
    "FAILED_PRECONDITION": ExitCode.REFUSED,
    "ABORTED": ExitCode.REFUSED,
}
_BY_KIND: tuple[tuple[type[CertsvcError], ExitCode], ...] = (
    (UnauthenticatedError, ExitCode.NOT_ALLOWED),
    (PermissionDeniedError, ExitCode.NOT_ALLOWED),
    (UnavailableError, ExitCode.NOT_REACHED),
    (DeadlineError, ExitCode.NOT_REACHED),
    (ExhaustedError, ExitCode.NOT_REACHED),
)


def exit_code_of(error: CertsvcError) -> ExitCode:
    """The code for an error of the register or of our own."""
    if isinstance(error, CallError):
        return _BY_CODE.get(error.code, ExitCode.INTERNAL)
    if error.reason.startswith("CREDENTIAL_"):
        return ExitCode.NOT_ALLOWED
    for kind, code in _BY_KIND:
        if isinstance(error, kind):
            return code
    return ExitCode.REFUSED
