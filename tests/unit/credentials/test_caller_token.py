"""The caller's token: what one library writes another reads, and how long it is good."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from jwcrypto import jwk, jws, jwt

from certsvc.credentials.caller_token import TYP
from certsvc.errors import InvalidInputError
from certsvc.ports import MAX_CALLER_TOKEN, CallerClaims
from tests.unit.credentials.caller_tokens import (
    AGENCY,
    AUDIENCE,
    MINE,
    SECONDS,
    forged,
    make,
    read,
    refusal,
    sound_claims,
)


def test_a_token_says_who_calls_for_whom() -> None:
    expires = datetime.fromtimestamp(SECONDS + 300, UTC)

    assert read(make(officer_id="clerk-7")) == CallerClaims(MINE.kid, AGENCY, "clerk-7", expires)
    assert read(make()) == CallerClaims(MINE.kid, AGENCY, "", expires)


def test_another_library_reads_our_token() -> None:
    token = make(officer_id="clerk-7", lifetime=timedelta(seconds=60))

    oracle = jws.JWS()
    oracle.deserialize(token, jwk.JWK.from_pyca(MINE.private_key), alg="ES256")

    assert oracle.jose_header == {"alg": "ES256", "kid": MINE.kid, "typ": "certsvc-caller+jwt"}
    assert json.loads(oracle.payload) == {
        "iss": AGENCY,
        "sub": "clerk-7",
        "aud": AUDIENCE,
        "iat": SECONDS,
        "exp": SECONDS + 60,
        "jti": "id-1",
    }


def test_we_read_the_token_of_another_library() -> None:
    claims = {**sound_claims(), "nbf": SECONDS, "scope": "unknown claims do no harm"}
    token = jwt.JWT(header={"alg": "ES256", "kid": MINE.kid, "typ": TYP}, claims=claims)
    token.make_signed_token(jwk.JWK.from_pyca(MINE.private_key))

    assert read(token.serialize()).officer_id == "clerk-7"


@pytest.mark.parametrize(
    "lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(seconds=0.9), timedelta(seconds=301)]
)
def test_a_lifetime_out_of_bounds_is_refused_when_it_is_made(lifetime: timedelta) -> None:
    with pytest.raises(InvalidInputError):
        make(lifetime=lifetime)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (SECONDS - 30.1, "TOKEN_NOT_YET_VALID"),
        (SECONDS - 30, ""),
        (SECONDS, ""),
        (SECONDS + 299.9, ""),
        (SECONDS + 300, "TOKEN_EXPIRED"),
        (SECONDS + 1e9, "TOKEN_EXPIRED"),
    ],
)
def test_the_edges_of_a_tokens_life(now: float, reason: str) -> None:
    moment = datetime.fromtimestamp(now, UTC)

    if reason:
        assert refusal(make(), now=moment).reason == reason
    else:
        assert read(make(), now=moment).issuer == AGENCY


def test_a_later_nbf_counts() -> None:
    assert read(forged(claims={"nbf": SECONDS + 30})).issuer == AGENCY
    assert refusal(forged(claims={"nbf": SECONDS + 31})).reason == "TOKEN_NOT_YET_VALID"


def test_the_longest_token_that_we_make_is_read() -> None:
    token = make(officer_id="x" * 64, audience=AUDIENCE + "/" + "a" * 900)

    assert len(token) < MAX_CALLER_TOKEN
    assert refusal(token).reason == "TOKEN_AUDIENCE"
