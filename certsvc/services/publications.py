"""What anyone may fetch: status lists, and the digests of what the register signed, by prefix.

Invariants: a status list is signed only when it was read whole, and says what the database said then; it is rebuilt
when the feed says that one of its entries changed, and at the latest after a minute; an answer to a prefix holds at
least a hundred digests where there are as many, so that it does not tell which one was asked for; however many ask at
once, one of them at a time has a list built or signed, or the versions counted.
"""

import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass

from certsvc.domain.changes import Change
from certsvc.domain.license import LicenseState
from certsvc.domain.permutation import STATUS_LIST_BITS
from certsvc.domain.signing_key import KeyPurpose
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import FieldViolation, InvalidInputError, NotFoundError
from certsvc.ports import Clock, KeyVault, Ledger, StatusListFormat
from certsvc.services.directory import Directory
from certsvc.services.license_changes import LicenseChangeData
from certsvc.services.license_signing import signer_of, usable_key

STATUS_VALID, STATUS_INVALID, STATUS_SUSPENDED, STATUS_SUPERSEDED = range(4)
MAX_AGE_SECONDS = 60
REBUILD_AFTER_SECONDS = 1.0
"""After a change, a list is rebuilt with the next request that comes this long after the last build."""
CROWD = 100
MAX_PREFIX_ANSWER = 4096
COUNT_AGE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A signed status list and its strong validator."""

    body: bytes
    etag: str


@dataclass(slots=True)
class _Built:
    """A list as it was read at `at`, after `changes` changes of its entries."""

    statuses: dict[int, int]
    forms: dict[str, PublishedList]
    at: float
    changes: int


class StatusLists:
    """Builds and keeps the signed status lists of this worker."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        directory: Directory,
        vault: KeyVault,
        format_: StatusListFormat,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._vault = vault
        self._format = format_
        self._clock = clock
        self._lock = threading.Lock()
        self._built: dict[int, _Built] = {}
        self._builders: dict[int, threading.Lock] = {}
        self._changes: Counter[int] = Counter()

    def apply(self, change: Change) -> None:
        """Take note of a LICENSE change: the lists of its versions are stale."""
        data = LicenseChangeData.of(change)
        with self._lock:
            for slot in (data.slot, *data.older_slots):
                self._changes[slot >> STATUS_LIST_BITS] += 1

    def published(self, list_number: int, form: str) -> PublishedList:
        """The list in the form `jwt` or `cwt`. Raises NotFoundError for a list that has no entry yet."""
        built = self._current(list_number)
        found = built.forms.get(form)
        if found is None:
            with self._builders[list_number]:
                built = self._built[list_number]  # the newest: it may have waited for one to be built
                found = built.forms.get(form)
                if found is None:
                    found = built.forms[form] = self._signed(list_number, built.statuses, form)
        return found

    def _signed(self, list_number: int, statuses: dict[int, int], form: str) -> PublishedList:
        now = self._clock.now()
        key = usable_key(self._directory, KeyPurpose.STATUS, now=now)
        signer = signer_of(self._vault, key)
        make = self._format.jwt if form == "jwt" else self._format.cwt
        body = make(list_number, statuses, signer=signer, now=now)
        return PublishedList(body, hashlib.sha256(body).hexdigest()[:32])

    def statuses(self) -> dict[int, dict[int, int]]:
        """All lists as they are now: list to index to the values that are not 0."""
        with self._ledger.read() as repositories:
            highest = repositories.licenses.highest_slot()
        return {number: self._read(number) for number in range((highest >> STATUS_LIST_BITS) + 1)}

    def _current(self, list_number: int) -> _Built:
        built = self._built.get(list_number)
        if built is not None and self._is_current(list_number, built):
            return built
        builder = self._builder(list_number)
        # While one builds, the others get the list as it was, as long as a cache might have kept it.
        may_wait = built is None or time.monotonic() - built.at >= MAX_AGE_SECONDS
        if not builder.acquire(blocking=may_wait):
            assert built is not None  # noqa: S101 - without one it waits
            return built
        try:
            built = self._built.get(list_number)
            if built is None or not self._is_current(list_number, built):
                built = self._built[list_number] = self._build(list_number)
            return built
        finally:
            builder.release()

    def _is_current(self, list_number: int, built: _Built) -> bool:
        keep_for = REBUILD_AFTER_SECONDS if built.changes != self._changes[list_number] else MAX_AGE_SECONDS / 2
        return time.monotonic() - built.at < keep_for

    def _builder(self, list_number: int) -> threading.Lock:
        """The lock of a list that exists. Raises NotFoundError, so that nobody fills the memory with others' locks."""
        found = self._builders.get(list_number)
        if found is not None:
            return found
        with self._ledger.read() as repositories:
            highest = repositories.licenses.highest_slot()
        if not 0 <= list_number <= highest >> STATUS_LIST_BITS:
            raise NotFoundError(reason="NO_SUCH_LIST", message="there is no status list with this number")
        with self._lock:
            return self._builders.setdefault(list_number, threading.Lock())

    def _build(self, list_number: int) -> _Built:
        # Counted before it is read: a change that comes in meanwhile makes the list stale again.
        at, changes = time.monotonic(), self._changes[list_number]
        return _Built(self._read(list_number), {}, at, changes)

    def _read(self, list_number: int) -> dict[int, int]:
        today = day_in_shanghai(self._clock.now())
        with self._ledger.read() as repositories:
            records = repositories.licenses.exceptions(list_number=list_number, today=today)
        return {
            record.slot & ((1 << STATUS_LIST_BITS) - 1): _status(record.state, superseded=record.superseded)
            for record in records
        }


class RegisteredDigests:
    """Answers what was signed under a prefix of digests, without learning which digest is meant."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._count: tuple[float, int] | None = None
        self._counting = threading.Lock()

    def prefix_digits(self) -> int:
        """Hexadecimal digits to ask with now: as many as leave a crowd of at least a hundred on average, twice over."""
        count = self._versions()
        digits = 0
        while count >> (4 * (digits + 1)) >= 2 * CROWD:
            digits += 1
        return digits

    def _versions(self) -> int:
        """How many there are, or were half a minute ago; while one caller counts, the others get the number before."""
        known = self._count
        if known is not None and time.monotonic() - known[0] <= COUNT_AGE_SECONDS:
            return known[1]
        if not self._counting.acquire(blocking=known is None):
            assert known is not None  # noqa: S101 - without one it waits
            return known[1]
        try:
            if self._count is known:
                with self._ledger.read() as repositories:
                    self._count = time.monotonic(), repositories.licenses.count_versions()
            assert self._count is not None  # noqa: S101 - counted here, or by whom it waited for
            return self._count[1]
        finally:
            self._counting.release()

    def under(self, prefix: str) -> list[tuple[str, str]]:
        """(digest in hex, state or SUPERSEDED) under the prefix. Raises InvalidInputError for a bad or long one."""
        if len(prefix) > self.prefix_digits() or not set(prefix) <= set("0123456789abcdef"):
            description = f"must be at most {self.prefix_digits()} lower-case hexadecimal digits now"
            raise InvalidInputError.of(FieldViolation("prefix", "PREFIX", description))
        low = bytes.fromhex(prefix.ljust(64, "0"))
        high = bytes.fromhex(prefix.ljust(64, "f"))
        with self._ledger.read() as repositories:
            found = repositories.licenses.digests_under(low=low, high=high, limit=MAX_PREFIX_ANSWER + 1)
        if len(found) > MAX_PREFIX_ANSWER:
            raise InvalidInputError.of(
                FieldViolation("prefix", "PREFIX", f"is too short: use {self.prefix_digits()} digits")
            )
        return [(digest.hex(), state) for digest, state in found]


def _status(state: LicenseState, *, superseded: bool) -> int:
    if state.is_final:
        return STATUS_INVALID
    if superseded:
        return STATUS_SUPERSEDED
    return STATUS_SUSPENDED if state is LicenseState.SUSPENDED else STATUS_VALID
