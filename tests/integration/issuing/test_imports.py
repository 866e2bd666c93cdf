"""Licenses taken over from another register: identifiers, versions, states with their times, and daily deltas."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.v1 import common_pb2, verification_service_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    BUSINESS_FIELDS,
    BUSINESS_LICENSE,
    business_license,
    cause,
    unique_number,
)
from tests.integration.register import Register
from tests.refusals import findings, refusal

ISSUED = "2023-05-01T08:00:00Z"
CHANGED = "2024-06-01T08:00:00Z"


def state(name: str) -> common_pb2.LicenseState.ValueType:
    return common_pb2.LicenseState.Value(f"LICENSE_STATE_{name}")


def identifier_of(serial: str, version: int = 1) -> str:
    return make_identifier(type_code=BUSINESS_LICENSE, agency_id=APPROVAL_BUREAU, serial=serial, version=version).text


def imported(request: pb.IssueLicenseRequest, **history: Any) -> pb.IssueLicenseRequest:
    copy = pb.IssueLicenseRequest()
    copy.CopyFrom(request)
    copy.imported.SetInParent()
    for name, value in history.items():
        if name.endswith("_time"):
            getattr(copy.imported, name).FromJsonString(value)
        elif name == "state":
            copy.imported.state = state(value)
        elif name == "revocation_kind":
            copy.imported.revocation_kind = pb.RevocationKind.Value(f"REVOCATION_KIND_{value}")
        else:
            setattr(copy.imported, name, value)
    return copy


def with_(request: pb.IssueLicenseRequest, *, on: str = "", **fields: str) -> pb.IssueLicenseRequest:
    """The same license with other fields, as the next day's file has it."""
    copy = pb.IssueLicenseRequest()
    copy.CopyFrom(request)
    copy.fields.update(fields)
    if on:
        copy.on_existing = pb.OnExisting.Value(f"ON_EXISTING_{on}")
    return copy


def test_identifier_version_and_grade_are_kept(register: Register) -> None:
    identifier = identifier_of(unique_number("A"), version=7)
    request = imported(business_license(trust_grade="TRUST_GRADE_C"), identifier=identifier, issue_time=ISSUED)
    change = register.agency().licenses.issue(request)
    assert change.disposition == pb.DISPOSITION_ISSUED
    assert (change.license.identifier, change.license.version) == (identifier, 7)
    assert change.license.trust_grade == common_pb2.TRUST_GRADE_C
    verified = register.agency().verification.verify(change.qr_text)
    assert verified.verdict == verification_service_pb2.VERDICT_VALID
    assert verified.shown.identifier == identifier
    (event,) = register.agency().licenses.list_events(identifier)
    assert event.action == common_pb2.LICENSE_ACTION_IMPORT
    assert event.effective_time.ToJsonString() == ISSUED
    renewed = register.agency().licenses.amend(
        pb.AmendLicenseRequest(identifier=identifier, cause=cause(), fields=business_license().fields)
    )
    assert renewed.license.version == 8
    assert parse_identifier(renewed.license.identifier).serial == parse_identifier(identifier).serial


@pytest.mark.parametrize(
    ("name", "kind", "verdict"),
    [
        ("SUSPENDED", None, verification_service_pb2.VERDICT_SUSPENDED),
        ("REVOKED", "PENALTY", verification_service_pb2.VERDICT_REVOKED),
        ("REVOKED", "ANNULMENT", verification_service_pb2.VERDICT_REVOKED),
        ("CANCELLED", None, verification_service_pb2.VERDICT_CANCELLED),
    ],
)
def test_a_state_is_taken_over_with_its_time(
    register: Register, name: str, kind: str | None, verdict: verification_service_pb2.Verdict.ValueType
) -> None:
    history: dict[str, Any] = {"state": name, "state_time": CHANGED, "issue_time": ISSUED, "state_reason": "旧系统记录"}
    if kind:
        history["revocation_kind"] = kind
    change = register.agency().licenses.issue(imported(business_license(), **history))
    assert change.license.state == state(name)
    assert register.agency().verification.verify(change.qr_text).verdict == verdict
    events = list(register.agency().licenses.list_events(change.license.identifier))
    assert [event.effective_time.ToJsonString() for event in events] == [ISSUED, CHANGED]
    assert events[1].reason == "旧系统记录"
    assert pb.RevocationKind.Name(events[1].revocation_kind).endswith(kind or "UNSPECIFIED")
    before = verification_service_pb2.VerifyCredentialRequest(qr_text=change.qr_text)
    before.as_of_time.FromJsonString("2024-01-01T00:00:00Z")
    expected = verdict if kind == "ANNULMENT" else verification_service_pb2.VERDICT_VALID
    assert register.agency().verification.verify(before).verdict == expected


def test_without_an_identifier_it_gets_one(register: Register) -> None:
    change = register.agency().licenses.issue(imported(business_license(), issue_time=ISSUED))
    assert parse_identifier(change.license.identifier).version == 1


def test_the_same_row_again_is_skipped_and_confirmed(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(on_existing="ON_EXISTING_SKIP_SAME"), issue_time=ISSUED)
    first = licenses.issue(request)
    began = datetime.now(UTC)
    again = licenses.issue(request)
    assert again.disposition == pb.DISPOSITION_SKIPPED
    assert (again.license.identifier, again.qr_text) == (first.license.identifier, first.qr_text)
    assert again.license.etag == first.license.etag
    kept = licenses.get(first.license.identifier)
    assert kept.confirm_time.ToDatetime(tzinfo=UTC) >= began - timedelta(milliseconds=1)
    assert kept.update_time == first.license.update_time


def test_a_changed_row_is_a_conflict_unless_it_amends(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(on_existing="ON_EXISTING_SKIP_SAME"), issue_time=ISSUED)
    first = licenses.issue(request)
    before = register.rows()
    error = refusal(lambda: licenses.issue(with_(request, address="新路2号")))
    assert (error.code, error.reason) == ("ALREADY_EXISTS", "LICENSE_DIFFERS")
    assert error.message.startswith("license_number:")
    assert error.metadata == {"identifier": first.license.identifier, "state": "ACTIVE"}
    assert register.rows() == before

    amended = licenses.issue(with_(request, on="AMEND", address="新路2号"))
    assert amended.disposition == pb.DISPOSITION_CHANGED
    assert (amended.license.version, amended.license.fields["address"]) == (2, "新路2号")
    assert register.agency().verification.verify(first.qr_text).superseded_by == amended.license.identifier
    assert licenses.issue(with_(request, on="AMEND", address="新路2号")).disposition == pb.DISPOSITION_SKIPPED


def test_refuse_is_the_default(register: Register) -> None:
    request = business_license()
    first = register.agency().licenses.issue(request)
    before = register.rows()
    error = refusal(lambda: register.agency().licenses.issue(request))
    assert (error.code, error.reason) == ("ALREADY_EXISTS", "LICENSE_EXISTS")
    assert error.message.startswith("license_number:")
    assert error.metadata["identifier"] == first.license.identifier
    assert register.rows() == before


def test_a_delta_brings_content_and_state_at_once(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(), issue_time=ISSUED)
    first = licenses.issue(request)
    changed = imported(
        with_(request, on="AMEND", address="新路3号"), state="CANCELLED", state_time=CHANGED, issue_time=ISSUED
    )
    # The amendment takes effect now, so a cancellation of last year took effect before it: final acts may.
    answer = licenses.issue(changed)
    assert (answer.license.version, answer.license.state) == (2, state("CANCELLED"))
    assert register.agency().verification.verify(first.qr_text).verdict == verification_service_pb2.VERDICT_CANCELLED
    # The next day's file has the same row: nothing is issued anew.
    assert licenses.issue(changed).disposition == pb.DISPOSITION_SKIPPED
    assert len(list(licenses.list(pb.ListLicensesRequest(license_number=request.license_number)))) == 1


def test_the_number_of_a_final_license_may_be_issued_again(register: Register) -> None:
    licenses = register.agency().licenses
    request = business_license()
    first = licenses.issue(request)
    licenses.cancel(pb.CancelLicenseRequest(identifier=first.license.identifier, cause=cause()))
    second = licenses.issue(request.__class__.FromString(request.SerializeToString()))
    assert second.disposition == pb.DISPOSITION_ISSUED
    assert parse_identifier(second.license.identifier).serial != parse_identifier(first.license.identifier).serial


def test_an_identifier_that_is_taken_is_the_key_too(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = identifier_of(unique_number("B"))
    licenses.issue(imported(business_license(), identifier=identifier))
    other = imported(business_license(on_existing="ON_EXISTING_SKIP_SAME"), identifier=identifier)
    assert refusal(lambda: licenses.issue(other)).reason == "LICENSE_DIFFERS"


def test_a_made_identifier_never_meets_an_imported_one(register: Register) -> None:
    """Serials of others live beside ours: what is taken stays taken."""
    licenses = register.agency().licenses
    made = licenses.issue(business_license()).license.identifier
    error = refusal(lambda: licenses.issue(imported(business_license(), identifier=made)))
    assert error.reason == "LICENSE_EXISTS"


def test_fields_compare_by_content(register: Register) -> None:
    licenses = register.agency().licenses
    request = business_license(fields=dict(reversed(BUSINESS_FIELDS.items())), on_existing="ON_EXISTING_SKIP_SAME")
    licenses.issue(request)
    same = business_license(
        license_number=request.license_number, fields=BUSINESS_FIELDS, on_existing="ON_EXISTING_SKIP_SAME"
    )
    same.holders[0].CopyFrom(request.holders[0])
    same.holders[0].number.value = same.holders[0].number.value.lower()
    assert licenses.issue(same).disposition == pb.DISPOSITION_SKIPPED


def suspended(request: pb.IssueLicenseRequest, state_time: str) -> pb.IssueLicenseRequest:
    return imported(request, state="SUSPENDED", state_time=state_time)


def test_a_state_alone_says_since_when_it_is_a_license(register: Register) -> None:
    change = register.agency().licenses.issue(suspended(business_license(), CHANGED))
    events = register.agency().licenses.list_events(change.license.identifier)
    assert {event.effective_time.ToJsonString() for event in events} == {CHANGED}


def test_a_clock_that_is_a_little_ahead_is_no_fault(register: Register) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    change = register.agency().licenses.issue(imported(suspended(business_license(), soon), issue_time=soon))
    assert change.license.state == state("SUSPENDED")


def test_a_row_that_says_nothing_of_states_changes_none(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(), issue_time=ISSUED)
    identifier = licenses.issue(request).license.identifier
    licenses.suspend(pb.SuspendLicenseRequest(identifier=identifier, cause=cause()))
    for on in ("SKIP_SAME", "AMEND"):
        again = licenses.issue(with_(request, on=on))
        assert (again.disposition, again.license.state) == (pb.DISPOSITION_SKIPPED, state("SUSPENDED"))
    amended = licenses.issue(with_(request, on="AMEND", address="新路4号"))
    assert (amended.disposition, amended.license.state) == (pb.DISPOSITION_CHANGED, state("SUSPENDED"))


def test_a_row_that_says_active_reinstates_only_when_it_amends(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(), issue_time=ISSUED, state="ACTIVE")
    identifier = licenses.issue(request).license.identifier
    licenses.suspend(pb.SuspendLicenseRequest(identifier=identifier, cause=cause()))
    assert refusal(lambda: licenses.issue(with_(request, on="SKIP_SAME"))).reason == "LICENSE_DIFFERS"
    assert licenses.issue(with_(request, on="AMEND")).license.state == state("ACTIVE")


@pytest.mark.parametrize("on", ["SKIP_SAME", "AMEND"])
@pytest.mark.parametrize(("stated", "refused"), [("", False), ("ACTIVE", True)])
def test_the_row_of_a_license_that_was_revoked_issues_nothing(
    register: Register, on: str, stated: str, refused: bool
) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(), issue_time=ISSUED, **({"state": stated} if stated else {}))
    identifier = licenses.issue(request).license.identifier
    licenses.revoke(pb.RevokeLicenseRequest(identifier=identifier, cause=cause(), kind=pb.REVOCATION_KIND_PENALTY))
    if refused:
        error = refusal(lambda: licenses.issue(with_(request, on=on)))
        assert (error.reason, error.metadata) == ("LICENSE_DIFFERS", {"identifier": identifier, "state": "REVOKED"})
    else:
        again = licenses.issue(with_(request, on=on))
        assert (again.disposition, again.license.identifier) == (pb.DISPOSITION_SKIPPED, identifier)
        assert again.license.state == state("REVOKED")
    found = licenses.list(pb.ListLicensesRequest(license_number=request.license_number))
    assert [license_.identifier for license_ in found] == [identifier]


def test_a_delta_amends_what_was_suspended_yesterday(register: Register) -> None:
    licenses = register.agency().licenses
    request = imported(business_license(), issue_time=ISSUED)
    licenses.issue(request)
    answer = licenses.issue(suspended(with_(request, on="AMEND", address="新路5号"), CHANGED))
    assert (answer.license.version, answer.license.state) == (2, state("SUSPENDED"))
    events = list(licenses.list_events(answer.license.identifier))
    assert events[1].effective_time.ToJsonString() == CHANGED


def test_a_state_from_before_the_latest_change_is_refused_by_its_name_here(register: Register) -> None:
    licenses = register.agency().licenses
    request = suspended(imported(business_license(), issue_time=ISSUED), CHANGED)
    licenses.issue(request)
    early = imported(with_(request, on="AMEND"), state="ACTIVE", state_time="2024-01-01T00:00:00Z")
    before = register.rows()
    assert findings(refusal(lambda: licenses.issue(early))) == {("imported.state_time", "BEFORE_LATEST_CHANGE")}
    assert register.rows() == before
