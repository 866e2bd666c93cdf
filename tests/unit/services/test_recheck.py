"""Callers that are looked at again while their stream runs: the token may have ended, the rights may not."""

import dataclasses
from datetime import timedelta

import pytest

from certsvc.domain.agency import AgencyState, OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import UnauthenticatedError
from tests.unit.services.callers import AGENCY, Register


@pytest.fixture
def register() -> Register:
    """A register with one agency, one officer, one operator."""
    return Register()


def authenticated(register: Register) -> Caller:
    return register.authenticator.authenticate(register.token(officer_id="clerk-7"))


def refusal(register: Register, caller: Caller) -> str:
    with pytest.raises(UnauthenticatedError) as refused:
        register.authenticator.recheck(caller)
    return refused.value.reason


def test_a_caller_stays_the_same_after_its_token_ended(register: Register) -> None:
    for caller in (
        authenticated(register),
        register.authenticator.authenticate(register.token()),
        register.authenticator.authenticate(register.token(register.operator)),
    ):
        register.clock.moment += timedelta(minutes=1)
        assert register.authenticator.recheck(caller) == caller
    register.clock.moment += timedelta(minutes=10)
    assert register.authenticator.recheck(caller) == caller


def test_roles_are_those_of_now(register: Register) -> None:
    caller = authenticated(register)
    officer = register.tables.officers[AGENCY, "clerk-7"]
    now = frozenset({OfficerRole.ADMIN})
    register.tables.officers[AGENCY, "clerk-7"] = dataclasses.replace(officer, roles=now)

    assert register.authenticator.recheck(caller) == dataclasses.replace(caller, roles=now)


def test_who_lost_the_right_is_refused(register: Register) -> None:
    caller = authenticated(register)
    tables, clock = register.tables, register.clock
    officer, agency, key = (
        tables.officers[AGENCY, "clerk-7"],
        tables.agencies[AGENCY],
        tables.keys[caller.key_id],
    )

    tables.officers[AGENCY, "clerk-7"] = dataclasses.replace(officer, active=False)
    assert refusal(register, caller) == "OFFICER_INACTIVE"
    tables.agencies[AGENCY] = dataclasses.replace(agency, state=AgencyState.DEACTIVATED)
    assert refusal(register, caller) == "AGENCY_DEACTIVATED"
    tables.keys[caller.key_id] = dataclasses.replace(key, expires_at=clock.moment)
    assert refusal(register, caller) == "KEY_EXPIRED"
    tables.keys[caller.key_id] = dataclasses.replace(key, revoked_at=clock.moment)
    assert refusal(register, caller) == "KEY_REVOKED"
    del tables.keys[caller.key_id]
    assert refusal(register, caller) == "KEY_UNKNOWN"
