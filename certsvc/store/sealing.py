"""Encrypts what is personal before it becomes a column, and decrypts it again.

Invariant: what is sealed is bound to its table, its column and the key of its row, so that a value moved to another
row, another column or another table does not open (DataIntegrityError).
"""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from certsvc.ports import BlindIndex, Cipher

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> str:
    """JSON without spaces, in UTF-8 rather than escapes: the shortest, for sealed and open columns alike."""
    return _ENCODER.encode(value)


@dataclass(frozen=True, slots=True)
class Privacy:
    """The two ports that keep personal data out of the database's sight."""

    cipher: Cipher
    index: BlindIndex

    def seal(self, column: sa.Column[bytes], plaintext: bytes, *row: str | int) -> bytes:
        """Encrypt for `column` of the row with this key."""
        return self.cipher.seal(plaintext, table=column.table.name, row=_row_name(row), column=column.name)

    def open(self, column: sa.Column[bytes], sealed: bytes, *row: str | int) -> bytes:
        """Decrypt what `column` of this row holds. Raises DataIntegrityError."""
        return self.cipher.open(sealed, table=column.table.name, row=_row_name(row), column=column.name)

    def seal_json(self, column: sa.Column[bytes], value: Any, *row: str | int) -> bytes:
        """Encrypt a value of JSON."""
        return self.seal(column, to_json(value).encode(), *row)

    def open_json(self, column: sa.Column[bytes], sealed: bytes, *row: str | int) -> Any:
        """Decrypt a value of JSON. Raises DataIntegrityError."""
        return json.loads(self.open(column, sealed, *row))

    def license_number_ix(self, type_code: str, license_number: str) -> bytes | None:
        """The index of a license number, None for none; equal numbers of two types do not show as equal."""
        return self.index.text(license_number, scope=f"license_number/{type_code}") if license_number else None


def _row_name(row: tuple[str | int, ...]) -> str:
    """The key of a row as one text; the lengths keep two keys from reading alike, whatever they hold."""
    parts = [str(part) for part in row]
    return ",".join([f"{len(part)}:{part}" for part in parts])
