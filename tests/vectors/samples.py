"""Made-up licenses for vectors and tests: the numbers and names belong to nobody."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certsvc.credentials.license_vc import LicenseVc, VcHolder
from certsvc.domain.license_code import CodeHolder, LicenseCode

VERIFY_URL = "https://zz.example.gov.cn/lic/q"
IDENTIFIER = "1.2.156.3005.2.119900009999000119001.1299010099990002X3.2026000000001.001.2"
TYPE_CODE = "119900009999000119001"
AGENCY_ID = "1299010099990002X3"
COMPANY = "海岱星河智能装备产业发展集团有限责任公司"
CREDIT_CODE = "91440300123456788M"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

_LICENSE_CODE = LicenseCode(
    issued_at=NOW,
    not_before=datetime.fromisoformat("2026-11-01T00:00:00+08:00").astimezone(UTC),
    expires=datetime.fromisoformat("2036-11-01T00:00:00+08:00").astimezone(UTC),
    identifier=IDENTIFIER,
    type_version=1,
    status_list=0,
    status_index=77_777,
    holders=(CodeHolder(COMPANY, CREDIT_CODE),),
    fields={1: "李四光", 2: "2015-06-30"},
)

_LICENSE_VC = LicenseVc(
    issuer="https://zz.example.gov.cn",
    vct=f"https://zz.example.gov.cn/types/{TYPE_CODE}/1",
    issued_at=NOW,
    expires_at=NOW + timedelta(days=7),
    identifier=IDENTIFIER,
    type_code=TYPE_CODE,
    type_name="营业执照",
    agency_id=AGENCY_ID,
    agency_name="海岱市市场监督管理局",
    valid_from=date(2026, 11, 1),
    valid_until=date(2036, 10, 31),
    trust_grade="A",
    status_uri="https://zz.example.gov.cn/statuslists/0",
    status_index=77_777,
    holders=(VcHolder(COMPANY, CREDIT_CODE, "CREDIT_CODE"),),
    fields={
        "legal_representative": "李四光",
        "capital": {"amount": 5000, "currency": "CNY"},
        "branch": False,
    },
)


def license_code(**changes: Any) -> LicenseCode:
    """A business license's code, with some members changed."""
    return replace(_LICENSE_CODE, **changes)


def license_vc(**changes: Any) -> LicenseVc:
    """A business license's credential, with some members changed."""
    return replace(_LICENSE_VC, **changes)


class CountedBytes:
    """Salts for golden structures: a counter that everybody can follow, never the same bytes twice."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")
