"""Licenses of a type: holders, texts, and what of them a code shows."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc.domain.license import Holder
from certsvc.domain.license_code import CodeHolder
from certsvc.domain.license_content import (
    MAX_SAFE_INTEGER,
    check_holders,
    check_license_content,
    code_fields,
    code_holders,
)
from certsvc.domain.license_type import HolderKind, Mask
from certsvc.domain.numbers import Number, NumberKind
from certsvc.errors import InvalidInputError
from tests.unit.domain.builders import COMPANY, a_holder, a_type

LICENSE = a_type()
MARRIAGE = a_type(min_holders=2, max_holders=2)
SPOUSE = Holder(Number(NumberKind.CITIZEN, "440305198512310034"), "李四")
FIRM = Holder(COMPANY, "青岛某某某某有限公司")


def holder_reasons(license_type: Any, *holders: Holder) -> list[tuple[str, str]]:
    return [(found.field, found.reason) for found in check_holders(license_type, holders)]


def test_holders_that_fit() -> None:
    assert holder_reasons(LICENSE, a_holder()) == []
    assert holder_reasons(MARRIAGE, a_holder(), SPOUSE) == []
    assert holder_reasons(a_type(holder_kinds=frozenset(HolderKind)), FIRM) == []


def test_holders_that_do_not_fit() -> None:
    assert holder_reasons(LICENSE) == [("holders", "HOLDER_COUNT")]
    assert holder_reasons(MARRIAGE, a_holder()) == [("holders", "HOLDER_COUNT")]
    assert holder_reasons(LICENSE, FIRM) == [("holders[0].number", "HOLDER_KIND")]
    assert holder_reasons(MARRIAGE, a_holder(), a_holder("别名")) == [("holders[1].number", "DUPLICATE_HOLDER")]
    assert holder_reasons(LICENSE, a_holder("")) == [("holders[0].name", "REQUIRED")]
    assert holder_reasons(LICENSE, a_holder("字" * 201)) == [("holders[0].name", "TOO_LONG")]


def content_reasons(license_number: str = "370200000001", **fields: Any) -> list[tuple[str, str]]:
    violations = check_license_content(LICENSE, license_number=license_number, holders=[a_holder()], fields=fields)
    return [(found.field, found.reason) for found in violations]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"scope": "一般项目：\n货物进出口"}, []),
        ({"scope": ""}, []),
        ({"scope": "a\x1bb"}, [("fields.scope", "CONTROL_CHARACTER")]),
        ({"scope": "字" * 4001}, [("fields.scope", "TOO_LONG")]),
        ({"list": ["ok", {"deep": "\u202e"}]}, [("fields.list[1].deep", "CONTROL_CHARACTER")]),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, [("fields.a.b.c.d.e", "TOO_DEEP")]),
        ({"a\nb": 1}, [("fields", "FIELD_NAME")]),
        ({"n" * 65: 1}, [("fields", "FIELD_NAME")]),
        ({"n": 3, "b": True, "x": None, "f": 1.5}, []),
    ],
)
def test_texts_in_fields(fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert content_reasons(**fields) == expected


def test_license_numbers() -> None:
    assert content_reasons("") == [("license_number", "REQUIRED")]
    assert content_reasons("1" * 129) == [("license_number", "TOO_LONG")]
    assert content_reasons("1\t2") == [("license_number", "CONTROL_CHARACTER")]


def test_natural_persons_are_masked_by_default_and_legal_persons_are_not() -> None:
    assert code_holders(LICENSE, [a_holder()]) == (CodeHolder("张*三", "*002X"),)
    assert code_holders(LICENSE, [FIRM]) == (CodeHolder("青岛某某某某有限公司", "91440300123456788M"),)


def test_the_type_decides_what_a_code_shows_of_its_holders() -> None:
    full = replace(LICENSE, qr_name_mask=Mask.FULL, qr_number_mask=Mask.FULL)
    hidden = replace(LICENSE, qr_number_mask=Mask.HIDDEN)
    assert code_holders(full, [a_holder(), SPOUSE]) == (
        CodeHolder("张小三", "11010119900307002X"),
        CodeHolder("李四", "440305198512310034"),
    )
    assert code_holders(hidden, [a_holder()]) == (CodeHolder("张*三", None),)
    assert code_holders(hidden, [FIRM]) == (CodeHolder("青岛某某某某有限公司", None),)


def test_fields_go_into_a_code_by_their_keys() -> None:
    assert code_fields(LICENSE, {"vehicle_class": "C1", "points": 12, "other": "x"}) == {1: "C1", 2: 12}
    assert code_fields(LICENSE, {"vehicle_class": "C1", "points": None}) == {1: "C1"}
    assert code_fields(LICENSE, {"points": False}) == {2: False}
    assert code_fields(LICENSE, {}) == {}


def test_whole_floats_become_integers_and_booleans_stay() -> None:
    shown = code_fields(LICENSE, {"points": 3.0, "vehicle_class": True})
    assert [(type(value), value) for value in shown.values()] == [(bool, True), (int, 3)]


@pytest.mark.parametrize("value", [1.5, float("nan"), float("inf"), 1e300, MAX_SAFE_INTEGER + 1, [], {}])
def test_what_a_code_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        code_fields(LICENSE, {"points": value})
    assert [(v.field, v.reason) for v in caught.value.violations] == [("fields.points", "NOT_FOR_CODE")]


def test_the_largest_integers_are_taken() -> None:
    assert code_fields(LICENSE, {"points": -MAX_SAFE_INTEGER}) == {2: -MAX_SAFE_INTEGER}


@pytest.mark.parametrize(
    ("mask", "value", "expected"),
    [
        (Mask.FULL, "13800138000", {1: "13800138000"}),
        (Mask.TAIL4, "13800138000", {1: "*8000"}),
        (Mask.NAME, "张小三", {1: "张*三"}),
        (Mask.HIDDEN, "张小三", {}),
        (Mask.HIDDEN, 1.5, {}),
        (Mask.TAIL4, 13800138000, {}),
        (Mask.NAME, True, {}),
    ],
)
def test_masked_fields_never_show_more_than_their_mask(mask: Mask, value: Any, expected: dict[int, Any]) -> None:
    spec = replace(LICENSE.fields[0], qr_mask=mask)
    assert code_fields(replace(LICENSE, fields=(spec,)), {"vehicle_class": value}) == expected


def test_reprs_hide_holders() -> None:
    assert "张" not in repr(a_holder())
    assert "1101" not in repr(a_holder())
