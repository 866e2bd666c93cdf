"""Who may call: the table of refusals, and that taking a right away bites at once though tokens are remembered."""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from certsvc.domain.agency import AgencyState, CallerKind, OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import CertsvcError, DataIntegrityError
from certsvc.ports import MAX_CALLER_TOKEN
from certsvc.services.authentication import CallerDirectory
from certsvc.services.directory import Directory
from tests.unit.services.callers import AGENCY, NOON, OPERATOR, OTHER_AGENCY, Register, new_credential


@pytest.fixture
def register() -> Register:
    """A register with one agency, one officer, one operator."""
    return Register()


def test_an_agency_calls_for_an_officer(register: Register) -> None:
    caller = register.authenticator.authenticate(register.token(officer_id="clerk-7"))

    roles = frozenset({OfficerRole.ISSUER, OfficerRole.VERIFIER})
    assert caller == Caller(CallerKind.AGENCY, AGENCY, "clerk-7", roles, register.agency.kid)


def test_an_agency_calls_for_itself_without_roles(register: Register) -> None:
    caller = register.authenticator.authenticate(register.token())

    assert caller == Caller(CallerKind.AGENCY, AGENCY, "", frozenset(), register.agency.kid)


def test_an_operator_calls(register: Register) -> None:
    caller = register.authenticator.authenticate(register.token(register.operator))

    assert caller == Caller(CallerKind.OPERATOR, OPERATOR, "", frozenset(), register.operator.kid)


def test_an_operator_has_no_officers(register: Register) -> None:
    assert register.refusal(register.token(register.operator, officer_id="clerk-7")) == "OFFICER_UNKNOWN"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "TOKEN_MISSING"),
        ("a.b.c", "TOKEN_MALFORMED"),
        ("é" * 10, "TOKEN_MALFORMED"),
        ("\ud800", "TOKEN_MALFORMED"),
        ("a" * (MAX_CALLER_TOKEN + 1), "TOKEN_MALFORMED"),
        ("a" * 10_000_000, "TOKEN_MALFORMED"),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_texts_that_are_no_token(register: Register, token: str, reason: str) -> None:
    assert register.refusal(token) == reason


def test_an_oversized_token_costs_nothing(register: Register) -> None:
    register.refusal("a" * 10_000_000)

    assert register.reader.reads == 0


def test_the_readers_reasons_come_through(register: Register) -> None:
    assert register.refusal(register.token(audience="https://elsewhere.example")) == "TOKEN_AUDIENCE"
    assert register.refusal(register.token(now=NOON - timedelta(minutes=5))) == "TOKEN_EXPIRED"
    assert register.refusal(register.token(now=NOON + timedelta(minutes=5))) == "TOKEN_NOT_YET_VALID"
    assert register.refusal(register.token(new_credential(CallerKind.AGENCY, AGENCY))) == "KEY_UNKNOWN"
    signature_of_another = register.token(register.operator).rpartition(".")[2]
    forged = f"{register.token().rpartition('.')[0]}.{signature_of_another}"
    assert register.refusal(forged) == "TOKEN_SIGNATURE"


def test_nobody_signs_as_somebody_else(register: Register) -> None:
    register.tables.agencies[OTHER_AGENCY] = dataclasses.replace(
        register.tables.agencies[AGENCY], agency_id=OTHER_AGENCY
    )

    assert register.refusal(register.token(issuer=OTHER_AGENCY)) == "TOKEN_ISSUER"
    assert register.refusal(register.token(issuer=OPERATOR)) == "TOKEN_ISSUER"
    assert register.refusal(register.token(register.operator, issuer=AGENCY)) == "TOKEN_ISSUER"


def test_an_agency_named_like_an_operator_is_no_operator(register: Register) -> None:
    register.tables.agencies[OPERATOR] = register.tables.agencies[AGENCY]
    register.change_key(owner_id=OPERATOR)

    assert not register.authenticator.authenticate(register.token(issuer=OPERATOR)).is_operator


def test_officers_of_another_agency_do_not_count(register: Register) -> None:
    officer = register.tables.officers[AGENCY, "clerk-7"]
    register.tables.officers[OTHER_AGENCY, "clerk-8"] = dataclasses.replace(officer, officer_id="clerk-8")

    assert register.refusal(register.token(officer_id="clerk-8")) == "OFFICER_UNKNOWN"


@dataclass(frozen=True)
class Loss:
    """Something that ends the right to call, and what is answered then."""

    reason: str
    happen: Callable[[Register], object]


LOSSES = {
    "key removed": Loss("KEY_UNKNOWN", lambda r: r.tables.keys.clear()),
    "key revoked": Loss("KEY_REVOKED", lambda r: r.change_key(revoked_at=NOON)),
    # Another worker's clock may be ahead of ours: a key taken away is taken away.
    "key revoked by a fast clock": Loss("KEY_REVOKED", lambda r: r.change_key(revoked_at=NOON + timedelta(hours=1))),
    "key expired": Loss("KEY_EXPIRED", lambda r: r.change_key(expires_at=NOON)),
    "key given to another": Loss("TOKEN_ISSUER", lambda r: r.change_key(owner_id=OTHER_AGENCY)),
    "agency deactivated": Loss("AGENCY_DEACTIVATED", lambda r: r.change_agency(state=AgencyState.DEACTIVATED)),
    "agency removed": Loss("AGENCY_DEACTIVATED", lambda r: r.tables.agencies.clear()),
    "officer inactive": Loss("OFFICER_INACTIVE", lambda r: r.change_officer(active=False)),
    "officer removed": Loss("OFFICER_UNKNOWN", lambda r: r.tables.officers.clear()),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("remembered", [False, True], ids=["fresh", "remembered"])
def test_a_lost_right_bites_at_once(register: Register, loss: Loss, remembered: bool) -> None:
    token = register.token(officer_id="clerk-7")
    if remembered:
        assert register.authenticator.authenticate(token).owner_id == AGENCY

    loss.happen(register)

    assert register.refusal(token) == loss.reason


def test_roles_are_those_of_now(register: Register) -> None:
    token = register.token(officer_id="clerk-7")
    register.authenticator.authenticate(token)

    register.change_officer(roles=frozenset({OfficerRole.APPROVER}))

    assert register.authenticator.authenticate(token).roles == {OfficerRole.APPROVER}
    assert register.reader.reads == 1


def test_a_right_given_back_counts_again(register: Register) -> None:
    token = register.token()
    register.authenticator.authenticate(token)
    register.change_agency(state=AgencyState.DEACTIVATED)
    register.refusal(token)

    register.change_agency(state=AgencyState.ACTIVE)

    assert register.authenticator.authenticate(token).owner_id == AGENCY


def test_a_checked_token_is_not_checked_again_until_it_ends(register: Register) -> None:
    token = register.token(lifetime=timedelta(seconds=60))
    for _ in range(5):
        register.authenticator.authenticate(token)
    assert register.reader.reads == 1

    register.clock.moment = NOON + timedelta(seconds=59, milliseconds=999)
    register.authenticator.authenticate(token)
    assert register.reader.reads == 1

    register.clock.moment = NOON + timedelta(seconds=60)
    assert register.refusal(token) == "TOKEN_EXPIRED"
    assert register.refusal(token) == "TOKEN_EXPIRED"


def test_a_remembered_token_does_not_vouch_for_another_text(register: Register) -> None:
    token = register.token()
    register.authenticator.authenticate(token)
    signed = token.rpartition(".")[0]
    signature_of_another_token = register.token(token_id="id-2").rpartition(".")[2]

    assert register.refusal(f"{signed}.{signature_of_another_token}") == "TOKEN_SIGNATURE"


def test_bad_tokens_are_not_remembered() -> None:
    register = Register(capacity=1)
    good, bad = register.token(), register.token(audience="elsewhere")
    register.authenticator.authenticate(good)

    for _ in range(3):
        register.refusal(bad)
    register.authenticator.authenticate(good)

    assert register.reader.reads == 1 + 3


def test_the_memory_is_bounded_and_drops_what_was_used_least_recently() -> None:
    register = Register(capacity=2)
    first, second, third = (register.token(token_id=name) for name in ("1", "2", "3"))
    for token in (first, second, first, third):
        register.authenticator.authenticate(token)
    assert register.reader.reads == 3

    register.authenticator.authenticate(first)
    assert register.reader.reads == 3
    register.authenticator.authenticate(second)
    assert register.reader.reads == 4


def test_an_exchanged_key_is_an_alarm_not_a_refusal(register: Register) -> None:
    register.change_key(public_key=register.operator.public_key)

    with pytest.raises(DataIntegrityError):
        register.authenticator.authenticate(register.token())


def test_threads_authenticate_together_while_rights_come_and_go() -> None:
    register = Register(capacity=3)
    tokens = [register.token(token_id=str(number)) for number in range(8)]
    done = threading.Event()

    def call(number: int) -> str:
        try:
            return register.authenticator.authenticate(tokens[number % 8]).owner_id
        except CertsvcError as error:
            return error.reason

    def toggle() -> None:
        while not done.is_set():
            register.change_agency(state=AgencyState.DEACTIVATED)
            register.change_agency(state=AgencyState.ACTIVE)

    toggler = threading.Thread(target=toggle)
    toggler.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(call, range(2000)))
    finally:
        done.set()
        toggler.join()

    assert AGENCY in answers
    assert answers <= {AGENCY, "AGENCY_DEACTIVATED"}


def test_the_real_directory_is_one() -> None:
    """For mypy: the service's directory has the methods that the authenticator asks for."""

    def takes(directory: Directory) -> CallerDirectory:
        return directory

    assert callable(takes)
