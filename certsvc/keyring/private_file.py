"""Files that hold secrets: readable by their owner alone, complete or not there, durable once created."""

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from certsvc.errors import (
    AlreadyExistsError,
    DataIntegrityError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)

MAX_SIZE = 4096
"""Bytes of the largest secret file; whatever is larger is none of ours."""

UNFINISHED_SUFFIX = ".unfinished"


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """What the operating system says about `path`, in our errors.

    Raises NotFoundError (KEY_FILE_MISSING), AlreadyExistsError (KEY_FILE_EXISTS) and, for anything else,
    UnavailableError (KEY_FILE_UNAVAILABLE).
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(reason="KEY_FILE_MISSING", message=f"{path} or its directory is missing") from error
    except FileExistsError as error:
        raise AlreadyExistsError(reason="KEY_FILE_EXISTS", message=f"{path} is there already") from error
    except OSError as error:
        raise UnavailableError(reason="KEY_FILE_UNAVAILABLE", message=f"{path}: {error.strerror}") from error


def read_private(path: Path) -> bytes:
    """The content of a secret file.

    Raises what `file_errors` and `require_private` raise, and DataIntegrityError (KEY_FILE_SIZE).
    """
    with file_errors(path), path.open("rb") as file:
        # The opened file is judged, not the path: between two looks at a path it may become another file.
        require_private(os.fstat(file.fileno()), path, is_kind=stat.S_ISREG)
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise DataIntegrityError(reason="KEY_FILE_SIZE", message=f"{path} is larger than any key file")
    return content


def create_private(path: Path, content: bytes) -> None:
    """Create a file of mode 0600, whole and durable on return; where it raises, nothing is left.

    Nothing is ever replaced: raises AlreadyExistsError, and what else `file_errors` raises. A crash may
    leave a file with UNFINISHED_SUFFIX, which nothing reads.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED_SUFFIX}")
    with file_errors(path):
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, fails where a file of this name is.
            path.hardlink_to(unfinished)
        finally:
            unfinished.unlink(missing_ok=True)
        try:
            sync_directory(path.parent)
        except OSError:
            path.unlink()
            raise


def sync_directory(directory: Path) -> None:
    """Make what was created or removed in `directory` durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_private(status: os.stat_result, path: Path, *, is_kind: Callable[[int], bool]) -> None:
    """Raise FailedPreconditionError (KEY_FILE_PERMISSIONS) unless only its owner, we or root, may use it.

    `is_kind` is stat.S_ISREG or stat.S_ISDIR: what it has to be.
    """
    if not is_kind(status.st_mode):
        complaint = "is a directory where a file should be, a file where a directory should be, or neither"
    elif status.st_mode & 0o077:
        complaint = f"has mode {stat.S_IMODE(status.st_mode):04o}: take the rights of group and others away"
    elif status.st_uid not in (0, os.geteuid()):
        complaint = "belongs to another user"
    else:
        return
    raise FailedPreconditionError(reason="KEY_FILE_PERMISSIONS", message=f"{path} {complaint}")
