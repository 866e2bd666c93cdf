"""The signed, dated bundle that offline verifiers work from."""

from datetime import timedelta

from certsvc.domain.agency import Agency
from certsvc.domain.license_type import LicenseType
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.ports import BundleFormat, Clock, KeyVault, Ledger
from certsvc.services.directory import Directory
from certsvc.services.license_signing import signer_of, usable_key
from certsvc.services.public_keys import PublicKeys
from certsvc.services.publications import StatusLists

DEFAULT_LIFETIME = timedelta(hours=24)
MAX_LIFETIME = timedelta(days=7)
PAGE = 500


class OfflineBundles:
    """The use case of ExportOfflineBundle."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        directory: Directory,
        keys: PublicKeys,
        status_lists: StatusLists,
        vault: KeyVault,
        bundles: BundleFormat,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._keys = keys
        self._status_lists = status_lists
        self._vault = vault
        self._bundles = bundles
        self._clock = clock

    def export(self, lifetime: timedelta | None) -> bytes:
        """A new bundle. Raises InvalidInputError (lifetime), FailedPreconditionError (NO_SIGNING_KEY)."""
        lifetime = lifetime or DEFAULT_LIFETIME
        if not timedelta(minutes=1) <= lifetime <= MAX_LIFETIME:
            raise InvalidInputError.of(FieldViolation("lifetime", "LIFETIME", "must be from one minute to seven days"))
        now = self._clock.now()
        key = usable_key(self._directory, KeyPurpose.BUNDLE, now=now)
        # Keys before lists: a license signed by a newer key than the bundle knows is unknown, never wrongly valid.
        keys, version = self._keys.published(), self._keys.version()
        with self._ledger.read() as repositories:
            agencies: list[Agency] = []
            while page := repositories.agencies.list(
                region="", after=agencies[-1].agency_id if agencies else "", limit=PAGE
            ):
                agencies += page
            newest: list[LicenseType] = []
            while types := repositories.license_types.list(after=newest[-1].code if newest else "", limit=PAGE):
                newest += types
            every_version = [
                found
                for license_type in newest
                for number in range(1, license_type.version + 1)
                if (found := repositories.license_types.get(license_type.code, number)) is not None
            ]
        return self._bundles.seal(
            key_set_version=version,
            keys=keys,
            types=every_version,
            agencies=agencies,
            status_lists=self._status_lists.statuses(),
            signer=signer_of(self._vault, key),
            now=now,
            expires=now + lifetime,
        )
