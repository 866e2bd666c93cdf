"""Cells as registers write them."""

from datetime import UTC, datetime

import pytest

from certsvc.cli.importing.values import day, field_value, last_day, moment


@pytest.mark.parametrize(
    "text", ["2021-05-08", "2021-5-8", "2021/05/08", "2021/5/8", "2021.5.8", "2021年5月8日", "20210508"]
)
def test_a_day_is_written_in_many_ways(text: str) -> None:
    assert day(text) == "2021-05-08"


@pytest.mark.parametrize(
    "text",
    ["", "2021-02-30", "20211301", "08/05/2021", "2021-05/08", "2021-05", "2021-05-08 ", "２０２１-05-08", "长期"],
)
def test_what_is_no_day_is_left_to_the_register(text: str) -> None:
    assert day(text) == text


@pytest.mark.parametrize(
    ("text", "last"), [("长期", ""), ("永久有效", ""), ("Long-term", ""), ("2030/1/2", "2030-01-02")]
)
def test_an_open_end_is_no_day(text: str, last: str) -> None:
    assert last_day(text) == last


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021年5月8日", datetime(2021, 5, 7, 16, tzinfo=UTC)),
        ("2021-05-08T08:00:00", datetime(2021, 5, 8, 0, tzinfo=UTC)),
        ("2021-05-08 08:00:00+00:00", datetime(2021, 5, 8, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_in_shanghai(text: str, expected: datetime) -> None:
    assert moment(text) == expected


def test_what_is_no_moment_raises() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        moment("yesterday")


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1,286", {"type": "integer"}, 1286),
        ("12.50", {"type": "number"}, 12.5),
        ("-3", {"type": "integer"}, -3),
        ("NaN", {"type": "number"}, "NaN"),
        ("1e999", {"type": "number"}, "1e999"),
        ("twelve", {"type": "integer"}, "twelve"),
        ("1.5", {"type": "integer"}, "1.5"),
        ("是", {"type": "boolean"}, True),
        ("0", {"type": "boolean"}, False),
        ("maybe", {"type": "boolean"}, "maybe"),
        ("2021/5/8", {"type": "string", "format": "date"}, "2021-05-08"),
        ("2021/5/8", {"type": "string"}, "2021/5/8"),
        ('["a", 1]', {"type": "array"}, ["a", 1]),
        ("[", {"type": "array"}, "["),
        ("text", {}, "text"),
    ],
)
def test_a_field_becomes_what_its_schema_asks_for_or_stays(text: str, schema: dict[str, str], value: object) -> None:
    assert field_value(text, schema) == value
