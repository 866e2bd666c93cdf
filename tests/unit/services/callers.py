"""A register as the authenticator sees it: tables that a test changes, a clock that it moves, real tokens."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials.caller_token import make_token, read_token
from certsvc.credentials.client_credential import ClientCredential
from certsvc.domain.agency import (
    Agency,
    AgencyLevel,
    AgencyState,
    CallerKind,
    ClientKey,
    Officer,
    OfficerRole,
)
from certsvc.domain.text import LocalizedText
from certsvc.errors import UnauthenticatedError
from certsvc.ports import CallerClaims
from certsvc.services.authentication import Authenticator

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
AUDIENCE = "https://register.example"
AGENCY = "11440300455834567X"
OTHER_AGENCY = "11440000006940140K"
OPERATOR = "root"


@dataclass
class SetClock:
    """A clock that the test moves."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


@dataclass
class Tables:
    """The directory as plain tables, which a test changes under the authenticator."""

    keys: dict[str, ClientKey] = field(default_factory=dict)
    agencies: dict[str, Agency] = field(default_factory=dict)
    officers: dict[tuple[str, str], Officer] = field(default_factory=dict)

    def client_key(self, key_id: str) -> ClientKey | None:
        return self.keys.get(key_id)

    def agency(self, agency_id: str) -> Agency | None:
        return self.agencies.get(agency_id)

    def officer(self, agency_id: str, officer_id: str) -> Officer | None:
        return self.officers.get((agency_id, officer_id))


@dataclass
class CountingReader:
    """The real reader; counts how often it was asked."""

    reads: int = 0

    def __call__(
        self, token: str, *, find_key: Callable[[str], ClientKey | None], audience: str, now: datetime
    ) -> CallerClaims:
        self.reads += 1
        return read_token(token, find_key=find_key, audience=audience, now=now)


def new_credential(kind: CallerKind, owner_id: str) -> ClientCredential:
    return ClientCredential(kind, owner_id, "", AUDIENCE, None, ec.generate_private_key(ec.SECP256R1()))


@dataclass
class Register:
    """An agency with an officer, an operator, their keys, and the authenticator that knows them."""

    capacity: int = 100
    clock: SetClock = field(default_factory=SetClock)
    tables: Tables = field(default_factory=Tables)
    reader: CountingReader = field(default_factory=CountingReader)
    agency: ClientCredential = field(default_factory=lambda: new_credential(CallerKind.AGENCY, AGENCY))
    operator: ClientCredential = field(default_factory=lambda: new_credential(CallerKind.OPERATOR, OPERATOR))

    def __post_init__(self) -> None:
        for credential in (self.agency, self.operator):
            self.tables.keys[credential.kid] = ClientKey(
                key_id=credential.kid,
                owner_kind=credential.owner_kind,
                owner_id=credential.owner_id,
                public_key=credential.public_key,
                created_at=NOON,
                expires_at=NOON + timedelta(days=365),
            )
        name = LocalizedText("市场监督管理局")
        self.tables.agencies[AGENCY] = Agency(AGENCY, name, "440300", AgencyLevel.CITY, AgencyState.ACTIVE, 1, NOON)
        roles = frozenset({OfficerRole.ISSUER, OfficerRole.VERIFIER})
        self.tables.officers[AGENCY, "clerk-7"] = Officer(AGENCY, "clerk-7", "李四", roles, active=True, revision=1)
        self.authenticator = Authenticator(
            directory=self.tables,
            read_token=self.reader,
            clock=self.clock,
            audience=AUDIENCE,
            capacity=self.capacity,
        )

    def token(self, credential: ClientCredential | None = None, **changes: Any) -> str:
        signer = credential or self.agency
        arguments: dict[str, Any] = {
            "issuer": signer.owner_id,
            "audience": AUDIENCE,
            "now": self.clock.now(),
            "token_id": "id-1",
        }
        return make_token(signer, **(arguments | changes))

    def change_key(self, **changes: Any) -> None:
        self.tables.keys[self.agency.kid] = dataclasses.replace(self.tables.keys[self.agency.kid], **changes)

    def change_officer(self, **changes: Any) -> None:
        officer = self.tables.officers[AGENCY, "clerk-7"]
        self.tables.officers[AGENCY, "clerk-7"] = dataclasses.replace(officer, **changes)

    def change_agency(self, **changes: Any) -> None:
        self.tables.agencies[AGENCY] = dataclasses.replace(self.tables.agencies[AGENCY], **changes)

    def refusal(self, token: str) -> str:
        with pytest.raises(UnauthenticatedError) as refused:
            self.authenticator.authenticate(token)
        return refused.value.reason
