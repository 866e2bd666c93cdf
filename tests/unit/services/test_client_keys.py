"""Client keys: only real points of the curve, for a bounded time, and gone at once when taken away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certsvc.domain.agency import CallerKind, ClientKey
from certsvc.errors import (
    AlreadyExistsError,
    ExhaustedError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from certsvc.services.client_keys import MAX_LIFETIME, MAX_SERVING, NewClientKey
from tests.unit.services.administration import (
    AGENCY,
    NOON,
    OPERATOR,
    OTHER_AGENCY,
    Administration,
    SetClock,
    agency_caller,
    public_key,
)

SYSTEM = agency_caller(AGENCY)


@pytest.fixture
def register(administration: Administration) -> Administration:
    """Two agencies."""
    administration.add_agency()
    administration.add_agency(OTHER_AGENCY)
    return administration


def registered(register: Administration, point: bytes | None = None) -> ClientKey:
    new = NewClientKey(AGENCY, point or public_key(), None)
    key: ClientKey = register.answer(register.client_keys.register(new, register.mutation(SYSTEM)))
    return key


def test_a_registered_key_serves_at_once_for_a_year(register: Administration) -> None:
    key = registered(register)

    assert register.directory.client_key(key.key_id) == key
    assert (key.owner_kind, key.owner_id) == (CallerKind.AGENCY, AGENCY)
    assert key.expires_at == NOON + timedelta(days=365)
    assert register.traces()[-1] == ("client_key.registered", key.key_id)


@pytest.mark.parametrize(
    "point",
    [b"", b"\x04" + bytes(64), b"\x02" + bytes(32), b"\x04" + b"\xff" * 64, bytes(65), b"x" * 100_000],
    ids=["empty", "off_the_curve", "compressed", "over_the_field", "no_prefix", "long"],
)
def test_what_is_no_point_of_the_curve_is_refused(register: Administration, point: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        register.client_keys.register(NewClientKey(AGENCY, point, None), register.mutation(SYSTEM))

    assert [violation.field for violation in refused.value.violations] == ["public_key"]


@pytest.mark.parametrize(
    ("ahead", "sound"),
    [
        (timedelta(0), False),
        (timedelta(seconds=1), True),
        (MAX_LIFETIME, True),
        (MAX_LIFETIME + timedelta(microseconds=1), False),
    ],
)
def test_a_key_ends_within_two_years(register: Administration, ahead: timedelta, sound: bool) -> None:
    new = NewClientKey(AGENCY, public_key(), NOON + ahead)

    if sound:
        register.client_keys.register(new, register.mutation(SYSTEM))
    else:
        with pytest.raises(InvalidInputError) as refused:
            register.client_keys.register(new, register.mutation(SYSTEM))
        assert [violation.field for violation in refused.value.violations] == ["expire_time"]


def test_what_the_edge_found_is_reported_with_the_rest(register: Administration) -> None:
    found = [FieldViolation("expire_time", "TIMESTAMP", "must be a time")]

    with pytest.raises(InvalidInputError) as refused:
        register.client_keys.register(NewClientKey(AGENCY, b"", NOON), register.mutation(SYSTEM), found=found)

    assert refused.value.violations[0].reason == "TIMESTAMP"
    assert {v.field for v in refused.value.violations} == {"expire_time", "public_key"}


def test_a_key_belongs_to_one_agency(register: Administration) -> None:
    point = public_key()
    registered(register, point)

    with pytest.raises(AlreadyExistsError):
        register.client_keys.register(
            NewClientKey(OTHER_AGENCY, point, None), register.mutation(agency_caller(OTHER_AGENCY))
        )


def test_a_revoked_key_is_forgotten_at_once_and_stays_revoked(register: Administration, clock: SetClock) -> None:
    key = registered(register)
    assert register.directory.client_key(key.key_id) is not None

    register.client_keys.revoke(AGENCY, key.key_id, register.mutation(SYSTEM))
    clock.move(timedelta(days=1))
    again = register.answer(register.client_keys.revoke(AGENCY, key.key_id, register.mutation(SYSTEM)))

    known = register.directory.client_key(key.key_id)
    assert known is not None
    assert known.revoked_at == again.revoked_at == NOON


def test_only_the_own_keys_can_be_revoked(register: Administration) -> None:
    key = registered(register)
    stranger = agency_caller(OTHER_AGENCY)

    with pytest.raises(PermissionDeniedError):
        register.client_keys.revoke(AGENCY, key.key_id, register.mutation(stranger))
    for caller, owner in ((stranger, OTHER_AGENCY), (OPERATOR, OTHER_AGENCY)):
        with pytest.raises(NotFoundError):
            register.client_keys.revoke(owner, key.key_id, register.mutation(caller))
    assert [each.revoked_at for each in register.client_keys.list(SYSTEM, AGENCY)] == [None]


def test_an_agency_has_no_more_keys_than_it_can_keep_in_sight(register: Administration) -> None:
    keys = [registered(register) for _ in range(MAX_SERVING)]
    with pytest.raises(ExhaustedError) as refused:
        registered(register)
    assert refused.value.reason == "TOO_MANY_CLIENT_KEYS"

    register.client_keys.revoke(AGENCY, keys[0].key_id, register.mutation(SYSTEM))

    registered(register)


def test_operators_rotate_their_own_keys_with_one_left_that_works(register: Administration) -> None:
    new = NewClientKey("operator:second", public_key(), None)
    key: ClientKey = register.answer(register.client_keys.register(new, register.mutation()))
    assert (key.owner_kind, key.owner_id) == (CallerKind.OPERATOR, "second")

    with_itself = replace(OPERATOR, owner_id="second", key_id=key.key_id)
    with pytest.raises(FailedPreconditionError) as refused:
        register.client_keys.revoke("operator:second", key.key_id, register.mutation(with_itself))
    assert refused.value.reason == "OWN_KEY"
    register.client_keys.revoke("operator:second", key.key_id, register.mutation(OPERATOR))
    assert [each.revoked_at for each in register.client_keys.list(OPERATOR, "operator:second")] == [NOON]


def test_an_agency_reaches_no_operators_keys(register: Administration) -> None:
    for name in ("operator:operator", "operator:", "operator:a b"):
        with pytest.raises(PermissionDeniedError):
            register.client_keys.register(NewClientKey(name, public_key(), None), register.mutation(SYSTEM))
    for name in ("operator:", "operator:a b", "operator:" + "x" * 65):
        with pytest.raises(InvalidInputError) as refused:
            register.client_keys.register(NewClientKey(name, public_key(), None), register.mutation(OPERATOR))
        assert [found.reason for found in refused.value.violations] == ["OPERATOR_NAME"]
