"""What a worker knows of every signed code, so that VALID needs no database: nine bytes per status slot.

A slot holds a mark (the state) and a keyed 64-bit fingerprint of the signed bytes; the slot number comes with the
code. Invariants: only ACTIVE with an equal fingerprint confirms anything; every other finding is the database's to
say; a change made here is not confirmed away by an older one still in the feed (`distrust`), and of two changes of
one license the one with the higher revision stands, in whatever order they come.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from certsvc.domain.changes import Change
from certsvc.domain.license import LicenseState
from certsvc.domain.permutation import STATUS_LIST_BITS
from certsvc.ports import SlotRecord
from certsvc.services.license_changes import LicenseChangeData
from certsvc.services.numbering import STATUS_LIST_SIZE

_WIDTH = 9
_EMPTY, _ACTIVE, _OTHER = 0, 1, 2
_FINGERPRINT = 8
_REMEMBERED_REVISIONS = 100_000
_DISTRUST_SECONDS = 60.0


class Slots:
    """Marks and fingerprints by slot, kept true by the change feed; readers need no lock."""

    def __init__(self, fingerprint: Callable[[bytes], int]) -> None:
        self._fingerprint = fingerprint
        self._lists: dict[int, bytearray] = {}
        self._lock = threading.Lock()
        self._revisions: OrderedDict[int, int] = OrderedDict()
        self._distrusted: dict[int, tuple[int, float]] = {}

    def confirms(self, slot: int, digest: bytes) -> bool:
        """Whether the register signed exactly this for this slot, and it is ACTIVE and the newest version."""
        if slot in self._distrusted:
            return False
        entries = self._lists.get(slot >> STATUS_LIST_BITS)
        if entries is None:
            return False
        at = (slot & (STATUS_LIST_SIZE - 1)) * _WIDTH
        entry = bytes(entries[at : at + _WIDTH])
        return entry[0] == _ACTIVE and entry[1:] == self._fingerprint(digest).to_bytes(_FINGERPRINT)

    def load(self, *records: SlotRecord) -> None:
        """Take slots as the database has them, when a worker starts."""
        active = LicenseState.ACTIVE
        with self._lock:
            for slot, digest, state, superseded in records:
                self._store(slot, _ACTIVE if state is active and not superseded else _OTHER, digest)

    def distrust(self, license_id: int, slots: tuple[int, ...], *, revision: int) -> None:
        """Let the database speak for these slots until the feed brings this revision; before a change is answered."""
        until = time.monotonic() + _DISTRUST_SECONDS
        with self._lock:
            if self._revisions.get(license_id, 0) >= revision:
                return
            for slot in slots:
                self._distrusted[slot] = (revision, until)

    def apply(self, change: Change) -> None:
        """Take note of a LICENSE change from the feed."""
        data = LicenseChangeData.of(change)
        with self._lock:
            self._forget_old_distrust()
            known = self._revisions.get(data.license_id, 0)
            if data.revision < known:
                return
            self._revisions[data.license_id] = data.revision
            self._revisions.move_to_end(data.license_id)
            if len(self._revisions) > _REMEMBERED_REVISIONS:
                self._revisions.popitem(last=False)
            for slot in data.older_slots:
                self._mark_other(slot)
                self._trust_again(slot, data.revision)
            self._store(data.slot, _ACTIVE if data.state is LicenseState.ACTIVE else _OTHER, data.digest)
            self._trust_again(data.slot, data.revision)

    def _store(self, slot: int, mark: int, digest: bytes) -> None:
        entries = self._lists.get(slot >> STATUS_LIST_BITS)
        if entries is None:
            entries = self._lists[slot >> STATUS_LIST_BITS] = bytearray(STATUS_LIST_SIZE * _WIDTH)
        at = (slot & (STATUS_LIST_SIZE - 1)) * _WIDTH
        entries[at : at + _WIDTH] = bytes([mark]) + self._fingerprint(digest).to_bytes(_FINGERPRINT)

    def _mark_other(self, slot: int) -> None:
        entries = self._lists.get(slot >> STATUS_LIST_BITS)
        if entries is not None:
            entries[(slot & (STATUS_LIST_SIZE - 1)) * _WIDTH] = _OTHER

    def _trust_again(self, slot: int, revision: int) -> None:
        waiting = self._distrusted.get(slot)
        if waiting is not None and waiting[0] <= revision:
            del self._distrusted[slot]

    def _forget_old_distrust(self) -> None:
        now = time.monotonic()
        # In insertion order, so the oldest come first; a change that never committed leaves one behind.
        for slot, (_, until) in list(self._distrusted.items())[:16]:
            if until < now:
                del self._distrusted[slot]
