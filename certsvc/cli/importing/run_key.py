"""The key of a run: what makes a killed import, started again, the same import.

A run of one file, type and mode has a random key of its own, kept beside the reject file until every row was answered.
Started again before that, the same rows get the same request_ids, and the register gives its first answers again; once
a run is complete the next one is a new import, which the register compares with what it has now. (With ids from the
content alone, a row that went from A to B and back to A within 30 days would be answered from memory and stay B.)
"""

import hashlib
import json
import os
import secrets
from pathlib import Path

from certsvc.errors import UnavailableError

KEY_SIZE = 32


class RunKeyFile:
    """The file that holds a run's key, mode 0600."""

    def __init__(self, path: Path, *, file_digest: bytes, type_code: str, amend: bool) -> None:
        """`path` is where it lies; the others say which import it is for."""
        self._path = path
        described = json.dumps([file_digest.hex(), type_code, amend]).encode()
        self._import = hashlib.sha256(described).hexdigest()

    def begin(self) -> tuple[bytes, bool]:
        """The key, durable before it is returned, and whether it is that of a run that was broken off.

        Raises UnavailableError (RUN_KEY_UNWRITABLE).
        """
        known = self._read()
        if known is not None:
            return known, True
        key = secrets.token_bytes(KEY_SIZE)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump({"import": self._import, "key": key.hex()}, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise UnavailableError(
                reason="RUN_KEY_UNWRITABLE",
                message=f"cannot write {self._path}, which makes the import resumable: {error.strerror}",
            ) from error
        return key, False

    def end(self) -> None:
        """Every row was answered: the next run is a new one."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> bytes | None:
        """The key of a run of the same import; anything else that lies there is of no use any more."""
        try:
            content = json.loads(self._path.read_text("ascii"))
            key = bytes.fromhex(content["key"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return key if content.get("import") == self._import and len(key) == KEY_SIZE else None
