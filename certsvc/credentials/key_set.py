"""The published forms of signing keys: `/keys/{kid}` records, bundle entries, JWK sets and COSE key sets.

docs/formats/key-set.md is the contract. Invariants: a record never changes once it is published, so it holds
nothing of a key's life but the day of its publication; whatever is read back has the kid that its public key
makes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from certsvc.credentials import cbor, cose
from certsvc.credentials.jwk import jwk_of, sec1_of
from certsvc.credentials.strict_json import member, time_member
from certsvc.credentials.verification_key import ES256
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.errors import MalformedError

Choice = TypeVar("Choice", bound=StrEnum)

PURPOSE_MEMBER = "certsvc_purpose"
_OPTIONAL_TIMES = ("activated_at", "deactivated_at", "compromised_since")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What `/keys/{kid}` says of a key: all that never changes. `public_key` is a SEC1 point (65 bytes).

    `agency_name` is there exactly when `agency_id` is; no signature of the key is older than `not_before`.
    """

    kid: str
    public_key: bytes
    algorithm: str
    purpose: KeyPurpose
    agency_id: str | None
    agency_name: LocalizedText | None
    type_codes: tuple[str, ...]
    not_before: datetime
    development: bool

    @classmethod
    def of(cls, key: SigningKey, *, agency_name: LocalizedText | None) -> "KeyRecord":
        """The record of a key; `agency_name` names the agency that the key is for, if it is for one."""
        if (key.agency_id is None) != (agency_name is None):
            raise ValueError("an agency and its name come together")
        return cls(
            kid=key.kid,
            public_key=key.public_key,
            algorithm=key.algorithm,
            purpose=key.purpose,
            agency_id=key.agency_id,
            agency_name=agency_name,
            type_codes=key.type_codes,
            not_before=key.published_at.replace(microsecond=0),
            development=key.development,
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON of `/keys/{kid}`."""
        agency = None
        if self.agency_name is not None:
            agency = {"id": self.agency_id, "name": {"zh": self.agency_name.zh, "en": self.agency_name.en}}
        return {
            "kid": self.kid,
            "jwk": jwk_of(self.public_key),
            "alg": self.algorithm,
            "purpose": self.purpose.value,
            "agency": agency,
            "types": list(self.type_codes),
            "not_before": int(self.not_before.timestamp()),
            "development": self.development,
        }


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key with its life, as bundles carry it, and the name of the agency that it is for."""

    key: SigningKey
    agency_name: LocalizedText | None

    def to_json(self) -> dict[str, Any]:
        """The key's record with its state and times (Unix seconds; null where nothing happened yet)."""
        life = {
            name: None if (moment := getattr(self.key, name)) is None else int(moment.timestamp())
            for name in ("created_at", "published_at", "signing_until", *_OPTIONAL_TIMES)
        }
        record = KeyRecord.of(self.key, agency_name=self.agency_name)
        return record.to_json() | {"state": self.key.state.value, **life}


def parse_key_record(value: object) -> KeyRecord:
    """Read the JSON of `/keys/{kid}`; members that it does not know are ignored.

    Raises MalformedError (JSON_MEMBER, KEY_RECORD, PUBLIC_KEY, KID_MISMATCH, ALG_MISMATCH).
    """
    public_key = sec1_of(member(value, "jwk", dict))
    kid = member(value, "kid", str)
    if kid != cose.kid_of(public_key).hex():
        raise MalformedError(reason="KID_MISMATCH", message="the kid is not the thumbprint of the key")
    if member(value, "alg", str) != ES256:
        raise MalformedError(reason="ALG_MISMATCH", message="only ES256 keys are used")
    agency_id, agency_name = _agency(value)
    return KeyRecord(
        kid=kid,
        public_key=public_key,
        algorithm=ES256,
        purpose=_one_of(KeyPurpose, member(value, "purpose", str)),
        agency_id=agency_id,
        agency_name=agency_name,
        type_codes=_texts(member(value, "types", list)),
        not_before=time_member(value, "not_before"),
        development=member(value, "development", bool),
    )


def parse_published_key(value: object) -> PublishedKey:
    """Read a key entry of a bundle. Raises as `parse_key_record` does."""
    record = parse_key_record(value)
    key = SigningKey(
        kid=record.kid,
        purpose=record.purpose,
        algorithm=record.algorithm,
        public_key=record.public_key,
        agency_id=record.agency_id,
        type_codes=record.type_codes,
        state=_one_of(KeyState, member(value, "state", str)),
        development=record.development,
        created_at=time_member(value, "created_at"),
        published_at=time_member(value, "published_at"),
        signing_until=time_member(value, "signing_until"),
        **{name: _optional_time(value, name) for name in _OPTIONAL_TIMES},
    )
    return PublishedKey(key=key, agency_name=record.agency_name)


def jwk_set(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The JWK Set (RFC 7517 §5) of these keys, for `/.well-known/jwks.json`: those that sign JSON forms.

    PURPOSE_MEMBER, a private member (RFC 7517 §4), says what a key is for; other readers ignore it.
    """
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: SigningKey) -> dict[str, Any]:
    named = {"kid": key.kid, "alg": key.algorithm, "use": "sig", PURPOSE_MEMBER: key.purpose.value}
    return {**jwk_of(key.public_key), **named}


def cose_key_set(keys: Iterable[SigningKey]) -> bytes:
    """The COSE_KeySet (RFC 9052 §7) of these keys, for `/keyset`: those that sign CBOR forms."""
    return cbor.encode([cose.cose_key(key.public_key, kid=bytes.fromhex(key.kid)) for key in keys])


def parse_localized(value: object) -> LocalizedText:
    """Read {"zh", "en"}. Raises MalformedError (JSON_MEMBER)."""
    return LocalizedText(zh=member(value, "zh", str), en=member(value, "en", str))


def _agency(record: object) -> tuple[str | None, LocalizedText | None]:
    """Id and name of the agency that a record is for; nothing for a key that is for every agency."""
    match record:
        case {"agency": None}:
            return None, None
        case {"agency": agency}:
            return member(agency, "id", str), parse_localized(member(agency, "name", dict))
    raise MalformedError(reason="JSON_MEMBER", message="agency is missing")


def _one_of(choices: type[Choice], name: str) -> Choice:
    try:
        return choices(name)
    except ValueError as error:
        raise MalformedError(reason="KEY_RECORD", message=f"not a {choices.__name__}") from error


def _texts(values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise MalformedError(reason="KEY_RECORD", message="types are a list of codes")
    return tuple(values)


def _optional_time(value: object, name: str) -> datetime | None:
    if isinstance(value, dict) and name in value and value[name] is None:
        return None
    return time_member(value, name)
