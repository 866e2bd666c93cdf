"""Every action from every state, over the wire: what is allowed leads where it should, what is not changes nothing."""

from functools import partial

import pytest

from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import FOOD_FIELDS, TRAFFIC_POLICE, cause
from tests.integration.register import Register
from tests.integration.transitions.changes import ACTIONS, VERSIONS, act, issued_in
from tests.refusals import refusal

# state → action → state after it (DESIGN §4); written out, and not read from the table that is tested.
AFTER = {
    "ACTIVE": {
        "amend": "ACTIVE",
        "renew": "ACTIVE",
        "suspend": "SUSPENDED",
        "revoke": "REVOKED",
        "cancel": "CANCELLED",
    },
    "SUSPENDED": {
        "amend": "SUSPENDED",
        "renew": "SUSPENDED",
        "reinstate": "ACTIVE",
        "revoke": "REVOKED",
        "cancel": "CANCELLED",
    },
    "REVOKED": {},
    "CANCELLED": {},
}
CASES = [(state, action) for state in AFTER for action in ACTIONS]


@pytest.mark.parametrize(("state", "action"), CASES)
def test_every_action_from_every_state(register: Register, state: str, action: str) -> None:
    licenses = register.agency().licenses
    license_ = issued_in(licenses, state)
    before = register.rows()
    after = AFTER[state].get(action)
    if after is None:
        error = refusal(lambda: act(licenses, action, license_.identifier))
        assert (error.code, error.reason) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
        assert error.metadata["state"] == state
        allowed = {name.upper() for name in AFTER[state]} | ({"RESIGN"} if AFTER[state] else set())
        assert set(filter(None, error.metadata["allowed"].split(","))) == allowed
        assert register.rows() == before
        return
    change = act(licenses, action, license_.identifier)
    assert change.disposition == pb.DISPOSITION_CHANGED
    assert change.license.state == common_pb2.LicenseState.Value(f"LICENSE_STATE_{after}")
    assert change.license.version == license_.version + (action in VERSIONS)
    assert int(change.license.etag) == int(license_.etag) + 1
    *_, event = licenses.list_events(change.license.identifier)
    assert common_pb2.LicenseAction.Name(event.action) == f"LICENSE_ACTION_{action.upper()}"
    assert (event.state, event.reason, event.officer_id) == (change.license.state, cause().reason, "clerk-1")
    assert (event.legal_basis, event.agency_id) == (cause().legal_basis, license_.agency_id)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stale_etag_is_refused_and_changes_nothing(register: Register, action: str) -> None:
    licenses = register.agency().licenses
    license_ = issued_in(licenses, "SUSPENDED" if action == "reinstate" else "ACTIVE")
    act(licenses, "amend", license_.identifier)
    before = register.rows()
    error = refusal(lambda: act(licenses, action, license_.identifier, etag=license_.etag))
    assert (error.code, error.reason) == ("ABORTED", "STALE_ETAG")
    current = licenses.get(license_.identifier).etag
    assert error.metadata["etag"] == current
    assert register.rows() == before
    assert act(licenses, action, license_.identifier, etag=current).license.etag == str(int(current) + 1)


@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_responsible_agency_learns_that_a_license_exists(register: Register, action: str) -> None:
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    parts = parse_identifier(license_.identifier)
    missing = make_identifier(type_code=parts.type_code, agency_id=parts.agency_id, serial="NOBODY", version=1).text
    other = register.agency(TRAFFIC_POLICE).licenses
    before = register.rows()
    refused = [refusal(partial(act, other, action, identifier)) for identifier in (license_.identifier, missing)]
    assert {(error.code, error.reason) for error in refused} == {("PERMISSION_DENIED", "NOT_RESPONSIBLE")}
    assert refused[0].message == refused[1].message
    assert refused[0].message.startswith("identifier:")
    assert register.rows() == before


def test_an_older_versions_identifier_still_means_the_license(register: Register) -> None:
    licenses = register.agency().licenses
    first = issued_in(licenses, "ACTIVE")
    second = act(licenses, "amend", first.identifier).license
    suspended = act(licenses, "suspend", first.identifier).license
    assert suspended.identifier == second.identifier
    assert licenses.get(first.identifier).superseded_by == second.identifier


def test_new_versions_follow_each_other_with_one_serial(register: Register) -> None:
    licenses = register.agency().licenses
    identifiers = [issued_in(licenses, "ACTIVE").identifier]
    for number in range(4):
        amend = pb.AmendLicenseRequest(identifier=identifiers[-1], cause=cause())
        amend.fields.update(FOOD_FIELDS | {"business_site": f"示例路{number}号"})
        identifiers.append(licenses.amend(amend).license.identifier)
    assert [identifier.split(".")[-2] for identifier in identifiers] == ["001", "002", "003", "004", "005"]
    assert len({identifier.split(".")[-3] for identifier in identifiers}) == 1
    assert [licenses.get(identifier).superseded_by for identifier in identifiers] == [identifiers[-1]] * 4 + [""]


def test_events_tell_the_whole_life_in_order(register: Register) -> None:
    licenses = register.agency().licenses
    identifier = issued_in(licenses, "ACTIVE").identifier
    for action in ("suspend", "reinstate", "renew", "revoke"):
        act(licenses, action, identifier)
    events = list(licenses.list_events(identifier))
    names = [common_pb2.LicenseAction.Name(event.action).removeprefix("LICENSE_ACTION_") for event in events]
    assert names == ["ISSUE", "SUSPEND", "REINSTATE", "RENEW", "REVOKE"]
    assert [event.identifier.split(".")[-2] for event in events] == ["001", "001", "001", "002", "002"]
    times = [event.record_time.ToNanoseconds() for event in events]
    assert times == sorted(times)
    assert events[-1].revocation_kind == pb.REVOCATION_KIND_PENALTY
