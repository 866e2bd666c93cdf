"""Patterns of license types: what people write is taken, what stops a worker is not."""

import re
import time

import pytest

from certsvc.services.schema_patterns import MAX_MATCHED, MAX_PATTERN, pattern_fault


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        r"^[A-Z]{1,3}[0-9]{4,8}$",
        r"^(A1|A2|B1|C1)$",
        r"^[一-龥·]{2,50}$",
        r"^(?:ab)+c$",
        r"^[^\]\\]+$",
        r"^\d{3}\.\d{2}\u00a0?$",
        r"a*b*",
        "x" * MAX_PATTERN,
    ],
)
def test_what_people_write_is_taken(pattern: str) -> None:
    assert pattern_fault(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        (r"^(a+)+$", "repeats a group"),
        (r"(a|a)*$", "repeats a group"),
        (r"((a|b){2}){1,9}", "repeats a group"),
        (r"a*a*a*b", "too many ways"),
        (r"a{0,99}a{0,99}a{0,99}b", "too many ways"),
        (r"(a|a)" * 17 + "b", "too many ways"),
        (r"((a|aa){9}){9}b", "too many ways"),
        (r"(?=a)b", "not allowed"),
        (r"(?i)b", "not allowed"),
        (r"(?P<name>b)", "not allowed"),
        (r"(a)\1", "not allowed"),
        (r"a+?b", "lazy or possessive"),
        (r"a++b", "lazy or possessive"),
        (r"a{1001}", "more than 1000 times"),
        (r"a)", "is none"),
        (r"(a", "is none"),
        (r"[a", "is none"),
        (r"a{2,1}", "is none"),
        (r"a**", "is none"),
        ("\\", "is none"),
        ("x" * (MAX_PATTERN + 1), "at most 200"),
    ],
)
def test_what_is_wrong_is_said(pattern: str, fault: str) -> None:
    assert fault in pattern_fault(pattern)


@pytest.mark.parametrize(
    "pattern", [r"a*a*b", r"(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b", r"(?:a{0,255})(?:a{0,255})b", r"(aa)*a*b"]
)
def test_the_worst_that_is_taken_ends_soon(pattern: str) -> None:
    assert pattern_fault(pattern) == ""

    started = time.process_time()
    assert not re.search(pattern, "a" * MAX_MATCHED)

    assert time.process_time() - started < 5
