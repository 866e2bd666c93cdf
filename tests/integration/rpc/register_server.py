"""A real register on a real port: store, services, tokens and guard; only what others serve here is left out."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from certsvc.credentials.caller_token import make_token, read_token
from certsvc.credentials.client_credential import ClientCredential
from certsvc.credentials.register_documents import PublicDocumentForms
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.domain.agency import CallerKind, ClientKey, OfficerRole
from certsvc.keyring.cipher import AEADCipher
from certsvc.ports import Ledger
from certsvc.rpc.agencies import AgencyServicer, AgencyUseCases
from certsvc.rpc.call import Metadata
from certsvc.rpc.license_types import LicenseTypeServicer
from certsvc.rpc.limits import CallLimits
from certsvc.rpc.paging import Paging
from certsvc.rpc.server import GRPCServer, Servicers
from certsvc.rpc.signing_keys import SigningKeyServicer
from certsvc.rpc.tls import Listener
from certsvc.services.authentication import Authenticator
from certsvc.services.officers import NewOfficer
from certsvc.services.public_keys import PublicKeys
from certsvc.services.signing_keys import KeyPolicy
from certsvc.v1 import license_service_pb2_grpc, verification_service_pb2_grpc
from tests.unit.services.administration import AGENCY, OTHER_AGENCY, Administration, SetClock

AUDIENCE = "https://register.example"
ROLES = {f"clerk-{role.value.lower()}": role for role in OfficerRole}
WAIT = 20.0


def unserved(servicer: Any) -> Any:
    """A servicer whose methods are for others to serve; its generated class can be made, though typed abstract."""
    return servicer()


def credential(kind: CallerKind, owner_id: str) -> ClientCredential:
    return ClientCredential(kind, owner_id, "", AUDIENCE, None, ec.generate_private_key(ec.SECP256R1()))


@dataclass
class RegisterServer:
    """Two agencies, an officer of each role (and one without), an operator, their keys, and the server."""

    ledger: Ledger
    listeners: tuple[Listener, ...] = (Listener("127.0.0.1:0"),)
    limits: CallLimits = field(default_factory=CallLimits)
    licenses: Any = field(default_factory=lambda: unserved(license_service_pb2_grpc.LicenseServiceServicer))
    is_filled: bool = False
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.clock = SetClock(datetime.now(UTC))
        self.services = Administration(self.ledger, self.clock, KeyPolicy(development=True))
        self.operator = credential(CallerKind.OPERATOR, "root")
        self.agency = credential(CallerKind.AGENCY, AGENCY)
        self.other = credential(CallerKind.AGENCY, OTHER_AGENCY)
        if not self.is_filled:
            self._fill()
        self.server = GRPCServer(
            listeners=self.listeners,
            servicers=self._servicers(),
            authentication=Authenticator(
                directory=self.services.directory, read_token=read_token, clock=self.clock, audience=AUDIENCE
            ),
            registry=self.registry,
            limits=self.limits,
        )

    def _fill(self) -> None:
        for agency_id in (AGENCY, OTHER_AGENCY):
            self.services.add_agency(agency_id)
        for officer_id, role in [*ROLES.items(), ("clerk-idle", None)]:
            new = NewOfficer(AGENCY, officer_id, "李四", frozenset({role} if role else ()))
            self.services.officers.create(new, self.services.mutation())
        for each in (self.operator, self.agency, self.other):
            self.add_client_key(each)

    def add_client_key(self, credential: ClientCredential) -> None:
        """Make a caller's key known; operators' keys have no RPC."""
        now = self.clock.now()
        key = ClientKey(
            key_id=credential.kid,
            owner_kind=credential.owner_kind,
            owner_id=credential.owner_id,
            public_key=credential.public_key,
            created_at=now,
            expires_at=now + timedelta(days=365),
        )
        self.ledger.write(lambda repositories: repositories.agencies.add_client_key(key))

    def _servicers(self) -> Servicers:
        services = self.services
        paging = Paging(AEADCipher({1: b"1" * 32}))
        public_keys = PublicKeys(
            directory=services.directory,
            vault=services.vault,
            documents=PublicDocumentForms(RegisterURLs(AUDIENCE)),
            clock=self.clock,
        )
        use_cases = AgencyUseCases(
            agencies=services.agencies,
            officers=services.officers,
            client_keys=services.client_keys,
            grants=services.grants,
        )
        return Servicers(
            agencies=AgencyServicer(use_cases, paging=paging),
            license_types=LicenseTypeServicer(services.license_types, paging=paging),
            licenses=self.licenses,
            verification=unserved(verification_service_pb2_grpc.VerificationServiceServicer),
            signing_keys=SigningKeyServicer(services.signing_keys, public_keys, paging=paging),
        )

    @property
    def address(self) -> str:
        return self.server.addresses[0]

    def token(self, credential: ClientCredential, officer_id: str = "") -> str:
        return make_token(
            credential,
            issuer=credential.owner_id,
            officer_id=officer_id,
            audience=AUDIENCE,
            now=self.clock.now(),
            token_id=f"{threading.get_ident()}",
        )

    def metadata(self, credential: ClientCredential, officer_id: str = "") -> Metadata:
        return (("authorization", f"Bearer {self.token(credential, officer_id)}"),)

    @contextmanager
    def running(self) -> Iterator[grpc.Channel]:
        """The started server and a channel to it; both are over at the end."""
        self.server.start()
        try:
            with grpc.insecure_channel(self.address) as channel:
                yield channel
        finally:
            self.server.stop(0)


class Waiting:
    """A point that servicers wait at until the test lets them go on."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._go_on = threading.Event()

    def wait(self) -> None:
        self.arrived.release()
        assert self._go_on.wait(WAIT)

    def release(self) -> None:
        self._go_on.set()


def refusal(act: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """How a call was refused: its code, and the reason in its ErrorInfo ("" where there is none)."""
    try:
        act()
    except grpc.RpcError as error:
        return error.code(), reason_of(error)
    raise AssertionError("the call was not refused")


def reason_of(error: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    if status is not None and status.details:
        status.details[0].Unpack(info)
    return str(info.reason)


def fields_of(error: Any) -> set[str]:
    detail = error_details_pb2.BadRequest()
    status: Any = rpc_status.from_call(error)
    assert status.details[1].Unpack(detail)
    return {violation.field for violation in detail.field_violations}


def call_any(channel: grpc.Channel, method: str, *, kind: str, metadata: Metadata, request: Message | bytes) -> None:
    """Call an RPC of any kind with one message, and read its answers to the end."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    callable_ = getattr(channel, kind)(method, request_serializer=bytes, response_deserializer=bytes)
    answers = callable_(iter([data]) if kind.startswith("stream") else data, metadata=metadata, timeout=WAIT)
    if kind.endswith("stream"):
        for _ in answers:
            pass
