"""Slots: counted while held, given back however it ends, refused at once."""

from contextlib import ExitStack

import pytest

from certsvc.errors import ExhaustedError
from certsvc.rpc.limits import CallLimits, CallSlots, StreamSlots


def test_calls_over_the_cap_are_refused_until_one_ends() -> None:
    slots = CallSlots(2)

    with ExitStack() as held:
        held.enter_context(slots.take())
        with slots.take():
            with pytest.raises(ExhaustedError) as refused, slots.take():
                pass
            assert refused.value.reason == "TOO_MANY_CALLS"
        held.enter_context(slots.take())


def test_a_slot_comes_back_after_an_error() -> None:
    slots = CallSlots(1)

    for _ in range(3):
        with pytest.raises(KeyError), slots.take():
            raise KeyError


def test_one_caller_cannot_take_all_streams() -> None:
    slots = StreamSlots(limit=3, per_caller=2)

    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(slots.take("a"))
        with pytest.raises(ExhaustedError), slots.take("a"):
            pass
        with slots.take("b"), pytest.raises(ExhaustedError) as refused, slots.take("c"):
            pass
        assert refused.value.reason == "TOO_MANY_STREAMS"
        held.enter_context(slots.take("c"))
    with slots.take("a"), slots.take("a"), slots.take("b"):
        pass


def test_there_are_threads_to_refuse_with() -> None:
    limits = CallLimits(unary_calls=4, streams=5)

    assert limits.unary_threads > 4
    assert limits.stream_threads > 5
