"""Every RPC, as the descriptors name it, called by everybody over a real connection with real tokens."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from certsvc.ports import Ledger
from certsvc.rpc.call import Metadata
from certsvc.rpc.permissions import RULES
from certsvc.v1 import (
    agency_service_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
    verification_service_pb2,
)
from tests.integration.rpc.register_server import ROLES, RegisterServer, call_any, reason_of
from tests.unit.rpc.expected_permissions import CASES
from tests.unit.services.administration import AGENCY

EXPECTED = dict(CASES)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for module in (
        agency_service_pb2,
        license_type_service_pb2,
        license_service_pb2,
        verification_service_pb2,
        signing_key_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
LETTERS = {"ISSUER": "I", "APPROVER": "A", "VERIFIER": "V", "ADMIN": "D"}
GUARD_REASONS = {"CALLER_KIND", "OFFICER_REQUIRED", "ROLE_REQUIRED", "NO_RULE"}


@dataclass
class Served:
    register: RegisterServer
    channel: grpc.Channel

    def outcome(self, method: str, metadata: Metadata, request: bytes = b"") -> tuple[grpc.StatusCode, str]:
        """How a call with this message ended, OK with no reason."""
        try:
            call_any(self.channel, method, kind=kind_of(METHODS[method]), metadata=metadata, request=request)
        except grpc.RpcError as error:
            return error.code(), reason_of(error)
        return grpc.StatusCode.OK, ""


@pytest.fixture(scope="module")
def served(module_ledger: Ledger) -> Iterator[Served]:
    """A register that all these tests call."""
    register = RegisterServer(module_ledger)
    with register.running() as channel:
        yield Served(register, channel)


def kind_of(method: MethodDescriptor) -> str:
    described: Any = method
    return (
        f"{'stream' if described.client_streaming else 'unary'}_{'stream' if described.server_streaming else 'unary'}"
    )


@pytest.mark.parametrize("method", METHODS)
def test_without_a_good_token_nobody_calls(served: Served, method: str) -> None:
    token = served.register.token(served.register.operator)
    head, payload, signature = token.split(".")
    turned = "".join(random.Random(7).sample(signature, len(signature)))
    attempts: tuple[Metadata, ...] = (
        (),
        (("authorization", token),),
        (("authorization", f"Bearer {head}.{payload}.{turned}"),),
        (("authorization", f"Bearer {head}.{payload}."),),
    )
    for metadata in attempts:
        code, reason = served.outcome(method, metadata)
        assert code is grpc.StatusCode.UNAUTHENTICATED, metadata
        assert reason.startswith("TOKEN_")


@pytest.mark.parametrize("method", METHODS)
def test_who_may_call(served: Served, method: str) -> None:
    register, letters = served.register, EXPECTED[method]
    callers = {
        "o": register.metadata(register.operator),
        "s": register.metadata(register.agency),
        **{LETTERS[role]: register.metadata(register.agency, officer_id) for officer_id, role in ROLES.items()},
        "nobody": register.metadata(register.agency, "clerk-idle"),
    }

    refused = {who for who, metadata in callers.items() if served.outcome(method, metadata)[1] in GUARD_REASONS}

    assert refused == {who for who in callers if who not in letters}


@pytest.mark.parametrize("method", [name for name, letters in CASES if "s" not in letters and letters != "o"])
def test_a_refusal_comes_before_the_message_is_looked_at(served: Served, method: str) -> None:
    metadata = served.register.metadata(served.register.agency)

    code, reason = served.outcome(method, metadata, b"\xff\xff\xff")

    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "OFFICER_REQUIRED")


@pytest.mark.parametrize(
    "method",
    [
        name
        for name, method in METHODS.items()
        if "agency_id" in method.input_type.fields_by_name
        and name.startswith("/certsvc.v1.AgencyService/")
        and set("sD") & set(EXPECTED[name])
        and not name.endswith("/GetAgency")
    ],
)
def test_an_agency_acts_for_itself_only(served: Served, method: str) -> None:
    """The stranger has every role, in its own agency."""
    register = served.register
    officer_id = "clerk-admin" if EXPECTED[method] == "oD" else ""
    metadata = register.metadata(register.agency, officer_id)
    request_type: Any = METHODS[method].input_type._concrete_class
    for agency_id in ("11440000006940140C", "unknown", ""):
        request = request_type(agency_id=agency_id)
        if hasattr(request, "request_id"):
            request.request_id = "r-1"

        code, reason = served.outcome(method, metadata, request.SerializeToString())

        assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "OTHER_AGENCY")
    own = request_type(agency_id=AGENCY)
    assert served.outcome(method, metadata, own.SerializeToString())[1] != "OTHER_AGENCY"


def test_a_token_that_ended_is_refused(served: Served) -> None:
    metadata = served.register.metadata(served.register.operator)
    served.register.clock.move(timedelta(minutes=6))

    code, reason = served.outcome("/certsvc.v1.AgencyService/ListAgencies", metadata)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


def test_a_dropped_rule_lets_nobody_in(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    method = "/certsvc.v1.AgencyService/ListAgencies"
    monkeypatch.delitem(RULES, method)

    for metadata in (
        served.register.metadata(served.register.operator),
        served.register.metadata(served.register.agency),
    ):
        assert served.outcome(method, metadata) == (grpc.StatusCode.PERMISSION_DENIED, "NO_RULE")
