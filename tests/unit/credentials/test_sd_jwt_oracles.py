"""Our SD-JWT VCs and status lists before those of others, both ways: PyPI `sd-jwt`, npm `@sd-jwt/*`."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from certsvc.credentials.base64url import encode_base64url
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.sd_jwt import ExpectedBinding, bind, parse_sd_jwt, present, verify_sd_jwt
from certsvc.credentials.status_list import StatusList, StatusListToken, sign_status_list_jwt
from certsvc.credentials.type_metadata import type_metadata
from certsvc.domain.license_type import (
    FieldSpec,
    HolderKind,
    IssuerRule,
    LicenseType,
    TypeState,
    ValidityKind,
    ValidityRule,
)
from certsvc.domain.signing_key import KeyPurpose
from certsvc.domain.text import LocalizedText
from tests.oracles.ask import ask_node
from tests.vectors.samples import NOW, TYPE_CODE, CountedBytes, license_vc
from tests.vectors.signers import VectorSigner

SIGNER, HOLDER, STATUS_SIGNER = VectorSigner("vc"), VectorSigner("holder"), VectorSigner("status")
KEY = SIGNER.verification_key(KeyPurpose.VC)
BINDING = ExpectedBinding(audience="https://agency.example", nonce="n-0S6_WzA2Mj")
PATHS: list[tuple[str | int, ...]] = [("holders", 0, "name"), ("fields", "capital")]
VC = license_vc()
METADATA = type_metadata(
    LicenseType(
        code=TYPE_CODE,
        version=1,
        name=LocalizedText("营业执照", "Business license"),
        holder_kinds=frozenset({HolderKind.LEGAL}),
        min_holders=1,
        max_holders=1,
        schema={},
        fields=tuple(FieldSpec(name, LocalizedText(name)) for name in VC.fields),
        issuers=IssuerRule(),
        validity=ValidityRule(ValidityKind.EITHER),
        state=TypeState.PUBLISHED,
        created_at=NOW,
    ),
    vct=VC.vct,
)


def _issue(**changes: Any) -> str:
    return issue_license_vc(license_vc(**changes), signer=SIGNER, random_bytes=CountedBytes())


def _bound() -> str:
    presentation = present(_issue(holder_key=HOLDER.sec1), paths=PATHS)
    return bind(presentation, signer=HOLDER, binding=BINDING, issued_at=NOW)


def _private_jwk(signer: VectorSigner) -> dict[str, str]:
    scalar = signer.private_key.private_numbers().private_value.to_bytes(32, "big")
    return {**jwk_of(signer.sec1), "d": encode_base64url(scalar)}


def _status_list(status: int) -> str:
    token = StatusListToken(
        uri=VC.status_uri,
        statuses=StatusList.of({VC.status_index: status}),
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        ttl=timedelta(seconds=60),
    )
    return sign_status_list_jwt(token, signer=STATUS_SIGNER)


def _verify_in_javascript(
    credential: str, *, status: int = 0, nonce: str | None = None, **changes: Any
) -> dict[str, Any]:
    request = {
        "credential": credential,
        "key": jwk_of(SIGNER.sec1),
        "statusKey": jwk_of(STATUS_SIGNER.sec1),
        "statusLists": {VC.status_uri: _status_list(status)},
        "types": {VC.vct: METADATA},
        "nonce": nonce,
        "now": int(NOW.timestamp()),
        **changes,
    }
    return ask_node("sd_jwt_vc.mjs", "verify", **{name: value for name, value in request.items() if value is not None})


def test_javascript_verifies_ours_with_its_status_and_type() -> None:
    answer = _verify_in_javascript(_issue())
    assert answer["payload"] == verify_sd_jwt(parse_sd_jwt(_issue()), KEY, now=NOW)


def test_javascript_verifies_a_bound_presentation() -> None:
    answer = _verify_in_javascript(_bound(), nonce=BINDING.nonce)
    assert answer["payload"] == verify_sd_jwt(parse_sd_jwt(_bound()), KEY, now=NOW, binding=BINDING)
    assert answer["bound"]["aud"] == BINDING.audience


@pytest.mark.parametrize("status", [1, 2, 3])
def test_javascript_sees_every_status_that_is_not_valid(status: int) -> None:
    assert "Status is not valid" in _verify_in_javascript(_issue(), status=status)["refused"]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": jwk_of(HOLDER.sec1)},
        {"statusKey": jwk_of(SIGNER.sec1)},
        {"now": int(VC.expires_at.timestamp()) + 1},
        {"credential": _bound(), "nonce": "another nonce"},
    ],
)
def test_javascript_refuses_what_does_not_fit(changes: dict[str, Any]) -> None:
    assert set(_verify_in_javascript(**{"credential": _issue(), **changes})) == {"refused"}


def test_we_verify_what_javascript_issues_and_binds() -> None:
    claims = {
        "iss": VC.issuer,
        "vct": VC.vct,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
        "name": "海岱公司",
        "address": {"street": "中山路", "city": "海岱"},
        "cnf": {"jwk": jwk_of(HOLDER.sec1)},
    }
    answer = ask_node(
        "sd_jwt_vc.mjs",
        "issue",
        claims=claims,
        frame={"_sd": ["name"], "address": {"_sd": ["street", "city"], "_sd_decoy": 2}},
        key=_private_jwk(SIGNER),
        kid=SIGNER.kid,
        holderKey=_private_jwk(HOLDER),
        presentation={"name": True, "address": {"city": True}},
        binding={"iat": int(NOW.timestamp()), "aud": BINDING.audience, "nonce": BINDING.nonce},
    )
    verified = verify_sd_jwt(parse_sd_jwt(answer["credential"]), KEY, now=NOW, binding=BINDING)
    assert verified == {**claims, "address": {"city": "海岱"}}


def test_javascript_reads_our_status_list() -> None:
    answer = ask_node(
        "sd_jwt_vc.mjs", "statuses", token=_status_list(3), indices=[0, VC.status_index, VC.status_index + 1]
    )
    assert answer == {"size": 2**17, "statuses": [0, 3, 0]}


def _jwk(signer: VectorSigner) -> JWK:
    return JWK(**_private_jwk(signer), kid=signer.kid)


def _public_jwk(issuer: str, header: dict[str, Any]) -> JWK:
    assert header["kid"] == SIGNER.kid
    return JWK(**jwk_of(SIGNER.sec1))


Verify = Callable[..., dict[str, Any]]


def test_python_oracle_verifies_ours() -> None:
    verified = SDJWTVerifier(_issue(), _public_jwk).get_verified_payload()
    assert verified == verify_sd_jwt(parse_sd_jwt(_issue()), KEY, now=NOW)


def test_python_oracle_verifies_a_bound_presentation() -> None:
    verifier = SDJWTVerifier(_bound(), _public_jwk, BINDING.audience, BINDING.nonce)
    assert verifier.get_verified_payload() == verify_sd_jwt(parse_sd_jwt(_bound()), KEY, now=NOW, binding=BINDING)


def test_python_oracle_refuses_a_bound_presentation_for_another() -> None:
    with pytest.raises(ValueError, match="nonce"):
        SDJWTVerifier(_bound(), _public_jwk, BINDING.audience, "another nonce")


def test_we_verify_what_the_python_oracle_issues_and_binds() -> None:
    claims = {
        "iss": VC.issuer,
        "vct": VC.vct,
        "exp": int(NOW.timestamp()) + 60,
        SDObj("name"): "海岱公司",
        "numbers": [SDObj(1), 2, SDObj(3)],
        "nested": {SDObj("inner"): {SDObj("most"): True}},
    }
    issuer = SDJWTIssuer(
        claims,
        _jwk(SIGNER),
        JWK(**jwk_of(HOLDER.sec1)),
        sign_alg="ES256",
        add_decoy_claims=True,
        extra_header_parameters={"kid": SIGNER.kid, "typ": "dc+sd-jwt"},
    )
    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(
        {"name": True, "numbers": [False, False, True], "nested": {"inner": {"most": True}}},
        BINDING.nonce,
        BINDING.audience,
        _jwk(HOLDER),
        sign_alg="ES256",
    )
    parsed = parse_sd_jwt(holder.sd_jwt_presentation)
    proof = parsed.key_binding
    assert proof is not None
    # The oracle's holder goes by the machine's clock; what it signed is judged at the time that it says.
    now = NOW.fromtimestamp(proof.claims["iat"], NOW.tzinfo)
    verified = verify_sd_jwt(parsed, KEY, now=now, binding=BINDING, check_times=False)
    assert json.loads(json.dumps(verified)) == {
        "iss": VC.issuer,
        "vct": VC.vct,
        "exp": int(NOW.timestamp()) + 60,
        "name": "海岱公司",
        "numbers": [2, 3],
        "nested": {"inner": {"most": True}},
        "cnf": {"jwk": jwk_of(HOLDER.sec1)},
    }
