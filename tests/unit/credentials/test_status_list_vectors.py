"""The vectors of draft-ietf-oauth-status-list, read as ours are."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from certsvc.credentials import cbor, cose
from certsvc.credentials.jwk import sec1_of
from certsvc.credentials.status_list import (
    TYP_CWT,
    StatusList,
    parse_status_list_cbor,
    parse_status_list_claims,
    parse_status_list_json,
    read_status_list_cwt,
    read_status_list_jwt,
    status_list_json,
)
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import MalformedError
from tests.require import shared

# Entries of the draft's long examples that are not 0 (vectors/README.md).
LONG_1 = dict.fromkeys((0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345), 1)
LONG_2 = {
    0: 1, 1993: 2, 25460: 1, 159495: 3, 495669: 1, 554353: 1, 645645: 2, 723232: 1, 854545: 1, 934534: 2, 1000345: 3,
}  # fmt: skip
LONG_SIZE = 2**20
DRAFT_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
    "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
}


def _vector(name: str) -> str:
    return shared(f"vectors/status_list/{name}.md").read_text()


def _hex_of(text: str) -> bytes:
    return bytes.fromhex("".join(re.findall(r"^[0-9a-f]+$", text, re.MULTILINE)))


def _json_of(text: str) -> Any:
    return json.loads(re.sub(r"\n\s+(?=\w+[\"\w+/=-]*$)", "", text[text.index("{") :], flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("name", "bits", "packed"),
    [("status_list_encoding", 1, "b9a3"), ("status_list_encoding2", 2, "c944f9")],
)
def test_short_vectors_of_the_draft(name: str, bits: int, packed: str) -> None:
    expected = StatusList(bits=bits, packed=bytes.fromhex(packed))
    as_json = _json_of(_vector(f"{name}_json").partition("\n")[2])
    encoded = bytes.fromhex(re.findall(r"encoded:\n([0-9a-f]+)", _vector(f"{name}_cbor"))[0])
    as_cbor = cbor.decode(encoded, ordered=False)
    assert parse_status_list_json(as_json) == expected
    assert parse_status_list_cbor(as_cbor) == expected
    assert parse_status_list_json(status_list_json(expected)) == expected


def test_entries_of_the_short_vectors() -> None:
    one = StatusList(bits=1, packed=bytes.fromhex("b9a3"))
    assert [one.get(index) for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    two = StatusList(bits=2, packed=bytes.fromhex("c944f9"))
    assert [two.get(index) for index in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(("name", "entries"), [("1", LONG_1), ("2", LONG_2)])
def test_long_vectors_of_the_draft(name: str, entries: dict[int, int]) -> None:
    limit = LONG_SIZE * int(name) // 8
    as_json = _json_of(_vector(f"status_list_encoding{name}_long_json"))
    encoded = cbor.decode(_hex_of(_vector(f"status_list_encoding{name}_long_cbor")), ordered=False)
    for statuses in (
        parse_status_list_json(as_json, max_bytes=limit),
        parse_status_list_cbor(encoded, max_bytes=limit),
    ):
        assert len(statuses) == LONG_SIZE
        assert {i: status for i in range(LONG_SIZE) if (status := statuses.get(i))} == entries
        if name == "2":
            assert statuses == StatusList.of(entries, size=LONG_SIZE)
    with pytest.raises(MalformedError, match="STATUS_LIST"):
        parse_status_list_json(as_json, max_bytes=limit - 1)


def test_cwt_vector_of_the_draft_is_read() -> None:
    """Its claims are in no order, and its kid stands in the unprotected header."""
    message = cose.parse_sign1(_hex_of(_vector("status_list_cwt")))
    assert message.header() == {cose.HEADER_ALG: cose.ALG_ES256, cose.HEADER_TYP: TYP_CWT}
    assert message.unprotected == {cose.HEADER_KID: b"12"}
    with pytest.raises(MalformedError, match="CBOR_UNSORTED_KEYS"):
        cbor.decode(message.payload)
    claims, statuses = parse_status_list_claims(message.payload)
    assert claims == {
        "sub": "https://example.com/statuslists/1",
        "iat": 1686920170,
        "exp": 2291720170,
        "ttl": 43200,
    }
    assert statuses == StatusList(bits=1, packed=bytes.fromhex("b9a3"))


def test_signed_vectors_of_the_draft_verify() -> None:
    """Read as ours would be, by the key that the draft's appendix gives for its examples."""
    now = datetime.fromtimestamp(1686920170, UTC)
    uri = "https://example.com/statuslists/1"
    key = VerificationKey("3132", "ES256", KeyPurpose.STATUS, cose.load_public_key(sec1_of(DRAFT_KEY)))
    cwt = _hex_of(_vector("status_list_cwt"))
    expected = StatusList(bits=1, packed=bytes.fromhex("b9a3"))
    read = read_status_list_cwt(cwt, uri=uri, find_key=lambda kid: key if kid == key.kid else None, now=now)
    assert read.statuses == expected
    jwt = _vector("status_list_jwt_raw").replace("\n", "").rstrip("=")  # padded there, against RFC 7515
    read = read_status_list_jwt(jwt, uri=uri, find_key=lambda kid: key if kid == "12" else None, now=now)
    assert read.statuses == expected
    referenced = cose.parse_sign1(_hex_of(_vector("referenced_token_cwt")))
    cose.verify_sign1(referenced, key.public_key, algorithm=cose.ALG_ES256)
