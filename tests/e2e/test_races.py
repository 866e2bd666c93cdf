"""Two servers on one PostgreSQL: nothing is given twice, nobody hears of a deadlock, both know within a second."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from certsvc.client import CallError, Client
from certsvc.client.licenses import LicenseCalls
from certsvc.credentials.qr_code import parse_text
from certsvc.domain.identifier import parse_identifier
from certsvc.v1 import license_service_pb2, verification_service_pb2
from tests.databases import PostgresServer, fresh_database
from tests.e2e.conftest import serving
from tests.e2e.permits import APPROVAL_BUREAU, CAUSE, CLERK, FOOD_PERMIT, TRAFFIC_POLICE, permit
from tests.e2e.server_process import NO_RETRIES, ServerProcess

CLIENTS = 32
ISSUES = 20_000 if os.environ.get("CERTSVC_LONG") == "1" else 2_000
CONTESTED = 30
"""Licenses that a client of each server fights for at the same moment."""
REVOCATIONS = 20
KNOWN_WITHIN = 1.0
"""Seconds from the acknowledgement on one server to the verdict on every other."""

Pair = tuple[ServerProcess, ServerProcess]
Request = TypeVar("Request")
Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def pair(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two processes with data directories of their own, which share the database and the secrets."""
    folder = tmp_path_factory.mktemp("pair")
    with fresh_database(postgres_server) as url, serving(folder, url) as first:
        second = first.second(folder / "second")
        second.start()
        try:
            yield first, second
        finally:
            second.close()


@pytest.fixture(scope="module")
def issuers(pair: Pair) -> tuple[Client, Client]:
    """A clerk at each server, who hears of every failure at once."""
    first, second = (server.agency(APPROVAL_BUREAU, officer=CLERK, policy=NO_RETRIES) for server in pair)
    return first, second


def at_both(
    issuers: tuple[Client, Client], call: Callable[[LicenseCalls, Request], Answer], request: Request
) -> list[Answer | CallError]:
    """What the same call answers at both servers when both are made at the same moment."""
    barrier = threading.Barrier(2)

    def run(issuer: Client) -> Answer | CallError:
        barrier.wait()
        try:
            return call(issuer.licenses, request)
        except CallError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, issuers))


def reasons(answers: Sequence[object]) -> list[str]:
    """The reason of each refusal, "" for an answer."""
    return sorted(f"{answer.code} {answer.reason}" if isinstance(answer, CallError) else "" for answer in answers)


def twice(values: Sequence[object]) -> list[object]:
    """What is there more than once."""
    return [value for value, times in Counter(values).items() if times > 1]


@pytest.mark.timeout(1800 if ISSUES > 2_000 else 180)
def test_many_clients_issue_at_once(pair: Pair) -> None:
    """Whatever either server refuses, for whatever reason, is a failure."""
    clients = [pair[number % 2].agency(APPROVAL_BUREAU, officer=CLERK, policy=NO_RETRIES) for number in range(CLIENTS)]
    requests = iter([permit(f"R{number}") for number in range(ISSUES)])
    lock = threading.Lock()

    def work(client: Client) -> Iterator[license_service_pb2.LicenseChange]:
        while True:
            with lock:
                request = next(requests, None)
            if request is None:
                return
            yield client.licenses.issue(request)

    with ThreadPoolExecutor(CLIENTS) as pool:
        changes = [change for done in pool.map(lambda client: list(work(client)), clients) for change in done]
    assert len(changes) == ISSUES
    codes = [parse_text(change.qr_text).code for change in changes]
    assert twice([code.identifier for code in codes]) == []
    assert twice([parse_identifier(code.identifier).serial for code in codes]) == []
    assert twice([(code.status_list, code.status_index) for code in codes]) == []
    listed = license_service_pb2.ListLicensesRequest(type_code=FOOD_PERMIT, page_size=500)
    there = [license_.license_number for license_ in clients[0].licenses.list(listed)]
    assert {f"R{number}" for number in range(ISSUES)} <= set(there)
    assert twice(there) == []


def test_one_license_number_has_one_winner(issuers: tuple[Client, Client]) -> None:
    for number in range(CONTESTED):
        answers = at_both(issuers, LicenseCalls.issue, permit(f"N{number}"))
        assert reasons(answers) == ["", "ALREADY_EXISTS LICENSE_EXISTS"]


def test_one_request_has_one_answer(issuers: tuple[Client, Client]) -> None:
    """A client whose first try hangs at one server may ask the other: it is the same license."""
    for number in range(CONTESTED):
        answers = at_both(issuers, LicenseCalls.issue, permit(f"Q{number}", request_id=f"race-{number}"))
        assert reasons(answers) == ["", ""]
        assert answers[0] == answers[1]


def test_one_license_changes_one_step_at_a_time(issuers: tuple[Client, Client]) -> None:
    """Of two suspensions one comes too late and is told the state; two amendments both happen, one after the other."""
    for number in range(CONTESTED):
        identifier = issuers[0].licenses.issue(permit(f"C{number}")).license.identifier
        amendment = license_service_pb2.AmendLicenseRequest(
            identifier=identifier, cause=CAUSE, license_number=f"C{number}A"
        )
        amended = at_both(issuers, LicenseCalls.amend, amendment)
        assert reasons(amended) == ["", ""]
        assert parse_identifier(issuers[0].licenses.get(identifier).superseded_by).version == 3
        suspension = license_service_pb2.SuspendLicenseRequest(identifier=identifier, cause=CAUSE)
        suspended = at_both(issuers, LicenseCalls.suspend, suspension)
        assert reasons(suspended) == ["", "FAILED_PRECONDITION ILLEGAL_TRANSITION"]


@pytest.mark.alone
def test_a_revocation_is_known_everywhere_within_a_second(pair: Pair, issuers: tuple[Client, Client]) -> None:
    """At the server that acknowledged it there is no delay at all."""
    verifiers = [server.agency(TRAFFIC_POLICE, policy=NO_RETRIES) for server in pair]
    for number in range(REVOCATIONS):
        here = number % 2
        change = issuers[here].licenses.issue(permit(f"V{number}"))
        for verifier in verifiers:
            wait_for_verdict(verifier, change.qr_text, verification_service_pb2.VERDICT_VALID)
        revoke = license_service_pb2.RevokeLicenseRequest(
            identifier=change.license.identifier, cause=CAUSE, kind=license_service_pb2.REVOCATION_KIND_PENALTY
        )
        issuers[here].licenses.revoke(revoke)
        acknowledged = time.monotonic()
        own = verifiers[here].verification.verify(change.qr_text)
        assert own.verdict == verification_service_pb2.VERDICT_REVOKED
        wait_for_verdict(verifiers[1 - here], change.qr_text, verification_service_pb2.VERDICT_REVOKED)
        assert time.monotonic() - acknowledged < KNOWN_WITHIN


def wait_for_verdict(verifier: Client, text: str, expected: int) -> None:
    """Ask again and again, for no longer than a change may take to be known."""
    ends_at = time.monotonic() + KNOWN_WITHIN
    while (result := verifier.verification.verify(text)).verdict != expected:
        assert time.monotonic() < ends_at, result
        time.sleep(0.02)
