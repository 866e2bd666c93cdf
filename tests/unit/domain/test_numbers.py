"""Numbers: every vector of the shared README, every rule, and that nothing of a number ever leaks."""

import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.number_checks import CREDIT_CODE_ALPHABET, credit_code_check, organisation_check
from certsvc.domain.numbers import (
    HolderKind,
    Number,
    NumberKind,
    kind_of_national_code,
    normalise,
    parse_number,
)
from certsvc.errors import InvalidInputError
from tests.require import shared

TODAY = date(2026, 6, 1)
K = NumberKind

VALID = {
    "11010119900307002X": K.CITIZEN,
    "440305198512310034": K.CITIZEN,
    "11010119900307109X": K.CITIZEN,
    "810000199001010019": K.RESIDENCE_PERMIT,
    "820000199001010029": K.RESIDENCE_PERMIT,
    "830000199001010039": K.RESIDENCE_PERMIT,
    "810000200101010011": K.RESIDENCE_PERMIT,
    "911840198001010013": K.FOREIGN_RESIDENT,
    "11110000000000019K": K.CREDIT_CODE,
    "91440300123456788M": K.CREDIT_CODE,
    "51310000MJ0000018D": K.CREDIT_CODE,
    "119900009999000119": K.CREDIT_CODE,
    "1299010099990002X3": K.CREDIT_CODE,
    "N2990100999900038D": K.CREDIT_CODE,
    "110101900307002": K.CITIZEN_15,
    "USA110000000001": K.FOREIGN_RESIDENT_15,
}

INVALID = {
    "wrong check character": ("110101199003070029", K.CITIZEN, ["CHECK_CHARACTER"]),
    "30 February, check right": ("110101199002300014", K.CITIZEN, ["BIRTH_DATE"]),
    "no such province, check right": ("990101199003070015", K.CITIZEN, ["PROVINCE"]),
    "province 00": ("000000199003070014", K.CITIZEN, ["PROVINCE"]),
    "citizen called a permit": ("11010119900307002X", K.RESIDENCE_PERMIT, ["PROVINCE"]),
    "citizen called a foreigner": ("11010119900307002X", K.FOREIGN_RESIDENT, ["PROVINCE"]),
    "citizen called a foreigner, a province in digits 2 and 3": (
        "111840198001010014",
        K.FOREIGN_RESIDENT,
        ["PROVINCE"],
    ),
    "foreigner called a citizen": ("911840198001010013", K.CITIZEN, ["PROVINCE"]),
    "letter in the middle": ("1101011990030700XX", K.CITIZEN, ["ALPHABET"]),
    "one short": ("11010119900307002", K.CITIZEN, ["LENGTH"]),
    "space inside": ("110101 9900307002X", K.CITIZEN, ["ALPHABET"]),
    "other digits of Unicode": ("١١٠١٠١١٩٩٠٠٣٠٧٠٠٢X", K.CITIZEN, ["ALPHABET"]),
    "hundreds of characters": ("1" * 500, K.CITIZEN, ["LENGTH"]),
    "credit code, wrong check": ("91350100M000100Y4A", K.CREDIT_CODE, ["CHECK_CHARACTER"]),
    "credit code with I": ("9199010099990003I0", K.CREDIT_CODE, ["ALPHABET"]),
    "credit code, region with a letter": (
        "9144A300123456788M",
        K.CREDIT_CODE,
        ["REGION", "CHECK_CHARACTER"],
    ),
    "registration number of before 2015": ("370200018012345", K.CREDIT_CODE, ["LENGTH"]),
    "无": ("无", K.CREDIT_CODE, ["LENGTH"]),
    "nothing": ("", K.CREDIT_CODE, ["LENGTH"]),
    "old card with a letter": ("11010190030700A", K.CITIZEN_15, ["ALPHABET"]),
    "old card too long": ("1101019003070021", K.CITIZEN_15, ["LENGTH"]),
    "old foreign card without letters": ("110000000000001", K.FOREIGN_RESIDENT_15, ["ALPHABET"]),
    "passport with a dash": ("E-12345678", K.PASSPORT, ["ALPHABET"]),
    "passport too short": ("E123", K.PASSPORT, ["LENGTH"]),
}


def reasons(text: str, kind: NumberKind | None = None, today: date = TODAY) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        parse_number(text, today=today, kind=kind, field="holders[0].number")
    assert {violation.field for violation in caught.value.violations} == {"holders[0].number"}
    return [violation.reason for violation in caught.value.violations]


@pytest.mark.parametrize(("text", "kind"), VALID.items())
def test_valid_numbers_parse_with_their_kind_stated_or_found(text: str, kind: NumberKind) -> None:
    assert parse_number(text, today=TODAY, kind=kind) == Number(kind, text)
    assert parse_number(text, today=TODAY) == Number(kind, text)


@pytest.mark.parametrize(("text", "kind", "expected"), INVALID.values(), ids=INVALID.keys())
def test_invalid_numbers_name_every_broken_rule(text: str, kind: NumberKind, expected: list[str]) -> None:
    assert reasons(text, kind) == expected


def test_all_broken_rules_are_named_at_once() -> None:
    assert reasons("990101199902300017", K.CITIZEN) == ["PROVINCE", "BIRTH_DATE", "CHECK_CHARACTER"]
    assert reasons("91440300123456789A", K.CREDIT_CODE) == ["ORGANISATION_CHECK", "CHECK_CHARACTER"]


def test_the_inner_organisation_code_is_tested_though_the_outer_check_is_right() -> None:
    body = "91440300123456789"
    assert reasons(body + credit_code_check(body), K.CREDIT_CODE) == ["ORGANISATION_CHECK"]


def test_published_organisation_code_reproduces() -> None:
    assert organisation_check("M000100Y") == "4"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("110101199003070029", ["CHECK_CHARACTER"]),
        ("110101199002300014", ["BIRTH_DATE"]),
        ("990101199003070015", ["PROVINCE"]),
        ("91350100M000100Y4A", ["CHECK_CHARACTER"]),
        ("913702001635621639", ["CHECK_CHARACTER"]),
        ("1234567", ["LENGTH"]),
    ],
)
def test_without_a_stated_kind_the_closer_one_is_blamed(text: str, expected: list[str]) -> None:
    assert reasons(text) == expected


def test_a_number_that_is_a_person_and_a_company_at_once_asks_for_its_kind() -> None:
    both = _person_and_company()
    assert parse_number(both, today=TODAY, kind=K.CITIZEN).holder_kind is HolderKind.NATURAL
    assert parse_number(both, today=TODAY, kind=K.CREDIT_CODE).holder_kind is HolderKind.LEGAL
    assert reasons(both) == ["AMBIGUOUS"]


def _person_and_company() -> str:
    for order in range(1000):
        for day in range(1, 29):
            body = f"110101199001{day:02d}{order:03d}"
            for last in "0123456789":
                text = body + last
                try:
                    parse_number(text, today=TODAY, kind=K.CITIZEN)
                    parse_number(text, today=TODAY, kind=K.CREDIT_CODE)
                except InvalidInputError:
                    continue
                return text
    raise AssertionError("no such number in the range searched")


def test_one_number_has_one_kind_whatever_the_caller_calls_it() -> None:
    called_citizen = parse_number("810000199001010019", today=TODAY, kind=K.CITIZEN)
    assert called_citizen == parse_number("810000199001010019", today=TODAY, kind=K.RESIDENCE_PERMIT)


def test_birthdays_run_from_1900_to_today() -> None:
    born_2099 = "11010120990307003X"
    assert reasons(born_2099, K.CITIZEN) == ["BIRTH_DATE"]
    assert parse_number(born_2099, today=date(2099, 3, 7), kind=K.CITIZEN).value == born_2099
    assert reasons(born_2099, K.CITIZEN, today=date(2099, 3, 6)) == ["BIRTH_DATE"]
    assert reasons("110101189912310010", K.CITIZEN)[0] == "BIRTH_DATE"


def test_full_width_characters_lower_case_and_outer_spaces_are_normalised() -> None:
    assert normalise("　１１０１０１１９９００３０７００２ｘ ") == "11010119900307002X"
    assert parse_number("１１０１０１１９９００３０７００２ｘ", today=TODAY).value == "11010119900307002X"
    assert parse_number("91440300123456788m", today=TODAY).value == "91440300123456788M"


def test_old_forms_and_passports_are_marked_unchecked() -> None:
    unchecked = {kind for kind in NumberKind if not kind.is_checked}
    assert unchecked == {K.CITIZEN_15, K.FOREIGN_RESIDENT_15, K.PASSPORT}
    assert not parse_number("e12345678", today=TODAY, kind=K.PASSPORT).checked
    assert parse_number("11010119900307002X", today=TODAY).checked


def test_passports_are_never_guessed() -> None:
    assert reasons("E12345678") == ["LENGTH"]


def test_national_holder_codes() -> None:
    assert kind_of_national_code("111") is K.CITIZEN
    assert kind_of_national_code("001") is K.CREDIT_CODE
    with pytest.raises(InvalidInputError, match="holder_type"):
        kind_of_national_code("999")


def test_neither_repr_nor_error_shows_the_number() -> None:
    number = Number(K.CITIZEN, "11010119900307002X")
    assert "1990" not in repr(number)
    assert "1990" not in f"{number}"
    for text, kind, _ in INVALID.values():
        with pytest.raises(InvalidInputError) as caught:
            parse_number(text, today=TODAY, kind=kind)
        assert len(text) < 5 or text not in str(caught.value)


@given(place=st.integers(0, 17), other=st.sampled_from("0123456789X"))
def test_every_single_substitution_in_a_citizen_number_is_caught(place: int, other: str) -> None:
    right = "440305198512310034"
    wrong = right[:place] + other + right[place + 1 :]
    if wrong != right:
        assert reasons(wrong, K.CITIZEN)


@given(
    right=st.sampled_from([text for text, kind in VALID.items() if kind is K.CREDIT_CODE]),
    place=st.integers(0, 17),
    other=st.sampled_from(CREDIT_CODE_ALPHABET),
)
def test_every_single_substitution_in_a_credit_code_is_caught(right: str, place: int, other: str) -> None:
    wrong = right[:place] + other + right[place + 1 :]
    if wrong != right:
        assert "CHECK_CHARACTER" in reasons(wrong, K.CREDIT_CODE)


@given(text=st.text(max_size=70), kind=st.sampled_from([None, *NumberKind]))
def test_any_text_parses_or_is_refused(text: str, kind: NumberKind | None) -> None:
    try:
        number = parse_number(text, today=TODAY, kind=kind)
    except InvalidInputError:
        return
    assert parse_number(number.value, today=TODAY, kind=number.kind) == number


def test_of_the_real_register_exactly_the_sound_rows_pass() -> None:
    with shared("data/qingdao_enterprises.csv").open(encoding="utf-8", newline="") as file:
        codes = [row["unified_social_credit_code"] for row in csv.DictReader(file)]
    assert len(codes) == 4059
    for code in codes[:4000]:
        assert parse_number(code, today=TODAY, kind=K.CREDIT_CODE).value == code
    for code in codes[4000:]:
        assert reasons(code, K.CREDIT_CODE)
