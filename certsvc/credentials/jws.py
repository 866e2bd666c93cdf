"""Signed JSON tokens: compact JWS (RFC 7515), one algorithm a key, the claims of RFC 7519 checked by us.

Invariants (RFC 8725): key and algorithm come from our own table, the header only has to agree; `typ` is
always compared; keys are never taken from or fetched for a token (`jwk`, `jku`, `x5u`, `x5c`), and nothing
critical is ignored; the clock is the caller's. PyJWT does the framing and the signature through an algorithm
object of our own, so that a key in a PKCS#11 module signs as well as one in memory.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from jwt.algorithms import ECAlgorithm
from jwt.api_jws import PyJWS
from jwt.exceptions import DecodeError, InvalidSignatureError, PyJWTError
from jwt.utils import base64url_decode

from certsvc.credentials import cose
from certsvc.credentials.strict_json import LATEST_TIME, dump_json, load_object
from certsvc.credentials.verification_key import ES256, KeyLookup, VerificationKey
from certsvc.errors import MalformedError, SignatureError
from certsvc.ports import Signer

MAX_TOKEN_SIZE = 8 * 1024
"""Characters of a token unless the caller allows more; cheap to check before anything is parsed."""

_SEGMENTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "jwk", "jku", "x5c", "x5u"})


class _SignerES256(ECAlgorithm):
    """ES256 that signs through the `Signer` port and verifies with a `VerificationKey`."""

    def prepare_key(self, key: Any) -> Any:
        return key

    def sign(self, msg: bytes, key: Any) -> bytes:
        return cast(Signer, key).sign(msg)

    def verify(self, msg: bytes, key: Any, sig: str | bytes) -> bool:
        raw = sig.encode() if isinstance(sig, str) else sig
        try:
            cose.verify_es256(cast(VerificationKey, key).public_key, signed=msg, signature=raw)
        except SignatureError:
            return False
        return True


_JWS = PyJWS(algorithms=[])
_JWS.register_algorithm(ES256, _SignerES256(ECAlgorithm.SHA256))


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token of the right form whose signature was not checked yet: nothing in it may be believed."""

    text: str
    kid: str | None
    algorithm: str
    claims: dict[str, Any]

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers (RFC 7515 §5.1): the token's identity, as ECDSA is malleable."""
        return self.text.rpartition(".")[0].encode()


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token whose form, type, signer and signature are right, and the key that signed it."""

    key: VerificationKey
    claims: dict[str, Any]


def sign_jws(claims: Mapping[str, Any], *, typ: str, signer: Signer, headers: Mapping[str, Any] | None = None) -> str:
    """Sign `claims` as a compact JWS with the header {alg, kid, typ}, and `headers` where a form has more."""
    return _JWS.encode(
        dump_json(claims),
        cast(Any, signer),
        algorithm=signer.algorithm,
        headers={**(headers or {}), "typ": typ, "kid": signer.kid},
    )


def parse_jws(token: str, *, typ: str, max_size: int = MAX_TOKEN_SIZE) -> ParsedToken:
    """Read a token's header and claims without believing them.

    Raises MalformedError: TOKEN_SIZE, TOKEN_FORM, TOKEN_HEADER, TOKEN_TYP, JSON.
    """
    if len(token) > max_size:
        raise MalformedError(reason="TOKEN_SIZE", message=f"longer than {max_size} characters")
    if not _SEGMENTS.fullmatch(token):
        raise MalformedError(reason="TOKEN_FORM", message="not three base64url segments")
    try:
        header_bytes, payload, _ = map(base64url_decode, token.split("."))
    except ValueError as error:
        raise MalformedError(reason="TOKEN_FORM", message="a segment is not base64url") from error
    header = load_object(header_bytes)
    if refused := _REFUSED_HEADERS & header.keys():
        raise MalformedError(reason="TOKEN_HEADER", message=f"the header parameter {min(refused)} is not used here")
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(algorithm, str) or not (kid is None or (isinstance(kid, str) and _KID.fullmatch(kid))):
        raise MalformedError(reason="TOKEN_HEADER", message="alg or kid is not of the form used here")
    if not _same_media_type(header.get("typ"), typ):
        raise MalformedError(reason="TOKEN_TYP", message=f"not a token of type {typ}")
    return ParsedToken(text=token, kid=kid, algorithm=algorithm, claims=load_object(payload))


def check_signature(parsed: ParsedToken, key: VerificationKey, *, purpose: str) -> VerifiedToken:
    """Check a parsed token against one trusted key.

    Raises SignatureError (WRONG_KEY_PURPOSE, BAD_SIGNATURE) and MalformedError (ALG_MISMATCH, TOKEN_FORM).
    """
    if key.purpose != purpose:
        raise SignatureError(reason="WRONG_KEY_PURPOSE", message=f"the key may not sign for {purpose}")
    if parsed.algorithm != key.algorithm:
        raise MalformedError(reason="ALG_MISMATCH", message="the token names another algorithm than the key has")
    try:
        _JWS.decode_complete(parsed.text, cast(Any, key), algorithms=[key.algorithm])
    except InvalidSignatureError as error:
        raise SignatureError(reason="BAD_SIGNATURE", message="the signature does not verify") from error
    except DecodeError as error:
        raise MalformedError(reason="TOKEN_FORM", message="a segment is not base64url") from error
    except PyJWTError as error:
        raise MalformedError(reason="TOKEN_HEADER", message="the header is not of the form used here") from error
    return VerifiedToken(key=key, claims=parsed.claims)


def read_jws(
    token: str, *, typ: str, purpose: str, find_key: KeyLookup, max_size: int = MAX_TOKEN_SIZE
) -> VerifiedToken:
    """Parse a token, find its key by kid and check the signature; claims are the caller's business.

    Raises what `parse_jws` and `check_signature` raise, and SignatureError (UNKNOWN_KEY).
    """
    parsed = parse_jws(token, typ=typ, max_size=max_size)
    key = find_key(parsed.kid) if parsed.kid is not None else None
    if key is None:
        raise SignatureError(reason="UNKNOWN_KEY", message="no trusted key has this kid")
    return check_signature(parsed, key, purpose=purpose)


def verify_jws(
    token: str,
    *,
    typ: str,
    purpose: str,
    find_key: KeyLookup,
    now: datetime,
    required: Collection[str] = (),
    issuer: str | None = None,
    audience: str | None = None,
    leeway: timedelta = timedelta(0),
    max_size: int = MAX_TOKEN_SIZE,
) -> VerifiedToken:
    """Everything about one token: form, type, key, purpose, signature, then claims (see `check_claims`)."""
    token_ = read_jws(token, typ=typ, purpose=purpose, find_key=find_key, max_size=max_size)
    check_claims(token_.claims, required=required, issuer=issuer, audience=audience, now=now, leeway=leeway)
    return token_


def check_claims(
    claims: Mapping[str, Any],
    *,
    now: datetime,
    required: Collection[str] = (),
    issuer: str | None = None,
    audience: str | None = None,
    leeway: timedelta = timedelta(0),
) -> None:
    """Check the registered claims of RFC 7519 §4.1 at the moment `now`, never by the machine's own clock.

    `exp`, `nbf` and `iat` count wherever they stand, `iss` and `aud` must be there when `issuer` or
    `audience` is given. Raises MalformedError: CLAIM_MISSING, CLAIM_TYPE, CLAIM_ISSUER, CLAIM_AUDIENCE,
    TOKEN_EXPIRED, TOKEN_NOT_YET_VALID.
    """
    for name in required:
        if name not in claims:
            raise MalformedError(reason="CLAIM_MISSING", message=f"the claim {name} is missing")
    if issuer is not None and claims.get("iss") != issuer:
        raise MalformedError(reason="CLAIM_ISSUER", message="issued by someone else than expected")
    if audience is not None and not _names_audience(claims.get("aud"), audience):
        raise MalformedError(reason="CLAIM_AUDIENCE", message="meant for someone else")
    seconds, slack = now.timestamp(), leeway.total_seconds()
    expiry = _numeric_date(claims, "exp")
    if expiry is not None and seconds >= expiry + slack:
        raise MalformedError(reason="TOKEN_EXPIRED", message="the token has expired")
    for name in ("nbf", "iat"):
        start = _numeric_date(claims, name)
        if start is not None and seconds < start - slack:
            raise MalformedError(reason="TOKEN_NOT_YET_VALID", message=f"the claim {name} lies in the future")


def _numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    # A bound, because JSON can say 1e999, which would end at no time at all.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST_TIME:
        raise MalformedError(reason="CLAIM_TYPE", message=f"the claim {name} is no time of this age")
    return value


def _names_audience(claim: object, audience: str) -> bool:
    return audience in claim if isinstance(claim, list) else claim == audience


def _same_media_type(stated: object, expected: str) -> bool:
    """Media types compare without case and without the leading `application/` (RFC 7515 §4.1.9)."""
    return isinstance(stated, str) and stated.lower().removeprefix("application/") == expected.lower()
