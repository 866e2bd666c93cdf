"""MatchLicense says right or wrong per stated field and nothing else; it is recorded, and counted against guessing."""

from typing import Any

import pytest

from certsvc.domain.numbers import Number, NumberKind
from certsvc.ports import AccessRecord
from certsvc.v1 import license_service_pb2
from certsvc.v1 import verification_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    CIVIL_AFFAIRS,
    CLERK,
    TRAFFIC_POLICE,
    access_context,
    citizen_number,
    company,
    company_number,
    driving_license,
    food_permit,
    holder,
    marriage_certificate,
    match_of,
    person,
    unique_number,
)
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.refusals import findings, refusal

RIGHT = {
    "license_number": True,
    "holder.number": True,
    "holder.name": True,
    "valid_from": True,
    "valid_until": True,
    "fields.vehicle_class": True,
    "fields.first_issue_date": True,
    "fields.file_number": True,
}


def issued(register: Register, **changes: Any) -> license_service_pb2.IssueLicenseRequest:
    """A driving license of the traffic police, as it was asked for."""
    request = driving_license(**changes)
    register.agency(TRAFFIC_POLICE).licenses.issue(request)
    return request


def matches(answer: pb.MatchLicenseResponse) -> dict[str, bool]:
    return {match.field: match.matches for match in answer.matches}


def ask(register: Register, request: pb.MatchLicenseRequest) -> pb.MatchLicenseResponse:
    return register.agency().verification.match(request)


def records_of(register: Register, number: str, kind: NumberKind = NumberKind.CITIZEN) -> list[AccessRecord]:
    with register.store.ledger.read() as repositories:
        return list(repositories.access.list(holder=Number(kind, number), limit=100))


def test_everything_right(register: Register) -> None:
    answer = ask(register, match_of(issued(register)))
    assert answer.national_code == 0
    assert matches(answer) == RIGHT


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("holder.name", {"holder": {"name": "别人"}}),
        ("holder.number", {"holder": {"number": {"value": citizen_number("19850101")}}}),
        ("valid_from", {"valid_from": "2025-04-03"}),
        ("valid_until", {"valid_until": "2035-04-01"}),
        ("fields.vehicle_class", {"fields": {"vehicle_class": "B1"}}),
        ("fields.no_such_field", {"fields": {"no_such_field": "x"}}),
        ("fields.file_number", {"fields": {"file_number": 370200000001}}),
        ("fields.vehicle_class", {"fields": {"vehicle_class": "c1"}}),
    ],
)
def test_one_thing_wrong(register: Register, field: str, changes: dict[str, Any]) -> None:
    request = match_of(issued(register))
    for name, value in changes.items():
        if name == "fields":
            request.fields.update(value)
        elif name == "holder":
            request.holder.MergeFrom(type(request.holder)(**value))
        else:
            setattr(request, name, value)
    answer = ask(register, request)
    assert answer.national_code == 7
    assert matches(answer) == RIGHT | {field: False}
    assert "370200000001" not in str(answer)
    assert "C1" not in str(answer)


def test_only_what_was_stated_is_answered(register: Register) -> None:
    request = match_of(issued(register), fields=None, valid_from=None, valid_until=None, license_number=None)
    assert matches(ask(register, request)) == {"holder.number": True, "holder.name": True}


def test_a_name_alone_finds_nothing(register: Register) -> None:
    request = match_of(issued(register), license_number=None)
    request.holder.ClearField("number")
    assert findings(refusal(lambda: ask(register, request))) == {("license_number", "REQUIRED")}


def test_nothing_stated_beyond_which_license(register: Register) -> None:
    issue = issued(register)
    alone = pb.MatchLicenseRequest(
        type_code=issue.type_code, license_number=issue.license_number, access_context=access_context()
    )
    assert matches(ask(register, alone)) == {"license_number": True}


@pytest.mark.parametrize(("action", "code"), [("suspend", 2), ("revoke", 3), ("cancel", 3)])
def test_the_code_is_that_of_the_state(register: Register, action: str, code: int) -> None:
    issue = driving_license()
    licenses = register.agency(TRAFFIC_POLICE).licenses
    identifier = licenses.issue(issue).license.identifier
    act(licenses, action, identifier)
    answer = ask(register, match_of(issue))
    assert (answer.national_code, matches(answer)) == (code, RIGHT)
    assert answer.message.zh
    # What is wrong in part is so in any state.
    assert ask(register, match_of(issue, valid_from="2025-04-03")).national_code == 7


def test_several_match(register: Register) -> None:
    number = citizen_number("19770101")
    issues = [issued(register, holders=[person(number=number)]) for _ in range(2)]
    answer = ask(register, match_of(issues[-1], license_number=None))
    assert (answer.national_code, matches(answer)) == (4, {})


def test_a_living_license_is_meant_before_its_ended_ones(register: Register) -> None:
    licenses, request = register.agency(TRAFFIC_POLICE).licenses, driving_license()
    act(licenses, "cancel", licenses.issue(request).license.identifier)
    licenses.issue(request)
    assert ask(register, match_of(request)).national_code == 0


def test_unknown_and_out_of_reach_are_the_same(register: Register) -> None:
    near = register.new_agency()
    register.revoke_grant(near, "VERIFY", "*")
    issue = issued(register)
    verification = register.agency(near).verification
    error = refusal(lambda: verification.match(match_of(issue)))
    assert (error.code, error.reason) == ("PERMISSION_DENIED", "MATCH_NOT_GRANTED")
    register.grant(near, "VERIFY", issue.type_code, region="44")
    foreign = verification.match(match_of(issue))
    unknown = verification.match(match_of(issue, license_number=unique_number()))
    assert foreign == unknown
    assert (foreign.national_code, matches(foreign)) == (5, {})


def test_every_call_is_recorded_whatever_it_found(register: Register) -> None:
    issue = issued(register)
    number = issue.holders[0].number.value
    ask(register, match_of(issue))
    ask(register, match_of(issue, valid_from="2025-04-03"))
    ask(register, match_of(issue, license_number=unique_number()))
    found = records_of(register, number)
    assert len(found) == 3
    assert {record.operation for record in found} == {"MatchLicense"}
    assert {(record.agency_id, record.officer_id) for record in found} == {(APPROVAL_BUREAU, CLERK)}
    assert {record.context.case_number for record in found} == {access_context().case_number}
    assert [record.license_id is None for record in found] == [True, False, False]
    assert set(found[-1].fields) == RIGHT.keys()


def test_a_license_found_by_its_number_is_recorded_with_its_holder(register: Register) -> None:
    issue = issued(register)
    request = match_of(issue)
    request.ClearField("holder")
    ask(register, request)
    assert len(records_of(register, issue.holders[0].number.value)) == 1


def test_a_refused_call_is_not_recorded(register: Register) -> None:
    issue = issued(register)
    before = register.rows()
    refusal(lambda: ask(register, match_of(issue, access_context=access_context(cause=""))))
    assert register.rows() == before


def test_an_access_context_is_needed_and_checked(register: Register) -> None:
    issue = issued(register)
    error = refusal(lambda: ask(register, match_of(issue, access_context=None)))
    assert findings(error) == {("access_context", "REQUIRED")}
    long = access_context(matter="", case_number="9" * 129, cause="因" * 201, legal_basis="\u202e")
    error = refusal(lambda: ask(register, match_of(issue, access_context=long, valid_from="x")))
    assert findings(error) == {
        ("access_context.matter", "REQUIRED"),
        ("access_context.case_number", "TOO_LONG"),
        ("access_context.cause", "TOO_LONG"),
        ("access_context.legal_basis", "CONTROL_CHARACTER"),
        ("valid_from", "DATE"),
    }


def test_wrong_input_is_named(register: Register) -> None:
    request = match_of(issued(register), type_code=None, valid_until="never")
    request.holder.number.value = "110101199003070021"
    assert findings(refusal(lambda: ask(register, request))) == {
        ("type_code", "REQUIRED"),
        ("valid_until", "DATE"),
        ("holder.number", "CHECK_CHARACTER"),
    }


def test_two_holders_are_each_right(register: Register) -> None:
    request = marriage_certificate(holders=[person(name="周示例"), person(name="吴示例")])
    register.agency(CIVIL_AFFAIRS).licenses.issue(request)
    for spouse in request.holders:
        answer = ask(register, match_of(request, holder=spouse, license_number=None, fields=None))
        assert matches(answer) == {"holder.number": True, "holder.name": True, "valid_from": True}


def test_a_number_is_right_however_it_is_typed(register: Register) -> None:
    number = company_number()
    request = food_permit(holders=[company(number=number)])
    register.agency().licenses.issue(request)
    typed = holder(number.lower().replace("9", "９"), request.holders[0].name, "UNSPECIFIED")
    answer = register.agency(TRAFFIC_POLICE).verification.match(
        match_of(request, holder=food_permit(holders=[typed]).holders[0])
    )
    assert answer.national_code == 0
