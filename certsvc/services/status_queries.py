"""GetStatus: the standing of a license by its identifier, nothing personal."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain import validity_dates
from certsvc.domain.agency import CallerKind, GrantKind
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.judging import Registration, judge_standing
from certsvc.domain.principal import Caller
from certsvc.domain.verdict import Judgement
from certsvc.errors import PermissionDeniedError
from certsvc.ports import Clock, Ledger
from certsvc.services.directory import Directory
from certsvc.services.registrations import Moment, Registrations


@dataclass(frozen=True, slots=True)
class Standing:
    """The judgement over a named license, and for when."""

    judgement: Judgement
    judged_at: datetime


class StatusQueries:
    """The use case of GetStatus; asks the database, so its knowledge is never old."""

    def __init__(self, *, ledger: Ledger, directory: Directory, registrations: Registrations, clock: Clock) -> None:
        self._ledger = ledger
        self._directory = directory
        self._registrations = registrations
        self._clock = clock

    def status(self, caller: Caller, identifier: str, moment: Moment) -> Standing:
        """Raises InvalidInputError, PermissionDeniedError (VERIFY_NOT_GRANTED); unknown ones are NOT_REGISTERED."""
        parts = parse_identifier(identifier)
        issuer = self._directory.agency(parts.agency_id)
        region = issuer.region if issuer else ""
        may = caller.kind is CallerKind.OPERATOR or caller.owner_id == parts.agency_id
        if not may and not self._directory.allows(
            caller.owner_id, GrantKind.VERIFY, type_code=parts.type_code, region=region
        ):
            raise PermissionDeniedError(
                reason="VERIFY_NOT_GRANTED",
                message="this agency may not verify licenses of this type from this region",
            )
        moment.check(now=self._clock.now())
        now = moment.as_of or self._clock.now()
        with self._ledger.read() as repositories:
            registered = repositories.licenses.by_identifier(identifier)
            if registered is None:
                unknown = Registration(known=False)
                return Standing(judge_standing(unknown, not_before=now, expires=None, now=now, age_seconds=0.0), now)
            registration = self._registrations.of_version(repositories, registered, moment)
        validity = registered.version.validity
        judgement = judge_standing(
            registration,
            not_before=validity_dates.not_before(validity),
            expires=validity_dates.expires(validity),
            now=now,
            age_seconds=0.0,
        )
        return Standing(judgement, now)
