"""The services that administer a register, over a real SQLite store, with a clock that the test moves."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certsvc.credentials.register_forms import key_id_of
from certsvc.domain.agency import Agency, AgencyLevel, CallerKind, OfficerRole
from certsvc.domain.changes import START, Change
from certsvc.domain.license_type import LicenseType
from certsvc.domain.principal import Caller
from certsvc.domain.text import LocalizedText
from certsvc.keyring.keyed_digest import PayloadDigest
from certsvc.keyring.memory_vault import MemoryVault
from certsvc.ports import AuditEntry, Ledger
from certsvc.services.agencies import Agencies, NewAgency
from certsvc.services.client_keys import ClientKeys
from certsvc.services.directory import Directory
from certsvc.services.grants import Grants
from certsvc.services.license_types import LicenseTypes
from certsvc.services.mutations import Mutation, Mutations
from certsvc.services.officers import Officers
from certsvc.services.signing_keys import KeyPolicy, SigningKeys
from certsvc.services.traced_mutations import TracedMutations

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
AGENCY = "11440300455834562Y"
OTHER_AGENCY = "11440000006940140C"
TYPE = f"{AGENCY}001"
OPERATOR = Caller(CallerKind.OPERATOR, "root", "", frozenset(), "0123456789abcdef")

Result = TypeVar("Result")

_request_ids = itertools.count(1)


def agency_caller(agency_id: str = AGENCY, *roles: OfficerRole) -> Caller:
    return Caller(CallerKind.AGENCY, agency_id, "clerk-7" if roles else "", frozenset(roles), "fedcba9876543210")


def new_agency(agency_id: str = AGENCY, **changes: Any) -> NewAgency:
    values: dict[str, Any] = {
        "name": LocalizedText("深圳市市场监督管理局", "Shenzhen Market Regulation"),
        "region": "440300",
        "level": AgencyLevel.CITY,
    }
    return NewAgency(agency_id=agency_id, **values | changes)


def public_key() -> bytes:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    return point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class SetClock:
    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def move(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class Administration:
    """All of them. An answer is kept as the object that the service gave, so that tests can look at it."""

    ledger: Ledger
    clock: SetClock
    policy: KeyPolicy = field(default_factory=KeyPolicy)
    vault: MemoryVault = field(default_factory=MemoryVault)
    qr_versions: Callable[[LicenseType], int] = lambda _: 15
    answers: dict[bytes, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory = Directory(self.ledger)
        mutations = Mutations(ledger=self.ledger, digest=PayloadDigest(b"d" * 32), clock=self.clock)
        traced = TracedMutations(mutations=mutations, directory=self.directory, clock=self.clock)
        self.agencies = Agencies(mutations=traced, ledger=self.ledger, directory=self.directory)
        self.officers = Officers(mutations=traced, ledger=self.ledger)
        self.client_keys = ClientKeys(mutations=traced, ledger=self.ledger, key_id_of=key_id_of)
        self.grants = Grants(mutations=traced, ledger=self.ledger, directory=self.directory)
        self.license_types = LicenseTypes(
            mutations=traced,
            ledger=self.ledger,
            directory=self.directory,
            fullest_qr_version=self._fullest_qr_version,
        )
        self.signing_keys = SigningKeys(
            mutations=traced,
            ledger=self.ledger,
            directory=self.directory,
            vault=self.vault,
            policy=self.policy,
        )

    def _fullest_qr_version(self, license_type: LicenseType) -> int:
        return self.qr_versions(license_type)  # looked up late, so that a test may change it

    def mutation(self, caller: Caller = OPERATOR, *, request_id: str = "", payload: bytes = b"") -> Mutation[Any]:
        def encode(result: object) -> bytes:
            answer = f"answer-{len(self.answers)}".encode()
            self.answers[answer] = result
            return answer

        return Mutation(caller, request_id or f"test-{next(_request_ids)}", payload, encode)

    def answer(self, encoded: bytes) -> Any:
        return self.answers[encoded]

    def add_agency(self, agency_id: str = AGENCY, **changes: Any) -> Agency:
        answer = self.agencies.create(new_agency(agency_id, **changes), self.mutation())
        agency: Agency = self.answer(answer)
        return agency

    def audit(self) -> list[AuditEntry]:
        with self.ledger.read() as repositories:
            return [entry for _, entry in repositories.audit.list(after=0, limit=100)]

    def changes(self) -> list[Change]:
        return list(self.ledger.poll(START, limit=100))

    def traces(self) -> list[tuple[str, str]]:
        """(action, target) of all audit entries, after a look that the feed tells of each of them."""
        assert len(self.changes()) >= len(self.audit())
        return [(entry.action, entry.target) for entry in self.audit()]
