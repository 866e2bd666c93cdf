"""Requests to a register with its sample types, with good defaults; each test overrides the one thing it is about.

Numbers and names belong to nobody. Every license that is made here has a number of its own, so that tests of one
module can share a register.
"""

import itertools
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from stdnum.iso7064 import mod_11_2

from certsvc.domain.number_checks import credit_code_check, organisation_check
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.v1 import common_pb2, license_type_service_pb2, verification_service_pb2
from certsvc.v1 import license_service_pb2 as pb

Request = TypeVar("Request", bound=Message)

APPROVAL_BUREAU = "113702009999000113"
TRAFFIC_POLICE = "1137020099990002XT"
CIVIL_AFFAIRS = "11370202999900038P"
CLERK, SECOND_CLERK, ADMIN = "clerk-1", "clerk-2", "admin"

BUSINESS_LICENSE = "119900009999000119001"
DRIVING_LICENSE = "119900009999000119002"
FOOD_PERMIT = "119900009999000119003"
MARRIAGE_CERTIFICATE = "119900009999000119004"
DISABILITY_CERTIFICATE = "119900009999000119005"
DEFINING_AGENCY = "119900009999000119"

LEGAL_BASIS = "测试决定〔2026〕1号"

BUSINESS_FIELDS = {
    "legal_representative": "林示例",
    "founding_date": "2021-05-18",
    "registered_capital": "100万元人民币",
    "address": "示例市示例区海风路1号",
}
DRIVING_FIELDS = {"vehicle_class": "C1", "first_issue_date": "2013-04-02", "file_number": "370200000001"}
FOOD_FIELDS = {
    "legal_representative": "林示例",
    "business_form": "食品销售经营者",
    "business_site": "示例市示例区海风路1号",
    "business_items": "预包装食品销售",
}

_numbers = itertools.count(secrets.randbelow(1_000) * 1_000)


def today() -> date:
    """The day in Asia/Shanghai, which is the register's."""
    return day_in_shanghai(datetime.now(UTC))


def unique_number(prefix: str = "测") -> str:
    """A license number that no other test has."""
    return f"{prefix}{next(_numbers):08d}"


def company_number(prefix: str = "91370202") -> str:
    """A new unified social credit code."""
    body = f"{next(_numbers):08d}"
    code = f"{prefix}{body}{organisation_check(body)}"
    return code + credit_code_check(code)


def citizen_number(birthday: str = "19900307") -> str:
    """A new citizen number."""
    body = f"370202{birthday}{next(_numbers) % 1000:03d}"
    return body + mod_11_2.calc_check_digit(body)


def holder(number: str, name: str, kind: str = "CREDIT_CODE") -> dict[str, Any]:
    """A holder, as JSON."""
    return {"number": {"kind": f"NUMBER_KIND_{kind}", "value": number}, "name": name}


def company(**changes: Any) -> dict[str, Any]:
    """A company that holds something, as JSON."""
    return holder(**{"number": company_number(), "name": "示例市海风茶业有限公司"} | changes)


def person(**changes: Any) -> dict[str, Any]:
    """A person who holds something, as JSON."""
    return holder(**{"number": citizen_number(), "name": "陈示例", "kind": "CITIZEN"} | changes)


def made(kind: type[Request], good: dict[str, Any], changes: dict[str, Any]) -> Request:
    """The message of `good` with `changes` in its place; None leaves a field out."""
    values = {name: value for name, value in (good | changes).items() if value is not None}
    return ParseDict(values, kind())


def business_license(**changes: Any) -> pb.IssueLicenseRequest:
    """Issue an open-ended business license."""
    good = {
        "type_code": BUSINESS_LICENSE,
        "license_number": unique_number(),
        "holders": [company()],
        "fields": BUSINESS_FIELDS,
        "valid_from": "2021-05-18",
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)


def food_permit(**changes: Any) -> pb.IssueLicenseRequest:
    """Issue a food business permit that began a year ago and ends in a year."""
    good = {
        "type_code": FOOD_PERMIT,
        "license_number": unique_number("JY"),
        "holders": [company()],
        "fields": FOOD_FIELDS,
        "valid_from": (today() - timedelta(days=365)).isoformat(),
        "valid_until": (today() + timedelta(days=365)).isoformat(),
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)


def driving_license(**changes: Any) -> pb.IssueLicenseRequest:
    """Issue a driving license."""
    good = {
        "type_code": DRIVING_LICENSE,
        "license_number": unique_number("3702"),
        "holders": [person()],
        "fields": DRIVING_FIELDS,
        "valid_from": "2025-04-02",
        "valid_until": "2035-04-02",
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)


def marriage_certificate(**changes: Any) -> pb.IssueLicenseRequest:
    """Issue a marriage certificate, which has two holders."""
    good = {
        "type_code": MARRIAGE_CERTIFICATE,
        "license_number": unique_number("J370202-"),
        "holders": [person(name="周示例"), person(name="吴示例")],
        "fields": {"registration_date": "2025-05-20", "registrar": "登记员丁"},
        "valid_from": "2025-05-20",
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)


def disability_certificate(**changes: Any) -> pb.IssueLicenseRequest:
    """Ask for a disability certificate, to which a second officer must agree."""
    good = {
        "type_code": DISABILITY_CERTIFICATE,
        "license_number": unique_number("残"),
        "holders": [person()],
        "fields": {"disability_class": "听力", "grade": "二级"},
        "valid_from": "2024-01-01",
        "valid_until": "2033-12-31",
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)


def cause(**changes: Any) -> pb.StateCause:
    """Why something changes."""
    return made(pb.StateCause, {"reason": "检查发现问题", "legal_basis": "测试法第一条"}, changes)


def access_context(**changes: Any) -> common_pb2.AccessContext:
    """For which matter and case, why, and on what basis."""
    good = {
        "matter": "开办餐饮",
        "case_number": "2026-0001",
        "cause": "核对资格",
        "legal_basis": "食品安全法第三十五条",
    }
    return made(common_pb2.AccessContext, good, changes)


def match_of(issued: pb.IssueLicenseRequest, **changes: Any) -> verification_service_pb2.MatchLicenseRequest:
    """Everything right about a license that was issued by this request."""
    request = verification_service_pb2.MatchLicenseRequest(
        type_code=issued.type_code,
        license_number=issued.license_number,
        holder=issued.holders[0],
        fields=issued.fields,
        valid_from=issued.valid_from,
        valid_until=issued.valid_until,
        access_context=access_context(),
    )
    for name, value in changes.items():
        request.ClearField(name)  # type: ignore[arg-type]
        if isinstance(value, Message):
            getattr(request, name).CopyFrom(value)
        elif value is not None:
            setattr(request, name, value)
    return request


def license_type(**changes: Any) -> license_type_service_pb2.LicenseType:
    """A small type for legal persons that the sample city's agencies may issue."""
    good = {
        "code": f"{DEFINING_AGENCY}{100 + next(_numbers) % 900:03d}",
        "name": {"zh": "测试证", "en": "Test permit"},
        "holder_kinds": ["HOLDER_KIND_LEGAL"],
        "min_holders": 1,
        "max_holders": 1,
        "fields_schema": (
            '{"type":"object","additionalProperties":false,"properties":{"grade":{"type":"string","maxLength":10}}}'
        ),
        "fields": [{"name": "grade", "label": {"zh": "等级", "en": "Grade"}, "qr_key": 1}],
        "issuers": {"by_region": True, "region": "3702"},
        "validity": {"kind": "VALIDITY_KIND_EITHER"},
        "purposes": {"*": {"names": ["grade"]}},
        "trust_grade": "TRUST_GRADE_A",
        "qr_name_mask": "MASK_FULL",
        "qr_number_mask": "MASK_FULL",
    }
    return made(license_type_service_pb2.LicenseType, good, changes)


def small_permit(type_code: str, **changes: Any) -> pb.IssueLicenseRequest:
    """Issue a license of a type that `license_type` made."""
    good = {
        "type_code": type_code,
        "license_number": unique_number("TP"),
        "holders": [company()],
        "fields": {"grade": "一级"},
        "valid_from": "2025-01-01",
        "legal_basis": LEGAL_BASIS,
    }
    return made(pb.IssueLicenseRequest, good, changes)
