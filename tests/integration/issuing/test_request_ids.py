"""A request_id makes a change happen once: asked again it gives the first answer, for another payload it is refused."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from certsvc.v1 import common_pb2, license_type_service_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    CLERK,
    TRAFFIC_POLICE,
    business_license,
    cause,
    driving_license,
    food_permit,
    small_permit,
    unique_number,
)
from tests.integration.register import Register
from tests.integration.wire import LICENSES, Wire
from tests.refusals import findings, refusal


@pytest.fixture
def wire(register: Register) -> Iterator[Wire]:
    connection = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK)
    with connection.channel:
        yield Wire(connection)


def test_the_same_request_again_gives_the_first_answer(register: Register, wire: Wire) -> None:
    request = business_license(request_id=unique_number("r"))
    first = wire.call(f"{LICENSES}/IssueLicense", request)
    after_first = register.rows()
    assert wire.call(f"{LICENSES}/IssueLicense", request) == first
    assert register.rows() == after_first


def test_the_first_answer_stands_whatever_happened_since(register: Register, wire: Wire) -> None:
    code = register.new_type()
    request = small_permit(code, request_id=unique_number("r"))
    first = wire.call(f"{LICENSES}/IssueLicense", request)
    identifier = pb.IssueLicenseResponse.FromString(first).change.license.identifier
    register.agency().licenses.cancel(pb.CancelLicenseRequest(identifier=identifier, cause=cause()))
    register.operator.license_types.retire(license_type_service_pb2.RetireLicenseTypeRequest(code=code))
    assert wire.call(f"{LICENSES}/IssueLicense", request) == first


def test_another_payload_under_it_is_refused_and_changes_nothing(register: Register) -> None:
    request_id = unique_number("r")
    register.agency().licenses.issue(business_license(request_id=request_id))
    before = register.rows()
    error = refusal(lambda: register.agency().licenses.issue(business_license(request_id=request_id)))
    assert (error.code, error.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert register.rows() == before


def test_a_request_of_the_same_shape_to_another_method_is_another_payload(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = licenses.issue(business_license()).license.identifier
    shape: dict[str, Any] = {"request_id": unique_number("r"), "identifier": identifier, "cause": cause()}
    licenses.suspend(pb.SuspendLicenseRequest(**shape))
    error = refusal(lambda: licenses.cancel(pb.CancelLicenseRequest(**shape)))
    assert error.reason == "REQUEST_ID_REUSED"
    assert licenses.get(identifier).state == common_pb2.LICENSE_STATE_SUSPENDED


def test_another_agencys_request_ids_are_its_own(register: Register) -> None:
    request_id = unique_number("r")
    register.agency().licenses.issue(business_license(request_id=request_id))
    change = register.agency(TRAFFIC_POLICE).licenses.issue(driving_license(request_id=request_id))
    assert change.disposition == pb.DISPOSITION_ISSUED


def test_a_refused_request_leaves_its_id_free(register: Register) -> None:
    request_id = unique_number("r")
    refusal(lambda: register.agency().licenses.issue(food_permit(request_id=request_id, legal_basis=None)))
    assert register.agency().licenses.issue(food_permit(request_id=request_id)).license.identifier


def test_a_change_is_replayed_as_it_was(register: Register, wire: Wire) -> None:
    issued = register.agency().licenses.issue(business_license()).license
    suspend = pb.SuspendLicenseRequest(request_id=unique_number("r"), identifier=issued.identifier, cause=cause())
    first = wire.call(f"{LICENSES}/SuspendLicense", suspend)
    register.agency().licenses.reinstate(pb.ReinstateLicenseRequest(identifier=issued.identifier, cause=cause()))
    # Asked again it neither suspends again nor refuses: it says what it did.
    assert wire.call(f"{LICENSES}/SuspendLicense", suspend) == first
    assert register.agency().licenses.get(issued.identifier).state == common_pb2.LICENSE_STATE_ACTIVE


def test_many_at_the_same_time_issue_one_license(register: Register, wire: Wire) -> None:
    request = business_license(request_id=unique_number("r"))
    together = threading.Barrier(16)

    def ask(_: int) -> bytes:
        together.wait()
        return wire.call(f"{LICENSES}/IssueLicense", request)

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(ask, range(16)))
    assert len(answers) == 1
    found = register.agency().licenses.list(pb.ListLicensesRequest(license_number=request.license_number))
    assert len(list(found)) == 1


@pytest.mark.parametrize("request_id", ["", "with space", "九", "x" * 129, "line\nfeed"])
def test_a_bad_request_id_is_refused(register: Register, wire: Wire, request_id: str) -> None:
    before = register.rows()
    error = refusal(lambda: wire.call(f"{LICENSES}/IssueLicense", business_license(request_id=request_id)))
    assert error.code == "INVALID_ARGUMENT"
    assert findings(error) == {("request_id", "REQUEST_ID")}
    assert register.rows() == before
