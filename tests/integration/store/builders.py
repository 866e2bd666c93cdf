"""Rows with good defaults for tests of the store; every number that must be unique comes from one counter."""

import hashlib
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certsvc.domain.access import AccessContext
from certsvc.domain.agency import Agency, AgencyLevel, AgencyState
from certsvc.domain.changes import START, Change, ChangeKind
from certsvc.domain.license import (
    Holder,
    License,
    LicenseAction,
    LicenseEvent,
    LicenseState,
    LicenseVersion,
    StateCause,
    ValidityPeriod,
)
from certsvc.domain.license_type import (
    FieldSpec,
    HolderKind,
    IssuerRule,
    LicenseType,
    TrustGrade,
    TypeState,
    ValidityKind,
    ValidityRule,
)
from certsvc.domain.numbers import Number, NumberKind
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.keyring.cipher import AEADCipher
from certsvc.ports import AccessRecord

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
AGENCY_ID = "11440300455834567X"
OTHER_AGENCY_ID = "11440000006940140K"
TYPE_CODE = "11100000MB0143028R001"
OTHER_TYPE_CODE = "11100000MB0143028R002"
KID = "00112233aabbccdd"
PERSON = Number(NumberKind.CITIZEN, "11010519491231002X")
COMPANY = Number(NumberKind.CREDIT_CODE, "91350211M000100Y43")

CIPHER = AEADCipher({1: bytes(range(32))})
INDEX = HMACBlindIndex(bytes(range(32, 64)))

_numbers = itertools.count(1)


class SetClock:
    """A clock that the test moves."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def make_agency(agency_id: str = AGENCY_ID, **changes: Any) -> Agency:
    values: dict[str, Any] = {
        "name": LocalizedText("深圳市市场监督管理局", "Shenzhen Market Regulation"),
        "region": "440300",
        "level": AgencyLevel.CITY,
        "state": AgencyState.ACTIVE,
        "revision": 1,
        "created_at": NOON,
    }
    return Agency(agency_id=agency_id, **values | changes)


def make_key(kid: str = KID, **changes: Any) -> SigningKey:
    values: dict[str, Any] = {
        "purpose": KeyPurpose.LICENSE,
        "algorithm": "ES256",
        "public_key": b"\x04" + bytes(64),
        "agency_id": None,
        "type_codes": (),
        "state": KeyState.ACTIVE,
        "development": True,
        "created_at": NOON,
        "published_at": NOON,
        "signing_until": NOON + timedelta(days=90),
        "activated_at": NOON,
    }
    return SigningKey(kid=kid, **values | changes)


def make_type(code: str = TYPE_CODE, version: int = 1, **changes: Any) -> LicenseType:
    values: dict[str, Any] = {
        "name": LocalizedText("营业执照", "Business license"),
        "holder_kinds": frozenset({HolderKind.LEGAL}),
        "min_holders": 1,
        "max_holders": 2,
        "schema": {"type": "object", "properties": {"capital": {"type": "string"}}},
        "fields": (FieldSpec("capital", LocalizedText("注册资本", "Capital"), qr_key=1),),
        "issuers": IssuerRule(region="44", levels=frozenset({AgencyLevel.CITY})),
        "validity": ValidityRule(ValidityKind.FIXED_TERM, months=12, grace_days=30),
        "state": TypeState.PUBLISHED,
        "created_at": NOON,
    }
    return LicenseType(code=code, version=version, **values | changes)


def make_version(**changes: Any) -> LicenseVersion:
    number = next(_numbers)
    values: dict[str, Any] = {
        "version": 1,
        "identifier": f"1.2.156.3005.2.{TYPE_CODE}.{AGENCY_ID}.{number:012d}.001.X",
        "type_version": 1,
        "license_number": f"粤B{number:08d}",
        "holders": (Holder(COMPANY, "青岛海滨贸易有限公司"),),
        "fields": {"capital": "壹佰万元整", "branches": [1, 2]},
        "validity": ValidityPeriod(date(2026, 5, 4), date(2036, 5, 3)),
        "kid": KID,
        "code": b"\xd2\x84 signed code %d" % number,
        "status_slot": number,
        "issued_at": NOON,
    }
    return LicenseVersion(**values | changes)


def make_license(current: LicenseVersion | None = None, **changes: Any) -> License:
    number = next(_numbers)
    values: dict[str, Any] = {
        "license_id": number,
        "type_code": TYPE_CODE,
        "agency_id": AGENCY_ID,
        "responsible_agency_id": AGENCY_ID,
        "serial": f"{number:012d}",
        "state": LicenseState.ACTIVE,
        "trust_grade": TrustGrade.A,
        "revision": 1,
        "created_at": NOON,
        "updated_at": NOON,
        "confirmed_at": NOON,
    }
    return License(current=current or make_version(), **values | changes)


def make_event(action: LicenseAction = LicenseAction.ISSUE, **changes: Any) -> LicenseEvent:
    values: dict[str, Any] = {
        "state": LicenseState.ACTIVE,
        "version": 1,
        "cause": StateCause("申请人申请", "行政许可法", NOON),
        "agency_id": AGENCY_ID,
        "officer_id": "SZ-0042",
        "recorded_at": NOON,
    }
    return LicenseEvent(action=action, **values | changes)


def make_change(ref: str = "ref", **data: Any) -> Change:
    return Change(position=START, kind=ChangeKind.LICENSE, ref=ref, recorded_at=NOON, data=data)


def make_access(**changes: Any) -> AccessRecord:
    values: dict[str, Any] = {
        "at": NOON,
        "agency_id": AGENCY_ID,
        "officer_id": "SZ-0042",
        "operation": "MatchLicense",
        "right": "DUTY",
        "context": AccessContext("开办餐饮", "2026-0001", "核对执照", "食品安全法"),
        "license_id": None,
        "holders": (PERSON,),
        "fields": ("capital",),
    }
    return AccessRecord(**values | changes)


def digest_of(license_or_version: License | LicenseVersion) -> bytes:
    version = license_or_version.current if isinstance(license_or_version, License) else license_or_version
    return hashlib.sha256(version.code).digest()
