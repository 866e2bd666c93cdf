"""SD-JWT VC: disclosures stand for exactly one place, and a holder's key is proven or nothing counts."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.credentials.disclosures import conceal, digest_of, disclose
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.sd_jwt import (
    MAX_SIZE,
    TYP,
    ExpectedBinding,
    parse_sd_jwt,
    present,
    verify_sd_jwt,
)
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import InvalidInputError, MalformedError, SignatureError
from tests.vectors.samples import NOW, CountedBytes, license_vc
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("vc")
KEY = SIGNER.verification_key(KeyPurpose.VC)
HOLDER = VectorSigner("holder")
BINDING = ExpectedBinding(audience="https://agency.example", nonce="n-0S6_WzA2Mj")
NAME, NUMBER = ("holders", 0, "name"), ("holders", 0, "number")


def _issue(**changes: Any) -> str:
    return issue_license_vc(license_vc(**changes), signer=SIGNER, random_bytes=CountedBytes())


def _verify(text: str, *, now: datetime = NOW, **options: Any) -> dict[str, Any]:
    return verify_sd_jwt(parse_sd_jwt(text), KEY, now=now, **options)


def _signed(payload: Mapping[str, Any], disclosures: list[str]) -> str:
    payload = {"vct": "any", "exp": int(NOW.timestamp()) + 60, **payload}
    return "~".join((sign_jws(payload, typ=TYP, signer=SIGNER), *disclosures, ""))


def _disclosure(*parts: Any) -> str:
    return encode_base64url(json.dumps(parts).encode())


def test_all_claims_come_back() -> None:
    vc = license_vc()
    claims = _verify(_issue(), issuer=vc.issuer)
    assert claims == {
        "iss": vc.issuer,
        "iat": int(NOW.timestamp()),
        "exp": int(vc.expires_at.timestamp()),
        "vct": vc.vct,
        "identifier": vc.identifier,
        "license_type": {"code": vc.type_code, "name": vc.type_name},
        "agency": {"id": vc.agency_id, "name": vc.agency_name},
        "valid_from": "2026-11-01",
        "valid_until": "2036-10-31",
        "trust_grade": "A",
        "status": {"status_list": {"idx": vc.status_index, "uri": vc.status_uri}},
        "holders": [{"name": vc.holders[0].name, "number": vc.holders[0].number, "kind": "CREDIT_CODE"}],
        "fields": dict(vc.fields),
    }


def test_open_ended_licenses_have_no_last_day_and_need_no_fields() -> None:
    claims = _verify(_issue(valid_until=None, fields={}))
    assert "valid_until" not in claims
    assert claims["fields"] == {}


def test_nothing_personal_is_in_the_signed_part() -> None:
    payload = decode_base64url(_issue().split(".")[1]).decode()
    vc = license_vc()
    for secret in (vc.holders[0].name, vc.holders[0].number, "CREDIT_CODE", "legal_representative", "李四光"):
        assert secret not in payload
    assert json.loads(payload)["_sd_alg"] == "sha-256"


def test_order_of_digests_says_nothing() -> None:
    payload = json.loads(decode_base64url(_issue().split(".")[1]))
    for digests in (payload["holders"][0]["_sd"], payload["fields"]["_sd"]):
        assert digests == sorted(digests)


def test_every_disclosure_has_a_salt_of_its_own() -> None:
    disclosures = _issue().split("~")[1:-1]
    salts = [json.loads(decode_base64url(text))[0] for text in disclosures]
    assert len(set(salts)) == len(disclosures) == 6
    assert all(len(decode_base64url(salt)) == 16 for salt in salts)


def test_presenting_a_part_shows_that_part_only() -> None:
    presentation = present(_issue(), paths=[NAME, ("fields", "capital")])
    claims = _verify(presentation)
    assert claims["holders"] == [{"name": license_vc().holders[0].name}]
    assert claims["fields"] == {"capital": {"amount": 5000, "currency": "CNY"}}
    assert len(presentation.split("~")) == 4
    assert parse_sd_jwt(presentation).digest == parse_sd_jwt(_issue()).digest


def test_presenting_nothing_still_verifies() -> None:
    claims = _verify(present(_issue(), paths=[]))
    assert claims["holders"] == [{}]
    assert claims["fields"] == {}


def test_nothing_can_be_presented_that_is_not_there() -> None:
    partial = present(_issue(), paths=[NAME])
    for path in (NUMBER, ("fields", "nothing"), ("identifier",)):
        with pytest.raises(MalformedError, match="SD_PATH"):
            present(partial, paths=[path])


def test_inner_disclosures_bring_the_ones_around_them() -> None:
    inner = _disclosure("s1", "street", "中山路")
    outer = _disclosure("s2", "address", {"_sd": [digest_of(inner)], "city": "海岱"})
    text = _signed({"_sd": [digest_of(outer)]}, [outer, inner])
    assert _verify(text)["address"] == {"city": "海岱", "street": "中山路"}
    assert present(text, paths=[("address", "street")]) == text
    assert _verify(present(text, paths=[("address",)]))["address"] == {"city": "海岱"}


def test_elements_of_arrays_are_disclosed_one_by_one() -> None:
    elements = [_disclosure(f"s{number}", number) for number in range(3)]
    payload = {"numbers": [{"...": digest_of(elements[0])}, {"...": digest_of(elements[1])}, "fixed", {"...": "decoy"}]}
    text = _signed(payload, elements[:2])
    assert _verify(text)["numbers"] == [0, 1, "fixed"]
    assert _verify(present(text, paths=[("numbers", 1)]))["numbers"] == [1, "fixed"]


@given(st.dictionaries(st.text(min_size=1).filter(lambda n: n not in ("_sd", "...")), st.integers() | st.text()))
def test_conceal_and_disclose_round_trip(claims: dict[str, Any]) -> None:
    digests, disclosures = conceal(claims, random_bytes=CountedBytes())
    assert disclose({"inner": digests}, disclosures).claims == {"inner": claims}


A, B = _disclosure("s", "a", 1), _disclosure("s", "b", 2)


@pytest.mark.parametrize(
    ("payload", "disclosures", "reason"),
    [
        ({}, [A], "SD_UNREFERENCED"),
        ({"_sd": [digest_of(B)]}, [A], "SD_UNREFERENCED"),
        ({"_sd": [digest_of(A)]}, [A, A], "SD_DISCLOSURE"),
        ({"_sd": [digest_of(A), digest_of(A)]}, [A], "SD_DIGEST"),
        ({"_sd": [digest_of(A)], "inner": {"_sd": [digest_of(A)]}}, [A], "SD_DIGEST"),
        ({"_sd": ["decoy", "decoy"]}, [], "SD_DIGEST"),
        ({"_sd": digest_of(A)}, [A], "SD_DIGEST"),
        ({"_sd": [1]}, [], "SD_DIGEST"),
        ({"list": [{"...": digest_of(A), "more": 1}]}, [A], "SD_DIGEST"),
        ({"list": [{"...": 1}]}, [], "SD_DIGEST"),
        ({"list": [{"...": digest_of(A)}]}, [A], "SD_DISCLOSURE"),
        ({"_sd": [digest_of(_disclosure("s", 1))]}, [_disclosure("s", 1)], "SD_DISCLOSURE"),
        ({"_sd": [digest_of(_disclosure("s", "a", 1, 2))]}, [_disclosure("s", "a", 1, 2)], "SD_DISCLOSURE"),
        ({"_sd": [digest_of(_disclosure(1, "a", 1))]}, [_disclosure(1, "a", 1)], "SD_DISCLOSURE"),
        ({"_sd": [digest_of(_disclosure("s", 1, 1))]}, [_disclosure("s", 1, 1)], "SD_DISCLOSURE"),
        ({"a": 0, "_sd": [digest_of(A)]}, [A], "SD_NAME"),
        ({"_sd": [digest_of(A), digest_of(_disclosure("t", "a", 2))]}, [A, _disclosure("t", "a", 2)], "SD_NAME"),
        ({"_sd": [digest_of(_disclosure("s", "_sd", []))]}, [_disclosure("s", "_sd", [])], "SD_NAME"),
        ({"_sd": [digest_of(_disclosure("s", "...", 1))]}, [_disclosure("s", "...", 1)], "SD_NAME"),
        ({"inner": {"...": "x"}}, [], "SD_NAME"),
        ({"inner": {"_sd_alg": "sha-256"}}, [], "SD_NAME"),
        ({"_sd_alg": "sha-512"}, [], "SD_ALG"),
        ({"_sd_alg": "md5"}, [], "SD_ALG"),
        ({"_sd_alg": None}, [], "SD_ALG"),
        ({"_sd": [digest_of(_disclosure("s", "vct", "x"))]}, [_disclosure("s", "vct", "x")], "SD_NAME"),
        ({"_sd": [digest_of(_disclosure("s", "status", {}))]}, [_disclosure("s", "status", {})], "SD_NAME"),
        ({"_sd": [digest_of(_disclosure("s", "cnf", {}))]}, [_disclosure("s", "cnf", {})], "SD_NAME"),
        ({"a": json.loads("[" * 20 + "]" * 20)}, [], "SD_DEPTH"),
        ({"a": json.loads("[" * 400 + "]" * 400)}, [], "SD_DEPTH"),
    ],
)
def test_disclosures_and_digests_that_do_not_fit_are_refused(
    payload: dict[str, Any], disclosures: list[str], reason: str
) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_sd_jwt(_signed(payload, disclosures))


@pytest.mark.parametrize(
    "text", ["", "~", "a.b.c", "a.b.c~", _issue().rstrip("~"), _issue().replace("~", "~~", 1), _issue() + "é"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"SD_FORM|TOKEN_FORM|SD_UNREFERENCED|JSON"):
        parse_sd_jwt(text)


@given(st.text(max_size=200))
def test_reader_is_total(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_sd_jwt(text)


def test_size_is_checked_first_and_when_issuing() -> None:
    with pytest.raises(MalformedError, match="SD_SIZE"):
        parse_sd_jwt("~" * (MAX_SIZE + 1))
    with pytest.raises(InvalidInputError, match="65536 characters"):
        _issue(fields={"long": "长" * MAX_SIZE})


def test_every_changed_disclosure_is_refused() -> None:
    jwt, first, *others = _issue().split("~")
    for position in range(0, len(first), 7):
        changed = first[:position] + ("A" if first[position] != "A" else "B") + first[position + 1 :]
        with pytest.raises(MalformedError):
            parse_sd_jwt("~".join((jwt, changed, *others)))


def test_signature_key_type_and_times_count() -> None:
    text = _issue()
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        verify_sd_jwt(parse_sd_jwt(text), VectorSigner("evil").verification_key("vc"), now=NOW)
    for purpose in set(KeyPurpose) - {KeyPurpose.VC}:
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            verify_sd_jwt(parse_sd_jwt(text), SIGNER.verification_key(purpose), now=NOW)
    with pytest.raises(MalformedError, match="CLAIM_ISSUER"):
        _verify(text, issuer="https://evil.example")
    for now in (NOW - timedelta(seconds=1), license_vc().expires_at):
        with pytest.raises(MalformedError, match=r"TOKEN_EXPIRED|TOKEN_NOT_YET_VALID"):
            _verify(text, now=now)
        assert _verify(text, now=now, check_times=False)
    with pytest.raises(MalformedError, match="TOKEN_TYP"):
        parse_sd_jwt(sign_jws({"vct": "x"}, typ="vc+sd-jwt", signer=SIGNER) + "~")
    with pytest.raises(MalformedError, match="CLAIM_MISSING"):
        _verify(_signed({"vct": None}, []))


def test_lifetime_and_reserved_names_are_checked_when_issuing() -> None:
    for expires_at in (NOW, NOW + timedelta(days=30, seconds=1)):
        with pytest.raises(InvalidInputError, match="expires_at"):
            _issue(expires_at=expires_at)
    assert _issue(expires_at=NOW + timedelta(days=30))
    for name in ("_sd", "...", "_sd_alg"):
        with pytest.raises(InvalidInputError, match="fields"):
            _issue(fields={name: 1})
