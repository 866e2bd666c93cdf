"""From a row to its request, and its name."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from google.protobuf import json_format

from certsvc.cli.importing.requests import check_without_register
from certsvc.cli.importing.source import Row
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.unit.cli.import_builders import HEADER, ROW, TYPE_CODE, a_mapping, a_source, row_requests


def _request(tmp_path: Path, *, amend: bool = False, **cells: str) -> pb.IssueLicenseRequest:
    """The request of a sound row with further columns."""
    source = a_source(tmp_path, (*ROW, *cells.values()), header=(*HEADER, *cells))
    (row,) = source.rows()
    return row_requests(source, amend=amend).request(row)


def test_a_row_becomes_a_request(tmp_path: Path) -> None:
    request = _request(tmp_path)
    assert (request.type_code, request.license_number, request.legal_basis) == (TYPE_CODE, "L1", "条例")
    assert (request.valid_from, request.valid_until) == ("2021-05-08", "")
    (holder,) = request.holders
    assert (holder.name, holder.number.value) == ("示例公司", "91440300123456788M")
    assert holder.number.kind == common_pb2.NUMBER_KIND_CREDIT_CODE
    fields = json_format.MessageToDict(request.fields)
    assert fields == {"scope": "茶叶", "founding_date": "2020-01-02", "staff": 1200.0}
    assert request.on_existing == pb.ON_EXISTING_SKIP_SAME
    assert request.HasField("imported")
    assert len(request.request_id) == 32


def test_with_amend_a_difference_becomes_a_version(tmp_path: Path) -> None:
    assert _request(tmp_path, amend=True).on_existing == pb.ON_EXISTING_AMEND


def test_empty_and_missing_cells_are_nothing(tmp_path: Path) -> None:
    source = a_source(tmp_path, ("L1", "N/A", "公司", " ", "", "条例", "N/A", "  ", ""))
    mapping = replace(a_mapping(source), missing=frozenset({"N/A"}))
    request = row_requests(source, mapping=mapping).request(next(source.rows()))
    assert json_format.MessageToDict(request.fields) == {}
    assert request.HasField("fields")
    assert (request.valid_from, request.holders[0].number.value) == ("", "")


def test_a_second_holder_is_there_only_with_a_number_or_a_name(tmp_path: Path) -> None:
    two = _request(tmp_path, holder_2_number="91350100M000100Y43", holder_2_name="另一公司")
    assert [holder.name for holder in two.holders] == ["示例公司", "另一公司"]
    assert len(_request(tmp_path, holder_2_number="", holder_2_name="").holders) == 1


def test_what_the_other_register_knew_goes_along(tmp_path: Path) -> None:
    identifier = "1.2.156.3005.2.119900009999000119001.1299010099990002X3.2026000000001.001.2"
    request = _request(
        tmp_path,
        identifier=identifier,
        state="吊销",
        state_time="2024年3月1日",
        state_reason="违法",
        issue_time="2021-05-08",
        trust_grade="B",
    )
    history = request.imported
    assert (history.identifier, history.state_reason) == (identifier, "违法")
    assert history.state == common_pb2.LICENSE_STATE_REVOKED
    assert history.revocation_kind == pb.REVOCATION_KIND_PENALTY
    assert history.state_time.ToDatetime(UTC) == datetime(2024, 2, 29, 16, tzinfo=UTC)
    assert history.issue_time.ToDatetime(UTC) == datetime(2021, 5, 7, 16, tzinfo=UTC)
    assert request.trust_grade == common_pb2.TRUST_GRADE_B


def test_the_word_for_annulment_is_another_kind(tmp_path: Path) -> None:
    assert _request(tmp_path, state="撤销").imported.revocation_kind == pb.REVOCATION_KIND_ANNULMENT
    assert _request(tmp_path, state="REVOKED", revocation_kind="penalty").imported.revocation_kind == (
        pb.REVOCATION_KIND_PENALTY
    )


def test_all_that_no_request_can_say_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as raised:
        _request(tmp_path, state="搬走", trust_grade="E", state_time="yesterday", holder_kind="CAT")
    assert {(v.field, v.reason) for v in raised.value.violations} == {
        ("imported.state", "UNKNOWN_CHOICE"),
        ("trust_grade", "UNKNOWN_CHOICE"),
        ("imported.state_time", "TIME"),
        ("holders[0].kind", "UNKNOWN_CHOICE"),
    }


def test_a_row_of_another_width_is_refused(tmp_path: Path) -> None:
    requests = row_requests(a_source(tmp_path, ROW))
    for cells in (ROW[:-1], (*ROW, "more")):
        with pytest.raises(InvalidInputError) as raised:
            requests.request(Row(7, cells))
        assert raised.value.violations[0].reason == "CELL_COUNT"


class TestRequestId:
    """The same row of the same run has the same id; everything else has another, which says nothing."""

    def test_it_is_the_same_for_the_same_row_wherever_it_stands(self, tmp_path: Path) -> None:
        source = a_source(tmp_path, ROW, ROW)
        first, second = source.rows()
        requests, again = row_requests(source), row_requests(source)
        assert first.number != second.number
        assert requests.request(first) == requests.request(second) == again.request(first)

    def test_it_does_not_depend_on_the_form_of_the_file(self, tmp_path: Path) -> None:
        ids = set()
        for encoding in ("utf-8", "gb18030", "utf-16"):
            source = a_source(tmp_path, ROW, encoding=encoding)
            ids.add(row_requests(source).request(next(source.rows())).request_id)
        assert len(ids) == 1

    def test_it_changes_with_content_mode_and_run(self, tmp_path: Path) -> None:
        source = a_source(tmp_path, ROW, ("L2", *ROW[1:]))
        first, second = source.rows()
        ids = {
            row_requests(source).request(first).request_id,
            row_requests(source).request(second).request_id,
            row_requests(source, amend=True).request(first).request_id,
            row_requests(source, run_key=b"1" * 32).request(first).request_id,
        }
        assert len(ids) == 4


TODAY = date(2026, 11, 22)


def _violations(**changes: object) -> list[FieldViolation]:
    request = pb.IssueLicenseRequest(valid_from="2021-05-08")
    request.holders.add(name="甲", number=common_pb2.Number(value="91440300123456788M"))
    json_format.ParseDict(changes, request)
    try:
        check_without_register(request, today=TODAY)
    except InvalidInputError as error:
        return list(error.violations)
    return []


def test_a_sound_request_passes_a_dry_run() -> None:
    assert _violations() == []


@pytest.mark.parametrize("number", ["320404000009558", "3212831108014", "13830295-X", "无", "91440300123456788N", ""])
def test_a_dry_run_sees_wrong_numbers(number: str) -> None:
    request = pb.IssueLicenseRequest(valid_from="2021-05-08")
    request.holders.add(name="甲", number=common_pb2.Number(value=number, kind=common_pb2.NUMBER_KIND_CREDIT_CODE))
    with pytest.raises(InvalidInputError) as raised:
        check_without_register(request, today=TODAY)
    assert {violation.field for violation in raised.value.violations} == {"holders[0].number"}


def test_a_dry_run_sees_wrong_identifiers_and_days() -> None:
    wrong = "1.2.156.3005.2.119900009999000119001.1299010099990002X3.2026000000001.001.3"
    found = _violations(imported={"identifier": wrong}, valid_from="2021-02-30", valid_until="soon")
    assert [(violation.field, violation.reason) for violation in found] == [
        ("imported.identifier", "CHECK_CHARACTER"),
        ("valid_from", "DATE"),
        ("valid_until", "DATE"),
    ]


@pytest.mark.parametrize("day", ["2024-W01-1", "20240101", "2024-001", "２０２４-01-01"])
def test_a_dry_run_takes_no_other_form_of_a_day(day: str) -> None:
    found = _violations(valid_from=day, valid_until=day)
    assert [violation.field for violation in found if violation.reason == "DATE"] == ["valid_from", "valid_until"]
