"""Agencies, officers, client keys, grants, license types and signing keys on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from certsvc.domain.agency import (
    ANY_TYPE,
    AgencyState,
    CallerKind,
    ClientKey,
    Grant,
    GrantKind,
    Officer,
    OfficerRole,
)
from certsvc.domain.license_type import Limits, Mask, TypeState
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.errors import AlreadyExistsError, ConflictError, FailedPreconditionError
from certsvc.ports import Repositories
from certsvc.store.ledger import SQLLedger
from tests.integration.store.builders import (
    AGENCY_ID,
    KID,
    NOON,
    OTHER_AGENCY_ID,
    OTHER_TYPE_CODE,
    TYPE_CODE,
    digest_of,
    make_agency,
    make_event,
    make_key,
    make_license,
    make_type,
)
from tests.integration.store.conftest import write_each

THIRD_AGENCY_ID = "11350200004138400X"
OFFICER = Officer(AGENCY_ID, "SZ-1", "陈经办", frozenset({OfficerRole.ISSUER, OfficerRole.APPROVER}), True, 1)
CLIENT_KEY = ClientKey("k1", CallerKind.AGENCY, AGENCY_ID, b"\x04" + bytes(64), NOON, NOON + timedelta(days=365))
GRANT = Grant(AGENCY_ID, GrantKind.ISSUE, TYPE_CODE, "44")

Work = Callable[[Repositories], object]


def test_an_agency_comes_back_and_changes_by_its_revision(ledger: SQLLedger) -> None:
    changed = make_agency(revision=2, state=AgencyState.DEACTIVATED, successor_id=OTHER_AGENCY_ID)
    with ledger.read() as r:
        assert r.agencies.get(AGENCY_ID) == make_agency()
        assert r.agencies.get("unknown") is None
    ledger.write(lambda r: r.agencies.update(changed))
    with pytest.raises(ConflictError):
        ledger.write(lambda r: r.agencies.update(changed))
    with ledger.read() as r:
        assert r.agencies.get(AGENCY_ID) == changed


def test_agencies_are_listed_by_region_in_pages(ledger: SQLLedger) -> None:
    ledger.write(lambda r: r.agencies.add(make_agency(THIRD_AGENCY_ID, region="350200")))

    def ids(region: str = "", after: str = "", limit: int = 10) -> list[str]:
        with ledger.read() as r:
            return [found.agency_id for found in r.agencies.list(region=region, after=after, limit=limit)]

    assert ids() == [THIRD_AGENCY_ID, OTHER_AGENCY_ID, AGENCY_ID]
    assert ids(region="44") == [OTHER_AGENCY_ID, AGENCY_ID]
    assert ids(region="4403") == [AGENCY_ID]
    assert ids(limit=1) == [THIRD_AGENCY_ID]
    assert ids(after=THIRD_AGENCY_ID, limit=1) == [OTHER_AGENCY_ID]


def test_a_successor_takes_over_all_licenses_and_the_issuer_stays(ledger: SQLLedger) -> None:
    mine, other = make_license(), make_license(agency_id=OTHER_AGENCY_ID, responsible_agency_id=OTHER_AGENCY_ID)
    write_each(ledger, [mine, other], lambda r, one: r.licenses.add(one, digest=digest_of(one), event=make_event()))

    def hand_over(r: Repositories) -> None:
        r.agencies.add(make_agency(THIRD_AGENCY_ID))
        r.agencies.transfer_licenses(from_id=AGENCY_ID, to_id=THIRD_AGENCY_ID)

    ledger.write(hand_over)
    with ledger.read() as r:
        found = r.licenses.by_identifier(mine.current.identifier)
        untouched = r.licenses.by_identifier(other.current.identifier)
    assert found is not None
    assert found.license == replace(mine, responsible_agency_id=THIRD_AGENCY_ID)
    assert untouched is not None
    assert untouched.license == other


def test_officers(ledger: SQLLedger) -> None:
    second = replace(OFFICER, officer_id="SZ-2", name="李经办")
    ledger.write(lambda r: r.agencies.add_officer(OFFICER))
    ledger.write(lambda r: r.agencies.add_officer(second))
    changed = replace(OFFICER, roles=frozenset(), active=False, name="陈改名", revision=2)
    ledger.write(lambda r: r.agencies.update_officer(changed))
    with pytest.raises(ConflictError):
        ledger.write(lambda r: r.agencies.update_officer(changed))
    with ledger.read() as r:
        assert r.agencies.officer(AGENCY_ID, "SZ-1") == changed
        assert r.agencies.officer(OTHER_AGENCY_ID, "SZ-1") is None
        assert r.agencies.officers(AGENCY_ID, after="", limit=9) == [changed, second]
        assert r.agencies.officers(AGENCY_ID, after="SZ-1", limit=9) == [second]


def test_a_client_key_is_revoked_once(ledger: SQLLedger) -> None:
    ledger.write(lambda r: r.agencies.add_client_key(CLIENT_KEY))
    times = [NOON + timedelta(days) for days in (1, 2)]
    write_each(ledger, times, lambda r, at: r.agencies.revoke_client_key("k1", at=at))
    revoked = replace(CLIENT_KEY, revoked_at=NOON + timedelta(1))
    with ledger.read() as r:
        assert r.agencies.client_key("k1") == revoked
        assert r.agencies.client_keys(AGENCY_ID) == [revoked]
        assert r.agencies.client_keys(OTHER_AGENCY_ID) == []


def test_grants_are_given_and_taken(ledger: SQLLedger) -> None:
    everywhere = Grant(AGENCY_ID, GrantKind.VERIFY, ANY_TYPE, "")
    ledger.write(lambda r: r.agencies.add_grant(GRANT))
    ledger.write(lambda r: r.agencies.add_grant(everywhere))
    assert ledger.write(lambda r: r.agencies.remove_grant(GRANT)) is True
    assert ledger.write(lambda r: r.agencies.remove_grant(GRANT)) is False
    with ledger.read() as r:
        assert r.agencies.grants(AGENCY_ID) == [everywhere]


@pytest.mark.parametrize(
    "add",
    [
        pytest.param(lambda r: r.agencies.add(make_agency("1" * 18)), id="agency"),
        pytest.param(lambda r: r.agencies.add_officer(OFFICER), id="officer"),
        pytest.param(lambda r: r.agencies.add_client_key(CLIENT_KEY), id="client key"),
        pytest.param(lambda r: r.agencies.add_grant(GRANT), id="grant"),
        pytest.param(lambda r: r.license_types.add(make_type()), id="license type"),
        pytest.param(lambda r: r.signing_keys.add(make_key("ff" * 8)), id="signing key"),
    ],
)
def test_nothing_is_added_twice(ledger: SQLLedger, add: Work) -> None:
    ledger.write(add)
    with pytest.raises(AlreadyExistsError):
        ledger.write(add)


def test_an_officer_of_an_unknown_agency_is_refused(ledger: SQLLedger) -> None:
    with pytest.raises(FailedPreconditionError) as refused:
        ledger.write(lambda r: r.agencies.add_officer(replace(OFFICER, agency_id="unknown")))
    assert refused.value.reason == "UNKNOWN_REFERENCE"


def test_a_license_type_comes_back_in_every_version(ledger: SQLLedger) -> None:
    first = make_type()
    second = make_type(
        version=2,
        qr_name_mask=Mask.FULL,
        purposes={"*": ("capital",), "loan": ()},
        public=True,
        second_officer=True,
        limits=Limits(per_officer_daily=5, per_agency_daily=50),
    )
    other = make_type(OTHER_TYPE_CODE)
    write_each(ledger, [first, second, other], lambda r, one: r.license_types.add(one))
    with ledger.read() as r:
        assert r.license_types.get(TYPE_CODE) == second
        assert r.license_types.get(TYPE_CODE, 1) == first
        assert r.license_types.get(TYPE_CODE, 3) is None
        assert r.license_types.list(after="", limit=9) == [second, other]
        assert r.license_types.list(after=TYPE_CODE, limit=9) == [other]
    ledger.write(lambda r: r.license_types.retire(TYPE_CODE))
    with ledger.read() as r:
        assert r.license_types.get(TYPE_CODE, 1) == replace(first, state=TypeState.RETIRED)
        assert r.license_types.get(TYPE_CODE) == replace(second, state=TypeState.RETIRED)
        assert r.license_types.get(OTHER_TYPE_CODE) == other


def test_signing_keys_are_listed_newest_first(ledger: SQLLedger) -> None:
    newer = make_key("0b" * 8, created_at=NOON + timedelta(1), type_codes=(TYPE_CODE,), agency_id=AGENCY_ID)
    newest = make_key("0a" * 8, created_at=NOON + timedelta(2), purpose=KeyPurpose.VC)
    write_each(ledger, [newest, newer], lambda r, key: r.signing_keys.add(key))
    with ledger.read() as r:
        keys = r.signing_keys
        assert keys.all() == [newest, newer, make_key()]
        assert keys.list(purpose=None, after="", limit=2) == [newest, newer]
        assert keys.list(purpose=None, after=newer.kid, limit=2) == [make_key()]
        assert keys.list(purpose=KeyPurpose.LICENSE, after="", limit=1) == [newer]
        assert keys.get(newer.kid) == newer
        assert keys.get("unknown") is None


def test_a_key_changes_from_the_state_that_was_read_and_the_key_set_counts_it(ledger: SQLLedger) -> None:
    suspended = make_key(state=KeyState.SUSPENDED)
    with ledger.read() as r:
        version = r.signing_keys.key_set_version()
    ledger.write(lambda r: r.signing_keys.transition(suspended, from_state=KeyState.ACTIVE))
    with pytest.raises(ConflictError):
        ledger.write(lambda r: r.signing_keys.transition(suspended, from_state=KeyState.ACTIVE))
    with ledger.read() as r:
        assert r.signing_keys.get(KID) == suspended
        assert r.signing_keys.key_set_version() == version + 1


@pytest.mark.parametrize("state", [state for state in KeyState if state is not KeyState.ACTIVE])
def test_only_an_active_key_is_locked(ledger: SQLLedger, state: KeyState) -> None:
    ledger.write(lambda r: r.signing_keys.lock_active(KID))
    ledger.write(lambda r: r.signing_keys.transition(make_key(state=state), from_state=KeyState.ACTIVE))
    with pytest.raises(FailedPreconditionError) as refused:
        ledger.write(lambda r: r.signing_keys.lock_active(KID))
    assert refused.value.reason == "KEY_NOT_ACTIVE"
    assert refused.value.details == {"state": state}


def test_an_unknown_key_is_not_locked(ledger: SQLLedger) -> None:
    with pytest.raises(FailedPreconditionError) as refused:
        ledger.write(lambda r: r.signing_keys.lock_active("unknown"))
    assert refused.value.details == {"state": "UNKNOWN"}
