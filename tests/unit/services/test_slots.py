"""Slots confirm exactly what the register signed, while it is in force; in whatever order they hear of changes."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.license import (
    License,
    LicenseAction,
    LicenseEvent,
    LicenseState,
    LicenseVersion,
    StateCause,
    ValidityPeriod,
)
from certsvc.domain.license_type import TrustGrade
from certsvc.keyring.keyed_digest import Fingerprint
from certsvc.ports import SlotRecord
from certsvc.services import slots as slots_module
from certsvc.services.license_changes import license_change
from certsvc.services.numbering import STATUS_LIST_SIZE
from certsvc.services.slots import Slots

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
A, S, R = LicenseState.ACTIVE, LicenseState.SUSPENDED, LicenseState.REVOKED
SLOT, NEXT_SLOT = 4711, 2 * STATUS_LIST_SIZE + 5


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def empty() -> Slots:
    return Slots(Fingerprint(bytes(range(32))).of)


def record(slot: int = SLOT, signed: str = "one", *, state: LicenseState = A, superseded: bool = False) -> SlotRecord:
    return SlotRecord(slot, digest(signed), state, superseded)


@dataclass(frozen=True, slots=True)
class Step:
    """A license after one change: `slots` of all its versions, the current one last, and what that one signed."""

    revision: int
    state: LicenseState = A
    slots: tuple[int, ...] = (SLOT,)
    signed: str = "one"
    license_id: int = 1

    def tell(self, slots: Slots) -> None:
        version = LicenseVersion(
            version=len(self.slots),
            identifier=f"identifier {self.license_id}",
            type_version=1,
            license_number="1",
            holders=(),
            fields={},
            validity=ValidityPeriod(date(2026, 1, 1), None),
            kid="0123456789abcdef",
            code=b"",
            status_slot=self.slots[-1],
            issued_at=NOON,
        )
        license_ = License(
            license_id=self.license_id,
            type_code="type",
            agency_id="agency",
            responsible_agency_id="agency",
            serial="1",
            state=self.state,
            trust_grade=TrustGrade.A,
            revision=self.revision,
            current=version,
            created_at=NOON,
            updated_at=NOON,
            confirmed_at=NOON,
        )
        event = LicenseEvent(LicenseAction.AMEND, self.state, version.version, StateCause("", "", NOON), "a", "o", NOON)
        slots.apply(
            license_change(license_, event, region="37", digest=digest(self.signed), older_slots=self.slots[:-1])
        )


def test_the_signed_bytes_in_their_slot_are_confirmed() -> None:
    slots = empty()
    slots.load(record())
    assert slots.confirms(SLOT, digest("one"))


def test_other_bytes_in_the_same_slot_are_not() -> None:
    """A stolen key over a registered identifier and slot, with another name."""
    slots = empty()
    slots.load(record())
    assert not slots.confirms(SLOT, digest("one, but for another name"))


@pytest.mark.parametrize("slot", [0, SLOT - 1, SLOT + 1, SLOT + STATUS_LIST_SIZE, NEXT_SLOT])
def test_the_same_bytes_in_another_slot_are_not(slot: int) -> None:
    slots = empty()
    slots.load(record())
    assert not slots.confirms(slot, digest("one"))


def test_nothing_is_confirmed_by_an_empty_slot() -> None:
    slots = empty()
    slots.load(record(slot=SLOT + 1))
    assert not slots.confirms(SLOT, digest("one"))
    assert not slots.confirms(SLOT, b"")


def test_every_bit_of_the_digest_counts() -> None:
    slots, signed = empty(), digest("one")
    slots.load(record())
    for bit in range(256):
        turned = (int.from_bytes(signed) ^ (1 << bit)).to_bytes(32)
        assert not slots.confirms(SLOT, turned)


@pytest.mark.parametrize(("state", "superseded"), [(S, False), (R, False), (LicenseState.CANCELLED, False), (A, True)])
def test_what_is_not_in_force_is_not_confirmed(state: LicenseState, superseded: bool) -> None:
    slots = empty()
    slots.load(record(state=state, superseded=superseded))
    assert not slots.confirms(SLOT, digest("one"))


def test_changes_are_followed() -> None:
    slots = empty()
    for step, confirmed in [
        (Step(1), True),
        (Step(2, S), False),
        (Step(3, A), True),
        (Step(4, R), False),
    ]:
        step.tell(slots)
        assert slots.confirms(SLOT, digest("one")) is confirmed


def test_a_new_version_takes_the_old_ones_place() -> None:
    slots = empty()
    Step(1).tell(slots)
    Step(2, A, (SLOT, NEXT_SLOT), "two").tell(slots)
    assert not slots.confirms(SLOT, digest("one"))
    assert slots.confirms(NEXT_SLOT, digest("two"))
    assert not slots.confirms(NEXT_SLOT, digest("one"))


def test_an_older_change_that_comes_late_changes_nothing() -> None:
    slots = empty()
    Step(3, R).tell(slots)
    Step(2, A).tell(slots)
    assert not slots.confirms(SLOT, digest("one"))


def test_a_late_amendment_does_not_bring_back_its_version() -> None:
    slots = empty()
    Step(3, A, (SLOT, NEXT_SLOT, 9), "three").tell(slots)
    Step(2, A, (SLOT, NEXT_SLOT), "two").tell(slots)
    Step(1).tell(slots)
    confirmed = [
        slots.confirms(slot, digest(signed)) for slot, signed in ((SLOT, "one"), (NEXT_SLOT, "two"), (9, "three"))
    ]
    assert confirmed == [False, False, True]


def test_a_change_made_here_is_believed_at_once() -> None:
    slots = empty()
    Step(1).tell(slots)
    slots.distrust(1, (SLOT,), revision=2)
    assert not slots.confirms(SLOT, digest("one"))
    # What was in the feed before it brings no trust back.
    Step(1).tell(slots)
    assert not slots.confirms(SLOT, digest("one"))
    Step(2, A).tell(slots)
    assert slots.confirms(SLOT, digest("one"))


def test_of_two_changes_made_here_the_first_one_in_the_feed_is_not_enough() -> None:
    """Reinstated, and revoked before the feed brought the reinstatement."""
    slots = empty()
    Step(2, S).tell(slots)
    slots.distrust(1, (SLOT,), revision=3)
    slots.distrust(1, (SLOT,), revision=4)
    Step(3, A).tell(slots)
    assert not slots.confirms(SLOT, digest("one"))
    Step(4, R).tell(slots)
    assert not slots.confirms(SLOT, digest("one"))


def test_what_the_feed_brought_before_the_distrust_needs_none() -> None:
    slots = empty()
    Step(2, A).tell(slots)
    slots.distrust(1, (SLOT,), revision=2)
    assert slots.confirms(SLOT, digest("one"))


def test_other_licenses_are_not_distrusted() -> None:
    slots = empty()
    Step(1).tell(slots)
    Step(1, slots=(8,), signed="other", license_id=2).tell(slots)
    slots.distrust(1, (SLOT,), revision=2)
    assert slots.confirms(8, digest("other"))


def test_a_change_that_never_came_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was undone after all; until then the database answers, which is slower and not wrong."""
    monkeypatch.setattr(slots_module, "_DISTRUST_SECONDS", -1.0)
    slots = empty()
    Step(1).tell(slots)
    slots.distrust(1, (SLOT,), revision=2)
    assert not slots.confirms(SLOT, digest("one"))
    Step(1, slots=(8,), signed="other", license_id=2).tell(slots)
    assert slots.confirms(SLOT, digest("one"))


@st.composite
def histories(draw: st.DrawFn) -> list[list[Step]]:
    """Lives of some licenses, each step with its revision; slots are never given twice."""
    lives, slot = [], 1
    for license_id in range(1, draw(st.integers(1, 4)) + 1):
        slots: tuple[int, ...] = (slot,)
        life: list[Step] = []
        slot += 1
        for revision in range(1, draw(st.integers(1, 6)) + 1):
            if revision > 1 and draw(st.booleans()):
                slots, slot = (*slots, slot), slot + 1
            state = A if revision == 1 else draw(st.sampled_from([A, S, R]))
            life.append(Step(revision, state, slots, f"{license_id}/{len(slots)}", license_id))
        lives.append(life)
    return lives


@given(histories(), st.randoms(use_true_random=False))
def test_whatever_the_order_the_newest_revision_stands(lives: list[list[Step]], chance: Random) -> None:
    slots = empty()
    steps = [step for life in lives for step in life]
    chance.shuffle(steps)
    for step in steps:
        step.tell(slots)
    for life in lives:
        newest = life[-1]
        for place, slot in enumerate(newest.slots, 1):
            expected = newest.state is A and slot == newest.slots[-1]
            assert slots.confirms(slot, digest(f"{newest.license_id}/{place}")) is expected
