"""The file that is imported: CSV as registers export it, in UTF-8, UTF-16 or GB18030, with commas, tabs or semicolons.

Invariants: the whole file was read once and found sound before its first row is used, so that nothing is sent of a file
that ends in the middle of a quoted cell; rows are numbered as a spreadsheet shows them, the header being row 1; an
apostrophe that keeps a spreadsheet from taking a cell for a formula is no part of the cell.
"""

import codecs
import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certsvc.errors import FieldViolation, InvalidInputError

_CHUNK = 1 << 20
_DELIMITERS = ",\t;"
_ENCODINGS = ("utf-8-sig", "gb18030")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_GUARDED_STARTS = tuple(f"'{start}" for start in _FORMULA_STARTS)


def guarded(cell: str) -> str:
    """The cell as it may be shown to a spreadsheet, which would carry out what begins like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def unguarded(cell: str) -> str:
    """The cell without the apostrophe of `guarded`."""
    return cell[1:] if cell.startswith(_GUARDED_STARTS) else cell


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, and its cells in the order of the header, as they are."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A sound CSV file. `digest` is SHA-256 of its bytes, `count` the number of rows that are not blank."""

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    count: int
    digest: bytes

    def rows(self) -> Iterator[Row]:
        """The rows after the header; blank ones are left out."""
        with _reading(self.path, self.encoding, self.delimiter) as reader:
            next(reader)
            for number, cells in enumerate(reader, start=2):
                if any(cells):
                    yield Row(number, tuple(cells))


def open_source(path: Path) -> Source:
    """Read a file once, to the end.

    Raises InvalidInputError: FILE_UNREADABLE, ENCODING, CSV (naming the row), EMPTY, HEADER.
    """
    try:
        encoding, digest = _encoding_of(path)
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
        delimiter = max(_DELIMITERS, key=first.count)
        with _reading(path, encoding, delimiter) as reader:
            header = tuple(cell.strip() for cell in next(reader, ()))
            count = sum(1 for cells in reader if any(cells))
    except OSError as error:
        raise _refusal("FILE_UNREADABLE", f"cannot be read: {error.strerror}") from error
    if not any(header):
        raise _refusal("EMPTY", "has no header")
    doubles = [name or "(no name)" for name, times in Counter(header).items() if times > 1]
    if doubles:
        raise _refusal("HEADER", f"has columns of one name: {', '.join(doubles)}")
    return Source(path, encoding, delimiter, header, count, digest)


@contextmanager
def _reading(path: Path, encoding: str, delimiter: str) -> Iterator[Iterator[list[str]]]:
    """A reader over the file; what is no CSV raises InvalidInputError with the row that it is found in."""
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)

        def rows() -> Iterator[list[str]]:
            number = 0
            try:
                for cells in reader:
                    number += 1
                    yield [unguarded(cell) for cell in cells]
            except csv.Error as error:
                raise _refusal("CSV", f"row {number + 1}: {error}") from error

        yield rows()


def _encoding_of(path: Path) -> tuple[str, bytes]:
    """How the file's text is encoded, found by decoding all of it, and the digest of its bytes."""
    digest = hashlib.sha256()
    decoders = {name: codecs.getincrementaldecoder(name)() for name in _ENCODINGS}
    with path.open("rb") as file:
        start = file.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            decoders = {"utf-16": codecs.getincrementaldecoder("utf-16")()}
        file.seek(0)
        while True:
            chunk = file.read(_CHUNK)
            digest.update(chunk)
            decoders = {name: decoder for name, decoder in decoders.items() if _decodes(decoder, chunk)}
            if not chunk:
                break
    if not decoders:
        raise _refusal("ENCODING", "is neither UTF-8, UTF-16 nor GB18030")
    return next(iter(decoders)), digest.digest()


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError:
        return False
    return True


def _refusal(reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation("file", reason, description))
