"""Many at once on one license: every answer is true, nothing is lost, and nobody is blamed for another's haste."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from certsvc.client import CallError
from certsvc.v1 import common_pb2, verification_service_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import TRAFFIC_POLICE, food_permit
from tests.integration.register import Register
from tests.integration.transitions.changes import act, issued_in

MANY = 16
PASSING = {"FAILED_PRECONDITION ILLEGAL_TRANSITION", "ABORTED STALE_ETAG", "ABORTED CHANGED_MEANWHILE"}


def at_once(register: Register, action: str, identifier: str, **changes: object) -> Counter[str]:
    """What became of an action that many ask for, none waiting for the others; the client tries nothing twice."""
    licenses, together = register.impatient().licenses, threading.Barrier(MANY)

    def run(_: int) -> str:
        together.wait()
        try:
            act(licenses, action, identifier, **changes)
        except CallError as error:
            return f"{error.code} {error.reason}"
        return "OK"

    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(run, range(MANY)))


@pytest.mark.parametrize("action", ["suspend", "revoke", "cancel"])
def test_what_can_happen_once_happens_once(register: Register, action: str) -> None:
    licenses = register.agency().licenses
    license_ = issued_in(licenses, "ACTIVE")
    outcomes = at_once(register, action, license_.identifier)
    assert outcomes["OK"] == 1
    assert outcomes.keys() - {"OK"} <= PASSING
    assert len(list(licenses.list_events(license_.identifier))) == 2


def test_amendments_without_an_etag_all_come_in_some_order(register: Register) -> None:
    licenses = register.agency().licenses
    license_ = issued_in(licenses, "ACTIVE")
    outcomes = at_once(register, "amend", license_.identifier)
    assert outcomes.keys() <= {"OK", *PASSING}
    newest = licenses.get(licenses.get(license_.identifier).superseded_by)
    assert newest.version == 1 + outcomes["OK"]
    assert newest.etag == str(1 + outcomes["OK"])
    events = list(licenses.list_events(license_.identifier))
    assert [event.identifier.split(".")[-2] for event in events] == [f"{n:03d}" for n in range(1, newest.version + 1)]
    times = [event.effective_time.ToNanoseconds() for event in events]
    assert times == sorted(times)


def test_of_changes_with_one_etag_one_is_made(register: Register) -> None:
    licenses = register.agency().licenses
    license_ = issued_in(licenses, "ACTIVE")
    outcomes = at_once(register, "amend", license_.identifier, etag=license_.etag)
    assert outcomes == {"OK": 1, "ABORTED STALE_ETAG": MANY - 1}


def test_the_last_word_is_the_state_that_everyone_verifies(register: Register) -> None:
    """Suspended and reinstated by two threads as fast as they can, while another verifies without a pause."""
    licenses = register.impatient().licenses
    verification = register.agency(TRAFFIC_POLICE).verification
    license_ = issued_in(register.agency().licenses, "ACTIVE")
    asked = pb.GetCredentialRequest(identifier=license_.identifier)
    text = register.agency().licenses.get_credential(asked).credential
    done, seen = threading.Event(), set()

    def verify() -> None:
        while not done.is_set():
            seen.add(verification_service_pb2.Verdict.Name(verification.verify(text).verdict))

    def change(action: str) -> None:
        for _ in range(25):
            try:
                act(licenses, action, license_.identifier)
            except CallError as error:
                assert f"{error.code} {error.reason}" in PASSING  # noqa: PT017 - which error is half of the outcome

    with ThreadPoolExecutor(3) as pool:
        verifying = pool.submit(verify)
        for each in [pool.submit(change, action) for action in ("suspend", "reinstate")]:
            each.result()
        done.set()
        verifying.result()
    assert seen <= {"VERDICT_VALID", "VERDICT_SUSPENDED"}
    state = register.agency().licenses.get(license_.identifier).state
    expected = {common_pb2.LICENSE_STATE_ACTIVE: "VALID", common_pb2.LICENSE_STATE_SUSPENDED: "SUSPENDED"}[state]
    for _ in range(2):
        verdict = verification_service_pb2.Verdict.Name(verification.verify(text).verdict)
        assert verdict == f"VERDICT_{expected}"
        register.catch_up()


def test_an_answer_is_true_for_whoever_verifies_next(register: Register) -> None:
    """Read your writes: right after each answer the verdict is that answer's, long before the feed brings it."""
    licenses = register.agency().licenses
    verify = register.agency(TRAFFIC_POLICE).verification.verify
    issued = licenses.issue(food_permit())
    for _ in range(30):
        assert verify(issued.qr_text).verdict == verification_service_pb2.VERDICT_VALID
        act(licenses, "suspend", issued.license.identifier)
        assert verify(issued.qr_text).verdict == verification_service_pb2.VERDICT_SUSPENDED
        act(licenses, "reinstate", issued.license.identifier)
    act(licenses, "amend", issued.license.identifier)
    assert verify(issued.qr_text).verdict == verification_service_pb2.VERDICT_SUPERSEDED
