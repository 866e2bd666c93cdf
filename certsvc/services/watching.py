"""WatchLicenseEvents: tells agencies what happens, from where they left off, and loses nothing over a reconnect.

Invariants: events come in feed order; the resume token after an event is that event's own position; who did not issue
a license hears of it only under a grant, and never hears reason, legal basis or officer.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from certsvc.domain.agency import GrantKind
from certsvc.domain.changes import Change, FeedPosition
from certsvc.domain.identifier import LicenseIdentifier, parse_identifier
from certsvc.domain.license import LicenseEvent
from certsvc.domain.principal import Caller
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.ports import Ledger
from certsvc.services.directory import Directory
from certsvc.services.follower import Follower
from certsvc.services.license_changes import LicenseChangeData

MAX_SUBSCRIBED = 100_000
MAX_VIOLATIONS = 20
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 1.0
STREAM_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class WatchFilter:
    """What the caller wants to hear of; the parts add up."""

    own_issues: bool
    type_codes: frozenset[str]
    region: str
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """One answer: where to go on, and the event; none in a heartbeat. `own` has reason, legal basis and officer."""

    token: str
    recorded: Change | None = None
    data: LicenseChangeData | None = None
    own: LicenseEvent | None = None


class Watching:
    """The use case of WatchLicenseEvents."""

    def __init__(self, *, ledger: Ledger, directory: Directory, follower: Follower) -> None:
        self._ledger = ledger
        self._directory = directory
        self._follower = follower

    def watch(
        self, caller: Caller, wanted: WatchFilter, resume_token: str, is_active: Callable[[], bool]
    ) -> Iterator[Watched]:
        """Heartbeats and events until the caller leaves, the worker stops, or ten minutes are over.

        Raises InvalidInputError (resume_token, identifiers, an empty filter).
        """
        position = self._position(resume_token)
        subscribed = _licenses(wanted.identifiers)
        if not (wanted.own_issues or wanted.type_codes or wanted.region or subscribed):
            description = "at least one of own_issues, type_codes, region and identifiers must be set"
            raise InvalidInputError.of(FieldViolation("own_issues", "EMPTY_FILTER", description))
        yield Watched(position.token())
        ends_at = time.monotonic() + STREAM_SECONDS
        heard_at = time.monotonic()
        while is_active() and not self._follower.stopping and time.monotonic() < ends_at:
            changes = self._follower.changes_after(position)
            for followed in changes:
                position, data = followed.position, followed.license
                if data is None:
                    continue
                own = caller.owner_id in (data.agency_id, data.responsible_agency_id)
                if self._wants(caller, wanted, subscribed, data, own=own):
                    yield Watched(position.token(), followed.change, data, self._event(data) if own else None)
                    heard_at = time.monotonic()
            if changes:
                continue
            if time.monotonic() - heard_at > HEARTBEAT_SECONDS:
                yield Watched(position.token())
                heard_at = time.monotonic()
            self._follower.wait_for_news(position, LOOK_SECONDS, is_wanted=is_active)

    def look_again(self) -> None:
        """Let watches whose caller left end now, and not with their next look."""
        self._follower.wake()

    def _position(self, resume_token: str) -> FeedPosition:
        if not resume_token:
            return self._follower.position()
        try:
            position = FeedPosition.of(resume_token)
        except ValueError as error:
            raise InvalidInputError.of(
                FieldViolation("resume_token", "RESUME_TOKEN", "is no resume token of this register")
            ) from error
        if position > self._ledger.head():
            # From before the register moved to another database: going on from it would lose events unseen.
            description = "lies ahead of this register; list what changed and begin without a token"
            raise InvalidInputError.of(FieldViolation("resume_token", "RESUME_TOKEN_AHEAD", description))
        return position

    def _wants(
        self,
        caller: Caller,
        wanted: WatchFilter,
        subscribed: frozenset[tuple[str, str, str]],
        data: LicenseChangeData,
        *,
        own: bool,
    ) -> bool:
        if own and wanted.own_issues:
            return True
        named = bool(subscribed) and _license_of(parse_identifier(data.identifier)) in subscribed
        filtered = bool(wanted.type_codes or wanted.region) and (
            (not wanted.type_codes or data.type_code in wanted.type_codes) and data.region.startswith(wanted.region)
        )
        return (named or filtered) and (
            own
            or self._directory.allows(caller.owner_id, GrantKind.VERIFY, type_code=data.type_code, region=data.region)
        )

    def _event(self, data: LicenseChangeData) -> LicenseEvent | None:
        """The event itself: every revision of a license has exactly one, and its ordinal is the revision."""
        with self._ledger.read() as repositories:
            events = repositories.licenses.events(data.license_id, after=data.revision - 1, limit=1)
        return events[0][1] if events else None


def _license_of(identifier: LicenseIdentifier) -> tuple[str, str, str]:
    return identifier.type_code, identifier.agency_id, identifier.serial


def _licenses(identifiers: tuple[str, ...]) -> frozenset[tuple[str, str, str]]:
    """The licenses that the identifiers name, whatever the version. Raises InvalidInputError."""
    if len(identifiers) > MAX_SUBSCRIBED:
        description = f"has {len(identifiers)} identifiers, at most {MAX_SUBSCRIBED} allowed"
        raise InvalidInputError.of(FieldViolation("identifiers", "TOO_MANY", description))
    violations: list[FieldViolation] = []
    licenses = set()
    for place, text in enumerate(identifiers):
        try:
            licenses.add(_license_of(parse_identifier(text, field=f"identifiers[{place}]")))
        except InvalidInputError as error:
            violations += error.violations
            if len(violations) >= MAX_VIOLATIONS:
                break
    if violations:
        raise InvalidInputError.of(*violations)
    return frozenset(licenses)
