"""Replacing files of the data directory: readable by their owner alone, and whole or as before after any crash."""

import os
import secrets
from pathlib import Path

from certsvc.errors import UnavailableError


def replace_file(path: Path, content: bytes) -> None:
    """Write `content`, mode 0600, in the place of what is there; durable on return.

    Raises UnavailableError (DATA_FILE_UNWRITABLE), leaving what was there. A crash may leave a file that ends in
    `.unfinished`, which nothing reads.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise UnavailableError(
            reason="DATA_FILE_UNWRITABLE", message=f"cannot write {path}: {error.strerror}"
        ) from error
