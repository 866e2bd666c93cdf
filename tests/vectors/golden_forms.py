"""Makes tests/vectors/golden/*.json: what is signed for one made-up license, in every form.

Signatures are left out: ECDSA has many for one text, and nothing may rely on equal ones. The keys are those
of `signers.py`, named `license`, `status`, `vc`, `key_set` and `bundle`.

`python -m tests.vectors.golden_forms` writes the files anew; a test compares.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from certsvc.credentials import cbor, cose
from certsvc.credentials.base64url import decode_base64url
from certsvc.credentials.key_flags import KeyFlags, flags_of, sign_key_flags
from certsvc.credentials.key_set import KeyRecord, PublishedKey, cose_key_set, jwk_set
from certsvc.credentials.license_vc import issue_license_vc
from certsvc.credentials.offline_bundle import BundledStatusList, OfflineBundle, seal_bundle
from certsvc.credentials.qr_code import digest_of, parse_code, sign_code, sized_text
from certsvc.credentials.status_list import (
    StatusList,
    StatusListToken,
    sign_status_list_cwt,
    sign_status_list_jwt,
)
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.domain.text import LocalizedText
from tests.vectors.accepted_codes import code_json
from tests.vectors.samples import AGENCY_ID, NOW, VERIFY_URL, CountedBytes, license_code, license_vc
from tests.vectors.signers import VectorSigner

FOLDER = Path(__file__).with_name("golden")

_LICENSE, _STATUS, _VC = VectorSigner("license"), VectorSigner("status"), VectorSigner("vc")
_AGENCY = LocalizedText("海岱市市场监督管理局", "Haidai City Market Regulation Bureau")
_KEY = replace(_LICENSE.record(KeyPurpose.LICENSE), agency_id=AGENCY_ID)
_STATUS_LIST = StatusListToken(
    uri=license_vc().status_uri,
    statuses=StatusList.of({0: 1, 77_777: 2, 131_071: 3}),
    issued_at=NOW,
    expires_at=NOW + timedelta(days=1),
    ttl=timedelta(seconds=60),
)


def license_code_form() -> dict[str, Any]:
    """The code on a business license, closed and open-ended."""
    forms = {}
    for name, code in (("closed", license_code()), ("open-ended", license_code(expires=None))):
        parsed = parse_code(sign_code(code, signer=_LICENSE))
        message = cose.parse_sign1(parsed.raw[1:])
        forms[name] = {
            "code": code_json(code),
            "protected": message.protected.hex(),
            "payload": message.payload.hex(),
            "signed_bytes": parsed.signed_bytes.hex(),
            "registration_digest": digest_of(parsed.signed_bytes).hex(),
            "size": len(parsed.raw),
            "text_length": len(sized_text(code, verify_url=VERIFY_URL)),
        }
    return forms


def status_list_form() -> dict[str, Any]:
    """A status list of 2^17 entries, 0 but for three."""
    message = cose.parse_sign1(sign_status_list_cwt(_STATUS_LIST, signer=_STATUS))
    compressed = _STATUS_LIST.statuses.compress()
    before, _, after = message.payload.partition(cbor.encode(compressed))
    jwt = _jws_parts(sign_status_list_jwt(_STATUS_LIST, signer=_STATUS))
    return {
        "statuses": {"0": 1, "77777": 2, "131071": 3},
        "packed_sha256": hashlib.sha256(_STATUS_LIST.statuses.packed).hexdigest(),
        "jwt": {"header": jwt["header"], "payload": _without_lst(jwt["payload"])},
        "cwt": {
            "protected": message.protected.hex(),
            "payload_before_lst": before.hex(),
            "payload_after_lst": after.hex(),
        },
    }


def sd_jwt_vc_form() -> dict[str, Any]:
    """A credential of the license, with salts that count from 1."""
    vc = replace(license_vc(), holder_key=VectorSigner("holder").sec1)
    jwt, *disclosures, end = issue_license_vc(vc, signer=_VC, random_bytes=CountedBytes()).split("~")
    assert end == ""
    return {
        **_jws_parts(jwt),
        "disclosures": [{"text": text, "json": json.loads(decode_base64url(text))} for text in disclosures],
    }


def key_set_form() -> dict[str, Any]:
    """One key of an agency: its record, the sets it stands in, and the flags after it was compromised."""
    bad = replace(_KEY, state=KeyState.COMPROMISED, compromised_since=NOW, deactivated_at=NOW)
    flags = KeyFlags(version=3, issued_at=NOW, expires_at=NOW + timedelta(days=1), flags=flags_of([bad]))
    return {
        "record": KeyRecord.of(_KEY, agency_name=_AGENCY).to_json(),
        "thumbprint": cose.thumbprint(_KEY.public_key).hex(),
        "thumbprint_input": cbor.encode(cose.cose_key(_KEY.public_key)).hex(),
        "jwks": jwk_set([_KEY]),
        "cose_key_set": cose_key_set([_KEY]).hex(),
        "flags": _jws_parts(sign_key_flags(flags, issuer="https://zz.example.gov.cn", signer=VectorSigner("key_set"))),
    }


def offline_bundle_form() -> dict[str, Any]:
    """A bundle with that key and list."""
    bundle = OfflineBundle(
        issuer="https://zz.example.gov.cn",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
        version=3,
        keys=(PublishedKey(_KEY, _AGENCY),),
        types=({"vct": license_vc().vct, "name": "营业执照"},),
        agencies={AGENCY_ID: _AGENCY},
        status_lists={0: BundledStatusList(_STATUS_LIST.statuses, NOW)},
    )
    parts = _jws_parts(seal_bundle(bundle, signer=VectorSigner("bundle")))
    return {"header": parts["header"], "payload": _without_lst(parts["payload"])}


FORMS: dict[str, Callable[[], dict[str, Any]]] = {
    "license_code": license_code_form,
    "status_list": status_list_form,
    "sd_jwt_vc": sd_jwt_vc_form,
    "key_set": key_set_form,
    "offline_bundle": offline_bundle_form,
}


def _without_lst(value: Any) -> Any:
    """The same JSON with every `lst` blanked: zlib streams of one content differ between zlib's implementations."""
    if isinstance(value, dict):
        return {name: "…" if name == "lst" else _without_lst(inner) for name, inner in value.items()}
    return [_without_lst(inner) for inner in value] if isinstance(value, list) else value


def _jws_parts(token: str) -> dict[str, Any]:
    """What a JWS signs, as it stands and decoded."""
    signing_input = token.rpartition(".")[0]
    header, payload = (json.loads(decode_base64url(part)) for part in signing_input.split("."))
    return {"signing_input": signing_input, "header": header, "payload": payload}


if __name__ == "__main__":
    for name, make in FORMS.items():
        text = json.dumps(make(), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
