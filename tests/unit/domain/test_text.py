import pytest

from certsvc.domain.text import LocalizedText, localized_violations, text_violations


@pytest.mark.parametrize("value", ["张三", "买买提·艾力", "O'Neil", "𠮷野家", "a" * 10, "می‌خواهم"])
def test_sound_texts(value: str) -> None:
    assert text_violations(value, field="name", limit=10) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "REQUIRED"),
        ("  \t", "REQUIRED"),
        ("a" * 11, "TOO_LONG"),
        ("a\x00b", "CONTROL_CHARACTER"),
        ("a\nb", "CONTROL_CHARACTER"),
        ("a\u2028b", "CONTROL_CHARACTER"),
        ("a\u202eb", "CONTROL_CHARACTER"),
        ("\ufeffa", "CONTROL_CHARACTER"),
        ("a\ud800", "CONTROL_CHARACTER"),
        (" a", "SURROUNDING_SPACE"),
        ("a\u3000", "SURROUNDING_SPACE"),
    ],
)
def test_unsound_texts(value: str, reason: str) -> None:
    violations = text_violations(value, field="name", limit=10)
    assert [(found.field, found.reason) for found in violations] == [("name", reason)]


def test_optional_and_multiline_texts() -> None:
    assert text_violations("", field="name", limit=10, required=False) == []
    assert text_violations(" ", field="name", limit=10, required=False) != []
    assert text_violations("a\n\tb", field="name", limit=10, multiline=True) == []
    assert text_violations("a\rb", field="name", limit=10, multiline=True) != []


def test_both_languages_are_tested_and_english_may_be_missing() -> None:
    assert localized_violations(LocalizedText("执照"), field="name", limit=4) == []
    violations = localized_violations(LocalizedText("", "Licenses"), field="name", limit=4)
    assert [(found.field, found.reason) for found in violations] == [
        ("name.zh", "REQUIRED"),
        ("name.en", "TOO_LONG"),
    ]


def test_a_missing_english_text_falls_back_to_chinese() -> None:
    assert LocalizedText("执照").in_language("en") == "执照"
    assert LocalizedText("执照", "License").in_language("en") == "License"
    assert LocalizedText("执照", "License").in_language("zh") == "执照"
