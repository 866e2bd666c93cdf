"""Four eyes: where the type asks for it, a change waits for another officer's yes, and happens once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from certsvc.client import CallError
from certsvc.client.licenses import LicenseCalls
from certsvc.v1 import agency_service_pb2, common_pb2, verification_service_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    CIVIL_AFFAIRS,
    CLERK,
    SECOND_CLERK,
    cause,
    disability_certificate,
    person,
    small_permit,
    unique_number,
)
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.refusals import findings, refusal


class Office:
    """The civil affairs bureau: who asks, who decides."""

    def __init__(self, register: Register) -> None:
        self.asks: LicenseCalls = register.agency(CIVIL_AFFAIRS).licenses
        self.decides: LicenseCalls = register.agency(CIVIL_AFFAIRS, officer=SECOND_CLERK).licenses

    def approve(self, change: pb.LicenseChange) -> pb.LicenseChange:
        return self.decides.approve(pb.ApproveChangeRequest(change_id=change.pending_change.change_id))

    def issued(self, **changes: Any) -> pb.License:
        """A certificate to which both said yes."""
        return self.approve(self.asks.issue(disability_certificate(**changes))).license

    def waiting(self) -> set[str]:
        return {change.change_id for change in self.decides.list_pending()}


@pytest.fixture
def office(register: Register) -> Office:
    return Office(register)


def test_issuing_waits_and_then_happens(register: Register, office: Office) -> None:
    request = disability_certificate()
    asked = office.asks.issue(request)
    pending = asked.pending_change
    assert asked.disposition == pb.DISPOSITION_PENDING
    assert not asked.HasField("license")
    assert asked.qr_text == ""
    assert (pending.requested_by, pending.type_code) == (CLERK, request.type_code)
    assert pending.action == common_pb2.LICENSE_ACTION_ISSUE
    found = pb.ListLicensesRequest(license_number=request.license_number)
    assert not list(office.asks.list(found))
    assert pending.change_id in office.waiting()
    # Who decides sees what there is to decide on, whole.
    request.ClearField("request_id")
    assert pending.issue == request
    seen = next(change for change in office.decides.list_pending() if change.change_id == pending.change_id)
    assert seen == pending

    approved = office.approve(asked)
    assert approved.disposition == pb.DISPOSITION_ISSUED
    assert [license_.identifier for license_ in office.asks.list(found)] == [approved.license.identifier]
    verified = register.agency().verification.verify(approved.qr_text)
    assert verified.verdict == verification_service_pb2.VERDICT_VALID
    assert pending.change_id not in office.waiting()
    (event,) = office.asks.list_events(approved.license.identifier)
    assert event.officer_id == CLERK, "the event names who asked; the audit who agreed"


@pytest.mark.parametrize("action", ["amend", "renew", "suspend", "reinstate", "revoke", "cancel"])
def test_every_change_waits(office: Office, action: str) -> None:
    identifier = office.issued().identifier
    if action == "reinstate":
        office.approve(act(office.asks, "suspend", identifier))
    fields: dict[str, Any] = {}
    if action == "amend":
        fields = {"fields": {"disability_class": "听力", "grade": "一级"}}
    if action == "renew":
        fields = {"valid_from": "2026-01-01", "valid_until": "2035-12-31"}
    before = office.asks.get(identifier)
    asked = act(office.asks, action, identifier, **fields)
    assert asked.disposition == pb.DISPOSITION_PENDING
    assert asked.pending_change.identifier == identifier
    assert asked.pending_change.WhichOneof("request") == action
    assert getattr(asked.pending_change, action).cause.reason == cause().reason
    assert office.asks.get(identifier) == before
    assert office.approve(asked).disposition == pb.DISPOSITION_CHANGED
    assert office.asks.get(identifier).etag != before.etag


def test_who_asked_cannot_agree_nor_refuse(register: Register) -> None:
    both = register.new_officer(CIVIL_AFFAIRS, "clerk-8", "ISSUER", "APPROVER")
    licenses = register.agency(CIVIL_AFFAIRS, officer=both).licenses
    change_id = licenses.issue(disability_certificate()).pending_change.change_id
    before = register.rows()
    for decide in (
        lambda: licenses.approve(pb.ApproveChangeRequest(change_id=change_id)),
        lambda: licenses.reject(pb.RejectChangeRequest(change_id=change_id, reason="nein")),
    ):
        error = refusal(decide)
        assert (error.code, error.reason) == ("PERMISSION_DENIED", "SAME_OFFICER")
    assert register.rows() == before


def test_another_agencys_officer_learns_nothing_of_it(register: Register, office: Office) -> None:
    change_id = office.asks.issue(disability_certificate()).pending_change.change_id
    stranger = register.agency(APPROVAL_BUREAU, officer=SECOND_CLERK).licenses
    assert change_id not in {change.change_id for change in stranger.list_pending()}
    codes = []
    for asked in (change_id, "0" * 24):
        error = refusal(partial(stranger.approve, pb.ApproveChangeRequest(change_id=asked)))
        codes.append((error.code, error.reason, error.message))
    assert len(set(codes)) == 1
    assert codes[0][0] == "NOT_FOUND"


def test_the_asker_has_no_right_to_decide(register: Register, office: Office) -> None:
    change_id = office.asks.issue(disability_certificate()).pending_change.change_id
    error = refusal(lambda: office.asks.approve(pb.ApproveChangeRequest(change_id=change_id)))
    assert (error.code, error.reason) == ("PERMISSION_DENIED", "ROLE_REQUIRED")


def test_what_was_rejected_never_happens(register: Register, office: Office) -> None:
    request = disability_certificate()
    change_id = office.asks.issue(request).pending_change.change_id
    error = refusal(lambda: office.decides.reject(pb.RejectChangeRequest(change_id=change_id)))
    assert findings(error) == {("reason", "REQUIRED")}
    office.decides.reject(pb.RejectChangeRequest(change_id=change_id, reason="材料不全"))
    assert change_id not in office.waiting()
    error = refusal(lambda: office.decides.approve(pb.ApproveChangeRequest(change_id=change_id)))
    assert error.code == "NOT_FOUND"
    assert not list(office.asks.list(pb.ListLicensesRequest(license_number=request.license_number)))


def test_bad_input_is_refused_when_asking(register: Register, office: Office) -> None:
    before = register.rows()
    error = refusal(lambda: office.asks.issue(disability_certificate(fields={"grade": "x"}, holders=[person(name="")])))
    assert findings(error) == {
        ("fields.grade", "ENUM"),
        ("fields.disability_class", "REQUIRED"),
        ("holders[0].name", "REQUIRED"),
    }
    assert register.rows() == before


def test_a_change_without_a_cause_is_refused_when_asking(register: Register, office: Office) -> None:
    identifier = office.issued().identifier
    before = register.rows()
    error = refusal(lambda: act(office.asks, "suspend", identifier, cause=pb.StateCause()))
    assert findings(error) == {("cause.reason", "REQUIRED"), ("cause.legal_basis", "REQUIRED")}
    assert register.rows() == before


def test_an_amendment_that_does_not_fit_is_refused_when_asking(register: Register, office: Office) -> None:
    identifier = office.issued().identifier
    before = register.rows()
    error = refusal(lambda: act(office.asks, "amend", identifier, fields={"grade": "x"}))
    assert findings(error) == {("fields.grade", "ENUM"), ("fields.disability_class", "REQUIRED")}
    assert register.rows() == before


def test_an_illegal_transition_and_a_stale_etag_are_refused_when_asking(register: Register, office: Office) -> None:
    license_ = office.issued()
    before = register.rows()
    error = refusal(lambda: act(office.asks, "reinstate", license_.identifier))
    assert (error.code, error.metadata["state"]) == ("FAILED_PRECONDITION", "ACTIVE")
    assert refusal(lambda: act(office.asks, "suspend", license_.identifier, etag="99")).reason == "STALE_ETAG"
    assert register.rows() == before


def test_what_became_impossible_meanwhile_is_refused_and_goes_on_waiting(register: Register, office: Office) -> None:
    identifier = office.issued().identifier
    suspend, revoke = act(office.asks, "suspend", identifier), act(office.asks, "revoke", identifier)
    office.approve(revoke)
    before = register.rows()
    error = refusal(lambda: office.approve(suspend))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert error.metadata["state"] == "REVOKED"
    assert register.rows() == before
    assert suspend.pending_change.change_id in office.waiting()


def test_a_change_of_an_officer_who_left_is_not_carried_out(register: Register, office: Office) -> None:
    leaver = register.new_officer(CIVIL_AFFAIRS, "clerk-7", "ISSUER")
    asked = register.agency(CIVIL_AFFAIRS, officer=leaver).licenses.issue(disability_certificate())
    register.operator.agencies.update_officer(
        agency_service_pb2.UpdateOfficerRequest(
            agency_id=CIVIL_AFFAIRS,
            officer_id=leaver,
            name="经办员",
            roles=[agency_service_pb2.OFFICER_ROLE_VERIFIER],
            active=True,
        )
    )
    error = refusal(lambda: office.approve(asked))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "ASKER_GONE")
    assert asked.pending_change.change_id in office.waiting()


def test_after_two_weeks_it_lapses(register: Register, office: Office) -> None:
    asked = office.asks.issue(disability_certificate())
    end = asked.pending_change.expire_time.ToDatetime(tzinfo=UTC)
    assert timedelta(days=13.9) < end - datetime.now(UTC) <= timedelta(days=14)
    with register.clock.stopped_at(end):
        assert asked.pending_change.change_id not in office.waiting()
        assert refusal(lambda: office.approve(asked)).code == "NOT_FOUND"
    with register.clock.stopped_at(end - timedelta(microseconds=1)):
        assert office.approve(asked).disposition == pb.DISPOSITION_ISSUED


def test_two_who_agree_at_once_carry_it_out_once(register: Register, office: Office) -> None:
    register.new_officer(CIVIL_AFFAIRS, "clerk-6", "APPROVER")
    others = register.agency(CIVIL_AFFAIRS, officer="clerk-6").licenses
    for _ in range(5):
        request = disability_certificate()
        change_id = office.asks.issue(request).pending_change.change_id
        together = threading.Barrier(2)

        def decide(licenses: LicenseCalls, change_id: str = change_id, at: threading.Barrier = together) -> str:
            at.wait()
            try:
                return licenses.approve(pb.ApproveChangeRequest(change_id=change_id)).license.identifier
            except CallError as error:
                return error.code

        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(decide, [office.decides, others]))
        assert outcomes[0].startswith("1.2.156.")
        assert outcomes[1] in {"ABORTED", "NOT_FOUND"}
        found = list(office.asks.list(pb.ListLicensesRequest(license_number=request.license_number)))
        assert [license_.identifier for license_ in found] == outcomes[:1]


def test_agreeing_again_with_the_same_request_id_gives_the_first_answer(office: Office) -> None:
    asked = office.asks.issue(disability_certificate())
    approve = pb.ApproveChangeRequest(
        request_id=unique_number("r").encode().hex(), change_id=asked.pending_change.change_id
    )
    first = office.decides.approve(approve)
    assert office.decides.approve(approve) == first


def test_asking_again_with_the_same_request_id_waits_once(office: Office) -> None:
    request = disability_certificate(request_id=unique_number("r").encode().hex())
    first = office.asks.issue(request)
    assert office.asks.issue(request) == first
    assert len([change for change in office.waiting() if change == first.pending_change.change_id]) == 1


def test_limits_are_those_of_the_asker(register: Register) -> None:
    code = register.new_type(second_officer=True, per_officer_daily=1)
    asks = register.agency().licenses
    decides = register.agency(officer=SECOND_CLERK).licenses
    waiting = [asks.issue(small_permit(code)).pending_change.change_id for _ in range(2)]
    decides.approve(pb.ApproveChangeRequest(change_id=waiting[0]))
    error = refusal(lambda: decides.approve(pb.ApproveChangeRequest(change_id=waiting[1])))
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "OFFICER_LIMIT")


def test_a_batch_waits_item_by_item(office: Office) -> None:
    answers = list(office.asks.issue_many(disability_certificate() for _ in range(5)))
    changes = [answer.change for answer in answers if answer.change]
    assert len(changes) == 5
    assert {change.disposition for change in changes} == {pb.DISPOSITION_PENDING}
    assert {change.pending_change.change_id for change in changes} <= office.waiting()


def test_importing_the_same_again_needs_nobody(office: Office) -> None:
    request = disability_certificate(on_existing="ON_EXISTING_SKIP_SAME")
    office.approve(office.asks.issue(request))
    assert office.asks.issue(request).disposition == pb.DISPOSITION_SKIPPED
    changed = pb.IssueLicenseRequest()
    changed.CopyFrom(request)
    changed.on_existing = pb.ON_EXISTING_AMEND
    changed.fields.update({"grade": "一级"})
    # An amendment needs the second officer's yes: AmendLicense asks for it, a row of a file does not.
    assert refusal(lambda: office.asks.issue(changed)).reason == "LICENSE_DIFFERS"


def test_waiting_changes_are_listed_page_by_page(register: Register) -> None:
    agency = register.new_agency()
    code = register.new_type(issuer=agency, second_officer=True)
    asked = [register.agency(agency).licenses.issue(small_permit(code)).pending_change for _ in range(120)]
    listed = list(register.agency(agency, officer=SECOND_CLERK).licenses.list_pending())
    assert {change.change_id for change in listed} == {change.change_id for change in asked}
    assert len(listed) == 120
    assert cause().reason not in str(listed)
