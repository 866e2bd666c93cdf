"""Daily limits of a type, per officer and per agency: kept to the one, also under load, and new every day."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from certsvc.client import CallError
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import APPROVAL_BUREAU, business_license, small_permit
from tests.integration.register import Register
from tests.refusals import refusal


def test_the_limit_of_an_officer_then_that_of_the_agency(register: Register) -> None:
    code = register.new_type(per_officer_daily=2, per_agency_daily=3)
    second = register.new_officer(APPROVAL_BUREAU, "clerk-9", "ISSUER")
    first = register.agency().licenses
    for _ in range(2):
        first.issue(small_permit(code))
    before = register.rows()
    error = refusal(lambda: first.issue(small_permit(code)))
    assert (error.code, error.reason, error.metadata["limit"]) == ("RESOURCE_EXHAUSTED", "OFFICER_LIMIT", "2")
    assert register.rows() == before, "a refused license must not count"

    others = register.agency(officer=second).licenses
    others.issue(small_permit(code))
    error = refusal(lambda: others.issue(small_permit(code)))
    assert (error.code, error.reason, error.metadata["limit"]) == ("RESOURCE_EXHAUSTED", "AGENCY_LIMIT", "3")
    # Other types are not touched by it, nor is the next day in Shanghai.
    assert first.issue(business_license()).license.identifier
    with register.clock.stopped_at(datetime.now(UTC) + timedelta(days=1)):
        assert first.issue(small_permit(code)).license.identifier


def test_what_was_skipped_or_refused_does_not_count(register: Register) -> None:
    code = register.new_type(per_officer_daily=2)
    licenses = register.agency().licenses
    request = small_permit(code, on_existing="ON_EXISTING_SKIP_SAME")
    for _ in range(5):
        licenses.issue(request)
        refusal(lambda: licenses.issue(small_permit(code, legal_basis="")))
    assert licenses.issue(small_permit(code)).disposition == pb.DISPOSITION_ISSUED
    assert refusal(lambda: licenses.issue(small_permit(code))).reason == "OFFICER_LIMIT"


def test_many_at_once_pass_no_limit(register: Register) -> None:
    code = register.new_type(per_agency_daily=10)
    licenses, together = register.agency().licenses, threading.Barrier(24)

    def issue(_: int) -> str:
        together.wait()
        try:
            licenses.issue(small_permit(code))
        except CallError as error:
            return error.reason
        return "ISSUED"

    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(issue, range(24)))
    assert outcomes.count("ISSUED") == 10
    assert outcomes.count("AGENCY_LIMIT") == 14
    answers = list(licenses.issue_many(small_permit(code) for _ in range(3)))
    assert {answer.error.reason for answer in answers if answer.error} == {"AGENCY_LIMIT"}
    found = licenses.list(pb.ListLicensesRequest(type_code=code))
    assert len(list(found)) == 10
