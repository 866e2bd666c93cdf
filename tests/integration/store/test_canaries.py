"""Nothing personal is in clear in a raw dump of the database; and the finder that says so finds what is planted."""

import base64
import json
import os
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from certsvc.domain.access import AccessContext
from certsvc.domain.agency import Officer, OfficerRole
from certsvc.domain.license import Holder, StateCause
from certsvc.domain.numbers import Number, NumberKind
from certsvc.ports import PendingRecord, RecordedAnswer, Repositories
from certsvc.store import tables
from tests.canary import find_canaries
from tests.integration.store.builders import (
    AGENCY_ID,
    NOON,
    digest_of,
    make_access,
    make_event,
    make_license,
    make_version,
)
from tests.integration.store.conftest import OpenLedger, seeded

NAME, OTHER_NAME, OFFICER = "欧阳翠花", "Zebulon Quackenbush", "上官铁柱"
NUMBER, OTHER_NUMBER = "110105194912310029", "E12345678X"
LICENSE_NUMBER, FIELD = "粤KANARIE0042", "月球街道一号"
REASON, BASIS, CAUSE, CASE = "醉酒驾驶三次", "道路交通安全法九十一", "核对驾驶资格一事", "CASE-CANARY-77"
ANSWER, REQUEST, DECISION = "answer-canary-0815", "request-canary-4711", "不符合条件之理由"
CANARIES = [
    *(NAME, OTHER_NAME, OFFICER, NUMBER, OTHER_NUMBER, LICENSE_NUMBER, FIELD),
    *(REASON, BASIS, CAUSE, CASE, ANSWER, REQUEST, DECISION),
]


def plant(r: Repositories) -> None:
    """Every canary, by every way that personal data comes into the store."""
    holders = (
        Holder(Number(NumberKind.CITIZEN, NUMBER), NAME),
        Holder(Number(NumberKind.PASSPORT, OTHER_NUMBER), OTHER_NAME),
    )
    code = b"\xd2\x84\x43" + NAME.encode() + zlib.compress(f"{NUMBER}{FIELD}".encode())
    version = make_version(license_number=LICENSE_NUMBER, holders=holders, fields={"address": FIELD}, code=code)
    license = make_license(version)
    event = make_event(cause=StateCause(REASON, BASIS, NOON))
    r.licenses.add(license, digest=digest_of(license), event=event)
    r.agencies.add_officer(Officer(AGENCY_ID, "SZ-1", OFFICER, frozenset({OfficerRole.ISSUER}), True, 1))
    context = AccessContext("matter", CASE, CAUSE, BASIS)
    r.access.add(make_access(context=context, holders=(holders[0].number,), fields=(FIELD,)))
    answer = RecordedAnswer(bytes(32), zlib.compress((ANSWER + NAME).encode()))
    r.requests.add(caller="agency:x", request_id="1", recorded=answer, at=NOON)
    record = PendingRecord("c1", AGENCY_ID, "REVOKE", "id", "type", "SZ-1", NOON, NOON + timedelta(1), REQUEST.encode())
    r.pending.add(record)
    r.pending.decide("c1", approved=False, by="SZ-2", reason=DECISION, at=NOON)


def test_a_raw_sqlite_file_and_its_wal_give_nothing_away(tmp_path: Path, open_at: OpenLedger) -> None:
    ledger = seeded(f"sqlite:///{tmp_path / 'register.sqlite'}", open_at)
    ledger.write(plant)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["register.sqlite", "register.sqlite-shm", "register.sqlite-wal"]
    before = b"".join((tmp_path / name).read_bytes() for name in files)
    ledger.close()
    after = (tmp_path / "register.sqlite").read_bytes()
    # The dump holds what was written at all.
    assert AGENCY_ID.encode() in before
    assert b"agency:x" in after
    assert find_canaries(before, CANARIES) == set()
    assert find_canaries(after, CANARIES) == set()


def test_a_postgresql_dump_gives_nothing_away(postgres_url: str, open_at: OpenLedger) -> None:
    seeded(postgres_url, open_at).write(plant)
    dump = b""
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        for table in tables.metadata.tables:
            # The text form, which pg_dump writes too: what is compressed on disk is readable here.
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows:
                dump += b"".join(bytes(row) for row in rows)
    assert b"agency:x" in dump
    assert find_canaries(dump, CANARIES) == set()


@pytest.mark.parametrize(
    "coat",
    [
        pytest.param(lambda text: text.encode(), id="plain"),
        pytest.param(lambda text: text.encode("utf-16-le"), id="utf-16"),
        pytest.param(lambda text: json.dumps(text).encode(), id="json"),
        pytest.param(lambda text: text.encode().hex().encode(), id="hex"),
        pytest.param(lambda text: ("0" + text.encode().hex()).encode(), id="hex, odd start"),
        pytest.param(lambda text: base64.b64encode(text.encode()), id="base64"),
        pytest.param(
            lambda text: base64.urlsafe_b64encode(b"ab" + text.encode()).rstrip(b"="), id="base64url, shifted"
        ),
        pytest.param(lambda text: b"x" + base64.b64encode(text.encode()), id="base64 after other text"),
        pytest.param(lambda text: str(int.from_bytes(b"\x01" + text.encode())).encode(), id="decimal"),
        pytest.param(lambda text: b"\xd2\x84\x78" + bytes([len(text.encode())]) + text.encode(), id="cbor text"),
        pytest.param(lambda text: zlib.compress(text.encode()), id="zlib"),
        pytest.param(lambda text: base64.b64encode(zlib.compress(text.encode())), id="zlib in base64"),
        pytest.param(lambda text: zlib.compress(text.encode()).hex().encode(), id="zlib in hex"),
    ],
)
def test_the_finder_sees_through_every_coat(coat: Callable[[str], bytes]) -> None:
    for canary in (NAME, NUMBER, OTHER_NAME):
        blob = os.urandom(64) + b"\x00" + coat(canary) + b"\x00" + os.urandom(64)
        assert {found for found, _ in find_canaries(blob, [canary, "not planted"])} == {canary}
