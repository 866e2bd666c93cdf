"""An agency that ends hands its licenses to its successor: that one may change them, and nobody else any more."""

import pytest

from certsvc.v1 import agency_service_pb2, license_service_pb2, verification_service_pb2
from tests.builders import CLERK, cause, small_permit
from tests.integration.register import Register
from tests.refusals import refusal


def end(register: Register, agency_id: str, successor_id: str = "") -> None:
    register.operator.agencies.deactivate(
        agency_service_pb2.DeactivateAgencyRequest(agency_id=agency_id, successor_id=successor_id, reason="机构改革")
    )


def amend(identifier: str, grade: str = "二级") -> license_service_pb2.AmendLicenseRequest:
    request = license_service_pb2.AmendLicenseRequest(identifier=identifier, cause=cause())
    request.fields.update({"grade": grade})
    return request


def test_the_successor_changes_the_licenses_and_identifiers_keep_the_old_agency(register: Register) -> None:
    old, new, other = register.new_agency(), register.new_agency(), register.new_agency()
    type_code = register.new_type(issuer=old)
    register.grant(new, "ISSUE", type_code)
    register.grant(other, "ISSUE", type_code)
    issued = register.agency(old).licenses.issue(small_permit(type_code))
    identifier = issued.license.identifier
    assert refusal(lambda: register.agency(new).licenses.amend(amend(identifier))).reason == "NOT_RESPONSIBLE"

    end(register, old, new)

    gone = refusal(lambda: register.agency(old).licenses.amend(amend(identifier)))
    assert (gone.code, gone.reason) == ("UNAUTHENTICATED", "AGENCY_DEACTIVATED")
    assert refusal(lambda: register.agency(other).licenses.amend(amend(identifier))).reason == "NOT_RESPONSIBLE"
    changed = register.agency(new).licenses.amend(amend(identifier))
    assert changed.license.version == 2
    assert (changed.license.agency_id, changed.license.responsible_agency_id) == (old, new)
    assert f".{old}." in changed.license.identifier
    verified = register.agency(other).verification.verify(changed.qr_text)
    assert verified.verdict == verification_service_pb2.VERDICT_VALID
    assert register.agency(new).licenses.get(identifier).superseded_by == changed.license.identifier
    revoked = register.agency(new).licenses.cancel(
        license_service_pb2.CancelLicenseRequest(identifier=identifier, cause=cause())
    )
    *_, event = register.agency(new).licenses.list_events(revoked.license.identifier)
    assert (event.agency_id, event.officer_id) == (new, CLERK)


def test_the_successor_needs_the_right_to_issue_the_type(register: Register) -> None:
    old, new = register.new_agency(), register.new_agency()
    identifier = register.agency(old).licenses.issue(small_permit(register.new_type(issuer=old))).license.identifier
    end(register, old, new)
    assert register.agency(new).licenses.get(identifier).responsible_agency_id == new
    assert refusal(lambda: register.agency(new).licenses.amend(amend(identifier))).reason == "NOT_RESPONSIBLE"


def test_without_a_successor_nobody_changes_them_and_they_still_verify(register: Register) -> None:
    old, other = register.new_agency(), register.new_agency()
    type_code = register.new_type(issuer=old)
    register.grant(other, "ISSUE", type_code)
    issued = register.agency(old).licenses.issue(small_permit(type_code))
    end(register, old)
    refusal(lambda: register.agency(old).licenses.amend(amend(issued.license.identifier)))
    error = refusal(lambda: register.agency(other).licenses.amend(amend(issued.license.identifier)))
    assert error.reason == "NOT_RESPONSIBLE"
    verified = register.agency(other).verification.verify(issued.qr_text)
    assert verified.verdict == verification_service_pb2.VERDICT_VALID


def test_a_successors_successor_inherits_too(register: Register) -> None:
    first, second, third = (register.new_agency() for _ in range(3))
    type_code = register.new_type(issuer=first)
    register.grant(second, "ISSUE", type_code)
    register.grant(third, "ISSUE", type_code)
    identifier = register.agency(first).licenses.issue(small_permit(type_code)).license.identifier
    end(register, first, second)
    end(register, second, third)
    assert register.agency(third).licenses.amend(amend(identifier)).license.responsible_agency_id == third


def test_an_ended_agency_cannot_succeed(register: Register) -> None:
    old, gone = register.new_agency(), register.new_agency()
    end(register, gone)
    before = register.rows()
    error = refusal(lambda: end(register, old, gone))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "AGENCY_DEACTIVATED")
    assert register.rows() == before


@pytest.mark.parametrize("officer", ["", CLERK])
def test_the_ended_agencys_system_calls_nothing(register: Register, officer: str) -> None:
    old = register.new_agency()
    assert list(register.agency(old, officer=officer).license_types.list())
    end(register, old)
    error = refusal(lambda: list(register.agency(old, officer=officer).license_types.list()))
    assert (error.code, error.reason) == ("UNAUTHENTICATED", "AGENCY_DEACTIVATED")
