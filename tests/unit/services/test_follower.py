"""What watchers read from the follower: every change once, in order, however few it keeps."""

import pytest

from certsvc.domain.changes import Change, ChangeKind, FeedPosition
from certsvc.ports import Ledger, Repositories
from certsvc.services import follower as follower_module
from certsvc.services.follower import Follower
from certsvc.services.license_changes import LicenseChangeData
from tests.integration.store.builders import NOON

DATA = {
    "license_id": 1,
    "revision": 1,
    "identifier": "x",
    "type_code": "t",
    "agency_id": "a",
    "responsible_agency_id": "a",
    "region": "44",
    "action": "ISSUE",
    "state": "ACTIVE",
    "slot": 1,
    "digest": "00" * 32,
    "older_slots": [],
    "effective_at": NOON.isoformat(),
    "acting_agency_id": "a",
    "revocation_kind": None,
}


def put(ledger: Ledger, count: int) -> None:
    def change(number: int) -> Change:
        return Change(FeedPosition(0, 0), ChangeKind.LICENSE, str(number), NOON, DATA)

    def work(repositories: Repositories) -> None:
        for number in range(count):
            repositories.outbox.add(change(number))

    ledger.write(work)


def started(ledger: Ledger) -> Follower:
    following = Follower(ledger, prepare=lambda: None, listeners=[])
    following.start()
    assert following.wait_ready(10)
    return following


def caught_up(following: Follower, position: FeedPosition) -> None:
    while following.position() < position:
        following.wait_for_news(following.position(), 10, is_wanted=lambda: True)


def test_a_watcher_gets_every_change_whether_kept_or_not(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "RECENT", 20)
    following = started(ledger)
    try:
        begin = following.position()
        for _ in range(10):
            put(ledger, 10)
        last = ledger.poll(begin, limit=1000)[-1].position
        caught_up(following, last)
        assert len(following._recent) <= 22
        for start in (begin, following._recent[0].position, following._recent[5].position):
            expected = [change.ref for change in ledger.poll(start, limit=1000)]
            found = []
            position = start
            while page := following.changes_after(position, limit=7):
                found += [followed.change.ref for followed in page]
                position = page[-1].position
            assert found == expected
        assert following.changes_after(last) == []
    finally:
        following.stop()


def test_a_license_change_is_read_once_for_all_watchers(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Change] = []
    of = LicenseChangeData.of

    def counted(change: Change) -> LicenseChangeData:
        read.append(change)
        return of(change)

    monkeypatch.setattr(LicenseChangeData, "of", counted)
    following = started(ledger)
    try:
        begin = following.position()
        put(ledger, 3)
        caught_up(following, ledger.poll(begin, limit=9)[-1].position)
        pages = [following.changes_after(begin) for _ in range(5)]
        assert [[followed.license.slot for followed in page if followed.license] for page in pages] == [[1, 1, 1]] * 5
        assert len(read) == 3
    finally:
        following.stop()
