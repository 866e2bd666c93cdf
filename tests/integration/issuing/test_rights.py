"""Who may issue what; who may not learns nothing of what exists."""

from collections.abc import Iterator

import pytest

from certsvc.client import CallError
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import license_type_service_pb2
from tests.builders import (
    ADMIN,
    APPROVAL_BUREAU,
    CIVIL_AFFAIRS,
    CLERK,
    DEFINING_AGENCY,
    MARRIAGE_CERTIFICATE,
    SECOND_CLERK,
    business_license,
    driving_license,
    marriage_certificate,
    small_permit,
)
from tests.integration.register import Register
from tests.integration.wire import LICENSES, Wire
from tests.refusals import findings, refusal

MEBIBYTE = 1024 * 1024


@pytest.fixture
def wire(register: Register) -> Iterator[Wire]:
    connection = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK)
    with connection.channel:
        yield Wire(connection)


def test_an_unknown_type_and_another_agencys_get_one_answer(register: Register) -> None:
    before = register.rows()
    unknown = refusal(lambda: register.agency().licenses.issue(business_license(type_code=f"{DEFINING_AGENCY}999")))
    others = refusal(lambda: register.agency().licenses.issue(driving_license()))
    assert (unknown.code, unknown.reason) == ("PERMISSION_DENIED", "ISSUE_NOT_GRANTED")
    assert unknown.message.startswith("type_code:")
    assert (others.code, others.reason, others.message) == (unknown.code, unknown.reason, unknown.message)
    assert register.rows() == before


def test_the_type_says_who_may_issue_whatever_was_granted(register: Register) -> None:
    # Marriage certificates are for counties; a city gets no further with a grant.
    register.grant(APPROVAL_BUREAU, "ISSUE", MARRIAGE_CERTIFICATE)
    error = refusal(lambda: register.agency().licenses.issue(marriage_certificate()))
    assert error.reason == "ISSUE_NOT_GRANTED"
    assert register.agency(CIVIL_AFFAIRS).licenses.issue(marriage_certificate()).license.identifier


def test_a_retired_type_issues_nothing_new(register: Register) -> None:
    code = register.new_type()
    issued = register.agency().licenses.issue(small_permit(code))
    register.operator.license_types.retire(license_type_service_pb2.RetireLicenseTypeRequest(code=code))
    error = refusal(lambda: register.agency().licenses.issue(small_permit(code)))
    assert (error.code, error.reason, error.metadata["state"]) == (
        "FAILED_PRECONDITION",
        "TYPE_RETIRED",
        "RETIRED",
    )
    assert register.agency().verification.verify(issued.qr_text).national_code == 0


@pytest.mark.parametrize(
    ("officer", "reason"), [("", "OFFICER_REQUIRED"), (SECOND_CLERK, "ROLE_REQUIRED"), (ADMIN, "ROLE_REQUIRED")]
)
def test_only_an_officer_with_the_role_issues(register: Register, officer: str, reason: str) -> None:
    before = register.rows()
    error = refusal(lambda: register.agency(officer=officer).licenses.issue(business_license()))
    assert (error.code, error.reason) == ("PERMISSION_DENIED", reason)
    assert register.rows() == before


def test_operators_issue_nothing(register: Register) -> None:
    error = refusal(lambda: register.operator.licenses.issue(business_license()))
    assert (error.code, error.reason) == ("PERMISSION_DENIED", "CALLER_KIND")


def test_a_revoked_grant_bites_at_once(register: Register) -> None:
    code = register.new_type()
    register.agency().licenses.issue(small_permit(code))
    register.revoke_grant(APPROVAL_BUREAU, "ISSUE", code)
    assert refusal(lambda: register.agency().licenses.issue(small_permit(code))).reason == "ISSUE_NOT_GRANTED"


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        pytest.param(b"\xff", "INVALID_ARGUMENT", "REQUEST_FORM", id="no message"),
        pytest.param(b"\x12\x05ab", "INVALID_ARGUMENT", "REQUEST_FORM", id="cut off"),
        pytest.param(b"\x12\x02\xff\xfe", "INVALID_ARGUMENT", "REQUEST_FORM", id="text that is no UTF-8"),
        pytest.param(
            pb.IssueLicenseRequest(license_number="9" * MEBIBYTE).SerializeToString(),
            "INVALID_ARGUMENT",
            "REQUEST_TOO_LARGE",
            id="more than a megabyte",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_refused(
    register: Register, wire: Wire, payload: bytes, code: str, reason: str
) -> None:
    before = register.rows()
    error = refusal(lambda: wire.call(f"{LICENSES}/IssueLicense", payload))
    assert (error.code, error.reason) == (code, reason)
    assert register.rows() == before


def test_a_message_beyond_what_grpc_takes_is_refused(register: Register, wire: Wire) -> None:
    with pytest.raises(CallError) as caught:
        wire.call(f"{LICENSES}/IssueLicense", bytes(9 * MEBIBYTE))
    assert caught.value.code == "RESOURCE_EXHAUSTED"


def test_fields_that_nest_too_deep_are_refused(register: Register, wire: Wire) -> None:
    request = business_license()
    inner = request.fields.get_or_create_struct("address")
    for _ in range(20):
        inner = inner.get_or_create_struct("in")
    request.request_id = "nested"
    error = refusal(lambda: wire.call(f"{LICENSES}/IssueLicense", request))
    assert {reason for _, reason in findings(error)} == {"TOO_DEEP"}
