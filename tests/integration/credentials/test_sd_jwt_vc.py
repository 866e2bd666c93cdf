"""SD-JWT VCs on request: the issuer sees all, others what their purpose allows, and every such reading is recorded."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.sd_jwt import ExpectedBinding, bind
from certsvc.domain.access import Right
from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.domain.numbers import Number, NumberKind
from certsvc.ports import AccessRecord
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import verification_service_pb2
from tests.builders import (
    APPROVAL_BUREAU,
    CLERK,
    DRIVING_FIELDS,
    TRAFFIC_POLICE,
    access_context,
    cause,
    driving_license,
    food_permit,
    small_permit,
    today,
)
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.refusals import findings, refusal
from tests.vectors.signers import VectorSigner

HOLDER = VectorSigner("holder")
DAY = timedelta(days=1)


@pytest.fixture
def issued(register: Register) -> pb.License:
    """A driving license of the traffic police."""
    return register.agency(TRAFFIC_POLICE).licenses.issue(driving_license()).license


def request_for(license_: pb.License, **changes: Any) -> pb.GetCredentialRequest:
    good: dict[str, Any] = {
        "identifier": license_.identifier,
        "format": pb.CREDENTIAL_FORMAT_SD_JWT_VC,
        "purpose": "traffic",
        "access_context": access_context(),
    }
    return pb.GetCredentialRequest(**{name: value for name, value in (good | changes).items() if value is not None})


def ask(register: Register, request: pb.GetCredentialRequest, agency: str = APPROVAL_BUREAU) -> str:
    return register.agency(agency).licenses.get_credential(request).credential


def disclosed(credential: str) -> dict[str, Any]:
    """What the disclosures say, read by hand (RFC 9901 §4.2.1)."""
    found = {}
    for text in credential.split("~")[1:-1]:
        _, name, value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        found[name] = value
    return found


def records(register: Register, license_: pb.License) -> list[AccessRecord]:
    number = Number(NumberKind.CITIZEN, license_.holders[0].number.value)
    with register.store.ledger.read() as repositories:
        return list(repositories.access.list(holder=number, limit=100))


def test_others_get_the_fields_of_their_purpose(register: Register, issued: pb.License) -> None:
    assert disclosed(ask(register, request_for(issued))) == DRIVING_FIELDS
    # A purpose that the type does not know gets what every purpose may see.
    assert disclosed(ask(register, request_for(issued, purpose="hiring"))) == {"vehicle_class": "C1"}


def test_what_is_not_disclosed_is_not_in_it(register: Register, issued: pb.License) -> None:
    credential = ask(register, request_for(issued, purpose="hiring"))
    payload = base64.urlsafe_b64decode(credential.split(".")[1] + "==").decode()
    for hidden in (issued.holders[0].name, issued.holders[0].number.value, DRIVING_FIELDS["file_number"]):
        assert hidden not in payload
        assert hidden not in str(disclosed(credential))


def test_names_and_numbers_are_purposes_fields_too(register: Register) -> None:
    code = register.new_type(
        purposes={"*": {"names": ["holder_name"]}, "audit": {"names": ["grade", "holder_name", "holder_number"]}}
    )
    request = small_permit(code)
    license_ = register.agency().licenses.issue(request).license
    other = request_for(license_, purpose="whatever")
    assert disclosed(ask(register, other, TRAFFIC_POLICE)) == {"name": request.holders[0].name}
    audit = disclosed(ask(register, request_for(license_, purpose="audit"), TRAFFIC_POLICE))
    assert audit == {
        "name": request.holders[0].name,
        "number": request.holders[0].number.value,
        "kind": "CREDIT_CODE",
        "grade": "一级",
    }


def test_reading_anothers_license_leaves_a_record(register: Register, issued: pb.License) -> None:
    ask(register, request_for(issued))
    (record,) = records(register, issued)
    assert (record.agency_id, record.officer_id, record.operation) == (APPROVAL_BUREAU, CLERK, "GetCredential")
    assert record.right == Right.DUTY
    assert record.context.cause == access_context().cause
    assert set(record.fields) == DRIVING_FIELDS.keys()
    assert record.license_id is not None


def test_the_issuer_sees_all_and_is_not_recorded_as_a_reader(register: Register, issued: pb.License) -> None:
    plain = request_for(issued, purpose=None, access_context=None)
    found = disclosed(ask(register, plain, TRAFFIC_POLICE))
    holder = issued.holders[0]
    assert found == DRIVING_FIELDS | {"name": holder.name, "number": holder.number.value, "kind": "CITIZEN"}
    for_traffic = request_for(issued, access_context=None)
    assert disclosed(ask(register, for_traffic, TRAFFIC_POLICE)) == DRIVING_FIELDS
    assert records(register, issued) == []


def test_everything_missing_is_named_and_nothing_is_made(register: Register, issued: pb.License) -> None:
    before = register.rows()
    bare = request_for(issued, purpose=None, access_context=None)
    assert findings(refusal(lambda: ask(register, bare))) == {
        ("purpose", "REQUIRED"),
        ("access_context", "REQUIRED"),
    }
    wrong = request_for(issued, purpose="x" * 65, access_context=access_context(matter="", cause="因" * 201))
    assert findings(refusal(lambda: ask(register, wrong))) == {
        ("purpose", "PURPOSE"),
        ("access_context.matter", "REQUIRED"),
        ("access_context.cause", "TOO_LONG"),
    }
    assert register.rows() == before


def test_who_may_not_read_it_does_not_learn_whether_it_exists(register: Register, issued: pb.License) -> None:
    blind = register.new_agency()
    register.revoke_grant(blind, "VERIFY", "*")
    before = register.rows()
    answers = set()
    for license_ in (issued, unknown_like(issued)):
        error = refusal(partial(ask, register, request_for(license_), blind))
        answers.add((error.code, error.reason, error.message))
    assert len(answers) == 1
    assert answers.pop()[:2] == ("PERMISSION_DENIED", "VERIFY_NOT_GRANTED")
    assert register.rows() == before


def unknown_like(license_: pb.License) -> pb.License:
    parts = parse_identifier(license_.identifier)
    unknown = make_identifier(type_code=parts.type_code, agency_id=parts.agency_id, serial="NOBODY", version=1)
    return pb.License(identifier=unknown.text)


@pytest.mark.parametrize(
    ("action", "reason", "state"),
    [
        ("amend", "NOT_CURRENT", "SUPERSEDED"),
        ("revoke", "NOT_IN_FORCE", "REVOKED"),
        ("cancel", "NOT_IN_FORCE", "CANCELLED"),
    ],
)
def test_only_the_current_version_of_a_living_license_has_credentials(
    register: Register, action: str, reason: str, state: str
) -> None:
    licenses = register.agency().licenses
    identifier = licenses.issue(food_permit()).license.identifier
    newest = act(licenses, action, identifier).license
    for form in (pb.CREDENTIAL_FORMAT_SD_JWT_VC, pb.CREDENTIAL_FORMAT_QR_TEXT):
        request = pb.GetCredentialRequest(identifier=identifier, format=form)
        error = refusal(partial(licenses.get_credential, request))
        assert (error.code, error.reason, error.metadata["state"]) == ("FAILED_PRECONDITION", reason, state)
        if state == "SUPERSEDED":
            assert error.metadata["superseded_by"] == newest.identifier


def test_an_expired_license_has_none(register: Register) -> None:
    dates = {"valid_from": (today() - 40 * DAY).isoformat(), "valid_until": (today() - DAY).isoformat()}
    license_ = register.agency().licenses.issue(food_permit(**dates)).license
    error = refusal(lambda: ask(register, request_for(license_, purpose=None, access_context=None)))
    assert (error.code, error.reason, error.metadata["state"]) == (
        "FAILED_PRECONDITION",
        "LICENSE_EXPIRED",
        "EXPIRED",
    )


def test_it_never_lives_longer_than_the_license(register: Register) -> None:
    dates = {"valid_from": (today() - 40 * DAY).isoformat(), "valid_until": (today() + 3 * DAY).isoformat()}
    license_ = register.agency().licenses.issue(food_permit(**dates)).license
    answer = register.agency().licenses.get_credential(request_for(license_, purpose=None, access_context=None))
    end = datetime.fromisoformat(f"{today() + 4 * DAY}T00:00:00+08:00")
    assert answer.expire_time.ToDatetime(tzinfo=UTC) == end


def test_with_a_holders_key_it_counts_with_the_holders_proof_only(register: Register, issued: pb.License) -> None:
    bound = request_for(issued, purpose=None, access_context=None, holder_key=json.dumps(jwk_of(HOLDER.sec1)))
    credential = ask(register, bound, TRAFFIC_POLICE)
    verify = register.agency().verification.verify

    def verdict(text: str, **expected: Any) -> str:
        result = verify(verification_service_pb2.VerifyCredentialRequest(sd_jwt_vc=text, **expected))
        return verification_service_pb2.Verdict.Name(result.verdict).removeprefix("VERDICT_")

    assert verdict(credential) != "VALID"
    asked = {"nonce": "n-4711", "audience": "https://bank.example"}
    binding = ExpectedBinding(**asked)
    proven = bind(credential, signer=HOLDER, binding=binding, issued_at=datetime.now(UTC))
    assert verdict(proven, **asked) == "VALID"
    assert verdict(proven, **asked | {"nonce": "n-4712"}) != "VALID"
    assert verdict(proven, **asked | {"audience": "https://other.example"}) != "VALID"
    assert verdict(proven) != "VALID"
    stolen = bind(credential, signer=VectorSigner("thief"), binding=binding, issued_at=datetime.now(UTC))
    assert verdict(stolen, **asked) != "VALID"


def test_another_agency_binds_nothing_to_a_key_of_its_choice(register: Register, issued: pb.License) -> None:
    before = register.rows()
    bound = request_for(issued, holder_key=json.dumps(jwk_of(VectorSigner("thief").sec1)))
    assert findings(refusal(lambda: ask(register, bound))) == {("holder_key", "NOT_FOR_OTHERS")}
    assert register.rows() == before


@pytest.mark.parametrize(
    "key",
    ["{}", "no JSON", '{"kty":"RSA"}', json.dumps(jwk_of(HOLDER.sec1) | {"x": "AAAA"}), "[" * 5000],
)
def test_a_holders_key_that_is_none_is_refused(register: Register, issued: pb.License, key: str) -> None:
    before = register.rows()
    bound = request_for(issued, purpose=None, access_context=None, holder_key=key)
    assert findings(refusal(lambda: ask(register, bound, TRAFFIC_POLICE))) == {("holder_key", "HOLDER_KEY")}
    assert register.rows() == before


def test_a_suspended_license_has_a_credential_that_says_so(register: Register) -> None:
    licenses = register.agency().licenses
    license_ = licenses.issue(food_permit()).license
    licenses.suspend(pb.SuspendLicenseRequest(identifier=license_.identifier, cause=cause()))
    credential = ask(register, request_for(license_, purpose=None, access_context=None))
    result = register.agency(TRAFFIC_POLICE).verification.verify(credential)
    assert result.verdict == verification_service_pb2.VERDICT_SUSPENDED
