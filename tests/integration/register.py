"""A real register in this process: its servers on loopback, its store on a real database, its clock moved by tests.

Owns the application and the clients of its sample agencies. Tests look at what is stored through `rows`, and act as a
thief or as a fault through the store and the vault, which nobody reaches from outside.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from certsvc.bootstrap.application import Application
from certsvc.bootstrap.initialization import initialize
from certsvc.bootstrap.opening import Store
from certsvc.cli.sample_register import agency_credential, fill
from certsvc.client import Client, ClientCredential, RetryPolicy, load_credential
from certsvc.client.channel import open_channel
from certsvc.client.connection import Connection
from certsvc.client.tokens import TokenSource
from certsvc.config import Settings, load_settings
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind
from certsvc.domain.changes import START, Change, ChangeKind, FeedPosition
from certsvc.ports import Repositories, Signer
from certsvc.store import tables
from certsvc.v1 import (
    agency_service_pb2,
    common_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
)
from tests.builders import APPROVAL_BUREAU, CLERK, SECOND_CLERK, company_number, license_type

PUBLIC_URL = "https://zz.example.gov.cn/lic"
UNSETTLED = frozenset({"leases"})
"""Tables that a refused call may change: numbers are leased before anything is written, and never given twice."""

NEVER_AGAIN = RetryPolicy(first_pause=1e9, longest_pause=1e9)

Rows = dict[str, frozenset[tuple[Any, ...]]]


class MovedClock:
    """The machine's clock, or a moment that a test stops it at."""

    def __init__(self) -> None:
        self._stopped_at: datetime | None = None

    def now(self) -> datetime:
        """The present instant, for server and clients alike."""
        return self._stopped_at or datetime.now(UTC)

    @contextmanager
    def stopped_at(self, moment: datetime) -> Iterator[None]:
        """Let it be this moment while the block runs."""
        self._stopped_at = moment
        try:
            yield
        finally:
            self._stopped_at = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may call: the operator, and the agencies in a folder."""

    operator: ClientCredential
    folder: Path
    endpoint: str

    def agency(self, agency_id: str) -> ClientCredential:
        """An agency's credential."""
        return replace(load_credential(agency_credential(self.folder, agency_id)), endpoint=self.endpoint)


class Register:
    """A running register with its samples."""

    def __init__(self, application: Application, settings: Settings, clock: MovedClock, stack: ExitStack) -> None:
        self.settings = settings
        self.clock = clock
        self.endpoint = application.grpc_address
        self.http_address = application.http_address
        assert application.store is not None
        self.store: Store = application.store
        self._stack = stack
        self._clients: dict[tuple[str, ...], Client] = {}
        operator = replace(load_credential(settings.operator_file), endpoint=self.endpoint)
        self.credentials = Credentials(operator, settings.data_dir / "agencies", self.endpoint)
        self.samples = fill(operator, self.credentials.folder)

    @classmethod
    @contextmanager
    def running(cls, folder: Path, database_url: str, **overrides: Any) -> Iterator[Self]:
        """A new register in `folder`, stopped at the end; `overrides` are settings."""
        settings = load_settings(
            folder,
            database_url=database_url,
            public_url=PUBLIC_URL,
            grpc_address="127.0.0.1:0",
            http_address="127.0.0.1:0",
            development=True,
            **overrides,
        )
        initialize(settings, operator_id="root", endpoint=settings.grpc_address)
        clock = MovedClock()
        application = Application(settings, clock=clock)
        application.start()
        with ExitStack() as stack:
            stack.callback(application.stop)
            yield cls(application, settings, clock, stack)

    @property
    def operator(self) -> Client:
        """A client of the first operator."""
        return self._client(self.credentials.operator, "")

    def agency(self, agency_id: str = APPROVAL_BUREAU, *, officer: str = CLERK) -> Client:
        """A client of one of the agencies, on behalf of an officer; officer "" is the agency's system itself."""
        return self._client(self.credentials.agency(agency_id), officer)

    def impatient(self, agency_id: str = APPROVAL_BUREAU, *, officer: str = CLERK) -> Client:
        """A client that tries nothing twice."""
        name = (agency_id, officer, "impatient")
        if name not in self._clients:
            connection = self.connect(self.credentials.agency(agency_id), officer=officer, policy=NEVER_AGAIN)
            self._clients[name] = self._stack.enter_context(Client(connection))
        return self._clients[name]

    def new_type(self, issuer: str = APPROVAL_BUREAU, **changes: Any) -> str:
        """The code of a new small type, which `issuer` may issue."""
        created = self.operator.license_types.create(
            license_type_service_pb2.CreateLicenseTypeRequest(license_type=license_type(**changes))
        )
        self.grant(issuer, "ISSUE", created.license_type.code)
        return created.license_type.code

    def new_agency(self, *, region: str = "370200", officers: Mapping[str, Sequence[str]] | None = None) -> str:
        """The credit code of a new city agency that may verify everything, with a signing key and officers by role."""
        agency_id = company_number(prefix="11370200")
        self.operator.agencies.create(
            agency_service_pb2.CreateAgencyRequest(
                agency_id=agency_id,
                name=common_pb2.LocalizedText(zh="示例市新设局"),
                region=region,
                level=agency_service_pb2.AGENCY_LEVEL_CITY,
            )
        )
        for officer, roles in (officers or {CLERK: ["ISSUER", "VERIFIER"], SECOND_CLERK: ["APPROVER"]}).items():
            self.new_officer(agency_id, officer, *roles)
        self.grant(agency_id, "VERIFY", "*")
        credential = create_credential(
            agency_credential(self.credentials.folder, agency_id),
            owner_kind=CallerKind.AGENCY,
            owner_id=agency_id,
            endpoint=self.endpoint,
            audience=self.settings.audience,
        )
        self.operator.agencies.register_client_key(
            agency_service_pb2.RegisterClientKeyRequest(agency_id=agency_id, public_key=credential.public_key)
        )
        self.new_signing_key("LICENSE", agency_id=agency_id)
        return agency_id

    def new_officer(self, agency_id: str, officer_id: str, *roles: str) -> str:
        """A new officer of an agency."""
        self.operator.agencies.create_officer(
            agency_service_pb2.CreateOfficerRequest(
                agency_id=agency_id,
                officer_id=officer_id,
                name="经办员",
                roles=[agency_service_pb2.OfficerRole.Value(f"OFFICER_ROLE_{role}") for role in roles],
            )
        )
        return officer_id

    def new_signing_key(self, purpose: str, **scope: Any) -> str:
        """The kid of a new key that signs from now on for this purpose and scope."""
        keys = self.operator.signing_keys
        kind = signing_key_service_pb2.KeyPurpose.Value(f"KEY_PURPOSE_{purpose}")
        kid = keys.prepare(signing_key_service_pb2.PrepareSigningKeyRequest(purpose=kind, **scope)).kid
        return keys.activate(signing_key_service_pb2.ActivateSigningKeyRequest(kid=kid)).kid

    def grant(self, agency_id: str, kind: str, type_code: str, region: str = "") -> None:
        """Grant an agency to ISSUE or VERIFY a type."""
        grant = _grant(agency_id, kind, type_code, region)
        self.operator.agencies.create_grant(agency_service_pb2.CreateGrantRequest(grant=grant))

    def revoke_grant(self, agency_id: str, kind: str, type_code: str, region: str = "") -> None:
        """Take it away."""
        grant = _grant(agency_id, kind, type_code, region)
        self.operator.agencies.revoke_grant(agency_service_pb2.RevokeGrantRequest(grant=grant))

    def connect(
        self,
        credential: ClientCredential,
        *,
        officer: str = "",
        timeout: float = 20.0,
        policy: RetryPolicy | None = None,
    ) -> Connection:
        """A new connection of its own; whoever opens it closes its channel."""
        return Connection(
            open_channel(self.endpoint),
            authorization=TokenSource(credential, officer_id=officer, now=self.clock.now).authorization,
            timeout=timeout,
            policy=policy or RetryPolicy(),
        )

    def signer(self, kid: str) -> Signer:
        """A signing key's private half, as a thief of the key would have it."""
        with self.store.ledger.read() as repositories:
            key = repositories.signing_keys.get(kid)
        assert key is not None
        return self.store.vault.signer(kid, purpose=key.purpose)

    def catch_up(self) -> None:
        """Wait until this worker knows all that is committed: from now on its slots answer, and not the database."""

        def knows_all() -> bool:
            watch = self.agency().licenses.watch(
                license_service_pb2.WatchLicenseEventsRequest(own_issues=True), heartbeats=True
            )
            position = FeedPosition.of(next(watch).resume_token)
            return not self.store.ledger.poll(position, limit=1)

        eventually(knows_all, within=10)

    def change_key(self, kid: str, **changes: Any) -> None:
        """Change a signing key's record behind the API, which does not suspend keys or call them compromised yet."""

        def work(repositories: Repositories) -> None:
            key = repositories.signing_keys.get(kid)
            assert key is not None
            repositories.signing_keys.transition(replace(key, **changes), from_state=key.state)
            repositories.outbox.add(Change(START, ChangeKind.SIGNING_KEY, kid, self.clock.now()))

        self.store.ledger.write(work)
        self.catch_up()

    def rows(self) -> Rows:
        """All that the database holds, but what any call may leave."""
        return {name: rows for name, rows in raw_rows(self.settings.database).items() if name not in UNSETTLED}

    def _client(self, credential: ClientCredential, officer: str) -> Client:
        name = (credential.owner_id, officer)
        if name not in self._clients:
            client = Client(self.connect(credential, officer=officer))
            self._clients[name] = self._stack.enter_context(client)
        return self._clients[name]


def _grant(agency_id: str, kind: str, type_code: str, region: str) -> agency_service_pb2.Grant:
    return agency_service_pb2.Grant(
        agency_id=agency_id,
        kind=agency_service_pb2.GrantKind.Value(f"GRANT_KIND_{kind}"),
        type_code=type_code,
        region=region,
    )


def raw_rows(database_url: str) -> Rows:
    """The rows of all tables, read past the store."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return {
                name: frozenset(connection.execute(f'SELECT * FROM "{name}"').fetchall())
                for name in tables.metadata.tables
            }
        finally:
            connection.close()
    with psycopg.connect(database_url.replace("+psycopg", "")) as postgres:
        found = {}
        for name in tables.metadata.tables:
            # As text, because JSON columns are no values that a set can hold.
            query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))
            found[name] = frozenset(postgres.execute(query).fetchall())
        return found


def eventually(holds: Callable[[], bool], *, within: float) -> float:
    """Wait until `holds` is true and return the seconds that it took; fail after `within` seconds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"did not come true within {within} s"
        time.sleep(0.01)
    return time.monotonic() - began
