"""P-256 public keys as JSON Web Keys (RFC 7517, RFC 7518 §6.2.1), to and from SEC1 points."""

from certsvc.credentials import cose
from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.errors import MalformedError


def jwk_of(sec1: bytes) -> dict[str, str]:
    """The bare JWK {kty, crv, x, y} of an uncompressed point (65 bytes)."""
    x, y = sec1[1:33], sec1[33:]
    return {"kty": "EC", "crv": "P-256", "x": encode_base64url(x), "y": encode_base64url(y)}


def sec1_of(jwk: object) -> bytes:
    """The uncompressed point of a public EC P-256 JWK; other members are ignored, a private one is refused.

    Raises MalformedError (PUBLIC_KEY, BASE64URL) for other kinds of keys and for points that are not on the
    curve.
    """
    match jwk:
        case {"kty": "EC", "crv": "P-256", "x": str() as x, "y": str() as y, **others} if "d" not in others:
            sec1 = b"\x04" + decode_base64url(x) + decode_base64url(y)
            cose.load_public_key(sec1)
            return sec1
    raise MalformedError(reason="PUBLIC_KEY", message="not a public EC P-256 JWK")
