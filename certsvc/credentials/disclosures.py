"""Selective disclosure of JSON claims (RFC 9901 §4, §7.1): salted disclosures, digests, putting them back.

Invariants: a digest stands for exactly one disclosure at exactly one place; a disclosure that no digest
stands for is refused; no disclosure can replace a claim that is there or bring in `_sd` or `...`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certsvc.credentials.base64url import decode_base64url, encode_base64url
from certsvc.credentials.strict_json import dump_json, load_json
from certsvc.errors import MalformedError

SD_KEY, ELEMENT_KEY, ALG_KEY = "_sd", "...", "_sd_alg"
HASH_NAME = "sha-256"
SALT_SIZE = 16
"""128 bits, base64url-encoded (RFC 9901 §4.2.1)."""
MAX_DEPTH = 16

ClaimPath = tuple[str | int, ...]
"""Names and array positions from the top: ("holders", 0, "name")."""


def digest_of(text: str) -> str:
    """The base64url SHA-256 of an ASCII text: of a disclosure, or of a presentation for `sd_hash`."""
    return encode_base64url(hashlib.sha256(text.encode("ascii")).digest())


def conceal(claims: Mapping[str, Any], *, random_bytes: Callable[[int], bytes]) -> tuple[dict[str, Any], list[str]]:
    """Turn every member of `claims` into a disclosure of its own.

    Returns the object that holds their digests, in an order that says nothing, and the disclosures.
    `random_bytes` gives that many unpredictable bytes, new at every call.
    """
    disclosures = [
        encode_base64url(dump_json([encode_base64url(random_bytes(SALT_SIZE)), name, value]))
        for name, value in claims.items()
    ]
    return ({SD_KEY: sorted(map(digest_of, disclosures))} if disclosures else {}), disclosures


@dataclass(frozen=True, slots=True)
class DisclosedClaims:
    """Claims with all disclosures put back, and at which path each disclosure text stands."""

    claims: dict[str, Any]
    paths: Mapping[ClaimPath, str]


def disclose(payload: Mapping[str, Any], disclosures: Sequence[str]) -> DisclosedClaims:
    """Put disclosures back into a signed payload (RFC 9901 §7.1, steps 3 to 5).

    Raises MalformedError (SD_ALG, SD_DISCLOSURE, SD_DIGEST, SD_NAME, SD_UNREFERENCED, SD_DEPTH, JSON,
    BASE64URL).
    """
    if payload.get(ALG_KEY, HASH_NAME) != HASH_NAME:
        raise _malformed("ALG", f"disclosures are digested with {HASH_NAME}")
    by_digest = {digest_of(text): text for text in disclosures}
    if len(by_digest) != len(disclosures):
        raise _malformed("DISCLOSURE", "a disclosure is given twice")
    walk = _Walk(by_digest)
    claims = walk.members({name: value for name, value in payload.items() if name != ALG_KEY}, ())
    if len(walk.paths) != len(disclosures):
        raise _malformed("UNREFERENCED", "a disclosure has no digest in what was signed")
    return DisclosedClaims(claims=claims, paths=walk.paths)


class _Walk:
    """One pass over a payload: state is which digests were seen and where disclosures went."""

    def __init__(self, by_digest: Mapping[str, str]) -> None:
        self._by_digest = by_digest
        self._seen: set[str] = set()
        self.paths: dict[ClaimPath, str] = {}

    def members(self, value: Mapping[str, Any], path: ClaimPath) -> dict[str, Any]:
        """An object without `_sd`, with the disclosed members that its digests stand for."""
        if ELEMENT_KEY in value or (path and ALG_KEY in value):
            raise _malformed("NAME", "a reserved name stands where it has no meaning")
        result = {name: self._value(inner, (*path, name)) for name, inner in value.items() if name != SD_KEY}
        digests = value.get(SD_KEY, [])
        if not isinstance(digests, list):
            raise _malformed("DIGEST", "_sd is an array of digests")
        for digest in digests:
            text = self._claim(digest)
            if text is None:
                continue
            match load_json(decode_base64url(text)):
                case [str(), str() as name, inner]:
                    if name in (SD_KEY, ELEMENT_KEY) or name in result:
                        raise _malformed("NAME", "a disclosure names a claim that is there, or a reserved one")
                    self.paths[*path, name] = text
                    result[name] = self._value(inner, (*path, name))
                case _:
                    raise _malformed("DISCLOSURE", "the disclosure of a member is [salt, name, value]")
        return result

    def _array(self, value: list[Any], path: ClaimPath) -> list[Any]:
        result = []
        for position, element in enumerate(value):
            inner_path = (*path, position)
            if not (isinstance(element, dict) and ELEMENT_KEY in element):
                result.append(self._value(element, inner_path))
                continue
            if len(element) != 1:
                raise _malformed("DIGEST", "an undisclosed element holds its digest and nothing else")
            text = self._claim(element[ELEMENT_KEY])
            if text is None:
                continue
            match load_json(decode_base64url(text)):
                case [str(), inner]:
                    self.paths[inner_path] = text
                    result.append(self._value(inner, inner_path))
                case _:
                    raise _malformed("DISCLOSURE", "the disclosure of an element is [salt, value]")
        return result

    def _value(self, value: Any, path: ClaimPath) -> Any:
        if len(path) > MAX_DEPTH:
            raise _malformed("DEPTH", f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            return self.members(value, path)
        return self._array(value, path) if isinstance(value, list) else value

    def _claim(self, digest: object) -> str | None:
        """The disclosure that a digest stands for, None when it was not disclosed (or is a decoy)."""
        if not isinstance(digest, str):
            raise _malformed("DIGEST", "a digest is text")
        if digest in self._seen:
            raise _malformed("DIGEST", "a digest stands twice")
        self._seen.add(digest)
        return self._by_digest.get(digest)


def _malformed(reason: str, message: str) -> MalformedError:
    return MalformedError(reason=f"SD_{reason}", message=message)
