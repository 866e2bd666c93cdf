"""SD-JWT with and without key binding (RFC 9901): read, verify, choose what to disclose, bind to a verifier.

docs/formats/sd-jwt-vc.md is the contract. Invariants: nothing is believed before the issuer's signature is
checked; a credential that names a holder's key counts only together with a fresh proof of that key for this
verifier; whoever asks for such a proof never gets along without one.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.credentials.disclosures import ClaimPath, DisclosedClaims, digest_of, disclose
from certsvc.credentials.jwk import sec1_of
from certsvc.credentials.jws import ParsedToken, check_claims, check_signature, parse_jws, sign_jws
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import MalformedError
from certsvc.ports import Signer

TYP = "dc+sd-jwt"
TYP_KEY_BINDING = "kb+jwt"
MAX_SIZE = 64 * 1024
MAX_BINDING_AGE = timedelta(minutes=5)

_KEY_BINDING_PURPOSE = "key_binding"
_SEPARATOR = "~"
# What a verifier decides by must not be withheld from it (draft-ietf-oauth-sd-jwt-vc §3.2.2.2).
_NEVER_DISCLOSED = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"})


@dataclass(frozen=True, slots=True)
class ParsedSdJwt:
    """An SD-JWT of the right form whose signature was not checked yet: nothing in it may be believed.

    `presentation` is all up to the last `~`, which is what a key-binding JWT is bound to; `claims` has the
    disclosures put back.
    """

    token: ParsedToken
    presentation: str
    disclosed: DisclosedClaims
    key_binding: ParsedToken | None

    @property
    def digest(self) -> bytes:
        """SHA-256 of what the issuer signed: the identity of a credential, whatever of it is disclosed."""
        return hashlib.sha256(self.token.signed_bytes).digest()

    @property
    def claims(self) -> dict[str, Any]:
        """The claims as disclosed, not verified."""
        return self.disclosed.claims


@dataclass(frozen=True, slots=True)
class ExpectedBinding:
    """What a verifier asked the holder's key to sign: itself as `audience`, and its own fresh `nonce`."""

    audience: str
    nonce: str


def parse_sd_jwt(text: str) -> ParsedSdJwt:
    """Read `<JWT>~<disclosure>~…~[<KB-JWT>]` without believing it.

    Raises MalformedError: SD_SIZE, SD_FORM, what `parse_jws` and `disclose` raise.
    """
    if len(text) > MAX_SIZE:
        raise MalformedError(reason="SD_SIZE", message=f"longer than {MAX_SIZE} characters")
    presentation, separator, key_binding = text.rpartition(_SEPARATOR)
    if not separator or not text.isascii():
        raise MalformedError(reason="SD_FORM", message="not an SD-JWT in compact form")
    jwt, *disclosures = presentation.split(_SEPARATOR)
    token = parse_jws(jwt, typ=TYP, max_size=MAX_SIZE)
    disclosed = disclose(token.claims, disclosures)
    if any(len(path) == 1 and path[0] in _NEVER_DISCLOSED for path in disclosed.paths):
        raise MalformedError(reason="SD_NAME", message="a claim that must be always visible was disclosed")
    return ParsedSdJwt(
        token=token,
        presentation=presentation + separator,
        disclosed=disclosed,
        key_binding=parse_jws(key_binding, typ=TYP_KEY_BINDING) if key_binding else None,
    )


def verify_sd_jwt(
    parsed: ParsedSdJwt,
    key: VerificationKey,
    *,
    now: datetime,
    binding: ExpectedBinding | None = None,
    issuer: str | None = None,
    leeway: timedelta = timedelta(0),
    check_times: bool = True,
) -> dict[str, Any]:
    """Check an SD-JWT VC with the trusted key of its kid and return its disclosed claims.

    The steps of RFC 9901 §7.3 in their order:
      1. the issuer's signature, by a key of purpose `vc`;
      2. `vct`, and `iss` where `issuer` is given;
      3. `exp`, `nbf`, `iat` at `now`; `check_times=False` leaves them to a caller that makes verdicts of it;
      4. the proof of the holder's key: needed when the credential names a key or `binding` is asked for.
    Raises SignatureError and MalformedError; status list and the key's own life are the caller's questions.
    """
    check_signature(parsed.token, key, purpose=KeyPurpose.VC)
    claims = parsed.claims
    if not isinstance(claims.get("vct"), str):
        raise MalformedError(reason="CLAIM_MISSING", message="the claim vct is missing")
    if issuer is not None and claims.get("iss") != issuer:
        raise MalformedError(reason="CLAIM_ISSUER", message="issued by someone else than expected")
    if check_times:
        check_claims(claims, required=("exp",), now=now, leeway=leeway)
    _check_key_binding(parsed, binding, now=now, leeway=leeway)
    return claims


def present(text: str, *, paths: Collection[ClaimPath]) -> str:
    """The same SD-JWT with only the disclosures of `paths` and of what lies around them, not bound to a key.

    Raises MalformedError for a malformed input, (SD_PATH) for a path that it does not disclose.
    """
    parsed = parse_sd_jwt(text)
    wanted: list[str] = []
    for path in paths:
        if path not in parsed.disclosed.paths:
            raise MalformedError(reason="SD_PATH", message="nothing is disclosed at a path asked for")
        prefixes = (path[:length] for length in range(1, len(path) + 1))
        wanted += [parsed.disclosed.paths[prefix] for prefix in prefixes if prefix in parsed.disclosed.paths]
    kept = [parsed.token.text, *dict.fromkeys(wanted)]
    return _SEPARATOR.join(kept) + _SEPARATOR


def bind(presentation: str, *, signer: Signer, binding: ExpectedBinding, issued_at: datetime) -> str:
    """Add a key-binding JWT (RFC 9901 §4.3) by the holder's key to a presentation that ends with `~`."""
    claims = {
        "iat": int(issued_at.timestamp()),
        "aud": binding.audience,
        "nonce": binding.nonce,
        "sd_hash": digest_of(presentation),
    }
    return presentation + sign_jws(claims, typ=TYP_KEY_BINDING, signer=signer)


def _check_key_binding(
    parsed: ParsedSdJwt, binding: ExpectedBinding | None, *, now: datetime, leeway: timedelta
) -> None:
    """Step 4 of `verify_sd_jwt`; the holder's key comes from the signed `cnf`, never from the proof."""
    confirmation = parsed.claims.get("cnf")
    if confirmation is None and binding is None and parsed.key_binding is None:
        return
    if confirmation is None or binding is None or parsed.key_binding is None:
        raise MalformedError(
            reason="KEY_BINDING",
            message="the holder's key, the proof of it and what it should prove do not come together",
        )
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    holder_key = VerificationKey.from_sec1(sec1_of(jwk), purpose=_KEY_BINDING_PURPOSE)
    check_signature(parsed.key_binding, holder_key, purpose=_KEY_BINDING_PURPOSE)
    claims = parsed.key_binding.claims
    check_claims(claims, required=("iat",), audience=binding.audience, now=now, leeway=leeway)
    if claims.get("nonce") != binding.nonce or claims.get("sd_hash") != digest_of(parsed.presentation):
        raise MalformedError(reason="KEY_BINDING", message="the proof was made for something else")
    if now.timestamp() - claims["iat"] > (MAX_BINDING_AGE + leeway).total_seconds():
        raise MalformedError(reason="KEY_BINDING", message="the proof of the holder's key is too old")
