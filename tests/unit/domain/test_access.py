from dataclasses import replace

import pytest

from certsvc.domain.access import AccessContext
from certsvc.errors import InvalidInputError

SOUND = AccessContext("370200-001", "20260601-0001", "核验开办餐馆材料", "食品安全法第三十五条")


def test_a_sound_context_passes() -> None:
    SOUND.check()
    replace(SOUND, cause="字" * 200).check()


@pytest.mark.parametrize("part", ["matter", "case_number", "cause", "legal_basis"])
def test_every_part_is_required(part: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        replace(SOUND, **{part: ""}).check()
    assert [(v.field, v.reason) for v in caught.value.violations] == [(f"access_context.{part}", "REQUIRED")]


def test_a_cause_has_at_most_200_characters() -> None:
    violations = replace(SOUND, cause="字" * 201).violations(field="context")
    assert [(v.field, v.reason) for v in violations] == [("context.cause", "TOO_LONG")]


def test_all_is_named_at_once() -> None:
    assert len(AccessContext("", "", "", "").violations()) == 4
