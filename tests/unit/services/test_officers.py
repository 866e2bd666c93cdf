"""Officers: an agency keeps its own, operators help, nobody else."""

import pytest

from certsvc.domain.agency import OfficerRole
from certsvc.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from certsvc.services.agencies import AgencyEnd
from certsvc.services.officers import NewOfficer, OfficerUpdate
from tests.unit.services.administration import AGENCY, OTHER_AGENCY, Administration, agency_caller

ADMIN = agency_caller(AGENCY, OfficerRole.ADMIN)
NAME = "李四"
NEW = NewOfficer(AGENCY, "SZ-0042", NAME, frozenset({OfficerRole.ISSUER}))
END = OfficerUpdate(AGENCY, "SZ-0042", "", "", frozenset(), active=False)


@pytest.fixture
def register(administration: Administration) -> Administration:
    """Two agencies, one officer."""
    administration.add_agency()
    administration.add_agency(OTHER_AGENCY)
    administration.officers.create(NEW, administration.mutation(ADMIN))
    return administration


def test_an_added_officer_may_act_at_once(register: Administration) -> None:
    officer = register.directory.officer(AGENCY, "SZ-0042")

    assert officer is not None
    assert (officer.name, officer.roles, officer.active) == (NAME, frozenset({OfficerRole.ISSUER}), True)
    assert register.traces()[-1] == ("officer.created", f"{AGENCY}/SZ-0042")


def test_no_trace_and_no_repr_holds_a_name(register: Administration) -> None:
    assert NAME not in repr(
        (register.audit(), register.changes(), NEW, OfficerUpdate(AGENCY, "1", "", NAME, frozenset(), active=True))
    )


def test_an_ended_officer_is_forgotten_at_once(register: Administration) -> None:
    assert register.directory.officer(AGENCY, "SZ-0042") is not None

    changed = register.answer(register.officers.update(END, register.mutation(ADMIN)))

    assert register.directory.officer(AGENCY, "SZ-0042") == changed
    assert (changed.name, changed.roles, changed.active, changed.revision) == (NAME, frozenset(), False, 2)


def test_another_agency_may_do_nothing(register: Administration) -> None:
    stranger = agency_caller(OTHER_AGENCY, OfficerRole.ADMIN)

    for act in (
        lambda: register.officers.create(NEW, register.mutation(stranger)),
        lambda: register.officers.update(END, register.mutation(stranger)),
        lambda: register.officers.list(stranger, AGENCY, after="", limit=10),
    ):
        with pytest.raises(PermissionDeniedError):
            act()


def test_what_is_wrong_is_reported_at_once(register: Administration) -> None:
    with pytest.raises(InvalidInputError) as refused:
        register.officers.create(NewOfficer(AGENCY, "no blanks", "", frozenset()), register.mutation(ADMIN))

    assert {violation.field for violation in refused.value.violations} == {"name", "officer_id"}


def test_a_stale_etag_is_refused(register: Administration) -> None:
    register.officers.update(END, register.mutation(ADMIN))

    with pytest.raises(ConflictError):
        register.officers.update(
            OfficerUpdate(AGENCY, "SZ-0042", "1", "", frozenset(), active=True), register.mutation(ADMIN)
        )


def test_an_officer_is_there_once_and_must_be_there(register: Administration) -> None:
    with pytest.raises(AlreadyExistsError):
        register.officers.create(NEW, register.mutation(ADMIN))
    with pytest.raises(NotFoundError):
        register.officers.update(
            OfficerUpdate(AGENCY, "nobody", "", "", frozenset(), active=True), register.mutation(ADMIN)
        )


def test_a_deactivated_agency_gets_no_officers(register: Administration) -> None:
    register.agencies.deactivate(AgencyEnd(OTHER_AGENCY, "", "ended"), register.mutation())

    with pytest.raises(FailedPreconditionError):
        register.officers.create(NewOfficer(OTHER_AGENCY, "1", NAME, frozenset()), register.mutation())


def test_officers_are_listed_in_order(register: Administration) -> None:
    register.officers.create(NewOfficer(AGENCY, "A-1", NAME, frozenset()), register.mutation(ADMIN))

    listed = register.officers.list(ADMIN, AGENCY, after="", limit=10)

    assert [officer.officer_id for officer in listed] == ["A-1", "SZ-0042"]
