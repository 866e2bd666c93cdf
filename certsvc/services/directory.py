"""What every call needs at hand: agencies, officers, client keys, grants, license types and signing keys.

Owns a copy of these small tables in memory. Invariants: an entry is dropped when the feed says that it changed, and
by the service that changed it here; a missing entry is read from the ledger, never guessed; nothing is cached that
was not found, so that a new entry is seen at once.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from certsvc.domain.agency import Agency, ClientKey, Grant, GrantKind, Officer
from certsvc.domain.changes import Change, ChangeKind
from certsvc.domain.license_type import LicenseType
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.ports import Ledger, Repositories

T = TypeVar("T")

MAX_ENTRIES = 50_000


class Directory:
    """Read-through cache of the registry's small tables, kept true by the change feed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._entries: dict[tuple[Hashable, ...], Any] = {}
        self._generation = 0

    def agency(self, agency_id: str) -> Agency | None:
        """The agency, or None."""
        return self._find(("agency", agency_id), lambda r: r.agencies.get(agency_id))

    def officer(self, agency_id: str, officer_id: str) -> Officer | None:
        """The agency's officer, or None."""
        return self._find(("officer", agency_id, officer_id), lambda r: r.agencies.officer(agency_id, officer_id))

    def client_key(self, key_id: str) -> ClientKey | None:
        """The client key, or None."""
        return self._find(("client_key", key_id), lambda r: r.agencies.client_key(key_id))

    def grants(self, agency_id: str) -> tuple[Grant, ...]:
        """All grants of the agency."""
        return self._find(("grants", agency_id), lambda r: tuple(r.agencies.grants(agency_id))) or ()

    def license_type(self, code: str, version: int | None = None) -> LicenseType | None:
        """One version of the type (the newest by default), or None."""
        return self._find(("type", code, version), lambda r: r.license_types.get(code, version))

    def signing_keys(self) -> tuple[SigningKey, ...]:
        """All signing keys, newest first."""
        return self._find(("signing_keys",), lambda r: tuple(r.signing_keys.all())) or ()

    def signing_key(self, kid: str) -> SigningKey | None:
        """The signing key, or None; WITHDRAWN ones too."""
        by_kid = self._find(("by_kid",), lambda r: {key.kid: key for key in r.signing_keys.all()})
        return (by_kid or {}).get(kid)

    def key_set_version(self) -> int:
        """Rises with every change of the key set."""
        return self._find(("key_set_version",), lambda r: r.signing_keys.key_set_version()) or 0

    def active_key(self, purpose: KeyPurpose, *, agency_id: str = "", type_code: str = "") -> SigningKey | None:
        """The ACTIVE key that signs for this purpose, agency and type: the one with the narrowest scope."""
        fitting = [
            key
            for key in self.signing_keys()
            if key.purpose is purpose
            and key.state is KeyState.ACTIVE
            and key.covers(agency_id=agency_id, type_code=type_code)
        ]
        return max(fitting, key=lambda key: (key.agency_id is not None, bool(key.type_codes)), default=None)

    def allows(self, agency_id: str, kind: GrantKind, *, type_code: str, region: str) -> bool:
        """Whether a grant of this agency covers the act on a license of this type, issued in this region."""
        return any(grant.allows(kind=kind, type_code=type_code, region=region) for grant in self.grants(agency_id))

    def apply(self, change: Change) -> None:
        """Take note of a change from the feed."""
        self.forget(change.kind, change.ref)

    def forget(self, kind: ChangeKind, ref: str) -> None:
        """Drop what a change of `ref` makes stale; called by the feed and, before it answers, by who changed it."""
        with self._lock:
            self._generation += 1
            if kind is ChangeKind.AGENCY:
                self._drop(lambda key: key[0] in ("agency", "officer", "grants") and key[1] == ref)
            elif kind is ChangeKind.CLIENT_KEY:
                self._entries.pop(("client_key", ref), None)
            elif kind is ChangeKind.LICENSE_TYPE:
                self._drop(lambda key: key[0] == "type" and key[1] == ref)
            elif kind is ChangeKind.SIGNING_KEY:
                self._drop(lambda key: key[0] in ("signing_keys", "by_kid", "key_set_version"))

    def _drop(self, stale: Callable[[tuple[Hashable, ...]], bool]) -> None:
        for key in [key for key in self._entries if stale(key)]:
            del self._entries[key]

    def _find(self, key: tuple[Hashable, ...], load: Callable[[Repositories], T | None]) -> T | None:
        found: T | None = self._entries.get(key)
        if found is not None:
            return found
        generation = self._generation
        with self._ledger.read() as repositories:
            found = load(repositories)
        if found is not None:
            with self._lock:
                # A change that came in while this was read may be newer than what was read: do not keep that.
                if generation == self._generation and len(self._entries) < MAX_ENTRIES:
                    self._entries[key] = found
        return found
