"""Key records, status lists and flags count only when all of them is right: key, purpose, type, time and place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from certsvc.credentials.jws import sign_jws
from certsvc.credentials.status_list import StatusList, status_list_json
from certsvc.ports import Signer
from tests.e2e.page.conftest import Visit
from tests.e2e.page.register_stub import RegisterStub, business_license
from tests.vectors.signers import VectorSigner


def test_a_key_record_must_be_of_its_key(stub: RegisterStub, visit: Visit) -> None:
    """Another key's coordinates under our kid: the kid is made of the key, so the record is refused."""
    foreign = VectorSigner("foreign")
    stub.publish(foreign, purpose="license", kid=stub.license_key.kid)
    stub.keys[stub.license_key.kid] = stub.keys.pop(foreign.kid)
    foreign.kid = stub.license_key.kid
    visit.open(stub.code(business_license(), key=foreign))
    assert visit.verdict == "UNCONFIRMED"
    assert visit.checks()["SIGNER"] == ("NOT_CHECKED", "UNEXPECTED_ANSWER")


def status_token(stub: RegisterStub, *, key: Signer | None = None, typ: str = "statuslist+jwt", **claims: Any) -> bytes:
    """A status list that says that all is well, made wrongly."""
    now = int(stub.now().timestamp())
    good = {
        "sub": "https://register.example/statuslists/0",
        "iat": now,
        "exp": now + 900,
        "ttl": 60,
        "status_list": status_list_json(StatusList.of({})),
    }
    return sign_jws({**good, **claims}, typ=typ, signer=key or stub.status_key).encode()


def unsigned(token: bytes) -> bytes:
    header, payload, _ = token.split(b".")
    del header
    return b"eyJhbGciOiJub25lIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ." + payload + b"."


def altered(token: bytes) -> bytes:
    return token[:-8] + b"AAAAAAAA"


WRONG_LISTS: dict[str, tuple[Callable[[RegisterStub], bytes], str]] = {
    "by a foreign key": (lambda stub: status_token(stub, key=VectorSigner("foreign")), "UNTRUSTED_ANSWER"),
    "by the license key": (lambda stub: status_token(stub, key=stub.license_key), "UNTRUSTED_ANSWER"),
    "by the key-set key": (lambda stub: status_token(stub, key=stub.key_set_key), "UNTRUSTED_ANSWER"),
    "of another type": (lambda stub: status_token(stub, typ="keyflags+jwt"), "UNTRUSTED_ANSWER"),
    "unsigned": (lambda stub: unsigned(status_token(stub)), "UNTRUSTED_ANSWER"),
    "altered": (lambda stub: altered(status_token(stub)), "UNTRUSTED_ANSWER"),
    "of another list": (
        lambda stub: status_token(stub, sub="https://register.example/statuslists/10"),
        "UNTRUSTED_ANSWER",
    ),
    "of one bit": (
        lambda stub: status_token(stub, status_list={**status_list_json(StatusList.of({})), "bits": 1}),
        "UNTRUSTED_ANSWER",
    ),
    "too short": (
        lambda stub: status_token(stub, status_list=status_list_json(StatusList.of({}, size=64))),
        "UNEXPECTED_ANSWER",
    ),
    "expired": (lambda stub: status_token(stub, exp=int(stub.now().timestamp()) - 1), "STALE_ANSWER"),
    "from the future": (lambda stub: status_token(stub, iat=int(stub.now().timestamp()) + 700), "STALE_ANSWER"),
    "without an end": (lambda stub: status_token(stub, exp=None), "UNTRUSTED_ANSWER"),
}


@pytest.mark.parametrize(("make", "reason"), WRONG_LISTS.values(), ids=WRONG_LISTS)
def test_a_status_list_counts_only_when_all_of_it_is_right(
    make: Callable[[RegisterStub], bytes], reason: str, stub: RegisterStub, visit: Visit
) -> None:
    stub.faults["/statuslists"] = lambda answer: replace(answer, body=make(stub))
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"
    assert visit.checks()["STATUS_LIST"] == ("NOT_CHECKED", reason)


def test_a_compromised_status_key_speaks_for_nothing(stub: RegisterStub, visit: Visit) -> None:
    stub.flags[stub.status_key.kid] = {"state": "COMPROMISED", "since": 0}
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"
    assert visit.checks()["STATUS_LIST"] == ("NOT_CHECKED", "UNTRUSTED_ANSWER")


def flags_token(stub: RegisterStub, *, key: Signer | None = None, **claims: Any) -> bytes:
    now = int(stub.now().timestamp())
    good = {"iat": now, "exp": now + 600, "version": 1, "flags": {}}
    return sign_jws({**good, **claims}, typ="keyflags+jwt", signer=key or stub.key_set_key).encode()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda stub: flags_token(stub, key=stub.license_key), "UNTRUSTED_ANSWER"),
        (lambda stub: flags_token(stub, key=VectorSigner("foreign")), "UNTRUSTED_ANSWER"),
        (lambda stub: flags_token(stub, exp=int(stub.now().timestamp())), "STALE_ANSWER"),
        (
            lambda stub: flags_token(stub, flags={stub.key_set_key.kid: {"state": "COMPROMISED", "since": 0}}),
            "UNTRUSTED_ANSWER",
        ),
        (
            lambda stub: flags_token(stub, flags={stub.license_key.kid: {"state": "SOMETHING_NEW", "since": 0}}),
            "UNEXPECTED_ANSWER",
        ),
    ],
    ids=["license key", "foreign key", "expired", "its own signer compromised", "unknown state"],
)
def test_flags_count_only_from_the_key_set_key(
    make: Callable[[RegisterStub], bytes], reason: str, stub: RegisterStub, visit: Visit
) -> None:
    stub.faults["/keyset/flags"] = lambda answer: replace(answer, body=make(stub))
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"
    assert visit.checks()["KEY_STATE"] == ("NOT_CHECKED", reason)
