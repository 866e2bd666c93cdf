"""Who calls: reading the tokens that callers sign."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from certsvc.domain.agency import ClientKey

MAX_CALLER_TOKEN = 2048
"""Characters of a caller's token; longer ones are refused before anything is computed from them."""


@dataclass(frozen=True, slots=True)
class CallerClaims:
    """What a caller's token says, its form, signature, audience and times checked.

    `issuer` is who it says it is, not yet compared with the key's owner; no officer is ``""``.
    """

    key_id: str
    issuer: str
    officer_id: str
    expires_at: datetime


class TokenReader(Protocol):
    """Reads the short-lived JWT that callers sign with their own registered key."""

    def __call__(
        self, token: str, *, find_key: Callable[[str], ClientKey | None], audience: str, now: datetime
    ) -> CallerClaims:
        """Check all that the token and its key say by themselves.

        Raises UnauthenticatedError: TOKEN_MALFORMED, KEY_UNKNOWN, TOKEN_SIGNATURE, TOKEN_AUDIENCE,
        TOKEN_EXPIRED, TOKEN_NOT_YET_VALID; DataIntegrityError (CLIENT_KEY_CHANGED) when the key found is not
        the one that its key_id names. Whether the key and its owner may still call is not looked at.
        """
