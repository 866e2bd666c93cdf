"""A license as an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc): which claims it has, and which are disclosures.

Invariants: claims come from these values only, never from a caller's request; identifier, type, agency,
dates, trust grade and status are always visible, every name, number and field is a disclosure of its own; a
credential lives at most MAX_LIFETIME.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from certsvc.credentials.disclosures import ALG_KEY, ELEMENT_KEY, HASH_NAME, SD_KEY, conceal
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.sd_jwt import MAX_SIZE, TYP
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.ports import Signer

MAX_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class VcHolder:
    """A holder in full; `kind` is the kind of the number, as the domain names it."""

    name: str
    number: str
    kind: str


@dataclass(frozen=True, slots=True)
class LicenseVc:
    """What a license credential says. `valid_until` None is open-ended, `holder_key` a SEC1 point."""

    issuer: str
    vct: str
    issued_at: datetime
    expires_at: datetime
    identifier: str
    type_code: str
    type_name: str
    agency_id: str
    agency_name: str
    valid_from: date
    valid_until: date | None
    trust_grade: str
    status_uri: str
    status_index: int
    holders: tuple[VcHolder, ...]
    fields: Mapping[str, Any]
    holder_key: bytes | None = None


def issue_license_vc(vc: LicenseVc, *, signer: Signer, random_bytes: Callable[[int], bytes]) -> str:
    """Sign a license credential with all its disclosures: `<JWT>~<disclosure>~…~`.

    `random_bytes` gives that many unpredictable bytes. Raises InvalidInputError when it would live too long,
    be too large, or has a field of a reserved name, and what the signer raises.
    """
    if not timedelta(0) < vc.expires_at - vc.issued_at <= MAX_LIFETIME:
        raise _invalid("expires_at", "LIFETIME", f"lies at most {MAX_LIFETIME.days} days after the issue")
    if {SD_KEY, ELEMENT_KEY, ALG_KEY} & vc.fields.keys():
        raise _invalid("fields", "FIELD_NAME", f"no field is called {SD_KEY}, {ELEMENT_KEY} or {ALG_KEY}")
    holders, disclosures = [], []
    for holder in vc.holders:
        members = {"name": holder.name, "number": holder.number, "kind": holder.kind}
        digests, texts = conceal(members, random_bytes=random_bytes)
        holders.append(digests)
        disclosures += texts
    fields, texts = conceal(vc.fields, random_bytes=random_bytes)
    disclosures += texts
    claims = _visible_claims(vc) | {"holders": holders, "fields": fields, ALG_KEY: HASH_NAME}
    credential = "~".join((sign_jws(claims, typ=TYP, signer=signer), *disclosures, ""))
    if len(credential) > MAX_SIZE:
        raise _invalid("fields", "VC_SIZE", f"the credential would have more than {MAX_SIZE} characters")
    return credential


def _visible_claims(vc: LicenseVc) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": vc.issuer,
        "iat": int(vc.issued_at.timestamp()),
        "exp": int(vc.expires_at.timestamp()),
        "vct": vc.vct,
        "identifier": vc.identifier,
        "license_type": {"code": vc.type_code, "name": vc.type_name},
        "agency": {"id": vc.agency_id, "name": vc.agency_name},
        "valid_from": vc.valid_from.isoformat(),
        "trust_grade": vc.trust_grade,
        "status": {"status_list": {"idx": vc.status_index, "uri": vc.status_uri}},
    }
    if vc.valid_until is not None:
        claims["valid_until"] = vc.valid_until.isoformat()
    if vc.holder_key is not None:
        claims["cnf"] = {"jwk": jwk_of(vc.holder_key)}
    return claims


def _invalid(field: str, reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation(field, reason, description))
