"""Rotation of signing keys, as a table of steps, and what each refusal leaves as it was."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certsvc.domain.changes import ChangeKind
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import (
    AlreadyExistsError,
    CertsvcError,
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from certsvc.services.signing_keys import KeyPolicy, NewSigningKey
from tests.unit.services.administration import AGENCY, NOON, TYPE, Administration, SetClock

WAIT = timedelta(hours=48)
LICENSE_KEY = NewSigningKey(KeyPurpose.LICENSE)


def prepared(administration: Administration, new: NewSigningKey = LICENSE_KEY) -> SigningKey:
    answer = administration.signing_keys.prepare(new, administration.mutation())
    key: SigningKey = administration.answer(answer)
    return key


def activate(administration: Administration, key: SigningKey) -> SigningKey:
    answer = administration.signing_keys.activate(key.kid, administration.mutation())
    active: SigningKey = administration.answer(answer)
    return active


def states(administration: Administration, keys: Sequence[SigningKey]) -> list[KeyState]:
    return [administration.signing_keys.get(key.kid).state for key in keys]


def test_a_prepared_key_is_published_but_does_not_sign(administration: Administration) -> None:
    key = prepared(administration)

    assert administration.signing_keys.get(key.kid) == key
    assert (key.state, key.algorithm, key.published_at) == (KeyState.PRE_ACTIVE, "ES256", NOON)
    assert not key.development
    assert not key.may_sign_at(NOON)
    assert administration.vault.signer(key.kid, purpose=KeyPurpose.LICENSE).kid == key.kid
    assert administration.traces() == [("signing_key.prepared", key.kid)]
    assert administration.changes()[0].kind is ChangeKind.SIGNING_KEY


def test_a_key_signs_only_after_verifiers_had_time_to_fetch_it(administration: Administration, clock: SetClock) -> None:
    key = prepared(administration)

    clock.move(WAIT - timedelta(microseconds=1))
    with pytest.raises(FailedPreconditionError) as refused:
        activate(administration, key)
    clock.move(timedelta(microseconds=1))
    active = activate(administration, key)

    assert refused.value.reason == "PUBLISH_AHEAD"
    assert refused.value.details == {"state": "PRE_ACTIVE", "activate_after": "2026-05-06T12:00:00+00:00"}
    assert (active.state, active.activated_at) == (KeyState.ACTIVE, clock.now())
    assert active.signing_until == clock.now() + timedelta(days=120)
    assert administration.directory.active_key(KeyPurpose.LICENSE) == active


def test_each_purpose_may_have_a_wait_of_its_own(administration: Administration) -> None:
    policy = KeyPolicy(publish_ahead_of={KeyPurpose.STATUS: timedelta(0)})
    lenient = Administration(administration.ledger, administration.clock, policy)

    activate(lenient, prepared(lenient, NewSigningKey(KeyPurpose.STATUS)))
    with pytest.raises(FailedPreconditionError):
        activate(lenient, prepared(lenient))


def test_development_keys_do_not_wait_and_sign_nowhere_else(administration: Administration) -> None:
    development = Administration(
        administration.ledger, administration.clock, KeyPolicy(development=True), administration.vault
    )
    first, second = prepared(development), prepared(development)

    assert first.development
    assert activate(development, first).state is KeyState.ACTIVE
    with pytest.raises(FailedPreconditionError) as refused:
        activate(administration, second)
    assert refused.value.reason == "DEVELOPMENT_KEY"


def test_activating_deactivates_the_former_key_in_the_same_step(
    administration: Administration, clock: SetClock
) -> None:
    first, second, third = (prepared(administration) for _ in range(3))
    clock.move(WAIT)

    steps = [(first, "A.."), (second, "DA."), (third, "DDA")]
    for key, expected in steps:
        version = administration.directory.key_set_version()
        activate(administration, key)
        shown = "".join(
            {KeyState.ACTIVE: "A", KeyState.DEACTIVATED: "D"}.get(state, ".")
            for state in states(administration, [first, second, third])
        )
        assert shown == expected
        assert administration.directory.key_set_version() > version

    assert administration.signing_keys.get(first.kid).deactivated_at == clock.now()


def test_keys_of_other_scopes_go_on_signing(administration: Administration, clock: SetClock) -> None:
    administration.add_agency()
    keys = [
        prepared(administration),
        prepared(administration, replace(LICENSE_KEY, agency_id=AGENCY)),
        prepared(administration, NewSigningKey(KeyPurpose.VC)),
    ]
    clock.move(WAIT)

    for key in keys:
        activate(administration, key)

    assert states(administration, keys) == [KeyState.ACTIVE] * 3


@pytest.mark.parametrize("activated", [False, True])
def test_a_retired_key_stays_so(administration: Administration, clock: SetClock, activated: bool) -> None:
    key = prepared(administration)
    clock.move(WAIT)
    if activated:
        activate(administration, key)

    answer = administration.signing_keys.retire(key.kid, administration.mutation())

    assert administration.answer(answer).state is KeyState.DEACTIVATED
    assert administration.directory.active_key(KeyPurpose.LICENSE) is None
    for again in (administration.signing_keys.retire, administration.signing_keys.activate):
        with pytest.raises(FailedPreconditionError) as refused:
            again(key.kid, administration.mutation())
        assert (refused.value.reason, refused.value.details["state"]) == ("KEY_STATE", "DEACTIVATED")


def test_a_key_that_this_vault_does_not_hold_is_not_activated(administration: Administration, clock: SetClock) -> None:
    key = prepared(administration)
    administration.vault.destroy(key.kid)
    clock.move(WAIT)

    with pytest.raises(FailedPreconditionError) as refused:
        activate(administration, key)

    assert refused.value.reason == "KEY_NOT_IN_VAULT"
    assert states(administration, [key]) == [KeyState.PRE_ACTIVE]


def test_of_two_keys_activated_at_once_one_is(
    administration: Administration, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = prepared(administration), prepared(administration)
    clock.move(WAIT)
    activate(administration, first)
    with administration.ledger.read() as repositories:
        kind = type(repositories.signing_keys)
    look = kind.all
    looks: list[Any] = []
    administration.signing_keys.get(second.kid)  # known from now on: the first look is the transaction's

    def late_look(self: Any) -> Sequence[SigningKey]:
        """The first look is from before the other transaction's commit."""
        looks.append(self)
        return [] if len(looks) == 1 else look(self)

    monkeypatch.setattr(kind, "all", late_look)
    with pytest.raises(ConflictError) as refused:
        activate(administration, second)
    monkeypatch.undo()

    assert refused.value.reason == "TWO_ACTIVE"
    assert states(administration, [first, second]) == [KeyState.ACTIVE, KeyState.PRE_ACTIVE]


def test_only_license_keys_have_a_scope_and_it_must_exist(administration: Administration) -> None:
    for new, fields in (
        (NewSigningKey(KeyPurpose.VC, AGENCY), {"purpose", "agency_id"}),
        (NewSigningKey(KeyPurpose.LICENSE, AGENCY, (TYPE,)), {"agency_id", "type_codes[0]"}),
    ):
        with pytest.raises(InvalidInputError) as refused:
            administration.signing_keys.prepare(
                new, administration.mutation(), found=[FieldViolation("purpose", "ENUM_VALUE", "")]
            )
        assert {violation.field for violation in refused.value.violations} == fields | {"purpose"}
    assert administration.signing_keys.list(purpose=None, after="", limit=10) == []


def test_a_repeated_request_makes_no_second_key(
    administration: Administration, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    generate = administration.vault.generate

    def noted(*, purpose: KeyPurpose) -> tuple[str, bytes]:
        made.append((key := generate(purpose=purpose))[0])
        return key

    monkeypatch.setattr(administration.vault, "generate", noted)
    answers = {
        administration.signing_keys.prepare(LICENSE_KEY, administration.mutation(request_id="again")) for _ in range(2)
    }

    assert len(answers) == 1
    assert [key.kid for key in administration.signing_keys.list(purpose=None, after="", limit=9)] == made[:1]
    administration.vault.signer(made[0], purpose=KeyPurpose.LICENSE)
    with pytest.raises(NotFoundError):
        administration.vault.signer(made[1], purpose=KeyPurpose.LICENSE)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (AlreadyExistsError(reason="TAKEN", message="taken"), False),
        # Perhaps the commit went through: a published key whose private part is gone could never be activated.
        (UnavailableError(reason="COMMIT_UNKNOWN", message="lost"), True),
    ],
    ids=["refused", "outcome_unknown"],
)
def test_a_key_without_a_record_is_destroyed(
    administration: Administration, monkeypatch: pytest.MonkeyPatch, error: CertsvcError, kept: bool
) -> None:
    made: list[str] = []
    generate = administration.vault.generate

    def noted(*, purpose: KeyPurpose) -> tuple[str, bytes]:
        made.append((key := generate(purpose=purpose))[0])
        return key

    def fail(work: Callable[..., Any], *, order: str = "") -> None:
        raise error

    monkeypatch.setattr(administration.vault, "generate", noted)
    monkeypatch.setattr(administration.ledger, "write", fail)
    with pytest.raises(type(error)):
        prepared(administration)

    if kept:
        administration.vault.signer(made[0], purpose=KeyPurpose.LICENSE)
    else:
        with pytest.raises(NotFoundError):
            administration.vault.signer(made[0], purpose=KeyPurpose.LICENSE)


def test_keys_are_listed_by_purpose_newest_first(administration: Administration, clock: SetClock) -> None:
    keys = []
    for purpose in (KeyPurpose.VC, KeyPurpose.LICENSE, KeyPurpose.VC):
        keys.append(prepared(administration, NewSigningKey(purpose)))
        clock.move(timedelta(seconds=1))

    listed = administration.signing_keys.list(purpose=KeyPurpose.VC, after="", limit=10)

    assert listed == [keys[2], keys[0]]
    assert administration.signing_keys.list(purpose=None, after=keys[1].kid, limit=10) == [keys[0]]


def test_an_unknown_key_is_not_found(administration: Administration) -> None:
    unknown = "0" * 16
    with pytest.raises(NotFoundError):
        administration.signing_keys.get(unknown)
    for act in (administration.signing_keys.activate, administration.signing_keys.retire):
        with pytest.raises(NotFoundError):
            act(unknown, administration.mutation())
