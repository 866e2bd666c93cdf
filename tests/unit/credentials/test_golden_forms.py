"""The golden files: what is signed today is what was signed when a format was fixed."""

import json

import pytest

from tests.vectors.golden_forms import FOLDER, FORMS


@pytest.mark.parametrize("name", FORMS)
def test_form_is_as_it_was(name: str) -> None:
    golden = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert FORMS[name]() == golden


def test_every_file_belongs_to_a_form() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(FORMS)
