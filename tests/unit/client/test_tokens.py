"""Tokens are made here, used for a while, and made anew."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt

from certsvc.client.tokens import USED_FOR, TokenSource
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class MovedClock:
    def __init__(self) -> None:
        self.now = START


def _source(tmp_path: Path, clock: MovedClock, officer_id: str = "clerk-1") -> TokenSource:
    credential = create_credential(
        tmp_path / "credential.json",
        owner_kind=CallerKind.AGENCY,
        owner_id="1299010099990002X3",
        endpoint="localhost:50051",
        audience="https://register.example.org",
    )
    return TokenSource(credential, officer_id=officer_id, now=lambda: clock.now)


def _claims(header: str) -> dict[str, object]:
    scheme, _, token = header.partition(" ")
    assert scheme == "Bearer"
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_token_says_who_calls_for_whom(tmp_path: Path) -> None:
    claims = _claims(_source(tmp_path, MovedClock()).authorization())
    assert claims["iss"] == "1299010099990002X3"
    assert claims["sub"] == "clerk-1"
    assert claims["aud"] == "https://register.example.org"
    assert claims["exp"] == START.timestamp() + 300


def test_a_token_is_used_for_two_minutes(tmp_path: Path) -> None:
    clock = MovedClock()
    source = _source(tmp_path, clock)
    first = source.authorization()
    clock.now = START + USED_FOR - timedelta(seconds=1)
    assert source.authorization() == first
    clock.now = START + USED_FOR
    second = source.authorization()
    assert second != first
    assert _claims(second)["jti"] != _claims(first)["jti"]


def test_a_clock_that_was_set_back_makes_a_new_token(tmp_path: Path) -> None:
    clock = MovedClock()
    source = _source(tmp_path, clock)
    source.authorization()
    clock.now = START - timedelta(hours=1)
    assert _claims(source.authorization())["iat"] == (START - timedelta(hours=1)).timestamp()
