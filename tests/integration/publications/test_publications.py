"""What is published for verifiers that do not ask: status lists, digests by prefix, and flags of keys keep up."""

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from certsvc.credentials import qr_code
from certsvc.credentials.jws import check_signature, parse_jws
from certsvc.credentials.status_list import MAX_TOKEN_SIZE
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.v1 import signing_key_service_pb2
from tests.builders import business_license, food_permit, small_permit, today
from tests.integration.register import Register, eventually
from tests.integration.transitions.changes import act
from tests.refusals import findings, refusal

WITHIN = 5.0
"""Seconds in which a status list follows a change (DESIGN §5)."""
DAY = timedelta(days=1)


def get(register: Register, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"http://{register.http_address}{path}", headers=headers, timeout=20)


def payload(token: str) -> dict[str, Any]:
    """A JWT's claims, read by hand."""
    text = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return claims


def status_of(register: Register, qr_text: str) -> int:
    """The two bits of a code's status entry, unpacked by hand (draft-ietf-oauth-status-list §4.1)."""
    code = qr_code.parse_text(qr_text).code
    claims = payload(get(register, f"/statuslists/{code.status_list}").text)
    assert claims["status_list"]["bits"] == 2
    packed = claims["status_list"]["lst"]
    entries = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    assert len(entries) == 2**17 // 4
    return entries[code.status_index // 4] >> 2 * (code.status_index % 4) & 3


@pytest.mark.parametrize(
    ("actions", "value"),
    [
        ([], 0),
        (["suspend"], 2),
        (["suspend", "reinstate"], 0),
        (["revoke"], 1),
        (["cancel"], 1),
        (["amend"], 3),
        (["amend", "suspend"], 3),
        (["amend", "revoke"], 1),
    ],
)
def test_a_status_list_follows_every_change(register: Register, actions: list[str], value: int) -> None:
    issued = register.agency().licenses.issue(food_permit())
    assert status_of(register, issued.qr_text) == 0
    for action in actions:
        act(register.agency().licenses, action, issued.license.identifier)
    eventually(lambda: status_of(register, issued.qr_text) == value, within=WITHIN)


def test_what_is_past_its_end_is_forgotten(register: Register) -> None:
    """A revoked license whose days are over says nothing more in the list than its dates do."""
    dates = {"valid_from": (today() - 40 * DAY).isoformat(), "valid_until": (today() - DAY).isoformat()}
    ended = register.agency().licenses.issue(food_permit(**dates))
    living = register.agency().licenses.issue(food_permit())
    for issued in (ended, living):
        act(register.agency().licenses, "revoke", issued.license.identifier)
    eventually(lambda: status_of(register, living.qr_text) == 1, within=WITHIN)
    assert status_of(register, ended.qr_text) == 0


def test_a_status_list_is_signed_by_a_status_key(register: Register) -> None:
    (key,) = register.operator.signing_keys.list(purpose=signing_key_service_pb2.KEY_PURPOSE_STATUS)
    token = parse_jws(get(register, "/statuslists/0").text, typ="statuslist+jwt", max_size=MAX_TOKEN_SIZE)
    assert token.kid == key.kid
    check_signature(token, VerificationKey.from_sec1(key.public_key, purpose=KeyPurpose.STATUS), purpose="status")
    assert token.claims["sub"] == f"{register.settings.public_url}/statuslists/0"
    assert token.claims["ttl"] <= 60
    assert token.claims["exp"] > token.claims["iat"]


def entries(register: Register, digest: bytes) -> list[list[str]]:
    """What is published under the digest's own prefix, as the page asks for it."""
    digits = get(register, "/registered").json()["prefix_digits"]
    prefix = digest.hex()[:digits]
    answer = get(register, f"/registered/{prefix}").json()
    assert answer["prefix"] == prefix
    found: list[list[str]] = answer["entries"]
    return found


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ([], "ACTIVE"),
        (["suspend"], "SUSPENDED"),
        (["revoke"], "REVOKED"),
        (["cancel"], "CANCELLED"),
        (["renew"], "SUPERSEDED"),
        (["renew", "revoke"], "REVOKED"),
    ],
)
def test_digests_are_published_with_their_states_at_once(register: Register, actions: list[str], state: str) -> None:
    issued = register.agency().licenses.issue(food_permit())
    digest = qr_code.digest_of(qr_code.parse_text(issued.qr_text).signed_bytes)
    for action in actions:
        act(register.agency().licenses, action, issued.license.identifier)
    assert [digest.hex(), state] in entries(register, digest)


def test_a_prefix_hides_which_digest_is_meant(register: Register) -> None:
    """Where there are hundreds, an answer holds at least a hundred, all and only those under the prefix."""
    texts = [
        answer.change.qr_text
        for answer in register.agency().licenses.issue_many(business_license() for _ in range(500))
        if answer.change
    ]
    digests = [qr_code.digest_of(qr_code.parse_text(text).signed_bytes) for text in texts]
    for digest in digests[::100]:
        found = entries(register, digest)
        assert len(found) >= 100
        prefix = get(register, "/registered").json()["prefix_digits"]
        assert {entry[0][:prefix] for entry in found} == {digest.hex()[:prefix]}
        expected = {each.hex() for each in digests if each.hex()[:prefix] == digest.hex()[:prefix]}
        assert expected <= {entry[0] for entry in found}


@pytest.mark.parametrize("prefix", ["0" * 20, "xyz", "AB", "0" * 64])
def test_a_prefix_that_would_say_too_much_is_refused(register: Register, prefix: str) -> None:
    answer = get(register, f"/registered/{prefix}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_compromised_key_is_flagged_at_once(register: Register) -> None:
    agency = register.new_agency()
    kid = register.agency(agency).licenses.issue(small_permit(register.new_type(issuer=agency))).license.kid

    def flags() -> dict[str, Any]:
        found: dict[str, Any] = payload(get(register, "/keyset/flags").text)["flags"]
        return found

    assert kid not in flags()
    since = datetime.now(UTC)
    register.change_key(kid, state=KeyState.COMPROMISED, compromised_since=since)
    assert flags()[kid]["state"] == "COMPROMISED"
    assert flags()[kid]["since"] == int(since.timestamp())
    # The record of the key never changes: caches keep it for a year.
    assert get(register, f"/keys/{kid}").json()["kid"] == kid


def test_a_new_version_of_a_type_has_metadata_of_its_own(register: Register) -> None:
    code = register.new_type()
    first = get(register, f"/types/{code}/1")
    assert first.json()["certsvc"]["fields"][0]["name"] == "grade"
    assert get(register, f"/types/{code}/2").status_code == 404


@pytest.mark.parametrize("seconds", [0, -5, 59, 7 * 86400 + 1])
def test_a_bundle_lives_from_a_minute_to_a_week(register: Register, seconds: int) -> None:
    lifetime = timedelta(seconds=seconds)
    error = refusal(lambda: list(register.agency().verification.export_offline_bundle(lifetime=lifetime)))
    assert {field for field, _ in findings(error)} == {"lifetime"}
