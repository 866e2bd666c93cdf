from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.permutation import permute, serial_text, status_slot

KEY = bytes(range(32))
GOLDEN_17 = [56125, 34248, 66257, 113441]
GOLDEN_SERIALS = ["4C1O206NWPA9", "6XZFAOPY5NQE", "3FR6FDQ1FE5L"]


def test_16_bits_are_a_bijection() -> None:
    assert len({permute(value, bits=16, key=KEY) for value in range(1 << 16)}) == 1 << 16


@pytest.mark.parametrize("bits", [2, 3, 5, 9, 11])
def test_other_widths_are_bijections_onto_their_range(bits: int) -> None:
    assert {permute(value, bits=bits, key=KEY) for value in range(1 << bits)} == set(range(1 << bits))


def test_golden_values_never_change() -> None:
    """A changed permutation would hand out numbers that are taken."""
    assert [permute(value, bits=17, key=KEY) for value in range(4)] == GOLDEN_17
    assert [serial_text(counter, key=KEY) for counter in (0, 1, 2**60 - 1)] == GOLDEN_SERIALS


def test_a_status_list_is_filled_without_collision_before_the_next_begins() -> None:
    slots = [status_slot(counter, key=KEY) for counter in range(1 << 13)]
    assert {slot.status_list for slot in slots} == {0}
    assert len({slot.index for slot in slots}) == len(slots)
    assert max(slot.index for slot in slots) > 120_000
    assert status_slot((1 << 17) - 1, key=KEY).status_list == 0
    assert status_slot(1 << 17, key=KEY).status_list == 1


def test_lists_have_orders_of_their_own() -> None:
    first = [status_slot(counter, key=KEY).index for counter in range(20)]
    second = [status_slot((1 << 17) + counter, key=KEY).index for counter in range(20)]
    assert first != second


def test_neighbours_say_nothing() -> None:
    images = [permute(value, bits=17, key=KEY) for value in range(2000)]
    ascending = sum(a < b for a, b in pairwise(images))
    assert 900 < ascending < 1100
    assert sum(abs(a - b) < 1000 for a, b in pairwise(images)) < 60


def test_another_key_is_another_permutation() -> None:
    assert [permute(v, bits=17, key=KEY) for v in range(8)] != [permute(v, bits=17, key=bytes(32)) for v in range(8)]


@given(st.integers(0, 2**60 - 1), st.integers(0, 2**60 - 1))
def test_serials_are_12_characters_and_never_meet(first: int, second: int) -> None:
    text = serial_text(first, key=KEY)
    assert len(text) == 12
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert (text == serial_text(second, key=KEY)) == (first == second)


@pytest.mark.parametrize(
    ("value", "bits", "key"),
    [(-1, 8, KEY), (256, 8, KEY), (0, 1, KEY), (0, 129, KEY), (0, 8, b"short"), (1 << 60, 60, KEY)],
)
def test_what_does_not_fit_is_refused(value: int, bits: int, key: bytes) -> None:
    with pytest.raises(ValueError, match=r"bits|bytes"):
        permute(value, bits=bits, key=key)
