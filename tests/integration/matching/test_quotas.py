"""Matching is no guessing oracle: quotas per caller, and per caller and subject."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certsvc.client.verification import VerificationCalls
from certsvc.v1 import verification_service_pb2
from tests.builders import TRAFFIC_POLICE, driving_license, match_of, person
from tests.integration.register import Register
from tests.refusals import refusal

PER_AGENCY, PER_SUBJECT = 8, 3


@pytest.fixture
def strict(database_url: str, folder: Path) -> Iterator[Register]:
    quotas = {"match_per_agency_daily": PER_AGENCY, "match_per_subject_daily": PER_SUBJECT}
    with Register.running(folder, database_url, **quotas) as register:
        yield register


def is_used_up(verification: VerificationCalls, request: verification_service_pb2.MatchLicenseRequest) -> bool:
    error = refusal(lambda: verification.match(request))
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "ACCESS_QUOTA")
    return True


def test_quotas(strict: Register) -> None:
    issue = driving_license()
    strict.agency(TRAFFIC_POLICE).licenses.issue(issue)
    verification = strict.agency().verification
    for guess in ("2025-01-01", "2025-01-02", "2025-01-03"):
        assert verification.match(match_of(issue, valid_from=guess)).national_code == 7
    before = strict.rows()
    assert is_used_up(verification, match_of(issue))
    assert strict.rows() == before
    # Another agency has a quota of its own, another subject too, and whoever does not exist counts alike.
    assert strict.agency(TRAFFIC_POLICE).verification.match(match_of(issue)).national_code == 0
    nobody = match_of(driving_license(holders=[person(number="11010119900307002X")]))
    for _ in range(PER_SUBJECT):
        assert verification.match(nobody).national_code == 5
    assert is_used_up(verification, nobody)
    for _ in range(PER_AGENCY - 2 * PER_SUBJECT):
        verification.match(match_of(driving_license()))
    assert is_used_up(verification, match_of(driving_license()))
    # Everything refills within a day.
    with strict.clock.stopped_at(datetime.now(UTC) + timedelta(days=1, minutes=1)):
        assert verification.match(match_of(issue)).national_code == 0


def test_leaving_the_holder_out_is_no_way_around(strict: Register) -> None:
    """Guesses about a license count against its holder, whether or not the caller names that holder."""
    issue = driving_license()
    strict.agency(TRAFFIC_POLICE).licenses.issue(issue)
    verification = strict.agency().verification
    for day in range(1, PER_SUBJECT + 1):
        request = match_of(issue, valid_from=f"2025-01-0{day}")
        request.ClearField("holder")
        verification.match(request)
    request = match_of(issue, valid_from="2025-01-09")
    request.ClearField("holder")
    assert is_used_up(verification, request)
