"""Signed JSON tokens: the key decides, the header only agrees, the clock is the caller's."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from jwcrypto import jwk, jws

from certsvc.credentials.base64url import encode_base64url
from certsvc.credentials.jwk import jwk_of, sec1_of
from certsvc.credentials.jws import MAX_TOKEN_SIZE, parse_jws, read_jws, sign_jws, verify_jws
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import CertsvcError, MalformedError, SignatureError
from tests.vectors.samples import NOW
from tests.vectors.signers import P256_ORDER, VectorSigner

SIGNER = VectorSigner("receipt")
KEY = SIGNER.verification_key(KeyPurpose.RECEIPT)
SECONDS = int(NOW.timestamp())
CLAIMS = {"iss": "us", "aud": "them", "iat": SECONDS, "exp": SECONDS + 60, "name": "张三"}


def _find(kid: str) -> VerificationKey | None:
    return KEY if kid == KEY.kid else None


def _token(claims: Mapping[str, Any] = CLAIMS, **headers: Any) -> str:
    return sign_jws(claims, typ="receipt+jwt", signer=SIGNER, headers=headers)


def _verify(token: str, *, now: datetime = NOW, **options: Any) -> dict[str, Any]:
    options = {"issuer": "us", "audience": "them", "required": ("exp",), **options}
    verified = verify_jws(token, typ="receipt+jwt", purpose=KeyPurpose.RECEIPT, find_key=_find, now=now, **options)
    return verified.claims


def _segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signed(header: object, payload: object = CLAIMS, sign: Callable[[bytes], bytes] = SIGNER.sign) -> str:
    text = f"{_segment(header)}.{_segment(payload)}"
    return f"{text}.{_segment(sign(text.encode()))}"


def test_round_trip_with_the_usual_header() -> None:
    token = _token()
    assert _verify(token) == CLAIMS
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "ES256", "kid": SIGNER.kid, "typ": "receipt+jwt"}


def test_jwcrypto_and_pyjwt_verify_ours() -> None:
    token = _token()
    key = jwk.JWK(**jwk_of(SIGNER.sec1))
    checked = jws.JWS()
    checked.deserialize(token, key)
    assert json.loads(checked.payload) == CLAIMS
    public_key = SIGNER.private_key.public_key()
    decoded = jwt.decode(
        token, public_key, ["ES256"], audience="them", options={"verify_exp": False, "verify_iat": False}
    )
    assert decoded == CLAIMS


def test_we_verify_what_jwcrypto_signs() -> None:
    pem_key = jwk.JWK.from_pyca(SIGNER.private_key)
    token = jws.JWS(json.dumps(CLAIMS))
    header = {"alg": "ES256", "typ": "application/Receipt+JWT", "kid": SIGNER.kid}
    token.add_signature(pem_key, None, json.dumps(header))
    assert _verify(token.serialize(compact=True)) == CLAIMS


def _hmac_with_public_key(data: bytes) -> bytes:
    return hmac.new(SIGNER.sec1, data, hashlib.sha256).digest()


HEADER = {"alg": "ES256", "kid": SIGNER.kid, "typ": "receipt+jwt"}


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS256", "ES384", "ES256K", "Ed25519", "EdDSA", "RS256", "es256"]
)
def test_no_other_algorithm_is_accepted(alg: str) -> None:
    unsigned = f"{_segment({**HEADER, 'alg': alg})}.{_segment(CLAIMS)}.AA"
    for token in (
        _signed({**HEADER, "alg": alg}),
        _signed({**HEADER, "alg": alg}, sign=_hmac_with_public_key),
        unsigned,
    ):
        with pytest.raises(MalformedError, match="ALG_MISMATCH"):
            _verify(token)


@pytest.mark.parametrize("header", [{**HEADER, "alg": None}, {**HEADER, "alg": ["ES256"]}, {"kid": SIGNER.kid}])
def test_a_header_without_an_algorithm_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="TOKEN_HEADER"):
        _verify(_signed(header))


@pytest.mark.parametrize(
    "headers",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"jku": "https://evil.example/keys"},
        {"jwk": jwk_of(VectorSigner("evil").sec1)},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"zip": "DEF"},
    ],
)
def test_keys_and_extensions_of_the_header_are_refused(headers: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="TOKEN_HEADER"):
        _verify(_signed({**HEADER, **headers}))


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' or 1=1", "a\0b", "é", "", "a" * 65, 1, ["a"]])
def test_kids_of_another_form_are_refused_unseen(kid: object) -> None:
    def find(kid: str) -> VerificationKey | None:
        raise AssertionError(f"looked up {kid}")

    with pytest.raises(MalformedError, match="TOKEN_HEADER"):
        read_jws(_signed({**HEADER, "kid": kid}), typ="receipt+jwt", purpose="receipt", find_key=find)


@pytest.mark.parametrize("kid", ["0" * 16, None])
def test_unknown_kids_are_refused(kid: str | None) -> None:
    header = {name: value for name, value in {**HEADER, "kid": kid}.items() if value is not None}
    with pytest.raises(SignatureError, match="UNKNOWN_KEY"):
        _verify(_signed(header))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "", None, 1, "receipt+jwt2"])
def test_other_types_are_refused(typ: object) -> None:
    with pytest.raises(MalformedError, match="TOKEN_TYP"):
        _verify(_signed({**HEADER, "typ": typ}))


def test_key_of_another_purpose_is_refused() -> None:
    for purpose in set(KeyPurpose) - {KeyPurpose.RECEIPT}:
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            read_jws(_token(), typ="receipt+jwt", purpose=purpose, find_key=_find)


def test_signature_of_another_key_under_this_kid_is_refused() -> None:
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        _verify(_signed(HEADER, sign=VectorSigner("evil").sign))


def test_every_changed_character_is_refused() -> None:
    token = _token({"exp": SECONDS + 60, "iss": "us", "aud": "them"})
    for position, character in enumerate(token):
        for other in ("A" if character != "A" else "B", "=", " ", "."):
            if other != character:
                with pytest.raises(CertsvcError):
                    _verify(token[:position] + other + token[position + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "...",
        _token() + "=",
        _token() + "\n",
        f" {_token()}",
        _signed([]),
        _signed(b"{"),
        _signed(b'{"alg":"ES256","alg":"none"}'),
        _signed(HEADER, b"[]"),
        _signed(HEADER, b'{"exp":1,"exp":2}'),
        _signed(HEADER, b'{"a":NaN}'),
    ],
)
def test_other_forms_are_refused(token: str) -> None:
    with pytest.raises(MalformedError, match=r"TOKEN_FORM|JSON"):
        _verify(token)


def test_size_is_checked_before_anything() -> None:
    token = "a" * (MAX_TOKEN_SIZE + 1)
    with pytest.raises(MalformedError, match="TOKEN_SIZE"):
        _verify(token)
    long = _token({**CLAIMS, "more": "a" * MAX_TOKEN_SIZE})
    assert _verify(long, max_size=2 * MAX_TOKEN_SIZE)["more"]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "they"}, "CLAIM_ISSUER"),
        ({"iss": None}, "CLAIM_ISSUER"),
        ({"aud": "others"}, "CLAIM_AUDIENCE"),
        ({"aud": ["others"]}, "CLAIM_AUDIENCE"),
        ({"aud": "them and others"}, "CLAIM_AUDIENCE"),
        ({"aud": {"them": 1}}, "CLAIM_AUDIENCE"),
        ({"exp": SECONDS}, "TOKEN_EXPIRED"),
        ({"exp": SECONDS - 0.5}, "TOKEN_EXPIRED"),
        ({"exp": True}, "CLAIM_TYPE"),
        ({"exp": "2099"}, "CLAIM_TYPE"),
        ({"exp": 10**30}, "CLAIM_TYPE"),
        ({"exp": -1}, "CLAIM_TYPE"),
        ({"iat": SECONDS + 1}, "TOKEN_NOT_YET_VALID"),
        ({"nbf": SECONDS + 1}, "TOKEN_NOT_YET_VALID"),
    ],
)
def test_claims_that_do_not_fit_are_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        _verify(_token({**CLAIMS, **claims}))


def test_infinite_expiry_is_refused() -> None:
    with pytest.raises(MalformedError, match="CLAIM_TYPE"):
        _verify(_signed(HEADER, b'{"iss":"us","aud":"them","exp":1e999}'))


def test_missing_claims_are_refused() -> None:
    for name, reason in (("exp", "CLAIM_MISSING"), ("iss", "CLAIM_ISSUER"), ("aud", "CLAIM_AUDIENCE")):
        with pytest.raises(MalformedError, match=reason):
            _verify(_token({other: value for other, value in CLAIMS.items() if other != name}))


def test_audience_may_be_one_of_a_list() -> None:
    _verify(_token({**CLAIMS, "aud": ["others", "them"]}))


def test_times_are_judged_by_the_callers_clock_and_leeway() -> None:
    token = _token()
    for now in (NOW - timedelta(seconds=1), NOW + timedelta(seconds=60)):
        with pytest.raises(MalformedError, match=r"TOKEN_EXPIRED|TOKEN_NOT_YET_VALID"):
            _verify(token, now=now)
        _verify(token, now=now, leeway=timedelta(seconds=5))
    real = datetime(2000, 1, 1, tzinfo=UTC)
    assert _verify(_token({**CLAIMS, "iat": int(real.timestamp()), "exp": int(real.timestamp()) + 1}), now=real)


def test_malleable_signatures_leave_the_signed_bytes_alone() -> None:
    token = _token()
    head, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    other = f"{head}.{encode_base64url(raw[:32] + s.to_bytes(32, 'big'))}"
    assert _verify(other) == CLAIMS
    first, second = (parse_jws(text, typ="receipt+jwt") for text in (token, other))
    assert first.signed_bytes == second.signed_bytes


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {**jwk_of(SIGNER.sec1), "crv": "P-384"},
        {**jwk_of(SIGNER.sec1), "kty": "OKP"},
        {**jwk_of(SIGNER.sec1), "x": "AAAA"},
        {**jwk_of(SIGNER.sec1), "y": jwk_of(SIGNER.sec1)["x"]},
        {**jwk_of(SIGNER.sec1), "d": "AAAA"},
        {**jwk_of(SIGNER.sec1), "x": 1},
        {**jwk_of(SIGNER.sec1), "x": jwk_of(SIGNER.sec1)["x"] + "="},
    ],
)
def test_only_public_p256_keys_are_read(value: object) -> None:
    with pytest.raises(MalformedError, match=r"PUBLIC_KEY|BASE64URL"):
        sec1_of(value)


def test_jwk_round_trip_and_jwcrypto_reads_it() -> None:
    assert sec1_of(jwk_of(SIGNER.sec1)) == SIGNER.sec1
    assert jwk.JWK(**jwk_of(SIGNER.sec1)).get_op_key("verify").public_numbers() == (
        SIGNER.private_key.public_key().public_numbers()
    )
