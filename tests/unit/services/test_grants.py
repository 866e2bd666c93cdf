"""Grants: given and taken away by operators, seen by the agency that has them."""

import pytest

from certsvc.domain.agency import ANY_TYPE, Grant, GrantKind
from certsvc.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from tests.unit.services.administration import AGENCY, OTHER_AGENCY, TYPE, Administration, agency_caller

GRANT = Grant(AGENCY, GrantKind.VERIFY, ANY_TYPE, "44")


@pytest.fixture
def register(administration: Administration) -> Administration:
    """An agency with one grant."""
    administration.add_agency()
    administration.grants.create(GRANT, administration.mutation())
    return administration


def test_a_grant_holds_at_once_and_until_it_is_taken_away(register: Administration) -> None:
    assert register.directory.allows(AGENCY, GrantKind.VERIFY, type_code=TYPE, region="440300")

    register.grants.revoke(GRANT, register.mutation())

    assert not register.directory.allows(AGENCY, GrantKind.VERIFY, type_code=TYPE, region="440300")
    assert [action for action, _ in register.traces()][-2:] == ["grant.created", "grant.revoked"]


def test_a_grant_is_given_once_and_taken_away_once(register: Administration) -> None:
    with pytest.raises(AlreadyExistsError):
        register.grants.create(GRANT, register.mutation())
    register.grants.revoke(GRANT, register.mutation())
    with pytest.raises(NotFoundError):
        register.grants.revoke(GRANT, register.mutation())


def test_a_grant_for_what_is_not_there_is_refused(register: Administration) -> None:
    with pytest.raises(InvalidInputError) as refused:
        register.grants.create(Grant(AGENCY, GrantKind.ISSUE, TYPE, "4"), register.mutation())
    assert {violation.field for violation in refused.value.violations} == {"grant.type_code", "grant.region"}

    with pytest.raises(NotFoundError):
        register.grants.create(Grant(OTHER_AGENCY, GrantKind.ISSUE, ANY_TYPE, ""), register.mutation())


def test_an_agency_sees_its_own_grants(register: Administration) -> None:
    assert register.grants.list(agency_caller(AGENCY), AGENCY) == [GRANT]
    with pytest.raises(PermissionDeniedError):
        register.grants.list(agency_caller(OTHER_AGENCY), AGENCY)
