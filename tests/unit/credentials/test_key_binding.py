"""Key binding of SD-JWT VCs: a holder's key is proven, freshly and for this verifier, or nothing counts."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from certsvc.credentials.disclosures import digest_of
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.sd_jwt import (
    TYP,
    TYP_KEY_BINDING,
    ExpectedBinding,
    bind,
    parse_sd_jwt,
    present,
    verify_sd_jwt,
)
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import MalformedError, SignatureError
from tests.vectors.samples import NOW, CountedBytes, license_vc
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("vc")
KEY = SIGNER.verification_key(KeyPurpose.VC)
HOLDER = VectorSigner("holder")
BINDING = ExpectedBinding(audience="https://agency.example", nonce="n-0S6_WzA2Mj")
NAME = ("holders", 0, "name")


def _issue(**changes: Any) -> str:
    return issue_license_vc(license_vc(**changes), signer=SIGNER, random_bytes=CountedBytes())


def _verify(text: str, *, now: datetime = NOW, **options: Any) -> dict[str, Any]:
    return verify_sd_jwt(parse_sd_jwt(text), KEY, now=now, **options)


def _signed(payload: Mapping[str, Any], disclosures: list[str]) -> str:
    payload = {"vct": "any", "exp": int(NOW.timestamp()) + 60, **payload}
    return "~".join((sign_jws(payload, typ=TYP, signer=SIGNER), *disclosures, ""))


def _bound(*, signer: VectorSigner = HOLDER, binding: ExpectedBinding = BINDING, at: datetime = NOW) -> str:
    presentation = present(_issue(holder_key=HOLDER.sec1), paths=[NAME])
    return bind(presentation, signer=signer, binding=binding, issued_at=at)


def test_bound_presentation_verifies() -> None:
    claims = _verify(_bound(), binding=BINDING)
    assert claims["cnf"] == {"jwk": jwk_of(HOLDER.sec1)}
    assert claims["holders"] == [{"name": license_vc().holders[0].name}]


def test_a_key_that_is_named_must_be_proven() -> None:
    unbound = _issue(holder_key=HOLDER.sec1)
    for text, binding in ((unbound, None), (unbound, BINDING), (_bound(), None)):
        with pytest.raises(MalformedError, match="KEY_BINDING"):
            _verify(text, binding=binding)


def test_a_proof_that_is_asked_for_must_be_there() -> None:
    with pytest.raises(MalformedError, match="KEY_BINDING"):
        _verify(_issue(), binding=BINDING)


def test_a_proof_without_a_named_key_is_refused() -> None:
    text = bind(_issue(), signer=HOLDER, binding=BINDING, issued_at=NOW)
    for binding in (None, BINDING):
        with pytest.raises(MalformedError, match="KEY_BINDING"):
            _verify(text, binding=binding)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: _bound(signer=VectorSigner("thief")), "BAD_SIGNATURE"),
        (lambda: _bound(binding=ExpectedBinding(BINDING.audience, "other")), "KEY_BINDING"),
        (lambda: _bound(binding=ExpectedBinding("https://evil.example", BINDING.nonce)), "CLAIM_AUDIENCE"),
        (lambda: _bound(at=NOW - timedelta(minutes=6)), "KEY_BINDING"),
        (lambda: _bound(at=NOW + timedelta(minutes=1)), "TOKEN_NOT_YET_VALID"),
    ],
)
def test_proofs_for_something_else_are_refused(make: Callable[[], str], reason: str) -> None:
    with pytest.raises((MalformedError, SignatureError), match=reason):
        _verify(make(), binding=BINDING)


def test_a_proof_is_bound_to_what_was_disclosed() -> None:
    proof = _bound().rpartition("~")[2]
    whole = _issue(holder_key=HOLDER.sec1)
    with pytest.raises(MalformedError, match="KEY_BINDING"):
        _verify(whole + proof, binding=BINDING)


@pytest.mark.parametrize("missing", ["iat", "aud", "nonce", "sd_hash"])
def test_a_proof_lacks_nothing(missing: str) -> None:
    presentation = present(_issue(holder_key=HOLDER.sec1), paths=[])
    claims = {
        "iat": int(NOW.timestamp()),
        "aud": BINDING.audience,
        "nonce": BINDING.nonce,
        "sd_hash": digest_of(presentation),
    }
    proof = sign_jws(claims, typ=TYP_KEY_BINDING, signer=HOLDER)
    assert _verify(presentation + proof, binding=BINDING)
    del claims[missing]
    proof = sign_jws(claims, typ=TYP_KEY_BINDING, signer=HOLDER)
    with pytest.raises(MalformedError, match=r"CLAIM_MISSING|CLAIM_AUDIENCE|KEY_BINDING"):
        _verify(presentation + proof, binding=BINDING)


@pytest.mark.parametrize("cnf", [{}, {"jwk": {}}, {"kid": "x"}, "x", {"jwk": {**jwk_of(HOLDER.sec1), "d": "AA"}}])
def test_other_confirmations_are_refused(cnf: object) -> None:
    presentation = _signed({"cnf": cnf}, [])
    text = bind(presentation, signer=HOLDER, binding=BINDING, issued_at=NOW)
    with pytest.raises(MalformedError, match="PUBLIC_KEY"):
        _verify(text, binding=BINDING)
