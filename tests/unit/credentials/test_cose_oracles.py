"""Our CWTs before implementations that we did not write: `cwt` (Python), cose-js, cbor and WebCrypto (JavaScript)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest

from certsvc.credentials import cbor, cose
from certsvc.credentials.code_claims import encode_payload
from certsvc.credentials.qr_code import parse_code, sign_code
from certsvc.credentials.status_list import StatusList, StatusListToken, sign_status_list_cwt
from tests.oracles.ask import ask_cwt, ask_node
from tests.vectors.samples import NOW, license_code
from tests.vectors.signers import VectorSigner

SIGNER = VectorSigner("license")
STATUS_SIGNER = VectorSigner("status")

# The oracles go by the machine's clock, so what they read begins long ago and ends long after.
CODE = license_code(not_before=datetime(2020, 1, 1, tzinfo=UTC), expires=datetime(2990, 1, 1, tzinfo=UTC))
RAW = sign_code(CODE, signer=SIGNER)
MESSAGE = RAW[1:]

STATUS_LIST = StatusListToken(
    uri="https://zz.example.gov.cn/statuslists/0",
    statuses=StatusList.of({77_777: 3}),
    issued_at=datetime(2020, 1, 1, tzinfo=UTC),
    expires_at=datetime(2990, 1, 1, tzinfo=UTC),
    ttl=timedelta(seconds=60),
)


def _plain(item: Any) -> Any:
    """As the oracles say it in JSON."""
    if isinstance(item, dict):
        return [[key, _plain(value)] for key, value in item.items()]
    if isinstance(item, bytes):
        return {"hex": item.hex()}
    return [_plain(inner) for inner in item] if isinstance(item, list) else item


def _ask_cwt(message: bytes, signer: VectorSigner) -> dict[str, Any]:
    key = cbor.encode(cose.cose_key(signer.sec1, kid=bytes.fromhex(signer.kid)))
    return ask_cwt(message=message.hex(), key=key.hex())


def _ask_cose_js(message: bytes, signer: VectorSigner) -> dict[str, Any]:
    x, y = signer.sec1[1:33].hex(), signer.sec1[33:].hex()
    return ask_node("cose.mjs", "read", message=message.hex(), x=x, y=y)


def _header(signer: VectorSigner, typ: int | str) -> list[Any]:
    return [[1, -7], [4, {"hex": signer.kid}], [16, typ]]


def test_cwt_reads_and_verifies_a_code() -> None:
    answer = _ask_cwt(MESSAGE, SIGNER)
    assert answer["header"] == _header(SIGNER, 65000)
    assert answer["payload"] == encode_payload(CODE).hex()
    assert answer["claims"] == _plain(cbor2.loads(encode_payload(CODE)))


def test_cwt_reads_and_verifies_a_status_list() -> None:
    answer = _ask_cwt(sign_status_list_cwt(STATUS_LIST, signer=STATUS_SIGNER), STATUS_SIGNER)
    assert answer["header"] == _header(STATUS_SIGNER, "application/statuslist+cwt")
    claims = dict(answer["claims"])
    assert (claims[2], claims[65534]) == (STATUS_LIST.uri, 60)
    assert dict(claims[65533]) == {"bits": 2, "lst": {"hex": STATUS_LIST.statuses.compress().hex()}}


def test_javascript_reads_and_verifies_a_code() -> None:
    answer = _ask_cose_js(MESSAGE, SIGNER)
    assert answer["header"] == _header(SIGNER, 65000)
    assert answer["claims"] == _plain(cbor2.loads(encode_payload(CODE)))
    assert answer["signed"] == parse_code(RAW).signed_bytes.hex()
    assert answer["webcrypto"] is True


def test_javascript_reads_and_verifies_a_status_list() -> None:
    answer = _ask_cose_js(sign_status_list_cwt(STATUS_LIST, signer=STATUS_SIGNER), STATUS_SIGNER)
    assert answer["header"] == _header(STATUS_SIGNER, "application/statuslist+cwt")
    assert answer["webcrypto"] is True


@pytest.mark.parametrize("ask", [_ask_cwt, _ask_cose_js])
def test_both_refuse_a_changed_code_and_another_key(ask: Any) -> None:
    changed = MESSAGE[:-70] + bytes((MESSAGE[-70] ^ 1,)) + MESSAGE[-69:]
    for message, signer in ((changed, SIGNER), (MESSAGE, VectorSigner("evil"))):
        assert set(ask(message, signer)) == {"refused"}


def test_we_verify_what_javascript_signs() -> None:
    signer = VectorSigner("javascript")
    scalar = signer.private_key.private_numbers().private_value.to_bytes(32, "big")
    answer = ask_node("cose.mjs", "sign", payload=encode_payload(CODE).hex(), d=scalar.hex())
    message = cose.parse_sign1(bytes.fromhex(answer["message"]))
    assert message.payload == encode_payload(CODE)
    cose.verify_sign1(message, signer.private_key.public_key(), algorithm=cose.ALG_ES256)


def test_cbor2_reads_a_whole_code() -> None:
    message = cbor2.loads(MESSAGE)
    assert message.tag == 18
    protected, unprotected, payload, signature = message.value
    assert dict(cbor2.loads(protected)) == {1: -7, 4: bytes.fromhex(SIGNER.kid), 16: 65000}
    assert (dict(unprotected), len(signature)) == ({}, 64)
    assert cbor2.loads(payload)[6] == int(NOW.timestamp())
