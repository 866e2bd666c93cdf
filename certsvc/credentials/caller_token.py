"""The token that an agency's system or an operator calls with: a JWT signed with its own registered key.

Claims after RFC 7523 §3: iss = who calls (credit code or operator's name), sub = the officer who acts, or
iss when none does, aud = this service, iat, exp at most 5 minutes later, jti. Header {alg, kid, typ
"certsvc-caller+jwt"}.

Invariants: a token is good for one audience and for minutes; what it may do is decided by its key's
record, never by the token. It is a bearer token within these minutes: it travels over TLS only, and is not
remembered against replay.
"""

import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.credentials.jws import ParsedToken, check_signature, parse_jws, sign_jws
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.agency import ClientKey
from certsvc.errors import (
    DataIntegrityError,
    FieldViolation,
    InvalidInputError,
    MalformedError,
    SignatureError,
    UnauthenticatedError,
)
from certsvc.ports import MAX_CALLER_TOKEN, CallerClaims, Signer

TYP = "certsvc-caller+jwt"
MAX_LIFETIME = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)
"""How far a caller's clock may be ahead of ours; behind, it only shortens its own tokens."""

# Not a purpose of the register's own keys: a client key can check nothing else, and no other key can
# check a token.
_PURPOSE = "caller"
_KEY_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_PARSED_KEYS = 4096


def make_token(
    signer: Signer,
    *,
    issuer: str,
    officer_id: str = "",
    audience: str,
    now: datetime,
    lifetime: timedelta = MAX_LIFETIME,
    token_id: str,
) -> str:
    """Sign a token as `issuer`, on behalf of an officer unless `officer_id` is empty.

    `token_id` (jti) is the caller's, and should never repeat. `lifetime` counts in whole seconds.
    Raises InvalidInputError (LIFETIME) unless it is 1 s to MAX_LIFETIME, and what the signer raises.
    """
    if not timedelta(seconds=1) <= lifetime <= MAX_LIFETIME:
        limit = f"must be 1 to {MAX_LIFETIME.seconds} seconds"
        raise InvalidInputError.of(FieldViolation("lifetime", "LIFETIME", limit))
    issued_at = int(now.timestamp())
    claims = {
        "iss": issuer,
        "sub": officer_id or issuer,
        "aud": audience,
        "iat": issued_at,
        "exp": issued_at + int(lifetime.total_seconds()),
        "jti": token_id,
    }
    return sign_jws(claims, typ=TYP, signer=signer)


def read_token(
    token: str, *, find_key: Callable[[str], ClientKey | None], audience: str, now: datetime
) -> CallerClaims:
    """The `TokenReader` port. In this order, which shows nothing about keys to who has none:

    1. Size and form; header: our typ, an alg, a kid, nothing that brings a key along (RFC 8725 §3).
    2. The key, by kid from the closed table behind `find_key`.
    3. The signature, with the algorithm of that key.
    4. The claims: form, audience, times.
    """
    try:
        parsed = parse_jws(token, typ=TYP, max_size=MAX_CALLER_TOKEN)
        key_id = _check_signer(parsed, find_key)
    except MalformedError as error:
        raise _malformed(error.message) from error
    return _read_claims(parsed.claims, key_id=key_id, audience=audience, now=now)


def _check_signer(parsed: ParsedToken, find_key: Callable[[str], ClientKey | None]) -> str:
    key_id = parsed.kid or ""
    key = find_key(key_id) if _KEY_ID.fullmatch(key_id) else None
    if key is None:
        raise _unauthenticated("KEY_UNKNOWN", "the token is not signed with a registered key")
    try:
        check_signature(parsed, _parsed_key(key_id, key.public_key), purpose=_PURPOSE)
    except SignatureError as error:
        # The words are those of an unknown key.
        raise _unauthenticated("TOKEN_SIGNATURE", "the token is not signed with a registered key") from error
    return key_id


@functools.lru_cache(_PARSED_KEYS)
def _parsed_key(key_id: str, sec1: bytes) -> VerificationKey:
    """The key, if it is the one that its name says: a key that was exchanged in the store opens no door."""
    try:
        key = VerificationKey.from_sec1(sec1, purpose=_PURPOSE)
    except MalformedError as error:
        raise _key_changed(key_id) from error
    if key.kid != key_id:
        raise _key_changed(key_id)
    return key


def _read_claims(claims: Mapping[str, Any], *, key_id: str, audience: str, now: datetime) -> CallerClaims:
    """Claims that we do not know are ignored (RFC 7519 §4), but for nbf, which many libraries add."""
    issuer, subject, _ = (_text(claims, name) for name in ("iss", "sub", "jti"))
    issued_at, expires = _time(claims, "iat"), _time(claims, "exp")
    not_before = max(issued_at, _time(claims, "nbf")) if "nbf" in claims else issued_at
    # One audience, as one text: a token for several services could be carried from one to the other.
    if claims.get("aud") != audience:
        raise _unauthenticated("TOKEN_AUDIENCE", "the token is meant for another service")
    if not 0 < expires - issued_at <= MAX_LIFETIME.total_seconds():
        raise _malformed(f"exp must lie at most {MAX_LIFETIME.seconds} seconds after iat")
    seconds = now.timestamp()
    if seconds >= expires:
        raise _unauthenticated("TOKEN_EXPIRED", "the token has expired")
    if seconds + CLOCK_SKEW.total_seconds() < not_before:
        raise _unauthenticated("TOKEN_NOT_YET_VALID", "the token begins in the future: is the clock right?")
    return CallerClaims(
        key_id=key_id,
        issuer=issuer,
        officer_id="" if subject == issuer else subject,
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(f"the claim {name} is missing or no text")
    return value


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(f"the claim {name} is missing or no whole number of seconds")
    return value


def _key_changed(key_id: str) -> DataIntegrityError:
    return DataIntegrityError(
        reason="CLIENT_KEY_CHANGED", message=f"what is stored as client key {key_id} is another key"
    )


def _malformed(what: str) -> UnauthenticatedError:
    return _unauthenticated("TOKEN_MALFORMED", f"the token is malformed: {what}")


def _unauthenticated(reason: str, message: str) -> UnauthenticatedError:
    return UnauthenticatedError(reason=reason, message=message)
