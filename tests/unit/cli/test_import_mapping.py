"""Which column becomes what."""

from pathlib import Path

import pytest

from certsvc.cli.importing.mapping import ColumnMapping, mapping_by_names, mapping_for, read_mapping
from certsvc.cli.sample_register import sample
from certsvc.errors import InvalidInputError
from certsvc.v1 import license_type_service_pb2 as pb
from tests.require import shared
from tests.unit.cli.import_builders import HEADER, a_type


def test_columns_are_found_by_the_names_that_registers_use() -> None:
    mapping = mapping_by_names(header=HEADER, license_type=a_type())
    assert mapping.columns == {
        "license_number": "证照编号",
        "holders[0].number": "统一社会信用代码",
        "holders[0].name": "企业名称",
        "valid_from": "有效期起",
        "valid_until": "有效期至",
        "legal_basis": "法律依据",
        "fields.scope": "经营范围",
        "fields.founding_date": "成立日期",
        "fields.staff": "从业人数",
    }
    mapping.check(header=HEADER, license_type=a_type())


def test_a_type_for_companies_says_what_its_numbers_are() -> None:
    companies = mapping_by_names(header=HEADER, license_type=a_type())
    people = mapping_by_names(header=HEADER, license_type=a_type(legal=False))
    assert companies.constants == {"holders[0].kind": "CREDIT_CODE", "holders[1].kind": "CREDIT_CODE"}
    assert people.constants == {}


def test_existing_states_and_identifiers_are_found() -> None:
    header = ("证照标识", "证照状态", "状态日期", "可信等级", "identifier")
    columns = mapping_by_names(header=header, license_type=a_type()).columns
    assert columns["imported.identifier"] == "identifier"
    assert columns["imported.state"] == "证照状态"
    assert columns["imported.state_time"] == "状态日期"
    assert columns["trust_grade"] == "可信等级"


def test_a_mapping_file() -> None:
    mapping = read_mapping(
        'missing = ["-"]\n[columns]\nlicense_number = "a"\n[constants]\nlegal_basis = "b"\n[states]\n"开" = "ACTIVE"\n'
    )
    assert mapping.columns == {"license_number": "a"}
    assert mapping.constants == {"legal_basis": "b"}
    assert mapping.missing == {"-"}
    assert (mapping.states["开"], mapping.states["吊销"]) == ("ACTIVE", "REVOKED")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[columns", "TOML"),
        ("[colums]\n", "UNKNOWN_KEY"),
        ("columns = 1", "TYPE"),
        ("[columns]\na = 1", "TYPE"),
        ("missing = 'x'", "TYPE"),
        ("missing = [1]", "TYPE"),
    ],
)
def test_a_mapping_file_that_is_none(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read_mapping(text)
    assert raised.value.violations[0].reason == reason


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    mapping = ColumnMapping(
        columns={"license_number": "no such", "fields.colour": "名称", "holders[9].name": "名称", "valid": "名称"}
    )
    with pytest.raises(InvalidInputError) as raised:
        mapping.check(header=("名称",), license_type=a_type())
    found = {(violation.field, violation.reason) for violation in raised.value.violations}
    assert found == {
        ("license_number", "UNKNOWN_COLUMN"),
        ("fields.colour", "UNKNOWN_FIELD"),
        ("holders[9].name", "UNKNOWN_TARGET"),
        ("valid", "UNKNOWN_TARGET"),
        ("holders[0].number", "NOT_MAPPED"),
        ("holders[0].name", "NOT_MAPPED"),
        ("valid_from", "NOT_MAPPED"),
        ("legal_basis", "NOT_MAPPED"),
    }


def test_options_take_the_place_of_what_the_mapping_had() -> None:
    mapping = ColumnMapping(columns={"license_number": "a", "valid_from": "b"}, constants={"legal_basis": "c"})
    changed = mapping.with_options(columns={"legal_basis": "d"}, constants={"valid_from": "2020-01-01"})
    assert changed.columns == {"license_number": "a", "legal_basis": "d"}
    assert changed.constants == {"valid_from": "2020-01-01"}


def _business_license() -> pb.LicenseType:
    entry = sample("license_types")[0]
    return pb.LicenseType(code=entry["code"], holder_kinds=[pb.HOLDER_KIND_LEGAL], max_holders=1)


def test_the_sample_type_knows_the_columns_of_the_real_file() -> None:
    with shared("data/qingdao_enterprises.csv").open(encoding="utf-8-sig") as file:
        header = tuple(file.readline().strip().split(","))
    mapping = mapping_for(file=None, header=header, license_type=_business_license())
    assert mapping.columns["license_number"] == "unified_social_credit_code"
    assert mapping.columns["valid_from"] == mapping.columns["fields.founding_date"] == "registration_date"
    assert mapping.constants["holders[0].kind"] == "CREDIT_CODE"


def test_another_file_of_the_sample_type_is_mapped_by_names() -> None:
    mapping = mapping_for(file=None, header=("证照编号",), license_type=_business_license())
    assert mapping.columns == {"license_number": "证照编号"}


def test_a_mapping_file_wins(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[columns]\nlicense_number = "x"\n', "utf-8")
    assert mapping_for(file=path, header=(), license_type=_business_license()).columns == {"license_number": "x"}
    with pytest.raises(InvalidInputError, match="cannot be read"):
        mapping_for(file=tmp_path / "missing.toml", header=(), license_type=_business_license())
