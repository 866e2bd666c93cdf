"""Changes that wait are listed as they came, oldest first."""

from datetime import timedelta

from certsvc.domain.agency import OfficerRole
from certsvc.domain.license import LicenseAction
from certsvc.ports import Ledger, Repositories
from certsvc.services.approvals import put_up
from certsvc.services.license_commands import LicenseOutcome
from tests.unit.services.administration import AGENCY, Administration, SetClock, agency_caller


def test_changes_wait_in_the_order_of_their_coming(
    administration: Administration, ledger: Ledger, clock: SetClock
) -> None:
    administration.add_agency()
    caller = agency_caller(AGENCY, OfficerRole.ISSUER)

    def ask(repositories: Repositories) -> LicenseOutcome:
        action, now = LicenseAction.ISSUE, clock.now()
        return put_up(repositories, caller, action=action, identifier="", type_code="T", payload=b"", now=now)

    asked = []
    for _ in range(20):
        clock.move(timedelta(milliseconds=1))
        outcome = ledger.write(ask)
        assert outcome.pending is not None
        asked.append(outcome.pending.change_id)
    with ledger.read() as repositories:
        first = repositories.pending.list(AGENCY, after="", limit=12, now=clock.now())
        rest = repositories.pending.list(AGENCY, after=first[-1].change_id, limit=12, now=clock.now())
    assert [record.change_id for record in [*first, *rest]] == asked
