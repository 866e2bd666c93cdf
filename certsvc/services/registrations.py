"""What the register says of a signed form, now or at an earlier moment: known or not, in which state, superseded.

Invariant: only the digest of exactly what was signed makes anything known; the identifier alone never does.
"""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.judging import Registration, registration_at
from certsvc.domain.license import LicenseEvent
from certsvc.domain.transitions import state_as_of
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.ports import Ledger, RegisteredVersion, Repositories


@dataclass(frozen=True, slots=True)
class Moment:
    """For when something is judged: `as_of` None is now; `known_at` leaves out what was recorded after it.

    A `known_at` needs an `as_of`: what was known then is asked of some moment.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None

    def check(self, *, now: datetime) -> None:
        """Raise InvalidInputError (IN_FUTURE) unless both lie in the past: nobody knows a state to come."""
        violations = [
            FieldViolation(field, "IN_FUTURE", "lies in the future")
            for field, moment in (("as_of_time", self.as_of), ("known_at_time", self.known_at))
            if moment is not None and moment > now
        ]
        if violations:
            raise InvalidInputError.of(*violations)


class Registrations:
    """Answers from the database; the slots answer the common case without it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_code(self, digest: bytes, identifier: str, moment: Moment) -> Registration:
        """Of the code whose signed bytes have this digest."""
        with self._ledger.read() as repositories:
            registered = repositories.licenses.by_identifier(identifier)
            if registered is None:
                return Registration(known=False, mismatch="NOT_IN_REGISTER")
            if registered.digest != digest:
                return Registration(known=False, mismatch="OTHER_CONTENT")
            return self.of_version(repositories, registered, moment)

    def of_vc(self, digest: bytes, identifier: str, moment: Moment) -> Registration:
        """Of the SD-JWT VC whose signing input has this digest."""
        with self._ledger.read() as repositories:
            registered = repositories.licenses.by_identifier(identifier)
            if registered is None:
                return Registration(known=False, mismatch="NOT_IN_REGISTER")
            if not repositories.licenses.has_vc(digest, identifier=identifier):
                return Registration(known=False, mismatch="OTHER_CONTENT")
            return self.of_version(repositories, registered, moment)

    def of_version(self, repositories: Repositories, registered: RegisteredVersion, moment: Moment) -> Registration:
        """Of a version of the register."""
        license_, version = registered.license, registered.version
        superseded = version.version != license_.current.version
        if moment.as_of is None:
            return Registration(
                known=True,
                state=license_.state,
                superseded=superseded,
                superseded_by=license_.current.identifier if superseded else None,
            )
        events = all_events(repositories, license_.license_id)
        history = state_as_of(events, as_of=moment.as_of, known_at=moment.known_at)
        names = {v.version: v.identifier for v in repositories.licenses.versions(license_.license_id)}
        return registration_at(
            history,
            version=version.version,
            superseded_by=names.get(history.version) if history else None,
        )


def all_events(repositories: Repositories, license_id: int) -> list[LicenseEvent]:
    """Everything that happened to a license, oldest first."""
    found: list[LicenseEvent] = []
    while page := repositories.licenses.events(license_id, after=len(found)):
        found += [event for _, event in page]
    return found
