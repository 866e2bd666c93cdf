"""Verdicts without a network: every state of key, status and dates that a bundle can tell, and bundles not to trust."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certsvc.client import OfflineVerifier
from certsvc.client.anchor import anchor_of, load_anchor
from certsvc.credentials import qr_code
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.key_set import PublishedKey, jwk_set
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.offline_bundle import BundledStatusList, OfflineBundle, seal_bundle
from certsvc.credentials.status_list import StatusList
from certsvc.domain.license_code import CodeHolder
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.domain.verdict import CheckName, CheckResult, Verdict
from certsvc.errors import InvalidInputError, MalformedError, NotFoundError, SignatureError
from tests.vectors.samples import (
    AGENCY_ID,
    COMPANY,
    CREDIT_CODE,
    IDENTIFIER,
    NOW,
    TYPE_CODE,
    VERIFY_URL,
    CountedBytes,
    license_code,
    license_vc,
)
from tests.vectors.signers import VectorSigner

ISSUER = "https://zz.example.gov.cn"
LICENSE, VC, BUNDLE, OTHER = (VectorSigner(f"offline {name}") for name in ("license", "vc", "bundle", "other"))
INDEX = 77_777
TYPE = {
    "vct": f"{ISSUER}/types/{TYPE_CODE}/1",
    "certsvc": {
        "code": TYPE_CODE,
        "version": 1,
        "name": {"zh": "营业执照", "en": "Business license"},
        "fields": [
            {"name": "legal_representative", "qr_key": 1, "label": {"zh": "法定代表人", "en": "Representative"}},
            {"name": "founding_date", "qr_key": 2, "label": {"zh": "成立日期", "en": "Founded"}},
            {"name": "address", "qr_key": None, "label": {"zh": "住所", "en": "Address"}},
        ],
    },
}


class FixedClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


def _key(signer: VectorSigner, purpose: KeyPurpose, **changes: Any) -> SigningKey:
    activated = NOW - timedelta(days=30)
    sound = replace(
        signer.record(purpose),
        created_at=activated,
        published_at=activated,
        activated_at=activated,
        signing_until=NOW + timedelta(days=60),
    )
    return replace(sound, **changes)


def _bundle(
    *, status: int = 0, license_key: dict[str, Any] | None = None, lists: bool = True, **changes: Any
) -> OfflineBundle:
    statuses = StatusList.of({INDEX: status})
    keys = (_key(LICENSE, KeyPurpose.LICENSE, **(license_key or {})), _key(VC, KeyPurpose.VC))
    sound = OfflineBundle(
        issuer=ISSUER,
        issued_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(hours=23),
        version=7,
        keys=tuple(PublishedKey(key, None) for key in keys),
        types=(TYPE,),
        agencies={AGENCY_ID: LocalizedText("海岱市市场监督管理局", "Haidai")},
        status_lists={0: BundledStatusList(statuses, NOW - timedelta(minutes=90))} if lists else {},
    )
    return replace(sound, **changes)


def _anchor(signer: VectorSigner = BUNDLE, **more: str) -> bytes:
    return json.dumps({**jwk_of(signer.sec1), **more}).encode()


def _verifier(bundle: OfflineBundle | None = None, *, now: datetime = NOW, **more: Any) -> OfflineVerifier:
    sealed = seal_bundle(bundle or _bundle(), signer=BUNDLE).encode()
    return OfflineVerifier(sealed, anchor=_anchor(), clock=FixedClock(now), **more)


def _text(signer: VectorSigner = LICENSE, **changes: Any) -> str:
    return qr_code.text_of(qr_code.sign_code(license_code(**changes), signer=signer), verify_url=VERIFY_URL)


def _vc(**changes: Any) -> str:
    return issue_license_vc(license_vc(**changes), signer=VC, random_bytes=CountedBytes())


FORMS = [pytest.param(_text, id="QR code"), pytest.param(_vc, id="SD-JWT VC")]


@pytest.mark.parametrize("make", FORMS)
def test_a_good_credential_is_valid_with_registration_not_checked(make: Any) -> None:
    result = _verifier().verify(make())
    assert result.judgement.verdict is Verdict.VALID
    results = {check.name: check.result for check in result.judgement.checks}
    assert results.pop(CheckName.REGISTRATION) is CheckResult.NOT_CHECKED
    assert set(results.values()) == {CheckResult.PASS}
    assert result.knowledge_age == timedelta(minutes=90)
    assert result.foreign_host == ""


@pytest.mark.parametrize("make", FORMS)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [(1, Verdict.REVOKED), (2, Verdict.SUSPENDED), (3, Verdict.SUPERSEDED)],
)
def test_the_status_list_decides(make: Any, status: int, verdict: Verdict) -> None:
    assert _verifier(_bundle(status=status)).verify(make()).judgement.verdict is verdict


@pytest.mark.parametrize("make", FORMS)
def test_an_unknown_status_is_unconfirmed(make: Any) -> None:
    assert _verifier(_bundle(lists=False)).verify(make()).judgement.verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"state": KeyState.WITHDRAWN}, Verdict.UNKNOWN_SIGNER, "KEY_WITHDRAWN"),
        ({"development": True}, Verdict.UNKNOWN_SIGNER, "DEVELOPMENT_KEY"),
        ({"state": KeyState.COMPROMISED, "compromised_since": NOW}, Verdict.KEY_COMPROMISED, "KEY_COMPROMISED"),
        ({"state": KeyState.SUSPENDED}, Verdict.UNCONFIRMED, "KEY_SUSPENDED"),
        ({"state": KeyState.PRE_ACTIVE, "activated_at": None}, Verdict.UNCONFIRMED, "KEY_NOT_ACTIVATED_YET"),
        ({"state": KeyState.DEACTIVATED, "deactivated_at": NOW - timedelta(days=1)}, Verdict.WRONG_SIGNER,
         "OUTSIDE_SIGNING_WINDOW"),
        ({"type_codes": ("119900009999000119014",)}, Verdict.WRONG_SIGNER, "KEY_SCOPE"),
    ],
)  # fmt: skip
def test_the_keys_life_and_scope_decide(changes: dict[str, Any], verdict: Verdict, reason: str) -> None:
    judgement = _verifier(_bundle(license_key=changes)).verify(_text()).judgement
    assert judgement.verdict is verdict
    assert reason in {check.reason for check in judgement.checks}


def test_development_keys_count_only_where_they_are_asked_for() -> None:
    verifier = _verifier(_bundle(license_key={"development": True}), allow_development=True)
    assert verifier.verify(_text()).judgement.verdict is Verdict.VALID


def test_a_key_that_the_bundle_does_not_have_is_unknown() -> None:
    result = _verifier().verify(_text(OTHER))
    assert result.judgement.verdict is Verdict.UNKNOWN_SIGNER
    assert result.shown is None


@pytest.mark.parametrize("make", FORMS)
def test_a_key_of_another_purpose_signs_nothing(make: Any) -> None:
    swapped = (_key(LICENSE, KeyPurpose.VC), _key(VC, KeyPurpose.LICENSE))
    bundle = _bundle(keys=tuple(PublishedKey(key, None) for key in swapped))
    result = _verifier(bundle).verify(make())
    assert result.judgement.verdict is Verdict.BAD_SIGNATURE
    assert result.shown is None


def test_a_changed_code_shows_nothing() -> None:
    raw = qr_code.sign_code(license_code(), signer=LICENSE)
    changed = raw.replace("李四光".encode(), "李四方".encode())
    result = _verifier().verify(qr_code.text_of(changed, verify_url=VERIFY_URL))
    assert changed != raw
    assert result.judgement.verdict is Verdict.BAD_SIGNATURE
    assert result.shown is None


@pytest.mark.parametrize("text", ["", "hello", "https://example.org/q#0123", "a~b", "ä~", "1" * 5000])
def test_whatever_else_is_malformed(text: str) -> None:
    assert _verifier().verify(text).judgement.verdict is Verdict.MALFORMED


EDGES = [
    ("2026-10-31T15:59:59+00:00", Verdict.NOT_YET_VALID),
    ("2026-10-31T16:00:00+00:00", Verdict.VALID),
    ("2036-10-31T15:59:59+00:00", Verdict.VALID),
    ("2036-10-31T16:00:00+00:00", Verdict.EXPIRED),
]
"""2026-11-01 to 2036-10-31, both inclusive, in Asia/Shanghai."""


@pytest.mark.parametrize(("moment", "verdict"), EDGES)
def test_both_days_are_inclusive(moment: str, verdict: Verdict) -> None:
    now = datetime.fromisoformat(moment)
    life = {"activated_at": now - timedelta(days=1), "signing_until": now + timedelta(days=1)}
    bundle = _bundle(
        license_key={**life, "created_at": life["activated_at"], "published_at": life["activated_at"]},
        issued_at=now,
        expires_at=now + timedelta(days=1),
    )
    assert _verifier(bundle, now=now).verify(_text(issued_at=now)).judgement.verdict is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(0, Verdict.UNCONFIRMED), (1, Verdict.REVOKED), (2, Verdict.SUSPENDED), (3, Verdict.SUPERSEDED)],
)
def test_an_old_bundle_still_knows_what_is_bad_but_not_what_is_good(status: int, verdict: Verdict) -> None:
    later = NOW + timedelta(hours=24)
    assert _verifier(_bundle(status=status), now=later).verify(_text()).judgement.verdict is verdict


def test_the_caller_may_be_stricter_than_the_register() -> None:
    bundle = _bundle()
    strict = _verifier(bundle, max_age=timedelta(minutes=89)).verify(_text())
    lenient = _verifier(bundle, max_age=timedelta(days=9)).verify(_text())
    assert strict.judgement.verdict is Verdict.UNCONFIRMED
    assert lenient.judgement.verdict is Verdict.VALID


def test_a_clock_set_back_does_not_make_a_bundle_fresh() -> None:
    clock = FixedClock(NOW)
    sealed = seal_bundle(_bundle(), signer=BUNDLE).encode()
    verifier = OfflineVerifier(sealed, anchor=_anchor(), clock=clock)
    clock._now = NOW - timedelta(hours=2)
    assert verifier.verify(_text(issued_at=clock._now)).judgement.verdict is Verdict.UNCONFIRMED


def test_what_a_code_shows() -> None:
    shown = _verifier().verify(_text()).shown
    assert shown is not None
    assert (shown.identifier, shown.type_code, shown.agency_id) == (IDENTIFIER, TYPE_CODE, AGENCY_ID)
    assert (shown.type_name.en, shown.agency_name.zh) == ("Business license", "海岱市市场监督管理局")
    assert shown.holders == (CodeHolder(COMPANY, CREDIT_CODE),)
    assert shown.fields == {"legal_representative": "李四光", "founding_date": "2015-06-30"}
    assert shown.labels["founding_date"] == LocalizedText("成立日期", "Founded")
    assert (shown.first_day.isoformat(), str(shown.last_day)) == ("2026-11-01", "2036-10-31")


def test_an_open_ended_license_has_no_last_day() -> None:
    shown = _verifier().verify(_text(expires=None)).shown
    assert shown is not None
    assert shown.last_day is None


def test_without_the_types_names_fields_have_their_numbers() -> None:
    shown = _verifier(_bundle(types=(), agencies={})).verify(_text()).shown
    assert shown is not None
    assert shown.fields == {"1": "李四光", "2": "2015-06-30"}
    assert (shown.type_name.zh, shown.agency_name.zh) == ("", "")


def test_what_a_vc_shows_is_what_it_discloses() -> None:
    token, *_ = _vc().split("~")
    shown = _verifier().verify(f"{token}~").shown
    assert shown is not None
    assert shown.fields == {}
    assert shown.holders == (CodeHolder("", None),)


def test_a_vc_with_a_holders_key_needs_its_proof() -> None:
    result = _verifier().verify(_vc(holder_key=OTHER.sec1))
    assert result.judgement.verdict is Verdict.MALFORMED
    assert result.judgement.checks[0].reason == "KEY_BINDING"


def test_a_vc_of_another_register_is_no_credential_of_this_one() -> None:
    assert _verifier().verify(_vc(issuer="https://evil.example")).judgement.verdict is Verdict.MALFORMED


def test_a_status_list_of_another_register_says_nothing() -> None:
    result = _verifier().verify(_vc(status_uri="https://evil.example/statuslists/0"))
    assert result.judgement.verdict is Verdict.UNCONFIRMED


def test_a_foreign_host_is_a_warning() -> None:
    raw = qr_code.sign_code(license_code(), signer=LICENSE)
    result = _verifier().verify(qr_code.text_of(raw, verify_url="https://evil.example/q"))
    assert result.judgement.verdict is Verdict.VALID
    assert result.foreign_host == "evil.example"


def test_a_bundle_of_another_signer_is_refused() -> None:
    sealed = seal_bundle(_bundle(), signer=OTHER).encode()
    with pytest.raises(SignatureError):
        OfflineVerifier(sealed, anchor=_anchor(), clock=FixedClock(NOW))


def test_a_changed_bundle_is_refused() -> None:
    header, claims, signature = seal_bundle(_bundle(), signer=BUNDLE).split(".")
    other = seal_bundle(_bundle(status=1), signer=BUNDLE).split(".")[1]
    assert claims != other
    with pytest.raises(SignatureError):
        OfflineVerifier(f"{header}.{other}.{signature}".encode(), anchor=_anchor(), clock=FixedClock(NOW))


@pytest.mark.parametrize("bundle", [b"", b"{}", b"\xff", b"a.b.c"])
def test_what_is_no_bundle_is_refused(bundle: bytes) -> None:
    with pytest.raises(MalformedError):
        OfflineVerifier(bundle, anchor=_anchor(), clock=FixedClock(NOW))


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [(b"", "JSON"), (b"{}", "PUBLIC_KEY"), (_anchor(kid="0" * 16), "KID_MISMATCH"), (_anchor(d="AA"), "PUBLIC_KEY")],
)
def test_an_anchor_is_a_public_jwk_under_its_own_name(jwk: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        load_anchor(jwk)
    assert raised.value.violations[0].reason == reason


def test_the_anchor_comes_from_the_key_set_by_the_bundles_kid() -> None:
    sealed = seal_bundle(_bundle(), signer=BUNDLE).encode()
    other, bundle = (_key(signer, KeyPurpose.BUNDLE) for signer in (OTHER, BUNDLE))
    jwk = anchor_of(sealed, jwks=json.dumps(jwk_set([other, bundle])).encode())
    assert load_anchor(json.dumps(jwk).encode()).kid == BUNDLE.kid == jwk["kid"]
    with pytest.raises(NotFoundError, match="ANCHOR_NOT_PUBLISHED"):
        anchor_of(sealed, jwks=json.dumps(jwk_set([other])).encode())


@pytest.mark.parametrize("purpose", [purpose for purpose in KeyPurpose if purpose is not KeyPurpose.BUNDLE])
def test_no_key_of_another_purpose_becomes_an_anchor(purpose: KeyPurpose) -> None:
    sealed = seal_bundle(_bundle(), signer=BUNDLE).encode()
    for keys in (jwk_set([_key(BUNDLE, purpose)]), {"keys": [jwk_of(BUNDLE.sec1)]}):
        with pytest.raises(NotFoundError, match="ANCHOR_NOT_PUBLISHED"):
            anchor_of(sealed, jwks=json.dumps(keys).encode())


def test_a_bundle_from_the_future_is_refused() -> None:
    with pytest.raises(MalformedError, match="TOKEN_NOT_YET_VALID"):
        _verifier(_bundle(issued_at=NOW + timedelta(hours=1)))
    assert NOW.tzinfo is UTC
