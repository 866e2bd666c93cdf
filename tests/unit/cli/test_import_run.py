"""Every row is counted once; what is not a row's own error ends the run."""

import csv
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from certsvc.cli.importing.rejects import RejectFile, violations_of
from certsvc.cli.importing.run import ImportRun
from certsvc.cli.importing.run_key import RunKeyFile
from certsvc.cli.importing.source import Row, open_source
from certsvc.client import CallError, IssueAnswer
from certsvc.errors import CertsvcError, FieldViolation, InvalidInputError, UnavailableError
from certsvc.v1 import license_service_pb2 as pb
from tests.unit.cli.import_builders import HEADER, ROW, a_source, row_requests


class KeptRejects:
    def __init__(self) -> None:
        self.rows: list[tuple[int, CertsvcError]] = []

    def add(self, row: Row, error: CertsvcError) -> None:
        self.rows.append((row.number, error))


def _answer(position: int, request: pb.IssueLicenseRequest, disposition: pb.Disposition.ValueType) -> IssueAnswer:
    return IssueAnswer(position, request, pb.LicenseChange(disposition=disposition), None)


def _rows(*numbers: str) -> list[tuple[str, ...]]:
    return [(number, *ROW[1:]) for number in numbers]


def test_dispositions_are_counted_and_errors_rejected(tmp_path: Path) -> None:
    source = a_source(tmp_path, *_rows("a", "b", "c", "d", "e"))
    refusal = CallError("LICENSE_DIFFERS", "license_number: differs", code="ALREADY_EXISTS")

    def issue_many(requests: Iterator[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        items = list(enumerate(requests))
        dispositions = [
            pb.DISPOSITION_ISSUED, pb.DISPOSITION_CHANGED, pb.DISPOSITION_SKIPPED, pb.DISPOSITION_PENDING,
        ]  # fmt: skip
        yield IssueAnswer(4, items[4][1], None, refusal)
        for (position, request), disposition in reversed(list(zip(items, dispositions, strict=False))):
            yield _answer(position, request, disposition)

    rejects, heard = KeptRejects(), list[int]()
    counts = ImportRun(source, row_requests(source), rejects).go(issue_many, progress=heard.append)
    assert (counts.issued, counts.amended, counts.skipped, counts.pending, counts.rejected) == (1, 1, 1, 1, 1)
    assert counts.rows == 5
    assert rejects.rows == [(6, refusal)]
    assert heard[-1] == 5
    assert heard == sorted(heard)


def test_equal_rows_are_sent_once_and_bad_ones_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    a_source(tmp_path, *_rows("a", "a", "b"))
    path.write_text(path.read_text("utf-8") + '\n"short"\n', "utf-8")
    source = open_source(path)
    sent: list[str] = []

    def issue_many(requests: Iterator[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        for position, request in enumerate(requests):
            sent.append(request.license_number)
            yield _answer(position, request, pb.DISPOSITION_ISSUED)

    rejects = KeptRejects()
    counts = ImportRun(source, row_requests(source), rejects).go(issue_many, progress=lambda _: None)
    assert sent == ["a", "b"]
    assert (counts.issued, counts.skipped, counts.rejected, counts.rows) == (2, 1, 1, 4)
    assert rejects.rows[0][0] == 5


def test_a_row_that_comes_back_after_another_of_its_license_is_sent_again(tmp_path: Path) -> None:
    """Active, suspended, active: the last one counts; under the same ids when the import is begun again."""
    other = ("a", *ROW[1:6], "咖啡", *ROW[7:])
    source = a_source(tmp_path, *_rows("a"), other, *_rows("a", "b", "a"))
    runs: list[list[tuple[str, str]]] = []

    def issue_many(requests: Iterator[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        runs.append([])
        for position, request in enumerate(requests):
            runs[-1].append((str(request.fields["scope"]), request.request_id))
            yield _answer(position, request, pb.DISPOSITION_CHANGED)

    for _ in range(2):
        rejects = KeptRejects()
        counts = ImportRun(source, row_requests(source), rejects).go(issue_many, progress=lambda _: None)
        assert (counts.amended, counts.skipped, counts.rows) == (4, 1, 5)
    assert [scope for scope, _ in runs[0]] == ["茶叶", "咖啡", "茶叶", "茶叶"]
    assert len({request_id for _, request_id in runs[0]}) == 4
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "PERMISSION_DENIED", "UNAUTHENTICATED", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"]
)
def test_an_error_that_is_not_the_rows_own_ends_the_run(tmp_path: Path, code: str) -> None:
    source = a_source(tmp_path, *_rows("a", "b"))
    error = CallError("", "not now", code=code)

    def issue_many(requests: Iterator[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        yield IssueAnswer(0, next(requests), None, error)

    rejects = KeptRejects()
    with pytest.raises(CallError) as raised:
        ImportRun(source, row_requests(source), rejects).go(issue_many, progress=lambda _: None)
    assert raised.value is error
    assert rejects.rows == []


class TestRejectFile:
    """What was refused, ready to be mended and imported."""

    def test_it_has_a_line_a_violation_in_the_order_of_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        two = InvalidInputError.of(FieldViolation("valid_from", "DATE", "d"), FieldViolation("fields.x", "TYPE", "t"))
        with RejectFile(path, HEADER) as rejects:
            rejects.add(Row(9, ROW), CallError("LICENSE_DIFFERS", "license_number: differs", code="ALREADY_EXISTS"))
            rejects.add(Row(3, ROW), two)
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        assert lines[0] == ["row", "field", "reason", "description", *HEADER]
        assert [line[:4] for line in lines[1:]] == [
            ["3", "valid_from", "DATE", "d"],
            ["3", "fields.x", "TYPE", "t"],
            ["9", "license_number", "LICENSE_DIFFERS", "differs"],
        ]
        assert all(tuple(line[4:]) == ROW for line in lines[1:])

    def test_no_cell_of_it_is_a_formula_and_all_come_back(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        header = ("a", "=b", *"cdefghi")
        cells = ("=1+1", "+86 10", "-5", "@x", "\t=1", "\r=1", "'quoted'", "''=1", "")
        with RejectFile(path, header) as rejects:
            rejects.add(Row(2, cells), InvalidInputError.of(FieldViolation("-field", "R", "=HYPERLINK(1)")))
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        source = open_source(path)
        assert source.header == ("row", "field", "reason", "description", *header)
        (row,) = source.rows()
        assert row.cells == ("2", "-field", "R", "=HYPERLINK(1)", *cells)

    def test_only_its_owner_reads_it_and_an_empty_one_goes_away(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        path.write_text("left over from before")
        path.chmod(0o644)
        with RejectFile(path, HEADER):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.read_text() == ""
        assert not path.exists()

    def test_it_is_written_when_the_run_is_broken_off(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        rejects = RejectFile(path, HEADER)

        def broken_off() -> None:
            with rejects:
                rejects.add(Row(2, ROW), InvalidInputError.of(FieldViolation("a", "B", "c")))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            broken_off()
        assert "2,a,B,c" in path.read_text("utf-8-sig")

    def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError, match="REJECT_FILE_UNWRITABLE"):
            RejectFile(tmp_path / "missing" / "out.csv", HEADER)

    def test_an_error_without_a_field_keeps_its_reason(self) -> None:
        error = CallError("OFFICER_LIMIT", "the type allows 5 a day", code="RESOURCE_EXHAUSTED")
        assert violations_of(error) == [FieldViolation("", "OFFICER_LIMIT", "the type allows 5 a day")]


class TestRunKey:
    """A broken-off run goes on under its key; a complete one leaves none."""

    def _file(self, tmp_path: Path, digest: bytes = b"d", *, amend: bool = False) -> RunKeyFile:
        return RunKeyFile(tmp_path / "out.run", file_digest=digest, type_code="t", amend=amend)

    def test_a_run_that_was_broken_off_keeps_its_key(self, tmp_path: Path) -> None:
        key, resumed = self._file(tmp_path).begin()
        again, resumed_again = self._file(tmp_path).begin()
        assert (again, resumed, resumed_again) == (key, False, True)
        assert len(key) == 32
        assert stat.S_IMODE((tmp_path / "out.run").stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["out.run"]

    def test_a_complete_run_leaves_nothing(self, tmp_path: Path) -> None:
        file = self._file(tmp_path)
        key, _ = file.begin()
        file.end()
        assert list(tmp_path.iterdir()) == []
        assert self._file(tmp_path).begin() != (key, True)

    def test_another_file_type_or_mode_is_another_run(self, tmp_path: Path) -> None:
        key, _ = self._file(tmp_path).begin()
        assert self._file(tmp_path, b"other").begin()[0] != key
        key, _ = self._file(tmp_path).begin()
        assert self._file(tmp_path, amend=True).begin()[0] != key

    @pytest.mark.parametrize("content", ["", "{}", "[]", '{"import": "x", "key": "zz"}', '{"key": 1}', "\udcff"])
    def test_whatever_else_lies_there_is_replaced(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "out.run").write_text(content, "utf-8", "surrogateescape")
        _, resumed = self._file(tmp_path).begin()
        assert not resumed

    def test_a_key_that_cannot_be_kept_is_said_before_anything_is_sent(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError, match="RUN_KEY_UNWRITABLE"):
            self._file(tmp_path / "missing").begin()
