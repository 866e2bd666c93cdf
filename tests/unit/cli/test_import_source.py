"""Files as registers export them are read whole and sound, or refused with the row."""

import hashlib
from pathlib import Path

import pytest

from certsvc.cli.importing.source import Row, open_source
from certsvc.errors import InvalidInputError

TEXT = "代码,名称\n1,甲\n2,乙\n"


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "register.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le-bom"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    content = b"\xff\xfe" + TEXT.encode("utf-16-le") if encoding == "utf-16-le-bom" else TEXT.encode(encoding)
    source = open_source(_file(tmp_path, content))
    assert source.header == ("代码", "名称")
    assert list(source.rows()) == [Row(2, ("1", "甲")), Row(3, ("2", "乙"))]
    assert (source.count, source.digest) == (2, hashlib.sha256(content).digest())


def test_a_character_that_only_gb18030_has_far_into_the_file(tmp_path: Path) -> None:
    lines = ["name", *["plain" * 400] * 1000, "㐀"]
    source = open_source(_file(tmp_path, "\n".join(lines).encode("gb18030")))
    assert source.encoding == "gb18030"
    *_, last = source.rows()
    assert last.cells == ("㐀",)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    source = open_source(_file(tmp_path, TEXT.replace(",", delimiter).encode()))
    assert source.header == ("代码", "名称")


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    content = 'a,b\n1,"two\nlines"\n\n,,\n2,x\n'
    rows = list(open_source(_file(tmp_path, content.encode())).rows())
    assert [(row.number, row.cells) for row in rows] == [(2, ("1", "two\nlines")), (5, ("2", "x"))]


def test_cells_stay_as_they_are(tmp_path: Path) -> None:
    (row,) = open_source(_file(tmp_path, b' a ,b\n" x ""y"" ", z')).rows()
    assert row.cells == (' x "y" ', " z")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EMPTY"),
        (b"\n\n", "EMPTY"),
        (b"a,a\n1,2\n", "HEADER"),
        (b"a,,\n1,2,3\n", "HEADER"),
        (b"a,b\n\xff\xff\xff\n", "ENCODING"),
        (b'a,b\n1,2\n3,"4\n', "CSV"),
        (b'a,b\n1,"2"x\n', "CSV"),
    ],
)
def test_what_is_no_sound_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        open_source(_file(tmp_path, content))
    assert raised.value.violations[0].reason == reason


def test_a_cell_that_never_ends_is_named_by_its_row(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="row 3"):
        open_source(_file(tmp_path, b'a,b\n1,2\n3,"4\n5,6\n'))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        open_source(tmp_path / "missing.csv")
