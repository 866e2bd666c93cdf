"""Reading one's own licenses: get, list, and what happened to them.

Invariant: an agency reads what it issued or is now responsible for, and learns nothing of the existence of others.
"""

from collections.abc import Sequence

from certsvc.domain.identifier import parse_identifier
from certsvc.domain.license import LicenseEvent
from certsvc.domain.principal import Caller
from certsvc.errors import PermissionDeniedError
from certsvc.ports import Ledger, LicenseFilter, RegisteredVersion, Repositories
from certsvc.services.license_commands import LicenseView


class LicenseReading:
    """The use cases of GetLicense, ListLicenses and ListLicenseEvents."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def get(self, caller: Caller, identifier: str) -> LicenseView:
        """The version that the identifier names. Raises InvalidInputError, PermissionDeniedError (NOT_OWN)."""
        parse_identifier(identifier)
        with self._ledger.read() as repositories:
            registered = own_version(repositories, caller, identifier)
        return LicenseView(registered.license, registered.version)

    def list(self, caller: Caller, filters: LicenseFilter, *, after: int, limit: int) -> Sequence[LicenseView]:
        """Own licenses in their current versions, newest first; `after` is the last license_id, 0 at first."""
        with self._ledger.read() as repositories:
            licenses = repositories.licenses.list(agency_id=caller.owner_id, filters=filters, after=after, limit=limit)
        return [LicenseView(license_, license_.current) for license_ in licenses]

    def events(
        self, caller: Caller, identifier: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, str, LicenseEvent]]:
        """(ordinal, identifier of the version current after it, event), oldest first."""
        parse_identifier(identifier)
        with self._ledger.read() as repositories:
            license_ = own_version(repositories, caller, identifier).license
            names = {v.version: v.identifier for v in repositories.licenses.versions(license_.license_id)}
            events = repositories.licenses.events(license_.license_id, after=after, limit=limit)
        return [(ordinal, names[event.version], event) for ordinal, event in events]


def own_version(repositories: Repositories, caller: Caller, identifier: str) -> RegisteredVersion:
    """The version, if the caller issued it or is responsible for it. Raises PermissionDeniedError (NOT_OWN)."""
    registered = repositories.licenses.by_identifier(identifier)
    if registered is None or caller.owner_id not in (
        registered.license.agency_id,
        registered.license.responsible_agency_id,
    ):
        raise PermissionDeniedError(
            reason="NOT_OWN", message="identifier: this agency has no license with this identifier"
        )
    return registered
