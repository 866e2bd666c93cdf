"""A table of attacks with callers' tokens, none of which gets in (THREATS T5, T6; RFC 8725)."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials.caller_token import TYP
from certsvc.domain.agency import CallerKind, ClientKey
from certsvc.errors import DataIntegrityError
from tests.unit.credentials.caller_tokens import (
    AGENCY,
    AUDIENCE,
    MINE,
    NOW,
    OTHER,
    SECONDS,
    b64,
    forged,
    make,
    read,
    refusal,
    sound_claims,
)


@dataclass(frozen=True)
class Attack:
    """A token that must not get in, and the reason that it is answered with."""

    name: str
    reason: str
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    drop: str = ""
    sign: Callable[[bytes], bytes] = MINE.sign


def _public_pem() -> bytes:
    public_key = MINE.private_key.public_key()
    return public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def _flip(data: bytes) -> bytes:
    signature = bytearray(MINE.sign(data))
    signature[40] ^= 1
    return bytes(signature)


FOREIGN_JWK = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}

BAD_KIDS: list[object] = [7, [MINE.kid], {}]
BAD_AUDIENCES: list[object] = [
    AUDIENCE + "/",
    "HTTPS://register.example",
    "",
    None,
    [AUDIENCE],
    [AUDIENCE, "b"],
    {},
    7,
]
BAD_TIMES: list[object] = [SECONDS + 0.5, 1e300, str(SECONDS), None, True, [SECONDS], {}]
BAD_TEXTS: list[object] = ["", None, 7, True, [AGENCY], {}]

ATTACKS = [
    # The algorithm (RFC 8725 §2.1, §3.1).
    *(
        Attack(f"alg {alg}", "TOKEN_MALFORMED", header={"alg": alg}, sign=lambda _: b"x")
        for alg in ("none", "None", "NONE", "nOnE", "", "ES384", "ES512", "ES256K", "EdDSA", "RS256", "PS256")
    ),
    *(
        Attack(f"alg {alg!r}", "TOKEN_MALFORMED", header={"alg": alg})
        for alg in (None, 7, ["ES256"], {"ES256": 1}, True, "es256", "ES256 ")
    ),
    Attack("HS256, public PEM", "TOKEN_MALFORMED", header={"alg": "HS256"}, sign=_hs256(_public_pem())),
    Attack("HS256, public point", "TOKEN_MALFORMED", header={"alg": "HS256"}, sign=_hs256(MINE.public_key)),
    Attack("HMAC as ES256", "TOKEN_SIGNATURE", sign=_hs256(MINE.public_key)),
    Attack("no alg", "TOKEN_MALFORMED", drop="alg"),
    # The signature.
    Attack("another registered key", "TOKEN_SIGNATURE", sign=OTHER.sign),
    Attack("another kid", "TOKEN_SIGNATURE", header={"kid": OTHER.kid}),
    Attack("one bit of the signature", "TOKEN_SIGNATURE", sign=_flip),
    Attack("zero signature", "TOKEN_SIGNATURE", sign=lambda _: bytes(64)),
    Attack("short signature", "TOKEN_SIGNATURE", sign=lambda data: MINE.sign(data)[:63]),
    Attack("long signature", "TOKEN_SIGNATURE", sign=lambda data: MINE.sign(data) + b"\0"),
    Attack("DER signature", "TOKEN_SIGNATURE", sign=lambda data: b"\x30\x45" + MINE.sign(data)),
    # The kid (THREATS T6).
    *(
        Attack(f"kid {kid[:20]!r}", reason, header={"kid": kid})
        for kid, reason in [
            ("0" * 16, "KEY_UNKNOWN"),
            (MINE.kid.upper(), "KEY_UNKNOWN"),
            (MINE.kid + "0", "KEY_UNKNOWN"),
            (MINE.kid[:15], "KEY_UNKNOWN"),
            ("", "TOKEN_MALFORMED"),
            ("../../etc/passwd", "TOKEN_MALFORMED"),
            ("' or 1=1 --", "TOKEN_MALFORMED"),
            (MINE.kid + "\0", "TOKEN_MALFORMED"),
            (MINE.kid + "\n", "TOKEN_MALFORMED"),
            ("http://evil.example/", "TOKEN_MALFORMED"),
            ("٠" * 16, "TOKEN_MALFORMED"),
            ("k" * 1000, "TOKEN_MALFORMED"),
        ]
    ),
    *(Attack(f"kid {kid!r}", "TOKEN_MALFORMED", header={"kid": kid}) for kid in BAD_KIDS),
    Attack("no kid", "KEY_UNKNOWN", drop="kid"),
    # Keys and extensions in the header (RFC 8725 §3.10).
    *(
        Attack(f"header {name}", "TOKEN_MALFORMED", header={name: value}, sign=OTHER.sign)
        for name, value in [
            ("jwk", FOREIGN_JWK),
            ("jku", "http://127.0.0.1/keys"),
            ("x5u", "http://127.0.0.1/cert"),
            ("x5c", ["AA=="]),
            ("crit", ["exp"]),
            ("crit", []),
            ("b64", False),
            ("zip", "DEF"),
        ]
    ),
    # The type (RFC 8725 §3.11).
    *(
        Attack(f"typ {typ!r}", "TOKEN_MALFORMED", header={"typ": typ})
        for typ in ("JWT", "at+jwt", "dc+sd-jwt", "keyflags+jwt", "certsvc-caller", "", None, 7, [TYP])
    ),
    Attack("no typ", "TOKEN_MALFORMED", drop="typ"),
    # The audience.
    *(Attack(f"aud {audience!r}", "TOKEN_AUDIENCE", claims={"aud": audience}) for audience in BAD_AUDIENCES),
    Attack("no aud", "TOKEN_AUDIENCE", drop="aud"),
    # The times.
    Attack("exp after 301 s", "TOKEN_MALFORMED", claims={"exp": SECONDS + 301}),
    Attack("exp after a year", "TOKEN_MALFORMED", claims={"exp": SECONDS + 31_536_000}),
    Attack("exp at iat", "TOKEN_MALFORMED", claims={"exp": SECONDS}),
    Attack("exp before iat", "TOKEN_MALFORMED", claims={"exp": SECONDS - 1}),
    Attack("future iat", "TOKEN_NOT_YET_VALID", claims={"iat": SECONDS + 31, "exp": SECONDS + 300}),
    Attack("far future", "TOKEN_NOT_YET_VALID", claims={"iat": 10**18, "exp": 10**18 + 300}),
    Attack("beyond float", "TOKEN_NOT_YET_VALID", claims={"iat": 10**400, "exp": 10**400 + 300}),
    Attack("nbf beyond float", "TOKEN_NOT_YET_VALID", claims={"nbf": 10**400}),
    Attack("past", "TOKEN_EXPIRED", claims={"iat": SECONDS - 300, "exp": SECONDS}),
    Attack("before time", "TOKEN_EXPIRED", claims={"iat": -(10**400), "exp": -(10**400) + 300}),
    *(
        Attack(f"{name} {value!r}", "TOKEN_MALFORMED", claims={name: value})
        for name in ("iat", "exp", "nbf")
        for value in BAD_TIMES
    ),
    *(Attack(f"no {name}", "TOKEN_MALFORMED", drop=name) for name in ("iat", "exp")),
    # Who, for whom, which.
    *(
        Attack(f"{name} {value!r}", "TOKEN_MALFORMED", claims={name: value})
        for name in ("iss", "sub", "jti")
        for value in BAD_TEXTS
    ),
    *(Attack(f"no {name}", "TOKEN_MALFORMED", drop=name) for name in ("iss", "sub", "jti")),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_attack_gets_in(attack: Attack) -> None:
    token = forged(header=attack.header, claims=attack.claims, drop=attack.drop, sign=attack.sign)

    assert refusal(token).reason == attack.reason


def test_the_forge_makes_a_good_token_when_asked_for_nothing_bad() -> None:
    assert read(forged()).officer_id == "clerk-7"


def _mutations(token: str) -> list[str]:
    header, claims, signature = token.split(".")
    return [
        "",
        ".",
        "..",
        header,
        f"{header}.{claims}",
        f"{header}.{claims}.",
        f".{claims}.{signature}",
        f"{header}..{signature}",
        f"{token}.",
        f"{token}.{signature}",
        f"{token}=",
        f" {token}",
        f"{token}\n",
        f"Bearer {token}",
        token.replace("_", "/").replace("-", "+") + "+",
        f"{header}.{claims[:-1]}.{signature}",
        f"{b64(b'[]')}.{claims}.{signature}",
        f"{b64(b'null')}.{claims}.{signature}",
        f"{b64(bytes([0xFF, 0xFE]))}.{claims}.{signature}",
        f"{b64(b'[' * 1000)}.{claims}.{signature}",
        json.dumps({"payload": claims, "protected": header, "signature": signature}),
        "証明書" * 10,
        "\ud800",
        "\0" * 10,
        "a" * 10_000_000,
        token + "A" * 10_000_000,
    ]


@pytest.mark.parametrize("text", _mutations(make()), ids=lambda text: repr(text[:12]))
def test_texts_that_are_no_token(text: str) -> None:
    assert refusal(text).reason == "TOKEN_MALFORMED"


@pytest.mark.parametrize(
    "payload", [b"[]", b"null", b"7", b"", b"{", b"{}x", b'{"iss":"a","iss":"b"}', b"[" * 900, b"\xff"]
)
def test_signed_payloads_that_are_no_object(payload: bytes) -> None:
    assert refusal(forged(payload=payload)).reason == "TOKEN_MALFORMED"


def test_a_claim_stated_twice_is_refused() -> None:
    payload = json.dumps(sound_claims()).encode()[:-1] + b', "sub": "director"}'

    assert refusal(forged(payload=payload)).reason == "TOKEN_MALFORMED"


def test_strangers_learn_no_more_than_that() -> None:
    unknown = refusal(forged(header={"kid": "0" * 16}))
    bad_signature = refusal(forged(sign=OTHER.sign))

    assert unknown.message == bad_signature.message


def test_only_kids_of_the_right_form_are_looked_up() -> None:
    asked: list[str] = []

    def find_key(key_id: str) -> None:
        asked.append(key_id)

    for kid in ["../../etc/passwd", "k" * 16, "0" * 17, "", MINE.kid.upper(), MINE.kid]:
        refusal(forged(header={"kid": kid}), find_key=find_key)

    assert asked == [MINE.kid]


@pytest.mark.parametrize("public_key", [OTHER.public_key, b"", bytes(65)], ids=["another key", "empty", "no point"])
def test_a_public_key_exchanged_in_the_store_opens_no_door(public_key: bytes) -> None:
    exchanged = ClientKey(MINE.kid, CallerKind.AGENCY, AGENCY, public_key, NOW, NOW + timedelta(days=1))
    token = forged(sign=OTHER.sign)

    with pytest.raises(DataIntegrityError) as refused:
        read(token, find_key={MINE.kid: exchanged}.get)

    assert refused.value.reason == "CLIENT_KEY_CHANGED"


@given(st.text(max_size=300))
def test_no_text_gets_in_or_breaks_the_reader(text: str) -> None:
    assert refusal(text).reason == "TOKEN_MALFORMED"


@given(st.data())
def test_no_changed_character_gets_in(data: st.DataObject) -> None:
    token = make()
    position = data.draw(st.integers(0, len(token.rpartition(".")[0]) - 1))
    character = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = token[:position] + character + token[position + 1 :]

    if changed != token:
        assert refusal(changed).reason in {"TOKEN_MALFORMED", "KEY_UNKNOWN", "TOKEN_SIGNATURE"}


def test_errors_show_nothing_of_the_token() -> None:
    for token in [forged(sign=OTHER.sign), forged(claims={"aud": "secret-audience"}), make()[:-4]]:
        error = refusal(token)
        assert "secret" not in f"{error!r}"
        assert token.split(".")[2][:20] not in f"{error!r}"
