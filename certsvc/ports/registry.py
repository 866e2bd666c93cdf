"""The small tables: agencies, license types, signing keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.agency import Agency, ClientKey, Grant, Officer
from certsvc.domain.license_type import LicenseType
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey


class AgencyRepository(Protocol):
    """Agencies, officers, client keys and grants."""

    def get(self, agency_id: str) -> Agency | None: ...
    def list(self, *, region: str, after: str, limit: int) -> Sequence[Agency]: ...
    def add(self, agency: Agency) -> None:
        """Raises AlreadyExistsError."""

    def update(self, agency: Agency) -> None:
        """Compare-and-swap: stores `agency` where revision - 1 is stored; raises ConflictError otherwise."""

    def transfer_licenses(self, *, from_id: str, to_id: str) -> None:
        """Make `to_id` responsible for all licenses that `from_id` is responsible for."""

    def officer(self, agency_id: str, officer_id: str) -> Officer | None: ...
    def officers(self, agency_id: str, *, after: str, limit: int) -> Sequence[Officer]: ...
    def add_officer(self, officer: Officer) -> None:
        """Raises AlreadyExistsError."""

    def update_officer(self, officer: Officer) -> None:
        """Compare-and-swap like `update`."""

    def client_key(self, key_id: str) -> ClientKey | None: ...
    def client_keys(self, owner_id: str) -> Sequence[ClientKey]: ...
    def add_client_key(self, key: ClientKey) -> None:
        """Raises AlreadyExistsError."""

    def revoke_client_key(self, key_id: str, *, at: datetime) -> None:
        """Idempotent."""

    def grants(self, agency_id: str) -> Sequence[Grant]: ...
    def add_grant(self, grant: Grant) -> None:
        """Raises AlreadyExistsError."""

    def remove_grant(self, grant: Grant) -> bool:
        """Whether it was there."""


class LicenseTypeRepository(Protocol):
    """License types, all versions."""

    def get(self, code: str, version: int | None = None) -> LicenseType | None:
        """One version, the newest by default."""

    def list(self, *, after: str, limit: int) -> Sequence[LicenseType]:
        """Newest versions in the order of codes."""

    def add(self, license_type: LicenseType) -> None:
        """A new version. Raises AlreadyExistsError."""

    def retire(self, code: str) -> None:
        """Mark all versions RETIRED; idempotent."""


class SigningKeyRepository(Protocol):
    """Records of signing keys (public parts only)."""

    def get(self, kid: str) -> SigningKey | None: ...
    def list(self, *, purpose: KeyPurpose | None, after: str, limit: int) -> Sequence[SigningKey]:
        """Newest first; `after` is a kid."""

    def all(self) -> Sequence[SigningKey]: ...
    def add(self, key: SigningKey) -> None:
        """Raises AlreadyExistsError. Raises the key-set version by one."""

    def transition(self, key: SigningKey, *, from_state: KeyState) -> None:
        """Compare-and-swap on the state; raises the key-set version by one. Raises ConflictError."""

    def key_set_version(self) -> int: ...
    def lock_active(self, kid: str) -> None:
        """Raise FailedPreconditionError unless `kid` is ACTIVE now, and keep it so until this transaction ends."""
