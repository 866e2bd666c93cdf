"""Callers' tokens, sound and forged, and the two registered keys that tests sign them with."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials.caller_token import MAX_LIFETIME, TYP, make_token, read_token
from certsvc.credentials.client_credential import ClientCredential
from certsvc.domain.agency import CallerKind, ClientKey
from certsvc.errors import UnauthenticatedError
from certsvc.ports import CallerClaims, TokenReader

NOW = datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
AGENCY = "11440300455834567X"
AUDIENCE = "https://register.example"


def _credential(number: int) -> ClientCredential:
    # Always the same keys: test names hold kids, and parallel workers compare names.
    private_key = ec.derive_private_key(number, ec.SECP256R1())
    return ClientCredential(CallerKind.AGENCY, AGENCY, "register.example:443", AUDIENCE, None, private_key)


MINE = _credential(7)
OTHER = _credential(8)


def _record(credential: ClientCredential) -> ClientKey:
    return ClientKey(
        key_id=credential.kid,
        owner_kind=CallerKind.AGENCY,
        owner_id=AGENCY,
        public_key=credential.public_key,
        created_at=NOW,
        expires_at=NOW + timedelta(days=365),
    )


KEYS = {credential.kid: _record(credential) for credential in (MINE, OTHER)}


def read(token: str, *, now: datetime = NOW, find_key: Callable[[str], ClientKey | None] = KEYS.get) -> CallerClaims:
    reader: TokenReader = read_token
    return reader(token, find_key=find_key, audience=AUDIENCE, now=now)


def make(**changes: Any) -> str:
    arguments: dict[str, Any] = {"issuer": AGENCY, "audience": AUDIENCE, "now": NOW, "token_id": "id-1"}
    return make_token(MINE, **(arguments | changes))


def refusal(token: str, **arguments: Any) -> UnauthenticatedError:
    with pytest.raises(UnauthenticatedError) as refused:
        read(token, **arguments)
    return refused.value


def sound_claims() -> dict[str, Any]:
    return {
        "iss": AGENCY,
        "sub": "clerk-7",
        "aud": AUDIENCE,
        "iat": SECONDS,
        "exp": SECONDS + int(MAX_LIFETIME.total_seconds()),
        "jti": "id-2",
    }


def forged(
    *,
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
    drop: str = "",
    payload: bytes | None = None,
    sign: Callable[[bytes], bytes] = MINE.sign,
) -> str:
    """A token with these header parameters and claims put in, one left out, and signed so."""
    whole_header = {"alg": "ES256", "kid": MINE.kid, "typ": TYP} | (header or {})
    whole_claims = sound_claims() | (claims or {})
    whole_header.pop(drop, None)
    whole_claims.pop(drop, None)
    if payload is None:
        payload = json.dumps(whole_claims).encode()
    signed = f"{b64(json.dumps(whole_header).encode())}.{b64(payload)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
