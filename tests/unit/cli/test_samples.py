"""The sample data is sound by the register's own rules."""

import json
from datetime import date

import jsonschema
import pytest
from google.protobuf.json_format import ParseDict

from certsvc.cli.sample_register import sample
from certsvc.domain.number_checks import credit_code_rules
from certsvc.domain.numbers import NumberKind, parse_number
from certsvc.domain.validity_dates import add_months
from certsvc.v1 import agency_service_pb2, common_pb2, license_service_pb2, license_type_service_pb2

TODAY = date(2026, 11, 22)
TYPES = {entry["code"]: ParseDict(entry, license_type_service_pb2.LicenseType()) for entry in sample("license_types")}
AGENCIES = {entry["agency"]["agency_id"]: entry for entry in sample("agencies")}
LICENSES = sample("licenses")


def test_there_are_five_types_and_three_agencies() -> None:
    assert [license_type.name.zh for license_type in TYPES.values()] == [
        "营业执照", "机动车驾驶证", "食品经营许可证", "结婚证", "残疾人证",
    ]  # fmt: skip
    assert len(AGENCIES) == 3
    assert [code[18:] for code in TYPES] == ["001", "002", "003", "004", "005"]


def test_the_business_licenses_code_carries_just_what_it_should() -> None:
    license_type = TYPES["119900009999000119001"]
    assert [field.name for field in license_type.fields if field.qr_key] == ["legal_representative", "founding_date"]
    assert license_type.qr_name_mask == license_type.qr_number_mask == license_type_service_pb2.MASK_FULL
    assert license_type.public


@pytest.mark.parametrize("code", TYPES)
def test_a_types_schema_is_sound_and_has_exactly_its_fields(code: str) -> None:
    license_type = TYPES[code]
    schema = json.loads(license_type.fields_schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {field.name for field in license_type.fields}
    assert schema["additionalProperties"] is False
    assert all(field.label.zh and field.label.en for field in license_type.fields)
    assert list(credit_code_rules(code[:18])) == []


@pytest.mark.parametrize("agency_id", AGENCIES)
def test_an_agency_is_sound(agency_id: str) -> None:
    entry = AGENCIES[agency_id]
    agency = ParseDict(entry["agency"], agency_service_pb2.CreateAgencyRequest())
    assert list(credit_code_rules(agency_id)) == []
    assert agency.region.startswith("3702")
    assert {officer["officer_id"] for officer in entry["officers"]} == {"clerk-1", "clerk-2", "admin"}
    assert all(grant["type_code"] in {*TYPES, "*"} for grant in entry["grants"])


@pytest.mark.parametrize("entry", LICENSES, ids=[entry["license"]["license_number"] for entry in LICENSES])
def test_a_license_fits_its_type_and_its_agency(entry: dict[str, dict[str, str]]) -> None:
    request = ParseDict(entry["license"], license_service_pb2.IssueLicenseRequest())
    license_type = TYPES[request.type_code]
    schema = json.loads(license_type.fields_schema)
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(entry["license"]["fields"])) == []
    grants = AGENCIES[str(entry["agency_id"])]["grants"]
    assert any(g["kind"] == "GRANT_KIND_ISSUE" and g["type_code"] == request.type_code for g in grants)
    assert license_type.min_holders <= len(request.holders) <= license_type.max_holders
    for holder in request.holders:
        kind = common_pb2.NumberKind.Name(holder.number.kind).removeprefix("NUMBER_KIND_")
        parse_number(holder.number.value, today=TODAY, kind=NumberKind(kind))
    months = license_type.validity.months
    if months:
        assert date.fromisoformat(request.valid_until) <= add_months(date.fromisoformat(request.valid_from), months)
    if license_type.validity.kind == license_type_service_pb2.VALIDITY_KIND_OPEN_ENDED:
        assert not request.valid_until
