"""Agencies, license types and signing keys over a real connection, on both databases."""

import json
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials.client_credential import ClientCredential
from certsvc.domain.agency import CallerKind
from certsvc.ports import Ledger
from certsvc.rpc.convert import write_instant
from certsvc.v1 import agency_service_pb2 as agencies
from certsvc.v1 import (
    agency_service_pb2_grpc,
    common_pb2,
    license_type_service_pb2_grpc,
    signing_key_service_pb2_grpc,
)
from certsvc.v1 import license_type_service_pb2 as types
from certsvc.v1 import signing_key_service_pb2 as keys
from tests.integration.rpc.register_server import AUDIENCE, WAIT, RegisterServer, fields_of, refusal
from tests.unit.services.administration import AGENCY, OTHER_AGENCY, TYPE

NEW_AGENCY = "113702009999000113"


@dataclass
class Client:
    """Calls as one caller."""

    register: RegisterServer
    channel: grpc.Channel

    def __post_init__(self) -> None:
        self.agencies: Any = agency_service_pb2_grpc.AgencyServiceStub(self.channel)
        self.types: Any = license_type_service_pb2_grpc.LicenseTypeServiceStub(self.channel)
        self.keys: Any = signing_key_service_pb2_grpc.SigningKeyServiceStub(self.channel)

    def __call__(self, method: Any, request: Any, *, by: ClientCredential | None = None) -> Any:
        metadata = self.register.metadata(by or self.register.operator)
        return method(request, metadata=metadata, timeout=WAIT)


@pytest.fixture
def client(each_ledger: Ledger) -> Iterator[Client]:
    register = RegisterServer(each_ledger)
    with register.running() as channel:
        yield Client(register, channel)


def text(zh: str) -> common_pb2.LocalizedText:
    return common_pb2.LocalizedText(zh=zh)


def license_type(**changes: Any) -> types.LicenseType:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["founded"],
        "properties": {"founded": {"type": "string", "format": "date"}, "scope": {"type": "string"}},
    }
    values: dict[str, Any] = {
        "code": TYPE,
        "name": text("营业执照"),
        "holder_kinds": [types.HOLDER_KIND_LEGAL],
        "min_holders": 1,
        "max_holders": 1,
        "fields_schema": json.dumps(schema),
        "fields": [
            types.FieldSpec(name="founded", label=text("成立日期"), qr_key=1),
            types.FieldSpec(name="scope", label=text("经营范围")),
        ],
        "issuers": types.IssuerRule(by_region=True, region="44"),
        "validity": types.ValidityRule(kind=types.VALIDITY_KIND_EITHER),
        "purposes": {"*": types.PurposeFields(names=["founded"])},
        "public": True,
    }
    return types.LicenseType(**values | changes)


def new_agency(request_id: str = "r-1", **changes: Any) -> agencies.CreateAgencyRequest:
    values: dict[str, Any] = {
        "agency_id": NEW_AGENCY,
        "name": text("示例市行政审批服务局"),
        "region": "370200",
        "level": agencies.AGENCY_LEVEL_CITY,
    }
    return agencies.CreateAgencyRequest(request_id=request_id, **values | changes)


def test_a_new_agency_comes_to_work(client: Client) -> None:
    """From the first word about it to the first call that its own system makes for an officer."""
    created = client(client.agencies.CreateAgency, new_agency()).agency
    assert (created.agency_id, created.state, created.etag) == (NEW_AGENCY, agencies.AGENCY_STATE_ACTIVE, "1")
    credential = ClientCredential(
        CallerKind.AGENCY, NEW_AGENCY, "", AUDIENCE, None, ec.generate_private_key(ec.SECP256R1())
    )
    get = agencies.GetAgencyRequest(agency_id=NEW_AGENCY)
    assert refusal(lambda: client(client.agencies.GetAgency, get, by=credential))[1] == "KEY_UNKNOWN"

    register_key = agencies.RegisterClientKeyRequest(
        request_id="r-2", agency_id=NEW_AGENCY, public_key=credential.public_key
    )
    key = client(client.agencies.RegisterClientKey, register_key).client_key
    assert key.key_id == credential.kid
    assert client(client.agencies.GetAgency, get, by=credential).agency == created

    revoke = agencies.RevokeClientKeyRequest(request_id="r-3", agency_id=NEW_AGENCY, key_id=key.key_id)
    # The system alone may not, or a stolen key would make itself at home; an administrator or an operator may.
    assert refusal(lambda: client(client.agencies.RevokeClientKey, revoke, by=credential))[1] == "OFFICER_REQUIRED"
    revoked = client(client.agencies.RevokeClientKey, revoke).client_key
    assert revoked.HasField("revoke_time")
    assert refusal(lambda: client(client.agencies.GetAgency, get, by=credential))[1] == "KEY_REVOKED"


def test_a_deactivated_agency_calls_nothing_from_now_on(client: Client) -> None:
    get = agencies.GetAgencyRequest(agency_id=AGENCY)
    assert client(client.agencies.GetAgency, get, by=client.register.agency).agency.agency_id == AGENCY

    end = agencies.DeactivateAgencyRequest(
        request_id="r-1", agency_id=AGENCY, successor_id=OTHER_AGENCY, reason="merged"
    )
    ended = client(client.agencies.DeactivateAgency, end).agency

    assert (ended.state, ended.successor_id) == (agencies.AGENCY_STATE_DEACTIVATED, OTHER_AGENCY)
    assert refusal(lambda: client(client.agencies.GetAgency, get, by=client.register.agency)) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "AGENCY_DEACTIVATED",
    )
    assert client(client.agencies.GetAgency, get).agency == ended


def test_a_repeated_request_gets_the_first_answer_and_another_payload_is_refused(client: Client) -> None:
    first = client(client.agencies.CreateAgency, new_agency())

    assert client(client.agencies.CreateAgency, new_agency()) == first
    assert refusal(lambda: client(client.agencies.CreateAgency, new_agency(region="37"))) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    assert refusal(lambda: client(client.agencies.CreateAgency, new_agency("r-2"))) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "AGENCY_EXISTS",
    )


def test_a_request_needs_an_id(client: Client) -> None:
    assert refusal(lambda: client(client.agencies.CreateAgency, new_agency("")))[0] is (
        grpc.StatusCode.INVALID_ARGUMENT
    )


@pytest.mark.parametrize("count", [1, 8])
def test_the_same_request_at_once_is_carried_out_once(client: Client, count: int) -> None:
    with futures.ThreadPoolExecutor(count) as threads:
        answers = list(threads.map(lambda _: client(client.agencies.CreateAgency, new_agency()), range(count)))

    assert all(answer == answers[0] for answer in answers)
    assert [trace for trace in client.register.services.traces() if trace[1] == NEW_AGENCY] == [
        ("agency.created", NEW_AGENCY)
    ]


def test_every_violation_of_a_request_is_told_with_its_path(client: Client) -> None:
    wrong = new_agency(agency_id=NEW_AGENCY[:-1] + "4", name=text("\u202e"), region="x", level=99)

    with pytest.raises(grpc.RpcError) as refused:
        client(client.agencies.CreateAgency, wrong)

    assert fields_of(refused.value) == {"agency_id", "name.zh", "region", "level"}


def test_lists_come_in_pages(client: Client) -> None:
    found, token, pages = [], "", 0
    while token or not pages:
        request = agencies.ListOfficersRequest(agency_id=AGENCY, page_size=2, page_token=token)
        answer = client(client.agencies.ListOfficers, request, by=client.register.agency)
        found += [officer.officer_id for officer in answer.officers]
        token, pages = answer.next_page_token, pages + 1

    assert found == ["clerk-admin", "clerk-approver", "clerk-idle", "clerk-issuer", "clerk-verifier"]
    assert pages == 3


def test_an_officer_is_changed_with_an_etag(client: Client) -> None:
    request = agencies.UpdateOfficerRequest(
        request_id="r-1",
        agency_id=AGENCY,
        officer_id="clerk-idle",
        etag="1",
        roles=[agencies.OFFICER_ROLE_VERIFIER],
        active=True,
    )

    officer = client(client.agencies.UpdateOfficer, request).officer
    request.request_id = "r-2"

    assert (list(officer.roles), officer.etag) == ([agencies.OFFICER_ROLE_VERIFIER], "2")
    assert refusal(lambda: client(client.agencies.UpdateOfficer, request)) == (
        grpc.StatusCode.ABORTED,
        "STALE_ETAG",
    )


def test_grants_are_given_seen_and_taken_away(client: Client) -> None:
    grant = agencies.Grant(agency_id=AGENCY, kind=agencies.GRANT_KIND_VERIFY, type_code="*")
    client(client.agencies.CreateGrant, agencies.CreateGrantRequest(request_id="r-1", grant=grant))
    listing = partial(
        client,
        client.agencies.ListGrants,
        agencies.ListGrantsRequest(agency_id=AGENCY),
        by=client.register.agency,
    )

    assert list(listing().grants) == [grant]
    client(client.agencies.RevokeGrant, agencies.RevokeGrantRequest(request_id="r-2", grant=grant))
    assert list(listing().grants) == []


def test_a_key_that_ends_too_late_is_refused(client: Client) -> None:
    now = client.register.clock.now()
    *point, last = client.register.operator.public_key
    request = agencies.RegisterClientKeyRequest(
        request_id="r-1",
        agency_id=AGENCY,
        public_key=bytes([*point, last ^ 1]),
        expire_time=write_instant(now.replace(year=now.year + 3)),
    )

    with pytest.raises(grpc.RpcError) as refused:
        client(client.agencies.RegisterClientKey, request)

    assert fields_of(refused.value) == {"public_key", "expire_time"}


def test_a_license_type_is_created_published_and_retired(client: Client) -> None:
    create = types.CreateLicenseTypeRequest(request_id="r-1", license_type=license_type())
    answer = client(client.types.CreateLicenseType, create)
    created = answer.license_type
    assert (created.version, created.state, answer.fullest_qr_version) == (1, types.TYPE_STATE_PUBLISHED, 15)
    assert (created.qr_name_mask, created.qr_number_mask) == (types.MASK_FULL, types.MASK_FULL)

    created.per_officer_daily = 10
    publish = types.PublishLicenseTypeVersionRequest(request_id="r-2", license_type=created)
    published = client(client.types.PublishLicenseTypeVersion, publish).license_type
    assert (published.version, published.per_officer_daily) == (2, 10)
    publish.request_id = "r-3"
    assert refusal(lambda: client(client.types.PublishLicenseTypeVersion, publish)) == (
        grpc.StatusCode.ABORTED,
        "STALE_VERSION",
    )

    for version, expected in ((0, 2), (1, 1), (2, 2)):
        get = types.GetLicenseTypeRequest(code=TYPE, version=version)
        found = client(client.types.GetLicenseType, get, by=client.register.agency).license_type
        assert found.version == expected
    assert list(client(client.types.ListLicenseTypes, types.ListLicenseTypesRequest()).license_types) == [published]
    retire = types.RetireLicenseTypeRequest(request_id="r-4", code=TYPE)
    assert client(client.types.RetireLicenseType, retire).license_type.state == types.TYPE_STATE_RETIRED


def test_every_violation_of_a_type_is_told_with_its_path(client: Client) -> None:
    wrong = license_type(code="x", max_holders=0, validity=types.ValidityRule(), fields_schema='{"type": "text"}')
    request = types.CreateLicenseTypeRequest(request_id="r-1", license_type=wrong)

    with pytest.raises(grpc.RpcError) as refused:
        client(client.types.CreateLicenseType, request)

    assert fields_of(refused.value) == {
        f"license_type.{field}" for field in ("code", "max_holders", "validity.kind", "fields_schema")
    }


def test_signing_keys_rotate(client: Client) -> None:
    kids = []
    for number in range(2):
        prepare = keys.PrepareSigningKeyRequest(request_id=f"p-{number}", purpose=keys.KEY_PURPOSE_KEY_SET)
        kids.append(client(client.keys.PrepareSigningKey, prepare).signing_key.kid)
        activate = keys.ActivateSigningKeyRequest(request_id=f"a-{number}", kid=kids[-1])
        active = client(client.keys.ActivateSigningKey, activate).signing_key
        assert (active.state, active.development) == (keys.KEY_STATE_ACTIVE, True)

    former = client(client.keys.GetSigningKey, keys.GetSigningKeyRequest(kid=kids[0])).signing_key
    assert former.state == keys.KEY_STATE_DEACTIVATED
    assert refusal(
        lambda: client(client.keys.ActivateSigningKey, keys.ActivateSigningKeyRequest(request_id="a-9", kid=kids[0]))
    ) == (grpc.StatusCode.FAILED_PRECONDITION, "KEY_STATE")
    listing = keys.ListSigningKeysRequest(purpose=keys.KEY_PURPOSE_KEY_SET)
    assert {key.kid for key in client(client.keys.ListSigningKeys, listing).signing_keys} == set(kids)

    key_set = client(client.keys.FetchKeySet, keys.FetchKeySetRequest(), by=client.register.agency)
    assert key_set.version > 0
    assert set(kids) <= {key["kid"] for key in json.loads(key_set.jwks)["keys"]}
    assert key_set.cose_key_set
    assert key_set.flags.count(".") == 2

    retire = keys.RetireSigningKeyRequest(request_id="r-1", kid=kids[1])
    assert client(client.keys.RetireSigningKey, retire).signing_key.state == keys.KEY_STATE_DEACTIVATED


def test_of_keys_activated_at_once_one_stays(client: Client) -> None:
    kids = []
    for number in range(6):
        prepare = keys.PrepareSigningKeyRequest(request_id=f"p-{number}", purpose=keys.KEY_PURPOSE_VC)
        kids.append(client(client.keys.PrepareSigningKey, prepare).signing_key.kid)

    def activate(kid: str) -> grpc.StatusCode:
        request = keys.ActivateSigningKeyRequest(request_id=f"a-{kid}", kid=kid)
        try:
            client(client.keys.ActivateSigningKey, request)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    with futures.ThreadPoolExecutor(len(kids)) as threads:
        codes = set(threads.map(activate, kids))
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.ABORTED}

    listing = keys.ListSigningKeysRequest(purpose=keys.KEY_PURPOSE_VC)
    listed = client(client.keys.ListSigningKeys, listing).signing_keys
    assert [key.state for key in listed].count(keys.KEY_STATE_ACTIVE) == 1
