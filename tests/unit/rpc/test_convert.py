"""Messages to domain values and back: all violations found, nothing raised for what a caller sent."""

import enum
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import struct_pb2, timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.agency import AgencyLevel
from certsvc.domain.text import LocalizedText
from certsvc.errors import InvalidInputError
from certsvc.rpc.agency_messages import LEVELS
from certsvc.rpc.convert import (
    MAX_STRUCT_DEPTH,
    MAX_STRUCT_VALUES,
    EnumNames,
    Violations,
    read_instant,
    read_struct,
    read_text,
    write_instant,
    write_struct,
    write_text,
)
from certsvc.v1 import agency_service_pb2

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def read(struct: struct_pb2.Struct) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    violations = Violations()
    values = read_struct(struct, field="fields", violations=violations)
    return values, [(violation.field, violation.reason) for violation in violations.found]


def nested(depth: int) -> struct_pb2.Struct:
    value: Any = "x"
    for _ in range(depth - 1):
        value = {"a": value}
    return write_struct({"a": value})


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_what_was_written_is_read_again(values: dict[str, Any]) -> None:
    found, violations = read(write_struct(values))

    if not violations:
        assert found == values
    assert {reason for _, reason in violations} <= {"TOO_DEEP"}


def test_whole_numbers_are_integers_and_others_are_not() -> None:
    values, _ = read(write_struct({"a": 3.0, "b": 3.5, "c": True}))

    assert [(type(values[name]), values[name]) for name in "abc"] == [(int, 3), (float, 3.5), (bool, True)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2.0**53 + 2, -1e300])
def test_a_number_that_a_double_does_not_hold_is_refused(number: float) -> None:
    struct = struct_pb2.Struct()
    struct.fields["x"].list_value.values.add().number_value = number

    assert read(struct)[1] == [("fields.x[0]", "NUMBER")]


def test_a_value_of_no_kind_is_null() -> None:
    struct = struct_pb2.Struct()
    struct.fields["x"].SetInParent()

    assert read(struct) == ({"x": None}, [])


def test_depth_is_bounded() -> None:
    assert read(nested(MAX_STRUCT_DEPTH))[1] == []
    path = "fields" + ".a" * MAX_STRUCT_DEPTH
    assert read(nested(MAX_STRUCT_DEPTH + 1))[1] == [(path, "TOO_DEEP")]


@pytest.mark.parametrize(("count", "refused"), [(MAX_STRUCT_VALUES - 1, False), (MAX_STRUCT_VALUES, True)])
def test_the_number_of_values_is_bounded_and_told_once(count: int, refused: bool) -> None:
    found = read(write_struct({"x": [0] * count}))[1]

    assert found == ([("fields.x", "TOO_MANY_VALUES")] if refused else [])


def test_enums_go_by_name_both_ways() -> None:
    violations = Violations()

    for level in AgencyLevel:
        number = LEVELS.write(level)
        assert agency_service_pb2.AgencyLevel.Name(number) == f"AGENCY_LEVEL_{level.name}"
        assert LEVELS.read(number, field="level", violations=violations) is level
    assert violations.found == ()


def test_unspecified_and_unknown_enum_values_are_violations() -> None:
    violations = Violations()

    LEVELS.read(0, field="a", violations=violations)
    LEVELS.read(99, field="b", violations=violations)
    assert LEVELS.read_optional(0, field="c", violations=violations) is None
    LEVELS.read_optional(-1, field="d", violations=violations)
    LEVELS.read_all([3, 0, 99], field="e", violations=violations)

    assert [(violation.field, violation.reason) for violation in violations.found] == [
        ("a", "REQUIRED"),
        ("b", "ENUM_VALUE"),
        ("d", "ENUM_VALUE"),
        ("e[1]", "REQUIRED"),
        ("e[2]", "ENUM_VALUE"),
    ]


def test_enums_that_differ_are_found_when_they_are_put_together() -> None:
    class Shorter(enum.Enum):
        CITY = 1

    with pytest.raises(ValueError, match="AGENCY_LEVEL_"):
        EnumNames(agency_service_pb2.AgencyLevel, Shorter, "AGENCY_LEVEL_")


def test_instants_go_both_ways() -> None:
    moment = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
    request = agency_service_pb2.RegisterClientKeyRequest(expire_time=write_instant(moment))

    assert read_instant(request, "expire_time", violations=Violations()) == moment
    assert write_instant(None) is None
    absent = agency_service_pb2.RegisterClientKeyRequest()
    assert read_instant(absent, "expire_time", violations=Violations()) is None


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (253402300800, 0), (-62135596801, 0), (0, -1), (0, 2**30)]
)
def test_an_impossible_instant_is_a_violation(seconds: int, nanos: int) -> None:
    violations = Violations()
    stamp = timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)
    request = agency_service_pb2.RegisterClientKeyRequest(expire_time=stamp)

    read_instant(request, "expire_time", violations=violations, path="a.expire_time")

    assert [(v.field, v.reason) for v in violations.found] == [("a.expire_time", "TIMESTAMP")]


def test_texts_go_both_ways() -> None:
    text = LocalizedText("营业执照", "Business license")

    assert read_text(write_text(text)) == text


def test_violations_raise_all_at_once_or_not_at_all() -> None:
    violations = Violations()
    violations.check()
    violations.add("a", "A", "is wrong")
    violations.add("b", "B", "is wrong")

    with pytest.raises(InvalidInputError) as refused:
        violations.check()

    assert refused.value.violations == violations.found
