"""Who calls? A bearer token becomes a Caller, or the call ends here.

Invariants: nothing makes a Caller without a good signature by a registered key of an owner who may call; a
token that was checked is remembered by digest until it ends, but the right to call is looked up at every
use, so that taking a key, an agency or an officer away bites at once; only good tokens are remembered, so
strangers cannot fill the memory.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime
from typing import Protocol

from certsvc.domain.agency import Agency, AgencyState, CallerKind, ClientKey, Officer
from certsvc.domain.principal import Caller
from certsvc.errors import UnauthenticatedError
from certsvc.ports import MAX_CALLER_TOKEN, CallerClaims, Clock, TokenReader

MAX_REMEMBERED = 10_000


class CallerDirectory(Protocol):
    """Agencies, officers and client keys as they are now (services/directory.py)."""

    def client_key(self, key_id: str) -> ClientKey | None:
        """The client key, or None."""

    def agency(self, agency_id: str) -> Agency | None:
        """The agency, or None."""

    def officer(self, agency_id: str, officer_id: str) -> Officer | None:
        """The agency's officer, or None."""


class Authenticator:
    """Turns bearer tokens into callers; safe to share between threads."""

    def __init__(
        self,
        *,
        directory: CallerDirectory,
        read_token: TokenReader,
        clock: Clock,
        audience: str,
        capacity: int = MAX_REMEMBERED,
    ) -> None:
        """`audience` is this service as tokens name it in `aud`; `capacity` bounds the remembered tokens."""
        self._directory = directory
        self._read_token = read_token
        self._clock = clock
        self._audience = audience
        self._checked = _CheckedTokens(capacity)

    def authenticate(self, token: str) -> Caller:
        """Who signed this token, if that one may call now.

        Raises UnauthenticatedError: TOKEN_MISSING; what `TokenReader` raises; KEY_UNKNOWN, KEY_REVOKED,
        KEY_EXPIRED, TOKEN_ISSUER (the key belongs to another), AGENCY_DEACTIVATED, OFFICER_UNKNOWN,
        OFFICER_INACTIVE.
        """
        if not token:
            raise _refusal("TOKEN_MISSING", "send a token as `authorization: Bearer …`")
        if len(token) > MAX_CALLER_TOKEN or not token.isascii():
            raise _refusal("TOKEN_MALFORMED", f"a token has at most {MAX_CALLER_TOKEN} ASCII characters")
        now = self._clock.now()
        return self._caller(self._claims_of(token, now), now)

    def recheck(self, caller: Caller) -> Caller:
        """The caller as it is now, for calls that outlive their token: key, agency and officer are looked up again.

        Raises UnauthenticatedError as `authenticate` does, but nothing about the token, which may have ended.
        """
        now = self._clock.now()
        claims = CallerClaims(
            key_id=caller.key_id, issuer=caller.owner_id, officer_id=caller.officer_id, expires_at=now
        )
        return self._caller(claims, now)

    def _caller(self, claims: CallerClaims, now: datetime) -> Caller:
        key = self._key_of(claims, now)
        if key.owner_kind is CallerKind.OPERATOR:
            return _operator(claims)
        return self._agency_caller(claims)

    def _claims_of(self, token: str, now: datetime) -> CallerClaims:
        digest = hashlib.sha256(token.encode("ascii")).digest()
        claims = self._checked.find(digest, now)
        if claims is None:
            claims = self._read_token(token, find_key=self._directory.client_key, audience=self._audience, now=now)
            self._checked.remember(digest, claims)
        return claims

    def _key_of(self, claims: CallerClaims, now: datetime) -> ClientKey:
        key = self._directory.client_key(claims.key_id)
        if key is None:
            raise _refusal("KEY_UNKNOWN", "the token is not signed with a registered key")
        if key.revoked_at is not None:
            raise _refusal("KEY_REVOKED", "the key was taken away")
        if now >= key.expires_at:
            raise _refusal("KEY_EXPIRED", "the key has expired: register the next one")
        if key.owner_id != claims.issuer:
            raise _refusal("TOKEN_ISSUER", "the key belongs to another than iss names")
        return key

    def _agency_caller(self, claims: CallerClaims) -> Caller:
        agency = self._directory.agency(claims.issuer)
        if agency is None or agency.state is not AgencyState.ACTIVE:
            raise _refusal("AGENCY_DEACTIVATED", "the agency does not work here any more")
        roles = self._officer(claims).roles if claims.officer_id else frozenset()
        return Caller(
            kind=CallerKind.AGENCY,
            owner_id=agency.agency_id,
            officer_id=claims.officer_id,
            roles=roles,
            key_id=claims.key_id,
        )

    def _officer(self, claims: CallerClaims) -> Officer:
        officer = self._directory.officer(claims.issuer, claims.officer_id)
        if officer is None:
            raise _refusal("OFFICER_UNKNOWN", "the agency has no such officer")
        if not officer.active:
            raise _refusal("OFFICER_INACTIVE", "the officer does not work for the agency any more")
        return officer


class _CheckedTokens:
    """Claims of good tokens by the token's SHA-256, the least recently used going first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._claims: OrderedDict[bytes, CallerClaims] = OrderedDict()

    def find(self, digest: bytes, now: datetime) -> CallerClaims | None:
        with self._lock:
            claims = self._claims.get(digest)
            if claims is None:
                return None
            if now >= claims.expires_at:
                del self._claims[digest]
                return None
            self._claims.move_to_end(digest)
            return claims

    def remember(self, digest: bytes, claims: CallerClaims) -> None:
        with self._lock:
            self._claims[digest] = claims
            if len(self._claims) > self._capacity:
                self._claims.popitem(last=False)


def _operator(claims: CallerClaims) -> Caller:
    if claims.officer_id:
        raise _refusal("OFFICER_UNKNOWN", "operators have no officers: sub must equal iss")
    return Caller(
        kind=CallerKind.OPERATOR,
        owner_id=claims.issuer,
        officer_id="",
        roles=frozenset(),
        key_id=claims.key_id,
    )


def _refusal(reason: str, message: str) -> UnauthenticatedError:
    return UnauthenticatedError(reason=reason, message=message)
