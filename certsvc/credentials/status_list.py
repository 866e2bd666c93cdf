"""Status lists (draft-ietf-oauth-status-list): two bits a license version, signed as JWT and as CWT.

docs/formats/status-list.md is the contract. Invariants: only a key of purpose `status` speaks for a list, and
only for the list that was asked for; compressed bytes never grow past a bound that the caller knows; an index
outside the list is refused, never read as valid.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.credentials import cbor, cose
from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.credentials.jws import check_claims, read_jws, sign_jws
from certsvc.credentials.strict_json import member
from certsvc.credentials.verification_key import KeyLookup
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import MalformedError, SignatureError
from certsvc.ports import Signer

VALID, INVALID, SUSPENDED, SUPERSEDED = range(4)
"""The statuses of the draft's registry (§7.1), and 3 for a version that a newer one replaced."""

BITS = 2
SIZE = 2**17
"""Entries of a list of ours."""
MAX_BYTES = SIZE * BITS // 8
MAX_TOKEN_SIZE = 64 * 1024
"""Incompressible MAX_BYTES in base64url, signed, stay well below."""
MAX_TTL = 366 * 24 * 3600

TYP_JWT = "statuslist+jwt"
TYP_CWT = "application/statuslist+cwt"

_SUB, _EXP, _IAT, _STATUS_LIST, _TTL = 2, 4, 6, 65533, 65534


@dataclass(frozen=True, slots=True)
class StatusList:
    """The packed statuses: entry i stands in byte i·bits/8, lower entries in lower bits (draft §4.1)."""

    bits: int
    packed: bytes

    @classmethod
    def of(cls, statuses: Mapping[int, int], *, size: int = SIZE) -> "StatusList":
        """A two-bit list of `size` entries in which all that `statuses` does not name are VALID."""
        packed = bytearray(size * BITS // 8)
        for index, status in statuses.items():
            if not (0 <= index < size and VALID <= status <= SUPERSEDED):
                raise ValueError("status or index out of range")
            packed[index // 4] |= status << index % 4 * BITS
        return cls(bits=BITS, packed=bytes(packed))

    def __len__(self) -> int:
        return len(self.packed) * 8 // self.bits

    def get(self, index: int) -> int:
        """The status of one entry. Raises MalformedError (STATUS_INDEX) outside the list (draft §8.3)."""
        if not 0 <= index < len(self):
            raise MalformedError(reason="STATUS_INDEX", message="the status list has no such entry")
        position = index * self.bits
        return self.packed[position // 8] >> position % 8 & (1 << self.bits) - 1

    def compress(self) -> bytes:
        """The `lst` of a token: a zlib stream (RFC 1950) at the highest level, as the draft recommends."""
        return zlib.compress(self.packed, level=9)

    @classmethod
    def decompress(cls, compressed: bytes, *, bits: int, max_bytes: int = MAX_BYTES) -> "StatusList":
        """Read a `lst` that unfolds to at most `max_bytes`. Raises MalformedError (STATUS_LIST)."""
        if isinstance(bits, bool) or bits not in (1, 2, 4, 8):
            raise _malformed("bits is 1, 2, 4 or 8")
        stream = zlib.decompressobj()
        try:
            packed = stream.decompress(compressed, max_bytes + 1)
        except zlib.error as error:
            raise _malformed("lst is no zlib stream") from error
        if len(packed) > max_bytes:
            raise _malformed(f"lst unfolds to more than {max_bytes} bytes")
        if not stream.eof or stream.unused_data or not packed:
            raise _malformed("lst is not exactly one zlib stream")
        return cls(bits=bits, packed=packed)


@dataclass(frozen=True, slots=True)
class StatusListToken:
    """A list and what its token says about it. `ttl` is how long a copy may be used before asking again."""

    uri: str
    statuses: StatusList
    issued_at: datetime
    expires_at: datetime
    ttl: timedelta


def sign_status_list_jwt(token: StatusListToken, *, signer: Signer) -> str:
    """The list as a JWT (draft §5.1)."""
    claims = {
        "sub": token.uri,
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "ttl": int(token.ttl.total_seconds()),
        "status_list": status_list_json(token.statuses),
    }
    return sign_jws(claims, typ=TYP_JWT, signer=signer)


def sign_status_list_cwt(token: StatusListToken, *, signer: Signer) -> bytes:
    """The list as a tagged COSE_Sign1 CWT (draft §5.2), in deterministic CBOR."""
    header: dict[int, cbor.Encodable] = {
        cose.HEADER_ALG: cose.ALG_ES256,
        cose.HEADER_KID: bytes.fromhex(signer.kid),
        cose.HEADER_TYP: TYP_CWT,
    }
    status_list: dict[str, cbor.Encodable] = {"bits": token.statuses.bits, "lst": token.statuses.compress()}
    claims: dict[int, cbor.Encodable] = {
        _SUB: token.uri,
        _IAT: int(token.issued_at.timestamp()),
        _EXP: int(token.expires_at.timestamp()),
        _TTL: int(token.ttl.total_seconds()),
        _STATUS_LIST: status_list,
    }
    protected, payload = cbor.encode(header), cbor.encode(claims)
    signature = signer.sign(cose.sig_structure(protected, payload))
    return cose.encode_sign1(cose.Sign1(protected, {}, payload, signature))


def read_status_list_jwt(
    token: str, *, uri: str, find_key: KeyLookup, now: datetime, leeway: timedelta = timedelta(0)
) -> StatusListToken:
    """Read and check the JWT form of the list at `uri`.

    Raises MalformedError for form, claims and times (as `check_claims` does), SignatureError for an unknown
    key, a key of another purpose, or a bad signature. Both mean: nothing is known, never: all is valid.
    """
    verified = read_jws(token, typ=TYP_JWT, purpose=KeyPurpose.STATUS, find_key=find_key, max_size=MAX_TOKEN_SIZE)
    statuses = parse_status_list_json(verified.claims.get("status_list"))
    return _checked_token(verified.claims, statuses, uri=uri, now=now, leeway=leeway)


def read_status_list_cwt(
    token: bytes, *, uri: str, find_key: KeyLookup, now: datetime, leeway: timedelta = timedelta(0)
) -> StatusListToken:
    """Read and check the CWT form of the list at `uri`; raises as `read_status_list_jwt` does.

    Claims may stand in any order, as in the draft's own examples; the kid may stand in either header.
    """
    if len(token) > MAX_TOKEN_SIZE:
        raise MalformedError(reason="TOKEN_SIZE", message=f"longer than {MAX_TOKEN_SIZE} bytes")
    message = cose.parse_sign1(token)
    header = message.header()
    if header.get(cose.HEADER_TYP) != TYP_CWT:
        raise MalformedError(reason="TOKEN_TYP", message=f"not a token of type {TYP_CWT}")
    kid = header.get(cose.HEADER_KID, message.unprotected.get(cose.HEADER_KID))
    key = find_key(kid.hex()) if isinstance(kid, bytes) else None
    if key is None:
        raise SignatureError(reason="UNKNOWN_KEY", message="no trusted key has this kid")
    if key.purpose != KeyPurpose.STATUS:
        raise SignatureError(reason="WRONG_KEY_PURPOSE", message="the key may not sign status lists")
    cose.verify_sign1(message, key.public_key, algorithm=cose.ALG_ES256)
    claims, statuses = parse_status_list_claims(message.payload)
    return _checked_token(claims, statuses, uri=uri, now=now, leeway=leeway)


def status_list_json(statuses: StatusList) -> dict[str, Any]:
    """The `status_list` claim of the JWT form (draft §4.2)."""
    return {"bits": statuses.bits, "lst": encode_base64url(statuses.compress())}


def parse_status_list_json(claim: object, *, max_bytes: int = MAX_BYTES) -> StatusList:
    """Read a `status_list` claim of the JWT form. Raises MalformedError (STATUS_LIST, BASE64URL)."""
    match claim:
        case {"bits": int() as bits, "lst": str() as lst}:
            return StatusList.decompress(decode_base64url(lst), bits=bits, max_bytes=max_bytes)
    raise _malformed("status_list is {bits, lst}")


def parse_status_list_cbor(claim: object, *, max_bytes: int = MAX_BYTES) -> StatusList:
    """Read a `status_list` claim of the CWT form (draft §4.3). Raises MalformedError (STATUS_LIST)."""
    match claim:
        case {"bits": int() as bits, "lst": bytes() as lst}:
            return StatusList.decompress(lst, bits=bits, max_bytes=max_bytes)
    raise _malformed("status_list is {bits, lst}")


def parse_status_list_claims(payload: bytes) -> tuple[dict[str, Any], StatusList]:
    """The claims of a status list CWT under their JWT names, and its list; checks nothing but their form."""
    claims = cbor.decode(payload, ordered=False)
    if not isinstance(claims, dict):
        raise MalformedError(reason="CLAIM_TYPE", message="the claims are no map")
    names = {_SUB: "sub", _IAT: "iat", _EXP: "exp", _TTL: "ttl"}
    named = {name: claims[number] for number, name in names.items() if number in claims}
    return named, parse_status_list_cbor(claims.get(_STATUS_LIST))


def _checked_token(
    claims: Mapping[str, Any], statuses: StatusList, *, uri: str, now: datetime, leeway: timedelta
) -> StatusListToken:
    check_claims(claims, required=("sub", "iat", "exp", "ttl"), now=now, leeway=leeway)
    if claims["sub"] != uri:
        raise MalformedError(reason="CLAIM_SUBJECT", message="the token is about another list")
    ttl = member(claims, "ttl", int)
    if not 0 < ttl <= MAX_TTL:
        raise MalformedError(reason="CLAIM_TYPE", message=f"ttl is a number of seconds from 1 to {MAX_TTL}")
    return StatusListToken(
        uri=uri,
        statuses=statuses,
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        ttl=timedelta(seconds=ttl),
    )


def _malformed(message: str) -> MalformedError:
    return MalformedError(reason="STATUS_LIST", message=message)
