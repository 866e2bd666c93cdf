"""Licenses on both databases: what was stored comes back, and every race and collision is refused by name."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from certsvc.domain.license import (
    Holder,
    License,
    LicenseAction,
    LicenseState,
    LicenseVersion,
    RevocationKind,
    StateCause,
    ValidityPeriod,
)
from certsvc.domain.numbers import Number
from certsvc.errors import AlreadyExistsError, ConflictError
from certsvc.ports import LicenseFilter, Repositories, SlotRecord
from certsvc.store.ledger import SQLLedger
from tests.integration.store.builders import (
    AGENCY_ID,
    COMPANY,
    NOON,
    OTHER_AGENCY_ID,
    OTHER_TYPE_CODE,
    PERSON,
    TYPE_CODE,
    digest_of,
    make_event,
    make_license,
    make_type,
    make_version,
)


def add(ledger: SQLLedger, license: License) -> License:
    ledger.write(lambda r: r.licenses.add(license, digest=digest_of(license), event=make_event()))
    return license


def next_version(license: License, **changes: object) -> License:
    version = make_version(version=license.current.version + 1, **changes)
    later = NOON + timedelta(hours=license.revision)
    return replace(license, current=version, revision=license.revision + 1, updated_at=later)


def add_version(ledger: SQLLedger, license: License) -> License:
    event = make_event(LicenseAction.AMEND, version=license.current.version, recorded_at=license.updated_at)
    ledger.write(lambda r: r.licenses.add_version(license, digest=digest_of(license), event=event))
    return license


def set_state(ledger: SQLLedger, license: License, state: LicenseState) -> License:
    changed = replace(license, state=state, revision=license.revision + 1)
    event = make_event(LicenseAction.SUSPEND, state=state)
    ledger.write(lambda r: r.licenses.set_state(changed, event=event))
    return changed


def test_a_license_comes_back_as_it_was_added(ledger: SQLLedger) -> None:
    license = add(ledger, make_license(make_version(validity=ValidityPeriod(date(2026, 1, 1), None))))
    with ledger.read() as r:
        found = r.licenses.by_identifier(license.current.identifier)
        by_slot = r.licenses.by_slot(license.current.status_slot)
        events = r.licenses.events(license.license_id)
    assert found is not None
    assert found == by_slot
    assert found.license == license
    assert found.version == license.current
    assert found.digest == digest_of(license)
    assert events == [(1, make_event())]


def test_an_older_version_comes_with_the_newest(ledger: SQLLedger) -> None:
    first = add(ledger, make_license())
    second = add_version(ledger, next_version(first, license_number=first.current.license_number))
    with ledger.read() as r:
        found = r.licenses.by_identifier(first.current.identifier)
        versions = r.licenses.versions(first.license_id)
    assert found is not None
    assert found.license == second
    assert found.version == replace(first.current, superseded_at=second.updated_at)
    assert found.digest == digest_of(first)
    assert list(versions) == [found.version, second.current]


def test_a_license_number_is_unique_among_what_is_not_final(ledger: SQLLedger) -> None:
    license = add(ledger, make_license(make_version(license_number="粤A1")))
    twin = make_license(make_version(license_number="粤A1"))
    with pytest.raises(AlreadyExistsError) as refused:
        add(ledger, twin)
    assert refused.value.reason == "LICENSE_EXISTS"
    assert refused.value.details == {"identifier": license.current.identifier}
    suspended = set_state(ledger, license, LicenseState.SUSPENDED)
    with pytest.raises(AlreadyExistsError):
        add(ledger, twin)
    set_state(ledger, suspended, LicenseState.REVOKED)
    add(ledger, twin)
    with ledger.read() as r:
        found = r.licenses.by_license_number(agency_id=AGENCY_ID, type_code=TYPE_CODE, license_number="粤A1")
    assert found == twin


def test_equal_numbers_of_other_agencies_types_and_none_do_not_collide(ledger: SQLLedger) -> None:
    add(ledger, make_license(make_version(license_number="粤A1")))
    add(ledger, make_license(make_version(license_number="粤A1"), agency_id=OTHER_AGENCY_ID))
    add(ledger, make_license(make_version(license_number="粤A1"), type_code=OTHER_TYPE_CODE))
    add(ledger, make_license(make_version(license_number="")))
    add(ledger, make_license(make_version(license_number="")))


@pytest.mark.parametrize("field", ["identifier", "status_slot", "code", "license_id"])
def test_what_names_a_version_is_never_used_twice(ledger: SQLLedger, field: str) -> None:
    license = add(ledger, make_license())
    if field == "license_id":
        other = make_license(license_id=license.license_id)
    else:
        other = make_license(make_version(**{field: getattr(license.current, field)}))
    with pytest.raises(AlreadyExistsError) as refused:
        add(ledger, other)
    expected = license.current.identifier if field == "identifier" else ""
    assert refused.value.details == {"identifier": expected}
    with ledger.read() as r:
        assert r.licenses.count_versions() == 1


def test_a_refused_work_leaves_nothing_even_if_it_swallows_the_error(ledger: SQLLedger) -> None:
    license = add(ledger, make_license())
    half = make_license(make_version(status_slot=license.current.status_slot))

    def work(r: Repositories) -> str:
        try:
            r.licenses.add(half, digest=digest_of(half), event=make_event())
        except AlreadyExistsError:
            return "went on"
        return "added"

    with pytest.raises(AlreadyExistsError):
        ledger.write(work)
    with ledger.read() as r:
        found = r.licenses.by_license_number(
            agency_id=AGENCY_ID, type_code=TYPE_CODE, license_number=half.current.license_number
        )
    assert found is None


def test_only_the_next_revision_is_stored(ledger: SQLLedger) -> None:
    license = add(ledger, make_license())
    set_state(ledger, license, LicenseState.SUSPENDED)
    with pytest.raises(ConflictError) as stale_state:
        set_state(ledger, license, LicenseState.REVOKED)
    with pytest.raises(ConflictError):
        add_version(ledger, next_version(license))
    assert stale_state.value.reason == "STALE_REVISION"
    with ledger.read() as r:
        found = r.licenses.by_identifier(license.current.identifier)
        events = r.licenses.events(license.license_id)
    assert found is not None
    assert found.license.state is LicenseState.SUSPENDED
    assert [ordinal for ordinal, _ in events] == [1, 2]


def test_an_amended_number_must_be_free(ledger: SQLLedger) -> None:
    taken = add(ledger, make_license(make_version(license_number="粤A1")))
    license = add(ledger, make_license(make_version(license_number="粤A2")))
    with pytest.raises(AlreadyExistsError) as refused:
        add_version(ledger, next_version(license, license_number="粤A1"))
    assert refused.value.details == {"identifier": taken.current.identifier}
    add_version(ledger, next_version(license, license_number="粤A3"))
    with ledger.read() as r:
        assert r.licenses.by_license_number(agency_id=AGENCY_ID, type_code=TYPE_CODE, license_number="粤A2") is None


def test_holders_are_those_of_the_current_version(ledger: SQLLedger) -> None:
    both = (Holder(PERSON, "张三"), Holder(COMPANY, "海滨公司"))
    license = add(ledger, make_license(make_version(holders=both)))

    def held_by(number: Number) -> list[License]:
        with ledger.read() as r:
            filters = LicenseFilter(holder=number)
            return list(r.licenses.list(agency_id=AGENCY_ID, filters=filters, after=0, limit=10))

    assert held_by(PERSON) == held_by(COMPANY) == [license]
    changed = add_version(ledger, next_version(license, holders=(Holder(COMPANY, "海滨公司"),)))
    assert held_by(PERSON) == []
    assert held_by(COMPANY) == [changed]


def test_events_keep_everything_and_come_in_pages(ledger: SQLLedger) -> None:
    license = add(ledger, make_license())
    suspended = set_state(ledger, license, LicenseState.SUSPENDED)
    revoked = replace(suspended, state=LicenseState.REVOKED, revision=3)
    cause = StateCause("伪造材料", "行政处罚法", NOON - timedelta(days=3), RevocationKind.ANNULMENT)
    event = make_event(LicenseAction.REVOKE, state=LicenseState.REVOKED, cause=cause)
    ledger.write(lambda r: r.licenses.set_state(revoked, event=event))
    with ledger.read() as r:
        assert r.licenses.events(license.license_id, after=2) == [(3, event)]
        assert [ordinal for ordinal, _ in r.licenses.events(license.license_id, limit=2)] == [1, 2]


def test_lists_are_filtered_and_paged(ledger: SQLLedger) -> None:
    mine = add(ledger, make_license())
    handed_on = add(ledger, make_license(responsible_agency_id=OTHER_AGENCY_ID))
    taken_over = add(ledger, make_license(agency_id=OTHER_AGENCY_ID))
    add(ledger, make_license(agency_id=OTHER_AGENCY_ID, responsible_agency_id=OTHER_AGENCY_ID))
    late = make_version(license_number="粤L1", issued_at=NOON + timedelta(days=1))
    other_type = add(ledger, make_license(late, type_code=OTHER_TYPE_CODE))
    ledger.write(lambda r: r.license_types.add(make_type()))
    ledger.write(lambda r: r.license_types.add(make_type(OTHER_TYPE_CODE)))
    suspended = set_state(ledger, mine, LicenseState.SUSPENDED)

    def listed(filters: LicenseFilter | None = None, after: int = 0, limit: int = 10) -> list[License]:
        with ledger.read() as r:
            return list(
                r.licenses.list(agency_id=AGENCY_ID, filters=filters or LicenseFilter(), after=after, limit=limit)
            )

    assert listed() == [other_type, taken_over, handed_on, suspended]
    assert listed(limit=2) == [other_type, taken_over]
    assert listed(after=taken_over.license_id, limit=2) == [handed_on, suspended]
    assert listed(LicenseFilter(type_code=OTHER_TYPE_CODE)) == [other_type]
    assert listed(LicenseFilter(state=LicenseState.SUSPENDED)) == [suspended]
    assert listed(LicenseFilter(license_number="粤L1")) == [other_type]
    assert listed(LicenseFilter(license_number="粤L1", type_code=TYPE_CODE)) == []
    assert listed(LicenseFilter(issued_after=NOON + timedelta(days=1))) == [other_type]
    assert listed(LicenseFilter(issued_after=NOON + timedelta(days=1, microseconds=1))) == []


def test_candidates_are_of_any_agency_and_state_and_at_most_ten(ledger: SQLLedger) -> None:
    final = add(ledger, make_license(make_version(license_number="粤A1")))
    final = set_state(ledger, final, LicenseState.CANCELLED)
    other = add(ledger, make_license(make_version(license_number="粤A1"), agency_id=OTHER_AGENCY_ID))
    for _ in range(10):
        add(ledger, make_license(make_version(holders=(Holder(PERSON, "张三"),))))
    with ledger.read() as r:
        find = r.licenses.candidates
        assert find(type_code=TYPE_CODE, license_number="粤A1", holder=PERSON) == [other, final]
        assert find(type_code=TYPE_CODE, license_number="", holder=COMPANY) == [other, final]
        assert len(find(type_code=TYPE_CODE, license_number="", holder=PERSON)) == 10
        assert find(type_code=OTHER_TYPE_CODE, license_number="粤A1", holder=None) == []
        assert find(type_code=TYPE_CODE, license_number="", holder=None) == []


def test_slots_hold_every_version_with_the_state_of_its_license(ledger: SQLLedger) -> None:
    first = add(ledger, make_license())
    second = add_version(ledger, next_version(first))
    set_state(ledger, second, LicenseState.SUSPENDED)
    with ledger.read() as r:
        slots = list(r.licenses.slots(after=-1, limit=10))
        rest = list(r.licenses.slots(after=first.current.status_slot, limit=10))
        highest = r.licenses.highest_slot()
    assert slots == [
        SlotRecord(first.current.status_slot, digest_of(first), LicenseState.SUSPENDED, True),
        SlotRecord(second.current.status_slot, digest_of(second), LicenseState.SUSPENDED, False),
    ]
    assert rest == slots[1:]
    assert highest == second.current.status_slot


def test_an_empty_register_has_no_slot(ledger: SQLLedger) -> None:
    with ledger.read() as r:
        assert r.licenses.highest_slot() == -1
        assert list(r.licenses.slots(after=-1, limit=10)) == []


def test_exceptions_are_what_is_not_plainly_valid_and_not_past_its_end(ledger: SQLLedger) -> None:
    today = date(2030, 1, 1)

    def version(slot: int, last: date | None) -> LicenseVersion:
        return make_version(status_slot=slot, validity=ValidityPeriod(date(2020, 1, 1), last))

    lists = 1 << 17
    add(ledger, make_license(version(lists, None)))
    for slot, last in (
        (lists + 1, None),
        (lists + 2, today),
        (lists + 3, today - timedelta(days=1)),
        (lists - 1, None),
        (2 * lists, None),
        (2 * lists - 1, None),
    ):
        license = add(ledger, make_license(version(slot, last)))
        set_state(ledger, license, LicenseState.SUSPENDED)
    older = add(ledger, make_license(version(lists + 9, None)))
    add_version(ledger, next_version(older))
    with ledger.read() as r:
        found = list(r.licenses.exceptions(list_number=1, today=today))
    assert [(record.slot, record.superseded) for record in found] == [
        (lists + 1, False),
        (lists + 2, False),
        (lists + 9, True),
        (2 * lists - 1, False),
    ]


def test_digests_under_a_prefix_say_the_state_that_is_tested_first(ledger: SQLLedger) -> None:
    first = add(ledger, make_license())
    second = add_version(ledger, next_version(first))

    def states() -> dict[bytes, str]:
        with ledger.read() as r:
            return dict(r.licenses.digests_under(low=bytes(32), high=b"\xff" * 32, limit=10))

    assert states() == {digest_of(first): "SUPERSEDED", digest_of(second): "ACTIVE"}
    suspended = set_state(ledger, second, LicenseState.SUSPENDED)
    assert states() == {digest_of(first): "SUPERSEDED", digest_of(second): "SUSPENDED"}
    set_state(ledger, suspended, LicenseState.REVOKED)
    assert states() == {digest_of(first): "REVOKED", digest_of(second): "REVOKED"}
    low = min(digest_of(first), digest_of(second))
    with ledger.read() as r:
        assert r.licenses.digests_under(low=low, high=low, limit=10) == [(low, "REVOKED")]


def test_issues_are_counted_by_officer_and_by_agency(ledger: SQLLedger) -> None:
    day = date(2026, 5, 4)

    def count(officer_id: str, day: date = day, type_code: str = TYPE_CODE) -> tuple[int, int]:
        return ledger.write(
            lambda r: r.licenses.count_issue(agency_id=AGENCY_ID, officer_id=officer_id, type_code=type_code, day=day)
        )

    assert [count("a"), count("a"), count("b"), count("")] == [(1, 1), (2, 2), (1, 3), (1, 4)]
    assert count("a", day=day + timedelta(days=1)) == (1, 1)
    assert count("a", type_code=OTHER_TYPE_CODE) == (1, 1)


def test_signed_vcs_are_known_by_digest_and_identifier(ledger: SQLLedger) -> None:
    for _ in range(2):
        ledger.write(lambda r: r.licenses.add_vc(digest=b"d" * 32, identifier="one", expires=NOON))
    with ledger.read() as r:
        assert r.licenses.has_vc(b"d" * 32, identifier="one")
        assert not r.licenses.has_vc(b"d" * 32, identifier="two")
        assert not r.licenses.has_vc(b"e" * 32, identifier="one")


def test_confirming_keeps_the_revision(ledger: SQLLedger) -> None:
    license = add(ledger, make_license())
    later = NOON + timedelta(days=30)
    ledger.write(lambda r: r.licenses.confirm(license.license_id, at=later))
    with ledger.read() as r:
        found = r.licenses.by_identifier(license.current.identifier)
    assert found is not None
    assert found.license == replace(license, confirmed_at=later)


def test_a_work_reads_what_it_has_written(ledger: SQLLedger) -> None:
    license = make_license()

    def work(r: Repositories) -> list[int]:
        r.licenses.add(license, digest=digest_of(license), event=make_event())
        held = r.licenses.candidates(type_code=TYPE_CODE, license_number="", holder=COMPANY)
        assert held == [license]
        return [ordinal for ordinal, _ in r.licenses.events(license.license_id)]

    assert ledger.write(work) == [1]
