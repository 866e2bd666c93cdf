"""The caller's tokens: signed here, with the caller's own key, used for some calls and then made anew.

Invariant: a token in use has minutes left, so that no call begins with one that ends before it arrives, even
where the two clocks differ by a minute or two.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from certsvc.credentials.caller_token import MAX_LIFETIME, make_token
from certsvc.credentials.client_credential import ClientCredential

USED_FOR = timedelta(minutes=2)


class TokenSource:
    """Makes tokens for one caller; safe to use from many threads."""

    def __init__(self, credential: ClientCredential, *, officer_id: str, now: Callable[[], datetime]) -> None:
        self._credential = credential
        self._officer_id = officer_id
        self._now = now
        self._lock = threading.Lock()
        self._header = ""
        self._made_at: datetime | None = None

    def authorization(self) -> str:
        """The value of the `authorization` header: `Bearer` and a token (RFC 6750 §2.1)."""
        with self._lock:
            now = self._now()
            # A clock that was set back makes a token look made in the future: that one is useless too.
            if self._made_at is None or not timedelta(0) <= now - self._made_at < USED_FOR:
                token = make_token(
                    self._credential,
                    issuer=self._credential.owner_id,
                    officer_id=self._officer_id,
                    audience=self._credential.audience,
                    now=now,
                    lifetime=MAX_LIFETIME,
                    token_id=uuid.uuid4().hex,
                )
                self._header, self._made_at = f"Bearer {token}", now
            return self._header
