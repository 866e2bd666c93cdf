"""What people read, and the JSON that scripts read."""

import pytest

from certsvc.cli.rendering import record_lines, table_of, to_json
from certsvc.cli.words import LABELS, TEXTS, VERDICTS, system_language
from certsvc.domain.verdict import Verdict
from certsvc.v1 import agency_service_pb2, common_pb2, license_service_pb2, license_type_service_pb2


def _license() -> license_service_pb2.License:
    license_ = license_service_pb2.License(
        identifier="1.2", state=common_pb2.LICENSE_STATE_SUSPENDED, valid_from="2020-01-01"
    )
    license_.holders.add(name="甲", number=common_pb2.Number(value="9144"))
    license_.holders.add(name="乙", number=common_pb2.Number(value="9135"))
    license_.fields.update({"staff": 3, "area": 1.5, "b": True, "a": {"x": 2}})
    license_.issue_time.FromJsonString("2026-11-22T08:00:00Z")
    return license_


def test_a_record_has_a_line_for_each_field_that_is_set() -> None:
    assert record_lines(_license(), language="en") == [
        ("identifier", "1.2"),
        ("holders", "甲 9144, 乙 9135"),
        ("fields", "a={x: 2}, area=1.5, b=True, staff=3"),
        ("from", "2020-01-01"),
        ("until", "open-ended"),
        ("state", "SUSPENDED"),
        ("issued", "2026-11-22 08:00:00Z"),
    ]


def test_in_chinese_the_labels_are_chinese() -> None:
    labels = dict(record_lines(_license(), language="zh"))
    assert labels["状态"] == "SUSPENDED"
    assert labels["有效期至"] == "长期"


def test_a_last_day_without_a_first_is_not_shown_as_open_ended() -> None:
    assert record_lines(license_service_pb2.License(), language="en") == []


def test_a_table_has_a_row_for_each_message() -> None:
    agency = agency_service_pb2.Agency(
        agency_id="1", name=common_pb2.LocalizedText(zh="局"), level=agency_service_pb2.AGENCY_LEVEL_CITY
    )
    table = table_of([agency, agency], ("agency_id", "name", "level", "state"), language="en")
    assert table.row_count == 2
    assert [next(iter(column.cells)) for column in table.columns] == ["1", "局", "CITY", ""]


def test_maps_and_unknown_enum_values_have_a_text() -> None:
    license_type = license_type_service_pb2.LicenseType()
    license_type.purposes["*"].names.append("scope")
    license_type.purposes["tax"].names.append("scope")
    license_type.holder_kinds.append(99)  # type: ignore[arg-type] # what a newer register may send
    assert record_lines(license_type, language="en") == [("holder_kinds", "99"), ("purposes", "*, tax")]


def test_json_has_every_field_under_the_protos_names() -> None:
    value = to_json(license_service_pb2.LicenseEvent(identifier="1.2"))
    assert value == {
        "identifier": "1.2",
        "action": "LICENSE_ACTION_UNSPECIFIED",
        "state": "LICENSE_STATE_UNSPECIFIED",
        "reason": "",
        "legal_basis": "",
        "agency_id": "",
        "officer_id": "",
        "revocation_kind": "REVOCATION_KIND_UNSPECIFIED",
        "type_code": "",
    }


def test_every_word_is_there_in_both_languages() -> None:
    assert set(VERDICTS) == {verdict.name for verdict in Verdict} - {"UNSPECIFIED"}
    for words in (VERDICTS, LABELS, TEXTS):
        assert all(text.zh and text.en for text in words.values())


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_environment_decides_the_language(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert system_language() == language
