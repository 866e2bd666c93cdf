"""The offline bundle: sealed by one anchor, read back whole, bounded, and never mistaken for fresh."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certsvc.credentials import offline_bundle
from certsvc.credentials.base64url import decode_base64url
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.key_set import PublishedKey
from certsvc.credentials.offline_bundle import (
    MAX_SKEW,
    TYP,
    BundledStatusList,
    OfflineBundle,
    open_bundle,
    seal_bundle,
)
from certsvc.credentials.status_list import StatusList
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
from certsvc.errors import MalformedError, SignatureError
from tests.vectors.samples import AGENCY_ID, NOW, TYPE_CODE
from tests.vectors.signers import VectorSigner

ANCHOR = VectorSigner("bundle")
ANCHOR_KEY = ANCHOR.verification_key(KeyPurpose.BUNDLE)
NAME = LocalizedText("海岱市市场监督管理局", "Haidai City Market Regulation Bureau")
KEY = replace(VectorSigner("license").record(KeyPurpose.LICENSE), agency_id=AGENCY_ID)
LICENSE_TYPE = LicenseType(
    code=TYPE_CODE,
    version=1,
    name=LocalizedText("营业执照", "Business license"),
    holder_kinds=frozenset({HolderKind.LEGAL}),
    min_holders=1,
    max_holders=1,
    schema={"type": "object"},
    fields=(
        FieldSpec("legal_representative", LocalizedText("法定代表人", "Legal representative"), qr_key=1),
        FieldSpec("scope", LocalizedText("经营范围")),
    ),
    issuers=IssuerRule(),
    validity=ValidityRule(ValidityKind.EITHER),
    state=TypeState.PUBLISHED,
    created_at=NOW,
)
METADATA = type_metadata(LICENSE_TYPE, vct="https://zz.example.gov.cn/types/119900009999000119001/1")
BUNDLE = OfflineBundle(
    issuer="https://zz.example.gov.cn",
    issued_at=NOW,
    expires_at=NOW + timedelta(days=1),
    version=42,
    keys=(PublishedKey(KEY, NAME), PublishedKey(VectorSigner("status").record(KeyPurpose.STATUS), None)),
    types=(METADATA,),
    agencies={AGENCY_ID: NAME},
    status_lists={
        0: BundledStatusList(StatusList.of({77_777: 1}), NOW),
        7: BundledStatusList(StatusList.of({}), NOW - timedelta(seconds=5)),
    },
)


def _open(text: str, **options: Any) -> OfflineBundle:
    return open_bundle(text, **{"anchor": ANCHOR_KEY, "now": NOW, **options})


def _resealed(**changes: Any) -> str:
    claims = json.loads(decode_base64url(seal_bundle(BUNDLE, signer=ANCHOR).split(".")[1]))
    claims |= changes
    return sign_jws({name: value for name, value in claims.items() if value is not ...}, typ=TYP, signer=ANCHOR)


def test_bundle_reads_back_whole() -> None:
    assert _open(seal_bundle(BUNDLE, signer=ANCHOR)) == BUNDLE


def test_staleness_is_told_not_hidden() -> None:
    opened = _open(seal_bundle(BUNDLE, signer=ANCHOR), now=BUNDLE.expires_at + timedelta(days=365))
    assert opened.is_stale(BUNDLE.expires_at)
    assert not opened.is_stale(BUNDLE.expires_at - timedelta(seconds=1))


def test_bundle_from_the_future_is_refused() -> None:
    text = seal_bundle(BUNDLE, signer=ANCHOR)
    assert _open(text, now=NOW - MAX_SKEW) == BUNDLE
    with pytest.raises(MalformedError, match="TOKEN_NOT_YET_VALID"):
        _open(text, now=NOW - MAX_SKEW - timedelta(seconds=1))


def test_only_the_anchor_counts() -> None:
    text = seal_bundle(BUNDLE, signer=ANCHOR)
    with pytest.raises(SignatureError, match="UNKNOWN_KEY"):
        _open(text, anchor=VectorSigner("evil").verification_key(KeyPurpose.BUNDLE))
    for purpose in set(KeyPurpose) - {KeyPurpose.BUNDLE}:
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            _open(text, anchor=ANCHOR.verification_key(purpose))
    forged = replace(ANCHOR_KEY, public_key=VectorSigner("evil").private_key.public_key())
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        _open(text, anchor=forged)


@pytest.mark.parametrize("name", ["iss", "iat", "exp", "version", "keys", "types", "agencies", "status_lists"])
def test_no_member_may_be_missing(name: str) -> None:
    with pytest.raises(MalformedError, match=f"JSON_MEMBER.*{name}"):
        _open(_resealed(**{name: ...}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"keys": [PublishedKey(KEY, NAME).to_json()] * 2}, "BUNDLE"),
        ({"keys": [{**PublishedKey(KEY, NAME).to_json(), "kid": "00" * 8}]}, "KID_MISMATCH"),
        ({"types": [METADATA, METADATA]}, "BUNDLE"),
        ({"types": [{}]}, "JSON_MEMBER"),
        ({"agencies": [{"id": "a", "name": {"zh": "a", "en": ""}}] * 2}, "BUNDLE"),
        ({"agencies": ["a"]}, "JSON_MEMBER"),
        ({"status_lists": [{"n": 0, "bits": 2, "lst": "eNo76fITAAPfAgc", "iat": 0}] * 2}, "BUNDLE"),
        ({"status_lists": [{"n": 0, "bits": 2, "lst": "AAAA", "iat": 0}]}, "STATUS_LIST"),
        ({"status_lists": [{"n": True, "bits": 2, "lst": "eNo76fITAAPfAgc", "iat": 0}]}, "JSON_MEMBER"),
        ({"version": "42"}, "JSON_MEMBER"),
        ({"exp": 10**20}, "JSON_MEMBER"),
    ],
)
def test_other_members_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        _open(_resealed(**changes))


def test_size_and_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = seal_bundle(BUNDLE, signer=ANCHOR)
    monkeypatch.setattr(offline_bundle, "MAX_ENTRIES", 1)
    with pytest.raises(MalformedError, match="BUNDLE"):
        _open(text)
    monkeypatch.setattr(offline_bundle, "MAX_SIZE", len(text) - 1)
    with pytest.raises(MalformedError, match="TOKEN_SIZE"):
        _open(text)


def test_tokens_of_another_type_are_refused() -> None:
    with pytest.raises(MalformedError, match="TOKEN_TYP"):
        _open(sign_jws({}, typ="statuslist+jwt", signer=ANCHOR))


def test_type_metadata_is_as_documented() -> None:
    assert METADATA == {
        "vct": "https://zz.example.gov.cn/types/119900009999000119001/1",
        "name": "营业执照",
        "description": "Business license",
        "display": [{"locale": "zh-CN", "name": "营业执照"}, {"locale": "en", "name": "Business license"}],
        "claims": [
            {
                "path": ["fields", "legal_representative"],
                "display": [
                    {"locale": "zh-CN", "label": "法定代表人"},
                    {"locale": "en", "label": "Legal representative"},
                ],
                "sd": "always",
            },
            {
                "path": ["fields", "scope"],
                "display": [{"locale": "zh-CN", "label": "经营范围"}, {"locale": "en", "label": "经营范围"}],
                "sd": "always",
            },
        ],
        "certsvc": {
            "code": TYPE_CODE,
            "version": 1,
            "name": {"zh": "营业执照", "en": "Business license"},
            "fields": [
                {
                    "name": "legal_representative",
                    "qr_key": 1,
                    "label": {"zh": "法定代表人", "en": "Legal representative"},
                },
                {"name": "scope", "qr_key": None, "label": {"zh": "经营范围", "en": ""}},
            ],
        },
    }
