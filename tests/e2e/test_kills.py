"""SIGKILL in the middle of the work: what was acknowledged is there exactly once, whatever else happened.

Twenty kills in all: five of each kind on each database. The tests keep a ledger of their own of what they were told.
"""

import json
import os
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from certsvc.client import Client
from certsvc.v1 import common_pb2, license_service_pb2, verification_service_pb2
from tests.e2e.permits import (
    APPROVAL_BUREAU,
    BUSINESS_LICENSE,
    CLERK,
    FOOD_PERMIT,
    TRAFFIC_POLICE,
    permit,
    write_companies,
)
from tests.e2e.server_process import COMMAND, ServerProcess

KILLS = 5
ITEMS = 500
ROWS = 500
LAST_KILL_BEFORE = 400
LATEST_NEWS = 10.0
"""Seconds after the last event in which the next must come once nothing is imported any more."""


class Import:
    """`certsvc licenses import` of companies.csv, running."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._process = subprocess.Popen(
            [
                *(*COMMAND, "licenses", "import", str(folder / "companies.csv"), "--type", BUSINESS_LICENSE),
                *("--officer", CLERK, "--timeout", "60", "--json"),
            ],
            env=os.environ | {"CERTSVC_CREDENTIAL": str(server.credential(APPROVAL_BUREAU))},
            cwd=folder,  # where it leaves its reject file
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.communicate()

    def result(self) -> dict[str, Any]:
        """Wait for its end, which must be a good one, and return its summary."""
        output, complaints = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, complaints
        summary: dict[str, Any] = json.loads(output)
        return summary


def kill_points(seed: int) -> list[int]:
    """After how many acknowledgements to kill: five numbers at random, the same in every run."""
    return sorted(random.Random(seed).sample(range(20, LAST_KILL_BEFORE), KILLS))


def registered(issuer: Client, type_code: str) -> dict[str, str]:
    """License number to identifier of all licenses of a type; no number and no identifier may be there twice."""
    request = license_service_pb2.ListLicensesRequest(type_code=type_code, page_size=500)
    found = [(license_.license_number, license_.identifier) for license_ in issuer.licenses.list(request)]
    for column in zip(*found, strict=True):
        assert [value for value, times in Counter(column).items() if times > 1] == []
    return dict(found)


def test_a_batch_survives_kills(shared_server: ServerProcess) -> None:
    server = shared_server
    issuer = server.agency(APPROVAL_BUREAU, officer=CLERK, timeout=60)
    before = registered(issuer, FOOD_PERMIT)
    points = kill_points(1)
    acknowledged: dict[str, str] = {}
    texts: dict[str, str] = {}

    for answer in issuer.licenses.issue_many(permit(f"K{number}") for number in range(ITEMS)):
        assert answer.error is None, answer.error
        assert answer.change is not None
        license_ = answer.change.license
        assert answer.change.disposition == license_service_pb2.DISPOSITION_ISSUED
        assert license_.license_number not in acknowledged, "acknowledged twice"
        acknowledged[license_.license_number] = license_.identifier
        texts[license_.identifier] = answer.change.qr_text
        if points and len(acknowledged) >= points[0]:
            points.pop(0)
            server.kill()
            server.start()
            assert acknowledged.items() <= registered(issuer, FOOD_PERMIT).items()

    assert points == []
    assert {f"K{number}" for number in range(ITEMS)} == acknowledged.keys()
    assert registered(issuer, FOOD_PERMIT) == before | acknowledged
    verify_all(server, texts)


def verify_all(server: ServerProcess, texts: dict[str, str]) -> None:
    """Every code that was handed out is the valid one of its license, and of no other."""
    verifier = server.agency(TRAFFIC_POLICE)
    answers = list(verifier.verification.verify_many(texts.values()))
    assert len(answers) == len(texts)
    for answer in answers:
        assert answer.result is not None, answer.error
        assert answer.result.verdict == verification_service_pb2.VERDICT_VALID, answer.result
        assert texts[answer.result.shown.identifier] == answer.request.qr_text


def test_an_import_survives_kills(shared_server: ServerProcess, tmp_path: Path) -> None:
    """Every second kill takes the importing command as well, which is then started again.

    The ledger is what a watcher hears meanwhile, over all restarts: every license once, none left out.
    """
    server = shared_server
    codes = write_companies(tmp_path / "companies.csv", ROWS)
    issuer = server.agency(APPROVAL_BUREAU, officer=CLERK, timeout=60)
    before = registered(issuer, BUSINESS_LICENSE)
    points = kill_points(2)
    heard: list[str] = []
    own_issues = license_service_pb2.WatchLicenseEventsRequest(own_issues=True)
    answers = issuer.licenses.watch(own_issues, heartbeats=True)
    next(answers)  # the token of now: from here on nothing may be missed
    importing = Import(server, tmp_path)
    heard_at = time.monotonic()

    while len(heard) < ROWS:
        answer = next(answers)
        if not answer.HasField("event"):
            assert importing.runs() or time.monotonic() - heard_at < LATEST_NEWS, f"{len(heard)} events of {ROWS}"
            continue
        heard_at = time.monotonic()
        assert answer.event.action == common_pb2.LICENSE_ACTION_IMPORT
        heard.append(answer.event.identifier)
        if points and len(heard) >= points[0]:
            points.pop(0)
            server.kill()
            if len(points) % 2:
                importing.kill()
                importing = Import(server, tmp_path)
            server.start()
            there = registered(issuer, BUSINESS_LICENSE)
            assert set(heard) <= set(there.values())

    assert points == []
    summary = importing.result()
    assert (summary["rows"], summary["issued"], summary["rejected"]) == (ROWS, ROWS, 0)
    there = registered(issuer, BUSINESS_LICENSE)
    assert there.keys() == before.keys() | set(codes)
    assert Counter(heard) == Counter(there[code] for code in codes)
    again = Import(server, tmp_path).result()
    assert (again["issued"], again["skipped"]) == (0, ROWS)
    assert registered(issuer, BUSINESS_LICENSE) == there
