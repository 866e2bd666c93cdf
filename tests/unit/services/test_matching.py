"""Matching is no guessing oracle: whoever's number is stated, the license's holders count."""

from collections.abc import Mapping
from typing import Any

import pytest

from certsvc.domain.access import AccessContext
from certsvc.domain.agency import Grant, GrantKind
from certsvc.domain.license import Holder
from certsvc.domain.numbers import NumberKind
from certsvc.errors import ExhaustedError
from certsvc.ports import Ledger, Repositories
from certsvc.services.access_quotas import AccessQuotas
from certsvc.services.directory import Directory
from certsvc.services.license_commands import HolderInput
from certsvc.services.matching import MatchAnswer, MatchCommand, MatchingService
from certsvc.services.registrations import Registrations
from tests.integration.store import builders as rows
from tests.unit.services.administration import SetClock, agency_caller

QUOTA = 3
GUESSES = ["11010119900307002X", "11010119900307109X", "440305198512310034"]
CALLER = agency_caller(rows.OTHER_AGENCY_ID)


@pytest.fixture
def matching(ledger: Ledger, clock: SetClock) -> MatchingService:
    """A register with one license, and another agency that may match licenses of its type."""
    version = rows.make_version(holders=(Holder(rows.PERSON, "陈示例"),), license_number="驾0001")
    license_ = rows.make_license(version)

    def fill(repositories: Repositories) -> None:
        repositories.agencies.add(rows.make_agency())
        repositories.agencies.add(rows.make_agency(rows.OTHER_AGENCY_ID))
        repositories.agencies.add_grant(Grant(rows.OTHER_AGENCY_ID, GrantKind.VERIFY, rows.TYPE_CODE, ""))
        repositories.license_types.add(rows.make_type())
        repositories.signing_keys.add(rows.make_key())
        repositories.licenses.add(license_, digest=rows.digest_of(license_), event=rows.make_event())

    ledger.write(fill)
    return MatchingService(
        ledger=ledger,
        directory=Directory(ledger),
        registrations=Registrations(ledger),
        quotas=AccessQuotas(per_agency_daily=100, per_subject_daily=QUOTA),
        clock=clock,
    )


def test_guessing_a_holders_number_by_the_license_number_ends_at_the_holders_quota(matching: MatchingService) -> None:
    for guess in GUESSES:
        answer = match(matching, holder=HolderInput(NumberKind.CITIZEN, guess, ""))
        assert dict(answer.matches)["holder.number"] is False
    with pytest.raises(ExhaustedError) as refused:
        match(matching, holder=HolderInput(NumberKind.CITIZEN, rows.PERSON.value, ""))
    assert refused.value.reason == "ACCESS_QUOTA"


def test_guessing_fields_without_any_number_of_a_subject_ends_at_the_holders_quota(matching: MatchingService) -> None:
    for number in range(QUOTA):
        match(matching, fields={"capital": f"{number}万元"})
    with pytest.raises(ExhaustedError):
        match(matching, fields={"capital": "壹佰万元整"})


def test_a_number_that_holds_nothing_has_a_quota_too(matching: MatchingService) -> None:
    holder = HolderInput(NumberKind.CITIZEN, GUESSES[0], "")
    for _ in range(QUOTA):
        assert match(matching, license_number="", holder=holder).national_code == 5
    with pytest.raises(ExhaustedError):
        match(matching, license_number="", holder=holder)


def match(
    matching: MatchingService,
    *,
    license_number: str = "驾0001",
    holder: HolderInput | None = None,
    fields: Mapping[str, Any] | None = None,
) -> MatchAnswer:
    context = AccessContext("机动车转移登记", "2026-0001", "核对驾驶证", "道路交通安全法")
    return matching.match(CALLER, MatchCommand(rows.TYPE_CODE, license_number, holder, fields or {}, "", "", context))
