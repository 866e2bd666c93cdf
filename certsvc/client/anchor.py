"""The anchor: the one public key that an offline verifier trusts a bundle by.

It is the register's bundle key as a JWK (RFC 7517), in a file of its own. `certsvc bundle export` writes it
beside the bundle, from the key set that it fetched over TLS; who carries bundles to an offline verifier
installs the anchor there once, by a way of its own, and again when the register changes its bundle key. A
bundle never brings its own anchor.
"""

from typing import Any

from certsvc.credentials.jwk import jwk_of, sec1_of
from certsvc.credentials.jws import parse_jws
from certsvc.credentials.key_set import PURPOSE_MEMBER
from certsvc.credentials.offline_bundle import MAX_SIZE, TYP
from certsvc.credentials.strict_json import load_object, member
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import FieldViolation, InvalidInputError, MalformedError, NotFoundError


def load_anchor(jwk: bytes) -> VerificationKey:
    """The bundle key of a JWK in JSON. Raises InvalidInputError (PUBLIC_KEY, KID_MISMATCH, JSON)."""
    try:
        members = load_object(jwk)
        key = VerificationKey.from_sec1(sec1_of(members), purpose=KeyPurpose.BUNDLE)
    except MalformedError as error:
        raise InvalidInputError.of(FieldViolation("anchor", error.reason, error.message)) from error
    if members.get("kid", key.kid) != key.kid:
        description = "the kid is not the thumbprint of the key"
        raise InvalidInputError.of(FieldViolation("anchor", "KID_MISMATCH", description))
    return key


def anchor_of(bundle: bytes, *, jwks: bytes) -> dict[str, Any]:
    """The JWK of the key that a bundle names as its signer, taken from a key set that is trusted already.

    The signature is not checked here. Raises MalformedError when the bundle is no bundle, NotFoundError
    (ANCHOR_NOT_PUBLISHED) when the key set does not have the key, or not as one for bundles.
    """
    kid = parse_jws(bundle_text(bundle), typ=TYP, max_size=MAX_SIZE).kid
    for jwk in member(load_object(jwks), "keys", list):
        if not isinstance(jwk, dict) or jwk.get(PURPOSE_MEMBER) != KeyPurpose.BUNDLE:
            continue
        sec1 = sec1_of(jwk)
        key = VerificationKey.from_sec1(sec1, purpose=KeyPurpose.BUNDLE)
        if key.kid == kid:
            return {**jwk_of(sec1), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
    raise NotFoundError(
        reason="ANCHOR_NOT_PUBLISHED", message="the bundle's signing key is not a bundle key of the register's key set"
    )


def bundle_text(bundle: bytes) -> str:
    """A bundle's bytes as the text that they are. Raises MalformedError (TOKEN_FORM)."""
    try:
        return bundle.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise MalformedError(reason="TOKEN_FORM", message="a bundle is ASCII text") from error
