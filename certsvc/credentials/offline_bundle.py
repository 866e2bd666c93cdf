"""The offline bundle: one signed, dated file with all that a verifier without a network needs.

docs/formats/offline-bundle.md is the contract. Invariants: only the anchor that the verifier already trusts
speaks for a bundle; nothing in it is used before its signature is checked; its size and counts are bounded.
Age is not refused here: an old bundle still knows revocations, so the verifier judges by it, and answers
UNCONFIRMED instead of VALID.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.credentials.jws import read_jws, sign_jws
from certsvc.credentials.key_set import PublishedKey, parse_localized, parse_published_key
from certsvc.credentials.status_list import StatusList, parse_status_list_json, status_list_json
from certsvc.credentials.strict_json import member, time_member
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain.signing_key import KeyPurpose
from certsvc.domain.text import LocalizedText
from certsvc.errors import MalformedError
from certsvc.ports import Signer

TYP = "certsvc-bundle+jwt"
MAX_SIZE = 64 * 1024 * 1024
MAX_ENTRIES = 10_000
"""Keys, types, agencies and lists of a bundle, each."""
MAX_SKEW = timedelta(minutes=10)
"""How far a bundle's issue may lie ahead of an offline verifier's clock."""


@dataclass(frozen=True, slots=True)
class BundledStatusList:
    """One status list as it was at `issued_at`."""

    statuses: StatusList
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class OfflineBundle:
    """What a bundle knows. `version` rises with every key set; `types` are metadata documents.

    `agencies` maps ids to names; `status_lists` maps list numbers to lists.
    """

    issuer: str
    issued_at: datetime
    expires_at: datetime
    version: int
    keys: tuple[PublishedKey, ...]
    types: tuple[Mapping[str, Any], ...]
    agencies: Mapping[str, LocalizedText]
    status_lists: Mapping[int, BundledStatusList]

    def is_stale(self, now: datetime) -> bool:
        """Whether the bundle is too old for VALID at `now`."""
        return now >= self.expires_at


def seal_bundle(bundle: OfflineBundle, *, signer: Signer) -> str:
    """Sign a bundle as a JWS of type `certsvc-bundle+jwt`. Raises what the signer raises."""
    claims = {
        "iss": bundle.issuer,
        "iat": int(bundle.issued_at.timestamp()),
        "exp": int(bundle.expires_at.timestamp()),
        "version": bundle.version,
        "keys": [key.to_json() for key in bundle.keys],
        "types": list(bundle.types),
        "agencies": [
            {"id": agency_id, "name": {"zh": name.zh, "en": name.en}} for agency_id, name in bundle.agencies.items()
        ],
        "status_lists": [
            {"n": number, **status_list_json(entry.statuses), "iat": int(entry.issued_at.timestamp())}
            for number, entry in bundle.status_lists.items()
        ],
    }
    return sign_jws(claims, typ=TYP, signer=signer)


def open_bundle(text: str, *, anchor: VerificationKey, now: datetime) -> OfflineBundle:
    """Check a bundle against the trusted anchor and read it; ask `is_stale` before answering VALID by it.

    Raises SignatureError when the anchor did not sign it, MalformedError when it is not of this form or was
    issued later than `now` (and MAX_SKEW) allows.
    """
    verified = read_jws(
        text,
        typ=TYP,
        purpose=KeyPurpose.BUNDLE,
        find_key=lambda kid: anchor if kid == anchor.kid else None,
        max_size=MAX_SIZE,
    )
    claims = verified.claims
    issued_at = time_member(claims, "iat")
    if issued_at > now + MAX_SKEW:
        raise MalformedError(reason="TOKEN_NOT_YET_VALID", message="the bundle was issued in the future")
    return OfflineBundle(
        issuer=member(claims, "iss", str),
        issued_at=issued_at,
        expires_at=time_member(claims, "exp"),
        version=member(claims, "version", int),
        keys=tuple(map(parse_published_key, _entries(claims, "keys", key="kid").values())),
        types=tuple(_entries(claims, "types", key="vct").values()),
        agencies={
            agency_id: parse_localized(member(value, "name", dict))
            for agency_id, value in _entries(claims, "agencies", key="id").items()
        },
        status_lists={
            number: BundledStatusList(statuses=parse_status_list_json(value), issued_at=time_member(value, "iat"))
            for number, value in _entries(claims, "status_lists", key="n", kind=int).items()
        },
    )


def _entries(claims: Mapping[str, Any], name: str, *, key: str, kind: type[Any] = str) -> dict[Any, dict[str, Any]]:
    """A list of objects by their member `key`. Raises MalformedError (BUNDLE) for too many or two alike."""
    values = member(claims, name, list)
    if len(values) > MAX_ENTRIES:
        raise MalformedError(reason="BUNDLE", message=f"{name} has more than {MAX_ENTRIES} entries")
    entries = {member(value, key, kind): value for value in values}
    if len(entries) != len(values):
        raise MalformedError(reason="BUNDLE", message=f"{name} has two entries of one {key}")
    return entries
