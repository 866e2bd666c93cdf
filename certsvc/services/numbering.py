"""Numbers for new licenses: row ids, serials and status slots, from counters leased in blocks.

Invariants: no number is given twice, by any worker, ever (Ledger.lease); a serial or a slot says nothing about its
neighbors, because both are keyed permutations of their counters (DESIGN §5).
"""

import threading
from dataclasses import dataclass

from certsvc.domain.permutation import STATUS_LIST_BITS, serial_text, status_slot
from certsvc.ports import Ledger

BLOCK = 256

STATUS_LIST_SIZE = 1 << STATUS_LIST_BITS


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """A version's place in the status lists."""

    list_number: int
    index: int

    @property
    def slot(self) -> int:
        """Both in one number, as the store keeps it."""
        return self.list_number << STATUS_LIST_BITS | self.index

    @classmethod
    def of_slot(cls, slot: int) -> "StatusEntry":
        """The entry that a slot number stands for."""
        return cls(slot >> STATUS_LIST_BITS, slot & (STATUS_LIST_SIZE - 1))


class Numbering:
    """Gives out numbers from leased blocks; safe to call from many threads."""

    def __init__(self, ledger: Ledger, *, permutation_key: bytes) -> None:
        self._ledger = ledger
        self._key = permutation_key
        self._lock = threading.Lock()
        self._blocks: dict[str, list[int]] = {}

    def license_id(self) -> int:
        """The row id of a new license; its serial is made from it."""
        return self._next("license")

    def serial(self, license_id: int) -> str:
        """The serial of a new license: 12 characters 0-9 A-Z."""
        return serial_text(license_id, key=self._key)

    def status_entry(self) -> StatusEntry:
        """The place in the status lists of a new version."""
        found = status_slot(self._next("status"), key=self._key)
        return StatusEntry(found.status_list, found.index)

    def _next(self, name: str) -> int:
        with self._lock:
            block = self._blocks.get(name)
            if not block:
                # Reversed, so that pop() gives the smallest first.
                block = self._blocks[name] = list(reversed(self._ledger.lease(name, BLOCK)))
            return block.pop()
