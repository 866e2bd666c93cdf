"""The request log, pending changes, access records and the audit log on both databases."""

from datetime import datetime, timedelta

import pytest

from certsvc.errors import AlreadyExistsError, ConflictError
from certsvc.ports import AuditEntry, PendingRecord, RecordedAnswer, Repositories
from certsvc.store.ledger import SQLLedger
from tests.integration.store.builders import (
    AGENCY_ID,
    COMPANY,
    NOON,
    OTHER_AGENCY_ID,
    PERSON,
    digest_of,
    make_access,
    make_event,
    make_license,
)
from tests.integration.store.conftest import write_each

ANSWER = RecordedAnswer(b"p" * 32, b"\x00answer")
DAY = timedelta(days=1)


def pending(change_id: str, agency_id: str = AGENCY_ID, expires_at: datetime = NOON + DAY) -> PendingRecord:
    return PendingRecord(
        change_id=change_id,
        agency_id=agency_id,
        action="REVOKE",
        identifier="1.2.156",
        type_code="type",
        requested_by="SZ-1",
        requested_at=NOON,
        expires_at=expires_at,
        request=b"\x00request",
    )


def test_an_answer_is_kept_by_caller_and_request_id(ledger: SQLLedger) -> None:
    def add(caller: str, request_id: str) -> None:
        ledger.write(lambda r: r.requests.add(caller=caller, request_id=request_id, recorded=ANSWER, at=NOON))

    add("a", "1")
    add("b", "1")
    add("a", "2")
    with pytest.raises(AlreadyExistsError) as refused:
        add("a", "1")
    assert refused.value.reason == "REQUEST_EXISTS"
    with ledger.read() as r:
        assert r.requests.find(caller="a", request_id="1") == ANSWER
        assert r.requests.find(caller="c", request_id="1") is None


def test_old_answers_are_forgotten(ledger: SQLLedger) -> None:
    times = [NOON + days * DAY for days in range(3)]
    write_each(ledger, times, lambda r, at: r.requests.add(caller="a", request_id=str(at), recorded=ANSWER, at=at))
    assert ledger.write(lambda r: r.requests.purge(before=NOON + DAY, limit=9)) == 1
    with ledger.read() as r:
        assert r.requests.find(caller="a", request_id=str(NOON)) is None
        assert r.requests.find(caller="a", request_id=str(NOON + DAY)) == ANSWER


def test_old_answers_are_forgotten_in_steps(ledger: SQLLedger) -> None:
    write_each(ledger, range(5), lambda r, n: r.requests.add(caller="a", request_id=str(n), recorded=ANSWER, at=NOON))
    steps = [ledger.write(lambda r: r.requests.purge(before=NOON + DAY, limit=2)) for _ in range(4)]
    assert steps == [2, 2, 1, 0]


def test_a_pending_change_is_decided_once(ledger: SQLLedger) -> None:
    ledger.write(lambda r: r.pending.add(pending("c1")))
    with pytest.raises(AlreadyExistsError):
        ledger.write(lambda r: r.pending.add(pending("c1")))
    with ledger.read() as r:
        assert r.pending.get("c1") == pending("c1")
    ledger.write(lambda r: r.pending.decide("c1", approved=True, by="SZ-2", reason="", at=NOON))
    with ledger.read() as r:
        assert r.pending.get("c1") is None
    for change_id in ("c1", "unknown"):
        with pytest.raises(ConflictError):
            write_each(
                ledger, [change_id], lambda r, one: r.pending.decide(one, approved=False, by="", reason="", at=NOON)
            )


def test_what_waits_is_listed_per_agency_until_its_end(ledger: SQLLedger) -> None:
    records = [
        pending("c1"),
        pending("c2"),
        pending("c3", expires_at=NOON),
        pending("c4", agency_id=OTHER_AGENCY_ID),
        pending("c5"),
    ]
    write_each(ledger, records, lambda r, one: r.pending.add(one))
    ledger.write(lambda r: r.pending.decide("c5", approved=False, by="SZ-2", reason="no", at=NOON))
    with ledger.read() as r:
        assert r.pending.list(AGENCY_ID, after="", limit=9, now=NOON) == records[:2]
        assert r.pending.list(AGENCY_ID, after="", limit=1, now=NOON) == records[:1]
        assert r.pending.list(AGENCY_ID, after="c1", limit=9, now=NOON) == records[1:2]


def test_access_records_are_found_by_subject_newest_first(ledger: SQLLedger) -> None:
    license = make_license()
    ledger.write(lambda r: r.licenses.add(license, digest=digest_of(license), event=make_event()))
    records = [
        make_access(at=NOON + timedelta(seconds=1), license_id=license.license_id, holders=(PERSON, COMPANY, PERSON)),
        make_access(at=NOON),
        make_access(at=NOON + timedelta(seconds=2), holders=(COMPANY,)),
    ]
    write_each(ledger, records, lambda r, one: r.access.add(one))
    with ledger.read() as r:
        assert r.access.list(holder=PERSON, limit=9) == [records[0], records[1]]
        assert r.access.list(holder=COMPANY, limit=9) == [records[2], records[0]]
        assert r.access.list(holder=COMPANY, limit=1) == [records[2]]


def test_access_is_counted_for_quotas(ledger: SQLLedger) -> None:
    def work(r: Repositories) -> tuple[int, ...]:
        for record in (
            make_access(),
            make_access(at=NOON - timedelta(microseconds=1)),
            make_access(at=NOON + DAY, holders=(COMPANY, PERSON)),
            make_access(operation="GetLicense"),
            make_access(agency_id=OTHER_AGENCY_ID),
        ):
            r.access.add(record)
        return tuple(
            r.access.count_since(agency_id=AGENCY_ID, operation="MatchLicense", since=NOON, holder=holder)
            for holder in (None, PERSON, COMPANY)
        )

    assert ledger.write(work) == (2, 2, 1)


def test_audit_entries_are_numbered_and_paged(ledger: SQLLedger) -> None:
    entries = [AuditEntry(NOON, "operator:root", "", f"act{n}", "kid", {"n": n}) for n in range(3)]
    write_each(ledger, entries, lambda r, one: r.audit.add(one))
    with ledger.read() as r:
        listed = list(r.audit.list(after=0, limit=2))
        rest = list(r.audit.list(after=listed[-1][0], limit=2))
    assert [entry for _, entry in listed + rest] == entries
    numbers = [number for number, _ in listed + rest]
    assert numbers == sorted(set(numbers))
