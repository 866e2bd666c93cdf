"""Watching: what happens is heard within a second, in order, once, and nothing is lost over a reconnect."""

import threading
import time
from queue import Empty
from typing import Any

import pytest

from certsvc.client import CallError
from certsvc.domain.changes import FeedPosition
from certsvc.services.follower import Follower
from certsvc.v1 import agency_service_pb2, common_pb2, verification_service_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    CIVIL_AFFAIRS,
    CLERK,
    FOOD_PERMIT,
    TRAFFIC_POLICE,
    business_license,
    cause,
    driving_license,
    food_permit,
    marriage_certificate,
)
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.integration.watching.ear import WAIT, Ear, ear
from tests.integration.wire import Wire
from tests.refusals import findings


def summary(answer: pb.WatchLicenseEventsResponse) -> tuple[str, str]:
    event = answer.event
    return event.identifier, common_pb2.LicenseAction.Name(event.action).removeprefix("LICENSE_ACTION_")


def test_own_events_are_whole(register: Register) -> None:
    licenses = register.agency().licenses
    with ear(register, own_issues=True) as watching:
        identifier = licenses.issue(food_permit()).license.identifier
        act(licenses, "suspend", identifier, cause=cause(reason="食品安全检查不合格"))
        register.agency(TRAFFIC_POLICE).licenses.issue(driving_license())
        act(licenses, "revoke", identifier)
        assert summary(watching.next()) == (identifier, "ISSUE")
        suspended = watching.next().event
        assert (suspended.identifier, suspended.state) == (identifier, common_pb2.LICENSE_STATE_SUSPENDED)
        assert (suspended.reason, suspended.legal_basis) == ("食品安全检查不合格", cause().legal_basis)
        assert (suspended.officer_id, suspended.agency_id) == (CLERK, APPROVAL_BUREAU)
        revoked = watching.next().event
        assert revoked.revocation_kind == pb.REVOCATION_KIND_PENALTY
        assert watching.nothing()
        listed = list(licenses.list_events(identifier))
        assert [suspended, revoked] == listed[1:]


def test_others_events_come_without_what_is_not_theirs_to_know(register: Register) -> None:
    licenses = register.agency().licenses
    with ear(register, TRAFFIC_POLICE, type_codes=[FOOD_PERMIT]) as watching:
        identifier = licenses.issue(food_permit()).license.identifier
        act(licenses, "suspend", identifier, cause=cause(reason="个人隐私原因"))
        watching.next()
        heard = watching.next().event
    assert (heard.identifier, heard.type_code) == (identifier, FOOD_PERMIT)
    assert (heard.state, heard.agency_id) == (common_pb2.LICENSE_STATE_SUSPENDED, APPROVAL_BUREAU)
    assert (heard.reason, heard.legal_basis, heard.officer_id) == ("", "", "")
    assert heard.HasField("effective_time")
    assert heard.HasField("record_time")


def test_filters_by_type(register: Register) -> None:
    with ear(register, TRAFFIC_POLICE, type_codes=[FOOD_PERMIT]) as watching:
        register.agency().licenses.issue(business_license())
        wanted = register.agency().licenses.issue(food_permit()).license.identifier
        assert summary(watching.next()) == (wanted, "ISSUE")
        assert watching.nothing()


def test_filters_by_region(register: Register) -> None:
    """The civil affairs bureau is of 370202, the approval bureau of 370200."""
    with ear(register, TRAFFIC_POLICE, region="370202") as watching:
        register.agency().licenses.issue(business_license())
        wanted = register.agency(CIVIL_AFFAIRS).licenses.issue(marriage_certificate()).license.identifier
        assert summary(watching.next()) == (wanted, "ISSUE")
        assert watching.nothing()


def test_type_and_region_narrow_each_other(register: Register) -> None:
    with ear(register, TRAFFIC_POLICE, region="370202", type_codes=[FOOD_PERMIT]) as watching:
        register.agency().licenses.issue(food_permit())
        register.agency(CIVIL_AFFAIRS).licenses.issue(marriage_certificate())
        assert watching.nothing()


def test_filters_by_subscribed_identifiers(register: Register) -> None:
    licenses = register.agency().licenses
    mine, other = (licenses.issue(food_permit()).license.identifier for _ in range(2))
    with ear(register, TRAFFIC_POLICE, identifiers=[mine]) as watching:
        act(licenses, "suspend", other)
        newer = act(licenses, "renew", mine).license.identifier
        # Whoever knows a license by an old version's identifier hears of all of them.
        act(licenses, "suspend", newer)
        assert [summary(watching.next()) for _ in range(2)] == [(newer, "RENEW"), (newer, "SUSPEND")]
        assert watching.nothing()


def test_filters_add_up(register: Register) -> None:
    licenses = register.agency().licenses
    subscribed = licenses.issue(business_license()).license.identifier
    traffic = register.agency(TRAFFIC_POLICE).licenses
    wanted: dict[str, Any] = {"own_issues": True, "type_codes": [FOOD_PERMIT], "identifiers": [subscribed]}
    with ear(register, TRAFFIC_POLICE, **wanted) as watching:
        own = traffic.issue(driving_license()).license.identifier
        by_type = licenses.issue(food_permit()).license.identifier
        licenses.issue(business_license())
        act(licenses, "suspend", subscribed)
        heard = [summary(watching.next()) for _ in range(3)]
        assert heard == [(own, "ISSUE"), (by_type, "ISSUE"), (subscribed, "SUSPEND")]
        assert watching.nothing()


def test_without_a_grant_nothing_of_others_is_heard(register: Register) -> None:
    blind = register.new_agency()
    register.revoke_grant(blind, "VERIFY", "*")
    licenses = register.agency().licenses
    identifier = licenses.issue(food_permit()).license.identifier
    with ear(register, blind, type_codes=[FOOD_PERMIT], region="37", identifiers=[identifier]) as watching:
        act(licenses, "suspend", identifier)
        assert watching.nothing()
        # A grant that comes meanwhile counts from then on.
        register.grant(blind, "VERIFY", FOOD_PERMIT, region="3702")
        act(licenses, "reinstate", identifier)
        assert summary(watching.next()) == (identifier, "REINSTATE")


def test_a_revocation_is_heard_within_a_second(register: Register) -> None:
    licenses = register.agency().licenses
    issued = licenses.issue(food_permit())
    with ear(register, TRAFFIC_POLICE, identifiers=[issued.license.identifier]) as watching:
        act(licenses, "revoke", issued.license.identifier)
        answered_at = time.monotonic()
        heard_at, answer = watching.heard.get(timeout=WAIT)
        assert summary(answer) == (issued.license.identifier, "REVOKE")
        assert heard_at - answered_at < 1
        # And whoever verifies knows at once.
        verified = register.agency(TRAFFIC_POLICE).verification.verify(issued.qr_text)
        assert verified.verdict == verification_service_pb2.VERDICT_REVOKED


def test_a_token_goes_on_right_after_its_answer(register: Register) -> None:
    licenses = register.agency().licenses
    with ear(register, own_issues=True) as watching:
        identifiers = [licenses.issue(food_permit()).license.identifier for _ in range(5)]
        answers = [watching.next() for _ in range(5)]
    assert [answer.event.identifier for answer in answers] == identifiers
    for heard in range(5):
        with ear(register, own_issues=True, resume_token=answers[heard].resume_token) as again:
            rest = [again.next().event.identifier for _ in range(4 - heard)]
            assert rest == identifiers[heard + 1 :]
            assert again.nothing(for_seconds=0.2)


def test_nothing_is_lost_or_doubled_while_nobody_listens(register: Register) -> None:
    """A watcher that loses its connection after every few events, while licenses are issued and changed."""
    licenses, stop = register.agency().licenses, threading.Event()
    made: list[tuple[str, str]] = []

    def work() -> None:
        while not stop.is_set():
            identifier = licenses.issue(food_permit()).license.identifier
            made.append((identifier, "ISSUE"))
            act(licenses, "suspend", identifier)
            made.append((identifier, "SUSPEND"))

    with ear(register, own_issues=True) as first:
        token = first.token
    worker = threading.Thread(target=work)
    worker.start()
    heard: list[tuple[str, str]] = []
    try:
        for take in (1, 3, 7, 2, 11, 5):
            with ear(register, own_issues=True, resume_token=token) as watching:
                for _ in range(take):
                    answer = watching.next()
                    heard.append(summary(answer))
                    token = answer.resume_token
    finally:
        stop.set()
        worker.join()
    with ear(register, own_issues=True, resume_token=token) as watching:
        while len(heard) < len(made):
            heard.append(summary(watching.next()))
        assert watching.nothing(for_seconds=0.2)
    assert heard == made


def test_many_watchers_hear_the_same(register: Register) -> None:
    licenses = register.agency().licenses
    connections = [register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK) for _ in range(12)]
    try:
        ears = [Ear(Wire(each), pb.WatchLicenseEventsRequest(own_issues=True)) for each in connections]
        identifiers = [licenses.issue(food_permit()).license.identifier for _ in range(4)]
        for each in ears:
            assert [each.next().event.identifier for _ in range(4)] == identifiers
    finally:
        for connection in connections:
            connection.channel.close()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, {("own_issues", "EMPTY_FILTER")}),
        ({"own_issues": True, "resume_token": "abc"}, {("resume_token", "RESUME_TOKEN")}),
        ({"own_issues": True, "resume_token": "-1.-1"}, {("resume_token", "RESUME_TOKEN")}),
        ({"own_issues": True, "resume_token": "1.2.3"}, {("resume_token", "RESUME_TOKEN")}),
        ({"own_issues": True, "resume_token": "9" * 41 + ".0"}, {("resume_token", "RESUME_TOKEN")}),
        ({"own_issues": True, "resume_token": f"{2**70}.0"}, {("resume_token", "RESUME_TOKEN_AHEAD")}),
        ({"own_issues": True, "resume_token": "１.２"}, {("resume_token", "RESUME_TOKEN")}),
        (
            {"identifiers": ["x", "1.2.156.3005.2.y"]},
            {("identifiers[0]", "ROOT"), ("identifiers[1]", "PARTS")},
        ),
    ],
)
def test_what_nobody_can_watch_is_refused(
    register: Register, wanted: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    with pytest.raises(CallError) as caught, ear(register, **wanted):
        pass
    assert caught.value.code == "INVALID_ARGUMENT"
    assert findings(caught.value) == expected


def test_a_token_from_the_future_is_refused(register: Register) -> None:
    """As after a restore of an older database: silence would hide what is lost."""
    head = register.store.ledger.head()
    # On PostgreSQL the head moves with every transaction of the cluster, also those of other tests.
    ahead = FeedPosition(head.transaction + 2**30 if head.transaction else 0, head.sequence + 1)
    for token in (f"{2**40}.1", ahead.token()):
        with pytest.raises(CallError) as caught, ear(register, own_issues=True, resume_token=token):
            pass
        assert findings(caught.value) == {("resume_token", "RESUME_TOKEN_AHEAD")}


def test_a_token_of_a_worker_that_is_ahead_is_good(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnecting may lead to a worker that has not heard yet: it waits for the feed and refuses nothing."""
    licenses = register.agency().licenses
    with ear(register, own_issues=True) as watching:
        licenses.issue(food_permit())
        token = watching.next().resume_token
    connection = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK)
    with connection.channel, monkeypatch.context() as patch:
        patch.setattr(Follower, "position", lambda _: FeedPosition(0, 0))
        again = Ear(Wire(connection), pb.WatchLicenseEventsRequest(own_issues=True, resume_token=token))
        assert again.token == token


def test_watchers_that_leave_make_room_at_once(register: Register) -> None:
    """Far more than a caller may have at a time, one after the other."""
    for _ in range(40):
        with ear(register, own_issues=True) as watching:
            assert watching.token


def test_who_loses_the_right_to_call_hears_no_more(register: Register) -> None:
    agency = register.new_agency()
    key = register.credentials.agency(agency).kid
    with ear(register, agency, type_codes=[FOOD_PERMIT]) as watching:
        register.agency().licenses.issue(food_permit())
        watching.next()
        register.operator.agencies.revoke_client_key(
            agency_service_pb2.RevokeClientKeyRequest(agency_id=agency, key_id=key)
        )
        register.agency().licenses.issue(food_permit())
        with pytest.raises(Empty):
            watching.heard.get(timeout=1)
        assert watching.ended is not None
        assert (watching.ended.code, watching.ended.reason) == ("UNAUTHENTICATED", "KEY_REVOKED")
