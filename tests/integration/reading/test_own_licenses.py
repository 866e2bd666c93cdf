"""Reading one's own licenses: nobody else's, by filters, page by page."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    BUSINESS_LICENSE,
    CLERK,
    FOOD_PERMIT,
    SECOND_CLERK,
    TRAFFIC_POLICE,
    business_license,
    company,
    company_number,
    food_permit,
    small_permit,
    unique_number,
)
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.integration.wire import LICENSES, Wire
from tests.refusals import findings, refusal


def test_a_license_is_read_as_it_was_issued(register: Register) -> None:
    request = food_permit(trust_grade="TRUST_GRADE_B")
    change = register.agency().licenses.issue(request)
    license_ = change.license
    for officer in (CLERK, SECOND_CLERK, ""):
        assert register.agency(officer=officer).licenses.get(license_.identifier) == license_
    assert (license_.type_code, license_.license_number) == (request.type_code, request.license_number)
    assert list(license_.holders) == list(request.holders)
    assert license_.fields == request.fields
    assert (license_.valid_from, license_.valid_until) == (request.valid_from, request.valid_until)
    assert license_.trust_grade == common_pb2.TRUST_GRADE_B
    assert (license_.agency_id, license_.responsible_agency_id) == (APPROVAL_BUREAU, APPROVAL_BUREAU)


def test_an_old_version_is_read_as_it_was(register: Register) -> None:
    licenses = register.agency().licenses
    first = licenses.issue(food_permit()).license
    second = act(licenses, "amend", first.identifier).license
    old = licenses.get(first.identifier)
    assert (old.version, old.superseded_by, old.fields) == (1, second.identifier, first.fields)
    assert old.fields != second.fields


def test_nobody_elses(register: Register) -> None:
    identifier = register.agency().licenses.issue(food_permit()).license.identifier
    other = register.agency(TRAFFIC_POLICE).licenses
    for ask in (lambda: other.get(identifier), lambda: list(other.list_events(identifier))):
        error = refusal(ask)
        assert (error.code, error.reason) == ("PERMISSION_DENIED", "NOT_OWN")
    assert not list(other.list(pb.ListLicensesRequest(type_code=FOOD_PERMIT)))


def test_filters(register: Register) -> None:
    agency = register.new_agency()
    register.grant(agency, "ISSUE", "*")
    licenses = register.agency(agency).licenses
    number = company_number()
    one = licenses.issue(food_permit(holders=[company(number=number)])).license
    two = licenses.issue(business_license(holders=[company(number=number)])).license
    three = licenses.issue(business_license()).license
    act(licenses, "suspend", two.identifier)
    holder = common_pb2.Number(kind=common_pb2.NUMBER_KIND_CREDIT_CODE, value=number)
    for request, expected in (
        (pb.ListLicensesRequest(), [three, two, one]),
        (pb.ListLicensesRequest(type_code=BUSINESS_LICENSE), [three, two]),
        (pb.ListLicensesRequest(state=common_pb2.LICENSE_STATE_SUSPENDED), [two]),
        (pb.ListLicensesRequest(state=common_pb2.LICENSE_STATE_ACTIVE), [three, one]),
        (pb.ListLicensesRequest(holder=holder), [two, one]),
        (pb.ListLicensesRequest(holder=holder, type_code=FOOD_PERMIT), [one]),
        (pb.ListLicensesRequest(holder=common_pb2.Number(value=number.lower())), [two, one]),
        (pb.ListLicensesRequest(license_number=three.license_number), [three]),
        (pb.ListLicensesRequest(license_number=unique_number()), []),
        (pb.ListLicensesRequest(type_code="nothing"), []),
    ):
        assert [license_.identifier for license_ in licenses.list(request)] == [each.identifier for each in expected]


def test_by_time_of_issue(register: Register) -> None:
    agency = register.new_agency()
    code = register.new_type(issuer=agency)
    licenses = register.agency(agency).licenses
    with register.clock.stopped_at(datetime.now(UTC) - timedelta(seconds=30)):
        licenses.issue(small_permit(code))
    after = pb.ListLicensesRequest()
    after.issued_after.FromDatetime(datetime.now(UTC) - timedelta(seconds=10))
    assert not list(licenses.list(after))
    newer = licenses.issue(small_permit(code)).license
    assert [license_.identifier for license_ in licenses.list(after)] == [newer.identifier]


def test_pages_hold_everything_once(register: Register) -> None:
    agency = register.new_agency()
    code = register.new_type(issuer=agency)
    licenses = register.agency(agency).licenses
    issued = [licenses.issue(small_permit(code)).license.identifier for _ in range(23)]
    connection = register.connect(register.credentials.agency(agency), officer=CLERK)
    with connection.channel:
        wire, token, sizes, found = Wire(connection), "", [], []
        while True:
            page = pb.ListLicensesResponse.FromString(
                wire.call(f"{LICENSES}/ListLicenses", pb.ListLicensesRequest(page_size=5, page_token=token))
            )
            sizes.append(len(page.licenses))
            found += [license_.identifier for license_ in page.licenses]
            token = page.next_page_token
            if not token:
                break
        assert sizes == [5, 5, 5, 5, 3]
        assert found == issued[::-1]


def test_a_page_token_is_good_for_its_list_only(register: Register) -> None:
    agency = register.new_agency()
    code = register.new_type(issuer=agency)
    for _ in range(3):
        register.agency(agency).licenses.issue(small_permit(code))
    connection = register.connect(register.credentials.agency(agency), officer=CLERK)
    other = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK)
    method = f"{LICENSES}/ListLicenses"
    with connection.channel, other.channel:
        first = Wire(connection).call(method, pb.ListLicensesRequest(page_size=1))
        token = pb.ListLicensesResponse.FromString(first).next_page_token
        for wire, request in (
            (Wire(other), pb.ListLicensesRequest(page_token=token)),
            (Wire(connection), pb.ListLicensesRequest(page_token=token, type_code=code)),
            (Wire(connection), pb.ListLicensesRequest(page_token=token[:-2])),
            (Wire(connection), pb.ListLicensesRequest(page_token="1")),
        ):
            error = refusal(partial(wire.call, method, request))
            assert findings(error) == {("page_token", "PAGE_TOKEN")}
        error = refusal(lambda: Wire(connection).call(method, pb.ListLicensesRequest(page_size=-1)))
        assert findings(error) == {("page_size", "PAGE_SIZE")}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            pb.ListLicensesRequest(holder=common_pb2.Number(value="91370202MA9999013X")),
            {("holder.value", "CHECK_CHARACTER")},
        ),
        (pb.ListLicensesRequest(holder=common_pb2.Number()), {("holder.value", "LENGTH")}),
    ],
)
def test_filters_that_nothing_fits_are_named(
    register: Register, request_: pb.ListLicensesRequest, expected: set[tuple[str, str]]
) -> None:
    assert findings(refusal(lambda: list(register.agency().licenses.list(request_)))) == expected


def test_all_wrong_filters_at_once(register: Register) -> None:
    wrong = pb.ListLicensesRequest(holder=common_pb2.Number(value="1"))
    wrong.holder.kind, wrong.state = 99, 99  # type: ignore[assignment]
    wrong.issued_after.seconds = 10**18
    assert findings(refusal(lambda: list(register.agency().licenses.list(wrong)))) == {
        ("state", "ENUM_VALUE"),
        ("issued_after", "TIMESTAMP"),
        ("holder.kind", "ENUM_VALUE"),
        ("holder.value", "LENGTH"),
    }


def test_events_page_by_page(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = licenses.issue(food_permit()).license.identifier
    for _ in range(30):
        act(licenses, "suspend", identifier)
        act(licenses, "reinstate", identifier)
    assert len(list(licenses.list_events(identifier))) == 61
