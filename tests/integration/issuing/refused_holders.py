"""Requests to issue that are refused for their holders, with every finding."""

from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    business_license,
    company,
    driving_license,
    holder,
    marriage_certificate,
    person,
)
from tests.refusals import Findings

CITIZEN = "11010119900307002X"


def person_license(number: str, kind: str = "CITIZEN") -> pb.IssueLicenseRequest:
    return driving_license(holders=[holder(number, "陈示例", kind)])


def company_license(number: str) -> pb.IssueLicenseRequest:
    return business_license(holders=[company(number=number)])


NUMBER = "holders[0].number"

NUMBERS: dict[str, tuple[pb.IssueLicenseRequest, Findings]] = {
    "citizen, check character": (person_license("110101199003070021"), {(NUMBER, "CHECK_CHARACTER")}),
    "citizen, kind left out": (
        person_license("110101199003070021", "UNSPECIFIED"),
        {(NUMBER, "CHECK_CHARACTER")},
    ),
    "citizen, X in the middle": (person_license("1101011990030X002X"), {(NUMBER, "ALPHABET")}),
    "citizen, too short": (person_license("11010119900307002"), {(NUMBER, "LENGTH")}),
    "citizen, no such day": (
        person_license("110101199002300025"),
        {(NUMBER, "BIRTH_DATE"), (NUMBER, "CHECK_CHARACTER")},
    ),
    "citizen, born tomorrow": (
        person_license("110101209903070025"),
        {(NUMBER, "BIRTH_DATE"), (NUMBER, "CHECK_CHARACTER")},
    ),
    "citizen, no such province": (
        person_license("160101199003070023"),
        {(NUMBER, "PROVINCE"), (NUMBER, "CHECK_CHARACTER")},
    ),
    "residence permit, check character": (
        person_license("830000199003070029", "RESIDENCE_PERMIT"),
        {(NUMBER, "CHECK_CHARACTER")},
    ),
    "residence permit of another province": (
        person_license(CITIZEN, "RESIDENCE_PERMIT"),
        {(NUMBER, "PROVINCE")},
    ),
    "foreign resident, check character": (
        person_license("911156199003070021", "FOREIGN_RESIDENT"),
        {(NUMBER, "CHECK_CHARACTER")},
    ),
    "foreign resident that does not begin with 9": (
        person_license(CITIZEN, "FOREIGN_RESIDENT"),
        {(NUMBER, "PROVINCE")},
    ),
    "old citizen number with a letter": (
        person_license("11010190030700X", "CITIZEN_15"),
        {(NUMBER, "ALPHABET")},
    ),
    "old foreign resident number without letters": (
        person_license("123456789012345", "FOREIGN_RESIDENT_15"),
        {(NUMBER, "ALPHABET")},
    ),
    "passport with a hyphen": (person_license("E1234-678", "PASSPORT"), {(NUMBER, "ALPHABET")}),
    "credit code, last character": (company_license("91370202MA9999013X"), {(NUMBER, "CHECK_CHARACTER")}),
    "credit code, inner check": (
        company_license("91370202MA9999014Y"),
        {(NUMBER, "ORGANISATION_CHECK"), (NUMBER, "CHECK_CHARACTER")},
    ),
    "credit code with an I": (company_license("91370202MI9999013Y"), {(NUMBER, "ALPHABET")}),
    "credit code, letters in the region": (
        company_license("9137A202MA9999013Y"),
        {(NUMBER, "REGION"), (NUMBER, "CHECK_CHARACTER")},
    ),
    "longer than any number": (company_license("9" * 65), {(NUMBER, "LENGTH")}),
    "no number at all": (company_license(""), {(NUMBER, "LENGTH")}),
    "a company holds what is for people": (
        driving_license(holders=[company()]),
        {(NUMBER, "HOLDER_KIND")},
    ),
    "a person holds what is for companies": (
        business_license(holders=[person()]),
        {(NUMBER, "HOLDER_KIND")},
    ),
    "one spouse": (marriage_certificate(holders=[person()]), {("holders", "HOLDER_COUNT")}),
    "nobody": (business_license(holders=[]), {("holders", "HOLDER_COUNT")}),
    "married to oneself": (
        marriage_certificate(holders=[holder(CITIZEN, "周示例", "CITIZEN")] * 2),
        {("holders[1].number", "DUPLICATE_HOLDER")},
    ),
    "more holders than anything has": (
        business_license(holders=[company() for _ in range(21)]),
        {("holders", "TOO_MANY")},
    ),
}
