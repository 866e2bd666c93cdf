"""License types as messages: what goes in comes out, and open masks are those of the holders."""

import json
from typing import Any

import pytest

from certsvc.domain.license_type import LicenseType, Mask, TrustGrade, TypeState
from certsvc.rpc.convert import Violations
from certsvc.rpc.license_type_messages import read_draft, write_license_type
from certsvc.v1 import license_type_service_pb2 as pb
from tests.unit.domain.builders import NOW, a_type


def read(message: pb.LicenseType) -> tuple[LicenseType, list[tuple[str, str]]]:
    violations = Violations()
    draft = read_draft(message, violations)
    schema: Any = json.loads(message.fields_schema or "{}")
    made = draft(version=1, schema=schema, state=TypeState.PUBLISHED, created_at=NOW)
    return made, [(violation.field, violation.reason) for violation in violations.found]


def test_a_type_goes_there_and_back() -> None:
    license_type = a_type(public=True, second_officer=True, trust_grade=TrustGrade.B, created_at=NOW)

    assert read(write_license_type(license_type)) == (license_type, [])


@pytest.mark.parametrize(
    ("kinds", "masks"),
    [
        ([pb.HOLDER_KIND_LEGAL], (Mask.FULL, Mask.FULL)),
        ([pb.HOLDER_KIND_NATURAL], (Mask.NAME, Mask.TAIL4)),
        ([pb.HOLDER_KIND_NATURAL, pb.HOLDER_KIND_LEGAL], (Mask.NAME, Mask.TAIL4)),
    ],
)
def test_open_masks_are_those_of_the_holders(kinds: list[Any], masks: tuple[Mask, Mask]) -> None:
    made, _ = read(pb.LicenseType(holder_kinds=kinds))

    assert (made.qr_name_mask, made.qr_number_mask) == masks


def test_what_is_left_open_has_its_default() -> None:
    made, violations = read(pb.LicenseType(fields=[pb.FieldSpec(name="x")]))

    assert (made.trust_grade, made.public, made.second_officer) == (TrustGrade.A, False, False)
    assert (made.fields[0].qr_key, made.fields[0].qr_mask) == (None, Mask.FULL)
    assert violations == [("license_type.validity.kind", "REQUIRED")]


def test_every_unknown_value_is_named_by_its_path() -> None:
    unknown: Any = 99
    message = pb.LicenseType(
        holder_kinds=[unknown],
        fields=[pb.FieldSpec(name="x", qr_mask=unknown)],
        issuers=pb.IssuerRule(levels=[unknown]),
        validity=pb.ValidityRule(kind=unknown),
        qr_name_mask=unknown,
        qr_number_mask=unknown,
        trust_grade=unknown,
    )

    _, violations = read(message)

    assert sorted(violations) == sorted(
        [
            ("license_type.fields[0].qr_mask", "ENUM_VALUE"),
            ("license_type.holder_kinds[0]", "ENUM_VALUE"),
            ("license_type.issuers.by_region", "CONTRADICTION"),
            ("license_type.issuers.levels[0]", "ENUM_VALUE"),
            ("license_type.qr_name_mask", "ENUM_VALUE"),
            ("license_type.qr_number_mask", "ENUM_VALUE"),
            ("license_type.trust_grade", "ENUM_VALUE"),
            ("license_type.validity.kind", "ENUM_VALUE"),
        ]
    )
