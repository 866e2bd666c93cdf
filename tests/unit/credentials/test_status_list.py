"""Status lists: packing as in the draft's own vectors, both signed forms, and no way to be fooled or flooded."""

import json
import random
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials import cbor, cose
from certsvc.credentials.jwk import sec1_of
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.status_list import (
    MAX_BYTES,
    SIZE,
    TYP_CWT,
    TYP_JWT,
    StatusList,
    StatusListToken,
    parse_status_list_cbor,
    parse_status_list_claims,
    parse_status_list_json,
    read_status_list_cwt,
    read_status_list_jwt,
    sign_status_list_cwt,
    sign_status_list_jwt,
    status_list_json,
)
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import MalformedError, SignatureError
from tests.require import shared
from tests.vectors.samples import NOW
from tests.vectors.signers import VectorSigner

URI = "https://zz.example.gov.cn/statuslists/0"
SIGNER = VectorSigner("status")
KEY = SIGNER.verification_key(KeyPurpose.STATUS)
STATUSES = {0: 1, 3: 2, 77_777: 3, SIZE - 1: 1}
TOKEN = StatusListToken(
    uri=URI,
    statuses=StatusList.of(STATUSES),
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    ttl=timedelta(seconds=60),
)

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


def _find(kid: str) -> VerificationKey | None:
    return KEY if kid == KEY.kid else None


def _read_jwt(token: str, *, now: datetime = NOW, uri: str = URI) -> StatusListToken:
    return read_status_list_jwt(token, uri=uri, find_key=_find, now=now)


def _read_cwt(token: bytes, *, now: datetime = NOW, uri: str = URI) -> StatusListToken:
    return read_status_list_cwt(token, uri=uri, find_key=_find, now=now)


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


@given(st.dictionaries(st.integers(0, SIZE - 1), st.integers(0, 3)))
def test_round_trip(statuses: dict[int, int]) -> None:
    packed = StatusList.of(statuses)
    read = StatusList.decompress(packed.compress(), bits=2)
    assert read == packed
    assert all(read.get(index) == status for index, status in statuses.items())
    assert sum(byte.bit_count() for byte in read.packed) == sum(s.bit_count() for s in statuses.values())


def test_signed_forms_round_trip() -> None:
    assert _read_jwt(sign_status_list_jwt(TOKEN, signer=SIGNER)) == TOKEN
    assert _read_cwt(sign_status_list_cwt(TOKEN, signer=SIGNER)) == TOKEN


def test_entries_outside_the_list_are_refused() -> None:
    for index in (-1, SIZE):
        with pytest.raises(MalformedError, match="STATUS_INDEX"):
            TOKEN.statuses.get(index)
    for statuses in ({-1: 1}, {SIZE: 1}, {0: 4}, {0: -1}):
        with pytest.raises(ValueError, match="out of range"):
            StatusList.of(statuses)


@pytest.mark.parametrize(
    "compressed",
    [
        b"",
        b"\x78\xda",
        zlib.compress(b""),
        zlib.compress(bytes(10))[:-1],
        zlib.compress(bytes(10)) + b"\x00",
        zlib.compress(bytes(10)) * 2,
        zlib.compress(bytes(MAX_BYTES + 1), 9),
        zlib.compress(bytes(64 * 1024 * 1024), 9),
        bytes(10),
    ],
    ids=range(9),
)
def test_streams_of_another_form_or_size_are_refused(compressed: bytes) -> None:
    with pytest.raises(MalformedError, match="STATUS_LIST"):
        StatusList.decompress(compressed, bits=2)


def test_a_list_of_exactly_the_largest_size_is_read() -> None:
    assert len(StatusList.decompress(zlib.compress(bytes(MAX_BYTES)), bits=2)) == SIZE


@pytest.mark.parametrize("bits", [0, 3, 16, -1, True, "2"])
def test_other_widths_are_refused(bits: Any) -> None:
    with pytest.raises(MalformedError, match="STATUS_LIST"):
        parse_status_list_json({"bits": bits, "lst": "eNo76fITAAPfAgc"})


@pytest.mark.parametrize("claim", [None, [], {}, {"bits": 2}, {"lst": "eNo76fITAAPfAgc"}, {"bits": 2, "lst": 1}])
def test_other_claims_are_refused(claim: object) -> None:
    for parse in (parse_status_list_json, parse_status_list_cbor):
        with pytest.raises(MalformedError, match="STATUS_LIST"):
            parse(claim)


Read = Callable[..., StatusListToken]
FORMS: list[tuple[Read, Callable[..., Any]]] = [
    (_read_jwt, sign_status_list_jwt),
    (_read_cwt, sign_status_list_cwt),
]


@pytest.mark.parametrize(("read", "sign"), FORMS, ids=["jwt", "cwt"])
def test_only_a_status_key_speaks_for_a_list(read: Read, sign: Callable[..., Any]) -> None:
    token = sign(TOKEN, signer=SIGNER)
    readers = {_read_jwt: read_status_list_jwt, _read_cwt: read_status_list_cwt}
    for purpose in set(KeyPurpose) - {KeyPurpose.STATUS}:
        key = SIGNER.verification_key(purpose)
        with pytest.raises(SignatureError, match="WRONG_KEY_PURPOSE"):
            readers[read](token, uri=URI, find_key=lambda kid, key=key: key, now=NOW)  # type: ignore[operator]
    with pytest.raises(SignatureError, match="UNKNOWN_KEY"):
        readers[read](token, uri=URI, find_key=lambda kid: None, now=NOW)  # type: ignore[operator]
    other = VectorSigner("other").verification_key(KeyPurpose.STATUS)
    with pytest.raises(SignatureError, match="BAD_SIGNATURE"):
        readers[read](token, uri=URI, find_key=lambda kid: other, now=NOW)  # type: ignore[operator]


@pytest.mark.parametrize(("read", "sign"), FORMS, ids=["jwt", "cwt"])
def test_lists_out_of_time_or_about_others_are_refused(read: Read, sign: Callable[..., Any]) -> None:
    token = sign(TOKEN, signer=SIGNER)
    with pytest.raises(MalformedError, match="TOKEN_EXPIRED"):
        read(token, now=TOKEN.expires_at)
    with pytest.raises(MalformedError, match="TOKEN_NOT_YET_VALID"):
        read(token, now=NOW - timedelta(seconds=1))
    with pytest.raises(MalformedError, match="CLAIM_SUBJECT"):
        read(token, uri=f"{URI}1")


@pytest.mark.parametrize("missing", ["sub", "iat", "exp", "ttl", "status_list"])
def test_jwt_without_a_claim_is_refused(missing: str) -> None:
    claims = {
        "sub": URI,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
        "ttl": 60,
        "status_list": status_list_json(TOKEN.statuses),
    }
    assert _read_jwt(sign_jws(claims, typ=TYP_JWT, signer=SIGNER)).statuses == TOKEN.statuses
    del claims[missing]
    with pytest.raises(MalformedError, match=r"CLAIM_MISSING|STATUS_LIST"):
        _read_jwt(sign_jws(claims, typ=TYP_JWT, signer=SIGNER))


@pytest.mark.parametrize("ttl", [0, -1, 1.5, True, "60", 10**9])
def test_other_ttls_are_refused(ttl: object) -> None:
    claims = {
        "sub": URI,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
        "ttl": ttl,
        "status_list": status_list_json(TOKEN.statuses),
    }
    with pytest.raises(MalformedError, match=r"CLAIM_TYPE|JSON_MEMBER"):
        _read_jwt(sign_jws(claims, typ=TYP_JWT, signer=SIGNER))


def test_jwt_of_another_type_and_cwt_of_another_type_are_refused() -> None:
    with pytest.raises(MalformedError, match="TOKEN_TYP"):
        _read_jwt(sign_jws({"sub": URI}, typ="JWT", signer=SIGNER))
    message = cose.parse_sign1(sign_status_list_cwt(TOKEN, signer=SIGNER))
    for typ in (16, "application/cwt", TYP_JWT):
        header: dict[int, cbor.Encodable] = {1: -7, 4: bytes.fromhex(SIGNER.kid), 16: typ}
        protected = cbor.encode(header)
        signature = SIGNER.sign(cose.sig_structure(protected, message.payload))
        other = cose.Sign1(protected, {}, message.payload, signature)
        with pytest.raises(MalformedError, match="TOKEN_TYP"):
            _read_cwt(cose.encode_sign1(other))


@given(st.binary(max_size=200), st.text(max_size=200))
def test_readers_are_total(data: bytes, text: str) -> None:
    with pytest.raises(MalformedError):
        _read_cwt(data)
    with pytest.raises(MalformedError):
        _read_jwt(text)


def test_sizes_are_checked_first() -> None:
    with pytest.raises(MalformedError, match="TOKEN_SIZE"):
        _read_cwt(bytes(64 * 1024 + 1))
    with pytest.raises(MalformedError, match="TOKEN_SIZE"):
        _read_jwt("a" * (64 * 1024 + 1))


def test_an_incompressible_list_still_fits_its_token() -> None:
    packed = random.Random(1).randbytes(MAX_BYTES)
    token = StatusListToken(URI, StatusList(2, packed), NOW, NOW + timedelta(hours=1), timedelta(seconds=60))
    assert _read_jwt(sign_status_list_jwt(token, signer=SIGNER)) == token
