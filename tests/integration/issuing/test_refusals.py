"""What is refused at issuing: each refusal names every field and reason at once, and changes nothing."""

from typing import Any

import pytest

from certsvc.domain.identifier import make_identifier
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    BUSINESS_FIELDS,
    BUSINESS_LICENSE,
    CIVIL_AFFAIRS,
    DRIVING_FIELDS,
    DRIVING_LICENSE,
    FOOD_PERMIT,
    MARRIAGE_CERTIFICATE,
    TRAFFIC_POLICE,
    business_license,
    company,
    company_number,
    driving_license,
    food_permit,
    marriage_certificate,
)
from tests.integration.issuing.refused_holders import NUMBER, NUMBERS
from tests.integration.register import Register
from tests.refusals import Findings, findings, refusal

IDENTIFIER = f"1.2.156.3005.2.{BUSINESS_LICENSE}.{APPROVAL_BUREAU}"
A_AS_11 = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"

OF_ANOTHER = make_identifier(type_code=FOOD_PERMIT, agency_id=TRAFFIC_POLICE, serial="1", version=1)


def imported(**history: Any) -> pb.IssueLicenseRequest:
    return business_license(imported=history)


TEXTS: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "no license number": (business_license(license_number=""), {("license_number", "REQUIRED")}),
    "license number too long": (
        business_license(license_number="9" * 129),
        {("license_number", "TOO_LONG")},
    ),
    "license number with a line feed": (
        business_license(license_number="A\nB"),
        {("license_number", "CONTROL_CHARACTER")},
    ),
    "license number with a space around": (
        business_license(license_number=" 1"),
        {("license_number", "SURROUNDING_SPACE")},
    ),
    "no holder's name": (business_license(holders=[company(name="")]), {("holders[0].name", "REQUIRED")}),
    "a name of 201 characters": (
        business_license(holders=[company(name="长" * 201)]),
        {("holders[0].name", "TOO_LONG")},
    ),
    "a name that turns the direction of writing": (
        business_license(holders=[company(name="公司\u202e司公")]),
        {("holders[0].name", "CONTROL_CHARACTER")},
    ),
    "no legal basis": (business_license(legal_basis=""), {("legal_basis", "REQUIRED")}),
    "legal basis too long": (business_license(legal_basis="法" * 501), {("legal_basis", "TOO_LONG")}),
    "field too long for the schema": (
        business_license(fields=BUSINESS_FIELDS | {"address": "街" * 201}),
        {("fields.address", "MAX_LENGTH")},
    ),
    "field with a control character": (
        business_license(fields=BUSINESS_FIELDS | {"address": "1\u0000"}),
        {("fields.address", "CONTROL_CHARACTER")},
    ),
}

FIELDS: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "required one missing": (business_license(fields={}), {("fields.founding_date", "REQUIRED")}),
    "unknown one": (
        business_license(fields=BUSINESS_FIELDS | {"colour": "red"}),
        {("fields.colour", "UNKNOWN_FIELD")},
    ),
    "number instead of text": (
        business_license(fields=BUSINESS_FIELDS | {"address": 7}),
        {("fields.address", "TYPE")},
    ),
    "no day": (
        business_license(fields=BUSINESS_FIELDS | {"founding_date": "2021-02-30"}),
        {("fields.founding_date", "FORMAT")},
    ),
    "not one of the choices": (
        food_permit(fields={"business_form": "x", "business_site": "y", "business_items": "z"}),
        {("fields.business_form", "ENUM")},
    ),
    "not of the pattern": (
        driving_license(fields=DRIVING_FIELDS | {"vehicle_class": "c1"}),
        {("fields.vehicle_class", "PATTERN")},
    ),
    "a number that no double holds": (
        business_license(fields=BUSINESS_FIELDS | {"address": 1e300}),
        {("fields.address", "NUMBER")},
    ),
    "several at once": (
        business_license(fields={"colour": "red", "address": "", "registered_capital": 5}),
        {
            ("fields.colour", "UNKNOWN_FIELD"),
            ("fields.address", "MIN_LENGTH"),
            ("fields.registered_capital", "TYPE"),
            ("fields.founding_date", "REQUIRED"),
        },
    ),
}

DATES: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "no first day": (business_license(valid_from=""), {("valid_from", "DATE")}),
    "first day of another form": (business_license(valid_from="20210518"), {("valid_from", "DATE")}),
    "first day as a week day": (business_license(valid_from="2024-W01-1"), {("valid_from", "DATE")}),
    "first day with a time": (business_license(valid_from="2021-05-18T00:00"), {("valid_from", "DATE")}),
    "no such last day": (business_license(valid_until="2025-02-29"), {("valid_until", "DATE")}),
    "last before first": (
        business_license(valid_from="2021-05-18", valid_until="2021-05-17"),
        {("valid_until", "LAST_BEFORE_FIRST")},
    ),
    "before 1900": (business_license(valid_from="1899-12-31"), {("valid_from", "OUT_OF_RANGE")}),
    "9999 for open-ended": (
        business_license(valid_until="9999-12-31"),
        {("valid_until", "OUT_OF_RANGE")},
    ),
    "open-ended where the type has a term": (
        food_permit(valid_until=None),
        {("valid_until", "OPEN_ENDED_NOT_ALLOWED")},
    ),
    "a term where the type is open-ended": (
        marriage_certificate(valid_until="2035-05-20"),
        {("valid_until", "LAST_NOT_ALLOWED")},
    ),
    "a day more than the type's term": (
        food_permit(valid_from="2024-06-01", valid_until="2029-06-02"),
        {("valid_until", "TERM_TOO_LONG")},
    ),
}

HISTORIES: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "identifier that counts A as 11": (
        imported(identifier=A_AS_11),
        {("imported.identifier", "CHECK_CHARACTER_A11")},
    ),
    "identifier, check character": (
        imported(identifier=f"{IDENTIFIER}.000000000001.001.0"),
        {("imported.identifier", "CHECK_CHARACTER")},
    ),
    "identifier without its root": (
        imported(identifier=f"{BUSINESS_LICENSE}.{APPROVAL_BUREAU}.000000000001.001.0"),
        {("imported.identifier", "ROOT")},
    ),
    "identifier with too few parts": (
        imported(identifier=f"{IDENTIFIER}.001"),
        {("imported.identifier", "PARTS")},
    ),
    "version 000 and a serial in lower case": (
        imported(identifier=f"{IDENTIFIER}.abc.000.0"),
        {("imported.identifier", "SERIAL"), ("imported.identifier", "VERSION")},
    ),
    "identifier of another type and agency": (
        imported(identifier=OF_ANOTHER.text),
        {("imported.identifier", "OTHER_TYPE"), ("imported.identifier", "OTHER_AGENCY")},
    ),
    "a state without its time": (
        imported(state="LICENSE_STATE_SUSPENDED"),
        {("imported.state_time", "REQUIRED")},
    ),
    "a state from the future": (
        imported(state="LICENSE_STATE_SUSPENDED", state_time="2999-01-01T00:00:00Z"),
        {("imported.state_time", "IN_FUTURE")},
    ),
    "issued in the future": (
        imported(issue_time="2999-01-01T00:00:00Z"),
        {("imported.issue_time", "IN_FUTURE")},
    ),
    "changed before it was issued": (
        imported(
            state="LICENSE_STATE_CANCELLED",
            issue_time="2024-01-01T00:00:00Z",
            state_time="2023-12-31T23:59:59Z",
        ),
        {("imported.state_time", "BEFORE_ISSUE")},
    ),
    "revoked without saying how": (
        imported(state="LICENSE_STATE_REVOKED", state_time="2024-01-01T00:00:00Z"),
        {("imported.revocation_kind", "REVOCATION_KIND")},
    ),
    "active, with a kind of revocation": (
        imported(revocation_kind="REVOCATION_KIND_PENALTY"),
        {("imported.revocation_kind", "REVOCATION_KIND")},
    ),
    "a reason of 501 characters": (
        imported(
            state="LICENSE_STATE_SUSPENDED",
            state_time="2024-01-01T00:00:00Z",
            state_reason="因" * 501,
        ),
        {("imported.state_reason", "TOO_LONG")},
    ),
}

ENUMS: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "unknown kind of number, grade, disposition and state": (
        business_license(
            holders=[company() | {"number": {"kind": 99, "value": company_number()}}],
            trust_grade=99,
            on_existing=99,
            imported={"state": 99, "revocation_kind": 99},
        ),
        {
            ("holders[0].number.kind", "ENUM_VALUE"),
            ("trust_grade", "ENUM_VALUE"),
            ("on_existing", "ENUM_VALUE"),
            ("imported.state", "ENUM_VALUE"),
            ("imported.revocation_kind", "ENUM_VALUE"),
        },
    ),
}

EVERYTHING_AT_ONCE: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "everything that can be wrong at once": (
        business_license(
            license_number="",
            holders=[company(number="91370202MA9999013X", name="")],
            fields={"colour": "red"},
            valid_from="yesterday",
            valid_until="2021-13-01",
            legal_basis="",
            imported={"identifier": A_AS_11, "state": "LICENSE_STATE_SUSPENDED"},
        ),
        {
            ("license_number", "REQUIRED"),
            (NUMBER, "CHECK_CHARACTER"),
            ("fields.colour", "UNKNOWN_FIELD"),
            ("fields.founding_date", "REQUIRED"),
            ("valid_from", "DATE"),
            ("valid_until", "DATE"),
            ("legal_basis", "REQUIRED"),
            ("imported.identifier", "CHECK_CHARACTER_A11"),
            ("imported.state_time", "REQUIRED"),
        },
    )
}

ALL = {
    f"{group}: {name}": case
    for group, cases in {
        "numbers": NUMBERS,
        "texts": TEXTS,
        "fields": FIELDS,
        "dates": DATES,
        "imports": HISTORIES,
        "enums": ENUMS,
        "all": EVERYTHING_AT_ONCE,
    }.items()
    for name, case in cases.items()
}

ISSUERS = {DRIVING_LICENSE: TRAFFIC_POLICE, MARRIAGE_CERTIFICATE: CIVIL_AFFAIRS}


@pytest.mark.parametrize(("request_", "expected"), ALL.values(), ids=ALL)
def test_bad_input_names_every_field_and_reason_and_changes_nothing(
    register: Register, request_: pb.IssueLicenseRequest, expected: Findings
) -> None:
    issuer = register.agency(ISSUERS.get(request_.type_code, APPROVAL_BUREAU))
    before = register.rows()
    error = refusal(lambda: issuer.licenses.issue(request_))
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "INVALID_INPUT")
    assert findings(error) == expected
    assert register.rows() == before
