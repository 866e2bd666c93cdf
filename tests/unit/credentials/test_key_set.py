"""Published keys: every form reads back, agrees with the others, and says what the key's own bytes say."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk

from certsvc.credentials import cose
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.key_flags import KeyFlags, flags_of, read_key_flags, sign_key_flags
from certsvc.credentials.key_set import (
    KeyRecord,
    PublishedKey,
    cose_key_set,
    jwk_set,
    parse_key_record,
    parse_published_key,
)
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.domain.text import LocalizedText
from certsvc.errors import MalformedError, SignatureError
from tests.vectors.samples import AGENCY_ID, NOW, TYPE_CODE
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("license")
NAME = LocalizedText("海岱市市场监督管理局", "Haidai City Market Regulation Bureau")
RECORD = SIGNER.record(KeyPurpose.LICENSE)
SCOPED = replace(RECORD, agency_id=AGENCY_ID, type_codes=(TYPE_CODE,), development=True)


@pytest.mark.parametrize(("key", "name"), [(RECORD, None), (SCOPED, NAME)])
def test_record_reads_back(key: Any, name: LocalizedText | None) -> None:
    record = KeyRecord.of(key, agency_name=name)
    assert parse_key_record(json.loads(json.dumps(record.to_json()))) == record


def test_record_is_as_documented() -> None:
    assert KeyRecord.of(SCOPED, agency_name=NAME).to_json() == {
        "kid": SIGNER.kid,
        "jwk": jwk_of(SIGNER.sec1),
        "alg": "ES256",
        "purpose": "license",
        "agency": {"id": AGENCY_ID, "name": {"zh": NAME.zh, "en": NAME.en}},
        "types": [TYPE_CODE],
        "not_before": int(RECORD.published_at.timestamp()),
        "development": True,
    }


def test_record_of_a_key_does_not_change_with_its_life() -> None:
    later = replace(RECORD, state=KeyState.COMPROMISED, compromised_since=NOW, deactivated_at=NOW)
    assert KeyRecord.of(later, agency_name=None) == KeyRecord.of(RECORD, agency_name=None)


def test_an_agency_and_its_name_come_together() -> None:
    for key, name in ((RECORD, NAME), (SCOPED, None)):
        with pytest.raises(ValueError, match="come together"):
            KeyRecord.of(key, agency_name=name)


@pytest.mark.parametrize(
    "changes", [{}, {"state": KeyState.DEACTIVATED, "deactivated_at": NOW}, {"activated_at": None}]
)
def test_published_key_reads_back_with_its_life(changes: dict[str, Any]) -> None:
    published = PublishedKey(replace(SCOPED, **changes), NAME)
    assert parse_published_key(json.loads(json.dumps(published.to_json()))) == published


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kid": "00" * 8}, "KID_MISMATCH"),
        ({"kid": SIGNER.kid.upper()}, "KID_MISMATCH"),
        ({"jwk": {}}, "PUBLIC_KEY"),
        ({"jwk": None}, "JSON_MEMBER"),
        ({"alg": "none"}, "ALG_MISMATCH"),
        ({"alg": "ES384"}, "ALG_MISMATCH"),
        ({"purpose": "everything"}, "KEY_RECORD"),
        ({"agency": "x"}, "JSON_MEMBER"),
        ({"agency": {"id": "x"}}, "JSON_MEMBER"),
        ({"agency": {"id": "x", "name": {"zh": "x"}}}, "JSON_MEMBER"),
        ({"types": None}, "JSON_MEMBER"),
        ({"types": [1]}, "KEY_RECORD"),
        ({"not_before": -1}, "JSON_MEMBER"),
        ({"not_before": "2026"}, "JSON_MEMBER"),
        ({"development": 0}, "JSON_MEMBER"),
        ({"state": "FINE"}, "KEY_RECORD"),
        ({"activated_at": "x"}, "JSON_MEMBER"),
    ],
)
def test_other_records_are_refused(changes: dict[str, Any], reason: str) -> None:
    record = {**PublishedKey(SCOPED, NAME).to_json(), **changes}
    with pytest.raises(MalformedError, match=reason):
        parse_published_key(record)


def test_no_member_may_be_missing() -> None:
    good = PublishedKey(SCOPED, NAME).to_json()
    for name in good:
        with pytest.raises(MalformedError):
            parse_published_key({other: value for other, value in good.items() if other != name})
    with pytest.raises(MalformedError):
        parse_published_key([])


def test_jwk_set_is_read_by_jwcrypto() -> None:
    keys = jwk.JWKSet.from_json(json.dumps(jwk_set([RECORD, VectorSigner("vc").record(KeyPurpose.VC)])))
    found = keys.get_key(SIGNER.kid)
    assert found.get_op_key("verify").public_numbers() == SIGNER.private_key.public_key().public_numbers()
    assert json.loads(found.export_public())["use"] == "sig"


def test_cose_key_set_is_read_by_cbor2() -> None:
    keys = cbor2.loads(cose_key_set([RECORD, VectorSigner("vc").record(KeyPurpose.VC)]))
    assert [key[2].hex() for key in keys] == [SIGNER.kid, VectorSigner("vc").kid]
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(keys[0][-2], "big"), int.from_bytes(keys[0][-3], "big"), ec.SECP256R1()
    )
    assert numbers == SIGNER.private_key.public_key().public_numbers()
    assert (keys[0][1], keys[0][-1], keys[0][3]) == (2, 1, cose.ALG_ES256)


def test_verification_key_takes_only_records_that_fit() -> None:
    assert VerificationKey.from_record(RECORD).kid == SIGNER.kid
    with pytest.raises(MalformedError, match="KID_MISMATCH"):
        VerificationKey.from_record(replace(RECORD, kid="00" * 8))
    with pytest.raises(MalformedError, match="ALG_MISMATCH"):
        VerificationKey.from_record(replace(RECORD, algorithm="ES384"))
    with pytest.raises(MalformedError, match="PUBLIC_KEY"):
        VerificationKey.from_record(replace(RECORD, public_key=b""))


FLAG_SIGNER = VectorSigner("key_set")
FLAG_KEY = FLAG_SIGNER.verification_key(KeyPurpose.KEY_SET)


def _flags(**changes: Any) -> KeyFlags:
    keys = [
        replace(RECORD, state=KeyState.COMPROMISED, compromised_since=NOW - timedelta(days=3), deactivated_at=NOW),
        replace(VectorSigner("a").record(KeyPurpose.LICENSE), state=KeyState.DESTROYED, deactivated_at=NOW),
        replace(VectorSigner("b").record(KeyPurpose.LICENSE), state=KeyState.SUSPENDED),
        replace(VectorSigner("c").record(KeyPurpose.LICENSE), state=KeyState.WITHDRAWN, activated_at=None),
        VectorSigner("d").record(KeyPurpose.LICENSE),
        VectorSigner("e").record(KeyPurpose.LICENSE, state=KeyState.PRE_ACTIVE),
    ]
    flags = KeyFlags(version=7, issued_at=NOW, expires_at=NOW + timedelta(hours=1), flags=flags_of(keys))
    return replace(flags, **changes)


def _read(token: str, **options: Any) -> KeyFlags:
    options = {"find_key": lambda kid: FLAG_KEY if kid == FLAG_KEY.kid else None, "now": NOW, **options}
    return read_key_flags(token, **options)


def test_flags_say_what_is_not_simply_good() -> None:
    flags = _flags().flags
    assert {kid: flag.state.value for kid, flag in flags.items()} == {
        SIGNER.kid: "COMPROMISED",
        VectorSigner("a").kid: "DEACTIVATED",
        VectorSigner("b").kid: "SUSPENDED",
        VectorSigner("c").kid: "WITHDRAWN",
    }
    assert flags[SIGNER.kid].since == NOW - timedelta(days=3)
    assert flags[VectorSigner("a").kid].since == NOW
    assert flags[VectorSigner("b").kid].since == RECORD.activated_at
    assert flags[VectorSigner("c").kid].since == RECORD.published_at


def test_flags_read_back() -> None:
    flags = _flags()
    assert _read(sign_key_flags(flags, issuer="https://zz.example.gov.cn", signer=FLAG_SIGNER)) == flags


def test_flags_count_only_in_time_and_from_the_key_set_key() -> None:
    token = sign_key_flags(_flags(), issuer="us", signer=FLAG_SIGNER)
    with pytest.raises(MalformedError, match="TOKEN_EXPIRED"):
        _read(token, now=NOW + timedelta(hours=1))
    with pytest.raises(MalformedError, match="TOKEN_NOT_YET_VALID"):
        _read(token, now=NOW - timedelta(seconds=1))
    with pytest.raises(SignatureError, match="UNKNOWN_KEY"):
        _read(token, find_key=lambda kid: None)
    for purpose in set(KeyPurpose) - {KeyPurpose.KEY_SET}:
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            _read(token, find_key=lambda kid, purpose=purpose: FLAG_SIGNER.verification_key(purpose))


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.PRE_ACTIVE, KeyState.DESTROYED])
def test_flags_of_another_state_are_refused(state: KeyState) -> None:
    flag = replace(_flags().flags[SIGNER.kid], state=state)
    token = sign_key_flags(_flags(flags={SIGNER.kid: flag}), issuer="us", signer=FLAG_SIGNER)
    with pytest.raises(MalformedError, match="KEY_FLAGS"):
        _read(token)
