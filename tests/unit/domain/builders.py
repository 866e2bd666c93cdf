"""Sound domain objects for tests; each test overrides the one thing that it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certsvc.domain.identifier import make_identifier
from certsvc.domain.judging import CredentialFacts
from certsvc.domain.license import (
    Holder,
    LicenseAction,
    LicenseEvent,
    LicenseState,
    RevocationKind,
    StateCause,
)
from certsvc.domain.license_type import (
    FieldSpec,
    HolderKind,
    IssuerRule,
    LicenseType,
    TypeState,
    ValidityKind,
    ValidityRule,
)
from certsvc.domain.numbers import Number, NumberKind
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TODAY = date(2026, 6, 1)
DEFINING = "119900009999000119"
ISSUER = "1299010099990002X3"
TYPE_CODE = f"{DEFINING}001"
CITIZEN = Number(NumberKind.CITIZEN, "11010119900307002X")
COMPANY = Number(NumberKind.CREDIT_CODE, "91440300123456788M")


def days(count: float) -> timedelta:
    return timedelta(days=count)


def a_type(**overrides: Any) -> LicenseType:
    sound = LicenseType(
        code=TYPE_CODE,
        version=1,
        name=LocalizedText("机动车驾驶证", "Driving license"),
        holder_kinds=frozenset({HolderKind.NATURAL}),
        min_holders=1,
        max_holders=1,
        schema={
            "type": "object",
            "additionalProperties": False,
            "properties": {"vehicle_class": {"type": "string", "maxLength": 10}, "points": {"type": "integer"}},
        },
        fields=(
            FieldSpec("vehicle_class", LocalizedText("准驾车型", "Class"), qr_key=1),
            FieldSpec("points", LocalizedText("记分", "Points"), qr_key=2),
        ),
        issuers=IssuerRule(region="3702"),
        validity=ValidityRule(ValidityKind.FIXED_TERM, months=72, grace_days=90),
        state=TypeState.PUBLISHED,
        created_at=NOW,
    )
    return replace(sound, **overrides)


def a_holder(name: str = "张小三", number: Number = CITIZEN) -> Holder:
    return Holder(number, name)


def a_key(**overrides: Any) -> SigningKey:
    sound = SigningKey(
        kid="0123456789abcdef",
        purpose=KeyPurpose.LICENSE,
        algorithm="ES256",
        public_key=b"\x04" + bytes(64),
        agency_id=None,
        type_codes=(),
        state=KeyState.ACTIVE,
        development=False,
        created_at=NOW - days(40),
        published_at=NOW - days(40),
        signing_until=NOW + days(60),
        activated_at=NOW - days(30),
    )
    return replace(sound, **overrides)


def facts(**overrides: Any) -> CredentialFacts:
    sound = CredentialFacts(
        identifier=make_identifier(type_code=TYPE_CODE, agency_id=ISSUER, serial="2026000000001", version=1),
        issued_at=NOW - days(10),
        not_before=NOW - days(10),
        expires=NOW + days(10),
    )
    return replace(sound, **overrides)


def a_cause(**overrides: Any) -> StateCause:
    return replace(StateCause("逾期未检验", "道路交通安全法第十三条", NOW), **overrides)


def an_event(
    action: LicenseAction,
    state: LicenseState,
    *,
    effective: datetime,
    recorded: datetime | None = None,
    version: int = 1,
    kind: RevocationKind | None = None,
) -> LicenseEvent:
    return LicenseEvent(
        action=action,
        state=state,
        version=version,
        cause=a_cause(effective_at=effective, revocation_kind=kind),
        agency_id=ISSUER,
        officer_id="A001",
        recorded_at=recorded or effective,
    )
