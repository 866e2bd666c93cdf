"""A directory of wrapped secrets: one file each, named `<usage>.<name>.key`.

Invariants: a name stands once, whatever its usage; a file is complete or absent, also after a crash, and
durable when `put` returns; content moved to another name or usage does not open (wrapping.py). Several
processes may share a directory: writers exclude each other by a lock on it, readers need none.
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certsvc.errors import AlreadyExistsError, NotFoundError
from certsvc.keyring.private_file import (
    UNFINISHED_SUFFIX,
    create_private,
    file_errors,
    read_private,
    require_private,
    sync_directory,
)
from certsvc.keyring.wrapping import WrappingKey

# Nothing that could leave the directory or act as a pattern; usages have no dot, so that names parse one way.
_USAGE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)


class SecretFiles:
    """Wrapped secrets in a directory; safe to share between threads and processes."""

    def __init__(self, directory: Path, wrapping_key: WrappingKey) -> None:
        """Open an existing directory.

        Raises NotFoundError when it is missing, FailedPreconditionError when others than its owner may
        look in.
        """
        with file_errors(directory):
            require_private(directory.stat(), directory, is_kind=stat.S_ISDIR)
        self._directory = directory
        self._wrapping_key = wrapping_key

    @classmethod
    def create(cls, directory: Path, wrapping_key: WrappingKey) -> "SecretFiles":
        """Make the directory, mode 0700, and open it. Raises what `file_errors` raises."""
        with file_errors(directory):
            directory.mkdir(mode=0o700)
            sync_directory(directory.parent)
        return cls(directory, wrapping_key)

    def put(self, secret: bytes, *, usage: str, name: str) -> None:
        """Store a secret, durable on return. Raises AlreadyExistsError if any usage has the name."""
        path = self._path(usage, name)
        with file_errors(path), self._exclusively():
            if self._files_named(name):
                raise AlreadyExistsError(reason="KEY_EXISTS", message=f"there is a key {name} already")
            create_private(path, self._wrapping_key.wrap(secret, usage=usage, name=name))

    def get(self, *, usage: str, name: str) -> bytes:
        """The secret. Raises NotFoundError, and what `read_private` and `WrappingKey.unwrap` raise."""
        return self._wrapping_key.unwrap(read_private(self._path(usage, name)), usage=usage, name=name)

    def holds(self, *, usage: str, name: str) -> bool:
        """Whether there is such a secret; names of any form may be asked for."""
        return _is_sound(usage, name) and self._path(usage, name).exists()

    def names(self, *, usage: str) -> list[str]:
        """The names of all secrets of this usage, sorted."""
        return sorted(path.name.split(".")[1] for path in self._directory.glob(f"{usage}.*.key"))

    def remove(self, name: str) -> None:
        """Remove the secret of this name, whatever its usage; idempotent, durable on return.

        Only the name is unlinked: a copy in a backup opens as long as the wrapping key lives.
        """
        if _NAME.fullmatch(name):
            with file_errors(self._directory), self._exclusively():
                for path in self._files_named(name):
                    path.unlink()
                sync_directory(self._directory)

    def _path(self, usage: str, name: str) -> Path:
        if not _is_sound(usage, name):
            raise NotFoundError(reason="KEY_NOT_FOUND", message="no key can have this name")
        return self._directory / f"{usage}.{name}.key"

    def _files_named(self, name: str) -> list[Path]:
        return list(self._directory.glob(f"*.{name}.key"))

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Nobody else writes now, so what is unfinished is what a crash left: a key that must not stay
            # about.
            for path in self._directory.glob(f".*{UNFINISHED_SUFFIX}"):
                path.unlink()
            yield
        finally:
            os.close(descriptor)


def _is_sound(usage: str, name: str) -> bool:
    return _USAGE.fullmatch(usage) is not None and _NAME.fullmatch(name) is not None
