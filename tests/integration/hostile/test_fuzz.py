"""Whatever a caller sends, no RPC answers INTERNAL or UNKNOWN: noise, any message, good messages a little changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from certsvc.client import CallError
from certsvc.client.call_error import error_of_status
from certsvc.credentials.jwk import jwk_of
from certsvc.domain.agency import CallerKind
from certsvc.rpc.permissions import RULES
from certsvc.v1 import (
    agency_service_pb2,
    common_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
    verification_service_pb2,
)
from tests.builders import (
    APPROVAL_BUREAU,
    BUSINESS_LICENSE,
    CLERK,
    DRIVING_LICENSE,
    FOOD_PERMIT,
    TRAFFIC_POLICE,
    access_context,
    business_license,
    cause,
    driving_license,
    food_permit,
    license_type,
    match_of,
    today,
    unique_number,
)
from tests.integration.hostile.messages import Strategies
from tests.integration.register import Register
from tests.integration.wire import Wire
from tests.vectors.signers import VectorSigner

OUR_FAULT = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "CANCELLED"}
ENDLESS = {"/certsvc.v1.LicenseService/WatchLicenseEvents", "/grpc.health.v1.Health/Watch"}

METHODS: dict[str, MethodDescriptor] = {
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


def few(examples: int) -> settings:
    """Few examples a method, for there are many; a finding is shrunk, which takes as long as it takes."""
    return settings(
        max_examples=examples,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class Field:
    """A register to fuzz: who calls, and values that mean something to it."""

    agency: Wire
    operator: Wire
    living: Strategies
    disposable: Strategies
    good: dict[str, Message]

    def wire(self, method: str) -> Wire:
        return self.agency if CallerKind.AGENCY in RULES[method].callers or RULES[method].is_open else self.operator

    def strategies(self, method: str) -> Strategies:
        """What is changed through operators' methods is only what no other test of this register needs."""
        return self.living if CallerKind.AGENCY in RULES[method].callers else self.disposable


@pytest.fixture(scope="module")
def field(register: Register) -> Iterator[Field]:
    fuzzer = register.new_officer(APPROVAL_BUREAU, "fuzzer", "ISSUER", "VERIFIER", "APPROVER", "ADMIN")
    victim, victims_kid = register.new_agency(), register.new_signing_key("RECEIPT")
    victims_type = register.new_type(issuer=victim)
    issued = food_permit()
    change = register.agency().licenses.issue(issued)
    others = register.agency(TRAFFIC_POLICE).licenses.issue(driving_license())
    vc = register.agency().licenses.get_credential(
        license_service_pb2.GetCredentialRequest(
            identifier=change.license.identifier, format=license_service_pb2.CREDENTIAL_FORMAT_SD_JWT_VC
        )
    )
    living = [
        *(change.license.identifier, others.license.identifier, change.qr_text, others.qr_text, vc.credential),
        *(APPROVAL_BUREAU, TRAFFIC_POLICE, BUSINESS_LICENSE, FOOD_PERMIT, DRIVING_LICENSE, "370200", "3702"),
        *(issued.license_number, issued.holders[0].number.value, "2026-01-01", change.license.etag, "traffic"),
    ]
    disposable = [victim, victims_type, victims_kid, CLERK, "370200", "0" * 16, "*", license_type().fields_schema]
    good = good_requests(change.license.identifier, others.license.identifier, change.qr_text, vc.credential, issued)
    agency = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=fuzzer)
    operator = register.connect(register.credentials.operator)
    with agency.channel, operator.channel:
        yield Field(Wire(agency), Wire(operator), Strategies(living), Strategies(disposable), good)


def good_requests(
    identifier: str, others: str, qr_text: str, vc: str, issued: license_service_pb2.IssueLicenseRequest
) -> dict[str, Message]:
    """A request that is served, for methods whose checks noise does not pass."""
    licenses, verification, pb = "/certsvc.v1.LicenseService", "/certsvc.v1.VerificationService", license_service_pb2
    change: dict[str, Any] = {"identifier": identifier, "cause": cause()}
    full = business_license(
        imported={
            "issue_time": "2024-01-01T00:00:00Z",
            "state": "LICENSE_STATE_SUSPENDED",
            "state_time": "2024-02-01T00:00:00Z",
        },
        valid_until="2036-01-01",
    )
    new: dict[str, Any] = {"request_id": "x", "license_type": license_type()}
    verify = verification_service_pb2.VerifyCredentialRequest(qr_text=qr_text)
    verify.as_of_time.GetCurrentTime()
    verify.known_at_time.GetCurrentTime()
    return {
        f"{licenses}/IssueLicense": full,
        f"{licenses}/BatchIssueLicenses": pb.BatchIssueLicensesRequest(license=full),
        f"{licenses}/AmendLicense": pb.AmendLicenseRequest(
            **change, license_number=unique_number(), holders=issued.holders, fields=issued.fields
        ),
        f"{licenses}/RenewLicense": pb.RenewLicenseRequest(
            **change, valid_from=today().isoformat(), valid_until="2029-01-01"
        ),
        f"{licenses}/SuspendLicense": pb.SuspendLicenseRequest(**change),
        f"{licenses}/ReinstateLicense": pb.ReinstateLicenseRequest(**change),
        f"{licenses}/ListLicenses": pb.ListLicensesRequest(
            page_size=1, holder=issued.holders[0].number, type_code=FOOD_PERMIT
        ),
        f"{licenses}/ListLicenseEvents": pb.ListLicenseEventsRequest(identifier=identifier, page_size=1),
        f"{licenses}/GetCredential": pb.GetCredentialRequest(
            identifier=identifier,
            format=pb.CREDENTIAL_FORMAT_SD_JWT_VC,
            purpose="traffic",
            holder_key=json.dumps(jwk_of(VectorSigner("holder").sec1)),
            access_context=access_context(),
        ),
        f"{licenses}/RenderQrCode": pb.RenderQrCodeRequest(identifier=identifier, module_size=1),
        f"{licenses}/WatchLicenseEvents": pb.WatchLicenseEventsRequest(
            own_issues=True, type_codes=[FOOD_PERMIT], region="37", identifiers=[identifier, others], resume_token="0.0"
        ),
        f"{verification}/VerifyCredential": verify,
        f"{verification}/VerifyCredentials": verification_service_pb2.VerifyCredentialsRequest(
            item_id="1", item=verification_service_pb2.VerifyCredentialRequest(sd_jwt_vc=vc, nonce="n", audience="a")
        ),
        f"{verification}/MatchLicense": match_of(issued),
        f"{verification}/GetStatus": verification_service_pb2.GetStatusRequest(identifier=others),
        "/certsvc.v1.LicenseTypeService/CreateLicenseType": license_type_service_pb2.CreateLicenseTypeRequest(**new),
        "/certsvc.v1.LicenseTypeService/PublishLicenseTypeVersion": (
            license_type_service_pb2.PublishLicenseTypeVersionRequest(**new)
        ),
        "/certsvc.v1.AgencyService/CreateAgency": agency_service_pb2.CreateAgencyRequest(
            request_id="x",
            agency_id=APPROVAL_BUREAU,
            name=common_pb2.LocalizedText(zh="局"),
            region="37",
            level=agency_service_pb2.AGENCY_LEVEL_CITY,
        ),
    }


def call(field: Field, method: str, *requests: bytes | Message) -> str:
    """Make the call and return its code; fail where the answer, or one of a stream's, is our fault."""
    wire, code = field.wire(method), "OK"
    is_stream = method in ENDLESS or (method in METHODS and METHODS[method].server_streaming)
    try:
        if not is_stream:
            wire.call(method, requests[0])
        else:
            for answer in islice(wire.stream(method, requests), 1 if method in ENDLESS else None):
                check_item(method, answer)
    except CallError as error:
        code = error.code
    assert code not in OUR_FAULT, method
    return code


def check_item(method: str, answer: bytes) -> None:
    if method not in METHODS:
        return
    response: Any = GetMessageClass(METHODS[method].output_type)()
    response.ParseFromString(answer)
    if "error" in response.DESCRIPTOR.fields_by_name and response.HasField("error"):
        error = error_of_status(response.error)
        assert error.code not in OUR_FAULT, (method, error)


def needs_request_id(message: Message) -> Message:
    """With a request_id of its own where it has an empty one, so that more than that is looked at."""
    inner: Any = getattr(message, "license", message) if "license" in message.DESCRIPTOR.fields_by_name else message
    if "request_id" in inner.DESCRIPTOR.fields_by_name and inner.request_id in ("", "x"):
        inner.request_id = unique_number("f").encode().hex()
    return message


@pytest.mark.parametrize("method", sorted(good_requests("", "", "", "", food_permit())))
def test_the_good_messages_are_good(field: Field, method: str) -> None:
    """Without a change they pass all checks of form: what is changed is not hidden by another fault."""
    code = call(field, method, needs_request_id(field.good[method]))
    assert code in {"OK", "ALREADY_EXISTS", "NOT_FOUND", "FAILED_PRECONDITION", "ABORTED"}


@pytest.mark.parametrize("method", sorted(RULES))
def test_noise_is_refused(field: Field, method: str) -> None:
    @few(8)
    @given(st.binary(max_size=300))
    def run(noise: bytes) -> None:
        call(field, method, noise)

    run()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_any_message_is_answered(field: Field, method: str) -> None:
    @few(15)
    @given(field.strategies(method).message(METHODS[method].input_type))
    def run(message: Message) -> None:
        call(field, method, needs_request_id(message))

    run()


@pytest.mark.parametrize("method", sorted(good_requests("", "", "", "", food_permit())))
def test_a_good_message_with_a_change_is_answered(field: Field, method: str) -> None:
    @few(40)
    @given(field.strategies(method).changed(field.good[method]))
    def run(message: Message) -> None:
        call(field, method, needs_request_id(message))

    run()
