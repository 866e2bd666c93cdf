"""Agencies: what is refused, what changes, and what is left behind for audit, feed and directory."""

from datetime import timedelta
from typing import Any

import pytest

from certsvc.domain.agency import AgencyLevel, AgencyState
from certsvc.domain.changes import ChangeKind
from certsvc.domain.text import LocalizedText
from certsvc.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from certsvc.services.agencies import AgencyEnd, AgencyUpdate, check_own_agency
from tests.unit.services.administration import (
    AGENCY,
    OPERATOR,
    OTHER_AGENCY,
    Administration,
    SetClock,
    agency_caller,
    new_agency,
)


def update(agency_id: str = AGENCY, **changes: Any) -> AgencyUpdate:
    values: dict[str, Any] = {"etag": "", "name": None, "region": "", "level": None}
    return AgencyUpdate(agency_id=agency_id, **values | changes)


def test_an_added_agency_is_there_at_once_and_leaves_traces(administration: Administration) -> None:
    added = administration.add_agency()

    assert administration.agencies.get(AGENCY) == added
    assert (added.state, added.revision) == (AgencyState.ACTIVE, 1)
    assert administration.traces() == [("agency.created", AGENCY)]
    assert [(change.kind, change.ref) for change in administration.changes()] == [(ChangeKind.AGENCY, AGENCY)]
    assert administration.audit()[0].actor == OPERATOR.name


def test_a_full_width_credit_code_is_the_same_agency(administration: Administration) -> None:
    full_width = "".join(chr(ord(char) + 0xFEE0) for char in AGENCY)

    assert administration.add_agency(full_width).agency_id == AGENCY
    with pytest.raises(AlreadyExistsError):
        administration.add_agency(AGENCY)


def test_all_violations_are_reported_at_once(administration: Administration) -> None:
    wrong = new_agency(AGENCY[:-1] + "0", name=LocalizedText(" "), region="4403001")
    found = [FieldViolation("level", "REQUIRED", "must be one of")]

    with pytest.raises(InvalidInputError) as refused:
        administration.agencies.create(wrong, administration.mutation(), found=found)

    assert {violation.field for violation in refused.value.violations} == {
        "agency_id",
        "level",
        "name.zh",
        "region",
    }
    assert AGENCY[:-1] not in str(refused.value)
    assert administration.audit() == []


def test_the_same_request_again_gets_the_first_answer(administration: Administration) -> None:
    first = administration.agencies.create(new_agency(), administration.mutation(request_id="again"))
    second = administration.agencies.create(new_agency(), administration.mutation(request_id="again"))

    assert first == second
    assert len(administration.audit()) == 1


def test_an_update_changes_what_it_names_and_keeps_the_rest(administration: Administration) -> None:
    added = administration.add_agency()

    changed = administration.answer(
        administration.agencies.update(update(level=AgencyLevel.PROVINCE), administration.mutation())
    )

    assert (changed.level, changed.name, changed.region) == (AgencyLevel.PROVINCE, added.name, added.region)
    assert administration.agencies.get(AGENCY) == changed


def test_a_stale_etag_is_refused_with_the_present_one(administration: Administration) -> None:
    administration.add_agency()
    administration.agencies.update(update(region="44"), administration.mutation())

    with pytest.raises(ConflictError) as refused:
        administration.agencies.update(update(etag="1", region="4403"), administration.mutation())

    assert (refused.value.reason, refused.value.details) == ("STALE_ETAG", {"etag": "2"})
    assert administration.agencies.get(AGENCY).region == "44"


def test_an_update_checks_what_it_changes(administration: Administration) -> None:
    administration.add_agency()

    with pytest.raises(InvalidInputError) as refused:
        administration.agencies.update(update(name=LocalizedText(""), region="x"), administration.mutation())

    assert [violation.field for violation in refused.value.violations] == ["name.zh", "region"]


def test_deactivating_names_a_successor_and_is_final(administration: Administration) -> None:
    administration.add_agency()
    administration.add_agency(OTHER_AGENCY)
    end = AgencyEnd(AGENCY, OTHER_AGENCY, "merged")

    ended = administration.answer(administration.agencies.deactivate(end, administration.mutation()))

    assert (ended.state, ended.successor_id) == (AgencyState.DEACTIVATED, OTHER_AGENCY)
    assert administration.agencies.get(AGENCY) == ended
    assert [change.ref for change in administration.changes()][-2:] == [AGENCY, OTHER_AGENCY]
    with pytest.raises(FailedPreconditionError) as refused:
        administration.agencies.deactivate(end, administration.mutation())
    assert (refused.value.reason, refused.value.details["state"]) == ("AGENCY_DEACTIVATED", "DEACTIVATED")
    with pytest.raises(FailedPreconditionError):
        administration.agencies.update(update(region="44"), administration.mutation())


@pytest.mark.parametrize(
    ("successor", "error"),
    [
        (AGENCY, InvalidInputError),
        ("113702009999000113", NotFoundError),
        (OTHER_AGENCY, FailedPreconditionError),
    ],
    ids=["itself", "unknown", "deactivated"],
)
def test_a_successor_must_work_here(administration: Administration, successor: str, error: type[Exception]) -> None:
    administration.add_agency()
    administration.add_agency(OTHER_AGENCY)
    administration.agencies.deactivate(AgencyEnd(OTHER_AGENCY, "", "ended"), administration.mutation())

    with pytest.raises(error):
        administration.agencies.deactivate(AgencyEnd(AGENCY, successor, "ended"), administration.mutation())

    assert administration.agencies.get(AGENCY).state is AgencyState.ACTIVE


def test_deactivating_hands_the_licenses_over(administration: Administration, monkeypatch: pytest.MonkeyPatch) -> None:
    administration.add_agency()
    administration.add_agency(OTHER_AGENCY)
    handed_over: list[tuple[str, str]] = []
    with administration.ledger.read() as repositories:
        kind = type(repositories.agencies)
    monkeypatch.setattr(kind, "transfer_licenses", lambda _, *, from_id, to_id: handed_over.append((from_id, to_id)))

    administration.agencies.deactivate(AgencyEnd(AGENCY, OTHER_AGENCY, "merged"), administration.mutation())

    assert handed_over == [(AGENCY, OTHER_AGENCY)]


def test_agencies_are_listed_by_region_in_order(administration: Administration) -> None:
    administration.add_agency(AGENCY, region="440300")
    administration.add_agency(OTHER_AGENCY, region="440000")
    administration.add_agency("113702009999000113", region="370200")

    listed = administration.agencies.list(region="44", after="", limit=10)

    assert [agency.agency_id for agency in listed] == sorted([AGENCY, OTHER_AGENCY])
    assert [agency.agency_id for agency in administration.agencies.list(region="", after=OTHER_AGENCY, limit=1)] == [
        AGENCY
    ]


def test_an_unknown_agency_is_not_found(administration: Administration) -> None:
    with pytest.raises(NotFoundError):
        administration.agencies.get(AGENCY)
    with pytest.raises(NotFoundError):
        administration.agencies.update(update(region="44"), administration.mutation())


def test_an_agency_acts_for_itself_only() -> None:
    check_own_agency(OPERATOR, AGENCY)
    check_own_agency(agency_caller(AGENCY), AGENCY)
    with pytest.raises(PermissionDeniedError) as refused:
        check_own_agency(agency_caller(OTHER_AGENCY), AGENCY)
    assert refused.value.reason == "OTHER_AGENCY"


def test_a_lost_answer_is_found_again_and_what_was_known_is_forgotten(
    administration: Administration, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    administration.add_agency()
    known = administration.agencies.get(AGENCY)
    clock.move(timedelta(seconds=1))
    write = administration.ledger.write

    def write_and_lose(work: Any, *, order: str = "") -> Any:
        write(work, order=order)
        raise UnavailableError(reason="COMMIT_UNKNOWN", message="the answer was lost")

    monkeypatch.setattr(administration.ledger, "write", write_and_lose)
    administration.agencies.update(update(region="44"), administration.mutation())

    assert administration.agencies.get(AGENCY).region == "44" != known.region
