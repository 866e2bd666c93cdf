"""Status lists: packing as in the draft's own vectors, both signed forms, and no way to be fooled or flooded."""

import random
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.credentials import cbor, cose
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.status_list import (
    MAX_BYTES,
    SIZE,
    TYP_JWT,
    StatusList,
    StatusListToken,
    parse_status_list_cbor,
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


def _find(kid: str) -> VerificationKey | None:
    return KEY if kid == KEY.kid else None


def _read_jwt(token: str, *, now: datetime = NOW, uri: str = URI) -> StatusListToken:
    return read_status_list_jwt(token, uri=uri, find_key=_find, now=now)


def _read_cwt(token: bytes, *, now: datetime = NOW, uri: str = URI) -> StatusListToken:
    return read_status_list_cwt(token, uri=uri, find_key=_find, now=now)


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
