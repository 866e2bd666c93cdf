"""What a change must say, and what it may make of a license; all that is wrong is named at once, by the API's names."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import verification_service_pb2
from tests.builders import FOOD_FIELDS, cause, company, food_permit, marriage_certificate, today
from tests.integration.register import Register
from tests.integration.transitions.changes import ACTIONS, act, issued_in
from tests.refusals import Findings, findings, refusal

DAY = timedelta(days=1)


def moment(when: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp


def refused_findings(register: Register, action: str, identifier: str, **changes: Any) -> Findings:
    before = register.rows()
    error = refusal(lambda: act(register.agency().licenses, action, identifier, **changes))
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "INVALID_INPUT")
    assert register.rows() == before
    return findings(error)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_change_must_say_why_and_on_what_basis(register: Register, action: str) -> None:
    license_ = issued_in(register.agency().licenses, "SUSPENDED" if action == "reinstate" else "ACTIVE")
    found = refused_findings(register, action, license_.identifier, cause=pb.StateCause())
    assert found == {("cause.reason", "REQUIRED"), ("cause.legal_basis", "REQUIRED")}


def test_texts_of_a_cause_have_limits(register: Register) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    long = cause(reason="因" * 501, legal_basis="法\u0007")
    found = refused_findings(register, "suspend", license_.identifier, cause=long)
    assert found == {("cause.reason", "TOO_LONG"), ("cause.legal_basis", "CONTROL_CHARACTER")}


def test_a_time_that_is_none_is_refused(register: Register) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    impossible = cause()
    impossible.effective_time.seconds = 10**18
    found = refused_findings(register, "suspend", license_.identifier, cause=impossible)
    assert found == {("cause.effective_time", "TIMESTAMP")}


def test_a_change_lies_neither_in_the_future_nor_before_what_it_follows(register: Register) -> None:
    licenses, now = register.agency().licenses, datetime.now(UTC)
    license_ = issued_in(licenses, "ACTIVE")

    def at(when: datetime) -> pb.StateCause:
        stated = cause()
        stated.effective_time.CopyFrom(moment(when))
        return stated

    future = refused_findings(register, "suspend", license_.identifier, cause=at(now + DAY))
    assert future == {("cause.effective_time", "IN_FUTURE")}
    early = refused_findings(register, "suspend", license_.identifier, cause=at(now - DAY))
    assert early == {("cause.effective_time", "BEFORE_ISSUE")}
    act(licenses, "suspend", license_.identifier)
    first, _ = licenses.list_events(license_.identifier)
    issued_at = first.effective_time.ToDatetime(tzinfo=UTC) + timedelta(microseconds=1)
    between = refused_findings(register, "reinstate", license_.identifier, cause=at(issued_at))
    assert between == {("cause.effective_time", "BEFORE_LATEST_CHANGE")}
    # A final act may take effect earlier than the suspension that it ends.
    assert act(licenses, "revoke", license_.identifier, cause=at(issued_at)).license.identifier


def test_revoking_says_how(register: Register) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    assert refused_findings(register, "revoke", license_.identifier, kind=0) == {("kind", "REQUIRED")}
    assert refused_findings(register, "revoke", license_.identifier, kind=9) == {("kind", "ENUM_VALUE")}


def test_an_annulment_acts_from_the_start(register: Register) -> None:
    change = register.agency().licenses.issue(food_permit())
    act(register.agency().licenses, "revoke", change.license.identifier, kind=pb.REVOCATION_KIND_ANNULMENT)
    request = verification_service_pb2.VerifyCredentialRequest(qr_text=change.qr_text)
    request.as_of_time.FromNanoseconds(change.license.update_time.ToNanoseconds() + 1000)
    verified = register.agency().verification.verify(request)
    assert verified.verdict == verification_service_pb2.VERDICT_REVOKED
    # What was known before the annulment stays answerable.
    request.known_at_time.CopyFrom(request.as_of_time)
    assert register.agency().verification.verify(request).verdict == verification_service_pb2.VERDICT_VALID


def test_amending_reports_everything_and_changes_nothing(register: Register) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    found = refused_findings(
        register,
        "amend",
        license_.identifier,
        cause=pb.StateCause(reason="x"),
        license_number="9" * 129,
        holders=[pb.IssueLicenseRequest(holders=food_permit(holders=[company(number="9" * 18)]).holders).holders[0]],
        fields={"business_form": "x"},
    )
    assert found == {
        ("cause.legal_basis", "REQUIRED"),
        ("license_number", "TOO_LONG"),
        ("holders[0].number", "ORGANISATION_CHECK"),
        ("holders[0].number", "CHECK_CHARACTER"),
        ("fields.business_form", "ENUM"),
        ("fields.business_site", "REQUIRED"),
        ("fields.business_items", "REQUIRED"),
    }


def test_amending_keeps_what_it_does_not_state(register: Register) -> None:
    licenses = register.agency().licenses
    issued = food_permit()
    identifier = licenses.issue(issued).license.identifier
    renamed = company(number=issued.holders[0].number.value, name="示例市新名茶业有限公司")
    amend = pb.AmendLicenseRequest(identifier=identifier, cause=cause())
    amend.holders.extend(food_permit(holders=[renamed]).holders)
    license_ = licenses.amend(amend).license
    assert license_.holders[0].name == "示例市新名茶业有限公司"
    assert dict(license_.fields) == FOOD_FIELDS
    assert (license_.license_number, license_.valid_from) == (issued.license_number, issued.valid_from)
    fewer = {name: FOOD_FIELDS[name] for name in ("business_form", "business_site", "business_items")}
    license_ = act(licenses, "amend", license_.identifier, fields=fewer).license
    assert dict(license_.fields) == fewer
    assert license_.holders[0].name == "示例市新名茶业有限公司"


def test_a_number_that_is_taken_is_refused(register: Register) -> None:
    licenses = register.agency().licenses
    taken, license_ = issued_in(licenses, "ACTIVE"), issued_in(licenses, "ACTIVE")
    before = register.rows()
    error = refusal(lambda: act(licenses, "amend", license_.identifier, license_number=taken.license_number))
    assert (error.code, error.reason) == ("ALREADY_EXISTS", "LICENSE_EXISTS")
    assert register.rows() == before


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"valid_from": "", "valid_until": "x"}, {("valid_from", "DATE"), ("valid_until", "DATE")}),
        ({"valid_until": ""}, {("valid_until", "OPEN_ENDED_NOT_ALLOWED")}),
        ({"valid_until": (today() + DAY).isoformat()}, {("valid_until", "ENDS_NO_LATER")}),
        ({"valid_until": (today() + 2000 * DAY).isoformat()}, {("valid_until", "TERM_TOO_LONG")}),
        ({"valid_until": (today() - DAY).isoformat()}, {("valid_until", "LAST_BEFORE_FIRST")}),
    ],
)
def test_renewing_names_the_days_that_are_wrong(register: Register, dates: dict[str, str], expected: Findings) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    assert refused_findings(register, "renew", license_.identifier, **dates) == expected


@pytest.mark.parametrize(("ended_days_ago", "reason"), [(30, ""), (31, "RENEWAL_TOO_LATE")])
def test_renewing_late_is_taken_for_the_days_of_grace(register: Register, ended_days_ago: int, reason: str) -> None:
    last: date = today() - ended_days_ago * DAY
    issued = food_permit(valid_from=(last - 400 * DAY).isoformat(), valid_until=last.isoformat())
    identifier = register.agency().licenses.issue(issued).license.identifier
    if not reason:
        assert act(register.agency().licenses, "renew", identifier).license.version == 2
        return
    before = register.rows()
    error = refusal(lambda: act(register.agency().licenses, "renew", identifier))
    assert (error.code, error.reason, error.metadata["state"]) == ("FAILED_PRECONDITION", reason, "EXPIRED")
    assert register.rows() == before


def test_an_open_ended_license_needs_no_renewal(register: Register) -> None:
    licenses = register.agency("11370202999900038P").licenses
    identifier = licenses.issue(marriage_certificate()).license.identifier
    error = refusal(lambda: act(licenses, "renew", identifier, valid_until=""))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "RENEWAL_NOT_NEEDED")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("", "ROOT"),
        ("1.2.156.3005.2.x", "PARTS"),
        (
            "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
            "CHECK_CHARACTER_A11",
        ),
    ],
)
def test_an_identifier_that_is_none_is_refused(register: Register, action: str, identifier: str, reason: str) -> None:
    assert refused_findings(register, action, identifier) == {("identifier", reason)}
