"""Synthetic licenses of the sample approval bureau: food business permits, and a file of business licenses."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.protobuf.json_format import ParseDict

from certsvc.domain.number_checks import credit_code_check, organisation_check
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.v1 import license_service_pb2

APPROVAL_BUREAU = "113702009999000113"
TRAFFIC_POLICE = "1137020099990002XT"
CIVIL_AFFAIRS = "11370202999900038P"
BUSINESS_LICENSE = "119900009999000119001"
FOOD_PERMIT = "119900009999000119003"
CLERK = "clerk-1"

CAUSE = license_service_pb2.StateCause(reason="检查", legal_basis="示例依据")


def permit(number: str, *, request_id: str = "") -> license_service_pb2.IssueLicenseRequest:
    """A request for the food business permit of this license number."""
    today = day_in_shanghai(datetime.now(UTC))
    return ParseDict(
        {
            "request_id": request_id,
            "type_code": FOOD_PERMIT,
            "license_number": number,
            "holders": [{"number": {"value": "91370202MA9999013Y"}, "name": "示例市海风茶业有限公司"}],
            "fields": {
                "business_form": "食品销售经营者",
                "business_site": "示例市示例区海风路1号",
                "business_items": "预包装食品销售",
            },
            "valid_from": today.isoformat(),
            "valid_until": (today + timedelta(days=1000)).isoformat(),
            "legal_basis": "示例决定〔2026〕1号",
        },
        license_service_pb2.IssueLicenseRequest(),
    )


def credit_code(number: int) -> str:
    """The credit code of a company that does not exist, with right check characters (GB 32100, GB 11714)."""
    organisation = f"M{number:07d}"
    body = f"91370202{organisation}{organisation_check(organisation)}"
    return body + credit_code_check(body)


def write_companies(file: Path, count: int) -> list[str]:
    """A CSV file of so many companies, with the columns of ../shared/data; returns their credit codes."""
    codes = [credit_code(number) for number in range(count)]
    with file.open("w", encoding="utf-8", newline="") as rows:
        writer = csv.writer(rows)
        writer.writerow(
            [
                *("unified_social_credit_code", "name", "registration_date"),
                *("registered_capital", "business_scope", "address"),
            ]
        )
        for number, code in enumerate(codes):
            name = f"示例市第{number}商贸有限公司"
            writer.writerow([code, name, "2020-01-22", "100(万)", "日用百货批发、零售", "示例市示例区海风路1号"])
    return codes
