import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.license_type import Mask
from certsvc.domain.masking import apply_mask, mask_name, tail4


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张", "*"),
        ("张三", "张*"),
        ("张小三", "张*三"),
        ("欧阳娜娜", "欧**娜"),
        ("买买提·艾力", "买**·*力"),
        ("𠮷田", "𠮷*"),
        ("葛\U000e0100城", "葛\U000e0100*"),
        ("John Smith", "J*** S****"),
        ("Anne-Marie O'Neil", "A***-M**** O'N***"),
        ("José", "J***"),
        ("X", "*"),
        ("", ""),
    ],
)
def test_names(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [("11010119900307002X", "*002X"), ("12345678", "*5678"), ("1234567", "*"), ("", "*")],
)
def test_tail4(value: str, masked: str) -> None:
    assert tail4(value) == masked


def test_masks() -> None:
    shown = {mask: apply_mask("欧阳娜娜12345", mask) for mask in Mask}
    assert shown == {
        Mask.FULL: "欧阳娜娜12345",
        Mask.NAME: "欧*******5",
        Mask.TAIL4: "*2345",
        Mask.HIDDEN: None,
    }


@given(st.text(alphabet="赵钱孙李周吴郑王", min_size=2, max_size=8))
def test_a_han_name_shows_at_most_two_characters(name: str) -> None:
    masked = mask_name(name)
    assert len(masked) == len(name)
    assert sum(char != "*" for char in masked) == min(2, len(name) - 1)
