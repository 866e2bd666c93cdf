"""Batches: an answer for every item, whatever its neighbors are; held back when too many wait; safe to send again."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from certsvc.client import CallError
from certsvc.client.call_error import error_of_status
from certsvc.rpc.exchange import MAX_UNANSWERED
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import verification_service_pb2
from tests.builders import (
    APPROVAL_BUREAU,
    CLERK,
    SECOND_CLERK,
    TRAFFIC_POLICE,
    business_license,
    cause,
    company,
    food_permit,
    small_permit,
    unique_number,
)
from tests.integration.register import Register, eventually
from tests.integration.wire import LICENSES, VERIFICATION, Wire
from tests.refusals import findings

BATCH = f"{LICENSES}/BatchIssueLicenses"
KIBIBYTE = 1024


@pytest.fixture
def wire(register: Register) -> Iterator[Wire]:
    connection = register.connect(register.credentials.agency(APPROVAL_BUREAU), officer=CLERK, timeout=60)
    with connection.channel:
        yield Wire(connection)


def item(request: pb.IssueLicenseRequest, *, request_id: str = "") -> pb.BatchIssueLicensesRequest:
    request.request_id = request_id or unique_number("b").encode().hex()
    return pb.BatchIssueLicensesRequest(license=request)


def answers_of(
    wire: Wire, requests: list[bytes | pb.BatchIssueLicensesRequest]
) -> dict[int, pb.BatchIssueLicensesResponse]:
    answers = [pb.BatchIssueLicensesResponse.FromString(data) for data in wire.stream(BATCH, requests)]
    by_index = {answer.index: answer for answer in answers}
    assert len(by_index) == len(answers), "an item was answered twice"
    return by_index


def padded(request: pb.BatchIssueLicensesRequest, size: int) -> bytes:
    """The same with a field that nobody knows (number 1000, bytes): large, and as good as without."""
    length = bytearray()
    rest = size
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    return request.SerializeToString() + b"\xc2\x3e" + bytes(length) + bytes(size)


def test_more_than_fit_at_once_are_all_answered(register: Register) -> None:
    requests = [business_license() for _ in range(600)]
    answers = list(register.agency().licenses.issue_many(requests))
    assert sorted(answer.position for answer in answers) == list(range(600))
    assert all(answer.error is None for answer in answers)
    by_number = {answer.change.license.license_number: answer for answer in answers if answer.change}
    assert by_number.keys() == {request.license_number for request in requests}
    assert len({answer.change.license.identifier for answer in answers if answer.change}) == 600
    texts = [answer.change.qr_text for answer in answers if answer.change]
    verified = list(register.agency(TRAFFIC_POLICE).verification.verify_many(texts))
    assert len(verified) == 600
    assert {answer.result.verdict for answer in verified if answer.result} == {verification_service_pb2.VERDICT_VALID}


def test_one_bad_item_stops_no_other(wire: Wire) -> None:
    bad: dict[int, tuple[bytes | pb.BatchIssueLicensesRequest, str, str]] = {
        3: (
            item(business_license(holders=[company(number="91370202MA9999013X")])),
            "INVALID_ARGUMENT",
            "INVALID_INPUT",
        ),
        50: (item(business_license(type_code="nothing")), "PERMISSION_DENIED", "ISSUE_NOT_GRANTED"),
        100: (item(business_license(), request_id="a b"), "INVALID_ARGUMENT", "INVALID_INPUT"),
        150: (b"\xff\xff", "INVALID_ARGUMENT", "REQUEST_FORM"),
        200: (padded(item(business_license()), 64 * KIBIBYTE), "INVALID_ARGUMENT", "REQUEST_TOO_LARGE"),
        250: (pb.BatchIssueLicensesRequest(), "INVALID_ARGUMENT", "INVALID_INPUT"),
        299: (item(business_license(legal_basis="x" * 501)), "INVALID_ARGUMENT", "INVALID_INPUT"),
    }
    good = {place: item(business_license()) for place in range(300) if place not in bad}
    requests = [bad[place][0] if place in bad else good[place] for place in range(300)]
    answers = answers_of(wire, requests)
    assert answers.keys() == set(range(300))
    for place, request in good.items():
        assert answers[place].request_id == request.license.request_id
        assert answers[place].change.disposition == pb.DISPOSITION_ISSUED
        assert answers[place].change.license.license_number == request.license.license_number
    for place, (_, code, reason) in bad.items():
        error = error_of_status(answers[place].error)
        assert (error.code, error.reason) == (code, reason)
    assert findings(error_of_status(answers[3].error)) == {("holders[0].number", "CHECK_CHARACTER")}
    assert findings(error_of_status(answers[100].error)) == {("request_id", "REQUEST_ID")}
    assert answers[100].request_id == "a b"


def test_an_item_that_comes_twice_is_issued_once(wire: Wire) -> None:
    twice = item(business_license())
    changed = item(business_license(), request_id=twice.license.request_id)
    answers = answers_of(wire, [twice, *(item(business_license()) for _ in range(20)), twice, changed])
    assert answers[0].change == answers[21].change
    assert error_of_status(answers[22].error).reason == "REQUEST_ID_REUSED"


def test_two_items_with_one_license_number_issue_one(wire: Wire) -> None:
    number = unique_number()
    answers = answers_of(wire, [item(business_license(license_number=number)) for _ in range(30)])
    changed = [answer for answer in answers.values() if answer.HasField("change")]
    refused = {error_of_status(answer.error).reason for answer in answers.values() if answer.HasField("error")}
    assert (len(changed), refused) == (1, {"LICENSE_EXISTS"})


@contextmanager
def nothing_is_written(register: Register) -> Iterator[None]:
    """The only writer of this worker is busy while the block runs, as on a disk that hangs."""
    busy, free = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        busy.set()
        assert free.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(register.store.ledger.write, hold)
        try:
            assert busy.wait(20)
            yield
        finally:
            free.set()
        held.result()


def test_a_sender_is_held_back_when_too_many_are_unanswered(register: Register, wire: Wire) -> None:
    """At most 256 are taken in; what may lie in the transport on top is bounded by its windows."""
    size, total = 60 * KIBIBYTE, 1200
    in_transport = 16 * 1024 * KIBIBYTE // size
    sent = 0
    answers: list[Any] = []
    first_256 = threading.Event()

    def requests() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(total):
            sent += 1
            if sent == MAX_UNANSWERED:
                first_256.set()
            yield padded(item(business_license()), size)

    def run() -> None:
        answers.extend(pb.BatchIssueLicensesResponse.FromString(data) for data in wire.stream(BATCH, requests()))

    with ThreadPoolExecutor(1) as pool:
        with nothing_is_written(register):
            running = pool.submit(run)
            assert first_256.wait(60), "the register takes in fewer than it says"
            at_rest = settled(lambda: sent)
            assert MAX_UNANSWERED <= at_rest <= MAX_UNANSWERED + 1 + in_transport
            assert at_rest < total
            print("AT REST", at_rest)
            assert not answers
        running.result(timeout=60)
    assert sorted(answer.index for answer in answers) == list(range(total))
    assert all(answer.HasField("change") for answer in answers)


def settled(value: Callable[[], int]) -> int:
    """A number that has stopped rising: the same for a second."""
    last, since = -1, 0

    def is_at_rest() -> bool:
        nonlocal last, since
        now = value()
        since = since + 1 if now == last else 0
        last = now
        return since >= 100

    eventually(is_at_rest, within=30)
    return last


def test_a_caller_that_does_not_read_is_held_back_too(register: Register) -> None:
    """Verifying writes nothing: here it is the answers that nobody takes."""
    connection = register.connect(register.credentials.agency(TRAFFIC_POLICE), timeout=60)
    text, sent, total = register.agency().licenses.issue(food_permit()).qr_text, 0, 30_000

    def requests() -> Iterator[bytes]:
        nonlocal sent
        request = verification_service_pb2.VerifyCredentialsRequest()
        request.item.qr_text = text
        data = request.SerializeToString()
        while sent < total:
            sent += 1
            yield data

    with connection.channel:
        answers = Wire(connection).stream(f"{VERIFICATION}/VerifyCredentials", requests())
        assert next(answers)
        assert settled(lambda: sent) < total
        answers.close()  # type: ignore[attr-defined]


def test_what_a_broken_stream_took_in_is_never_doubled(register: Register, wire: Wire) -> None:
    requests = [item(business_license()) for _ in range(200)]
    answers = wire.stream(BATCH, list(requests))
    heard = [pb.BatchIssueLicensesResponse.FromString(next(answers)) for _ in range(10)]
    answers.close()  # type: ignore[attr-defined]
    # The whole file again, as a client does that was killed.
    again = answers_of(wire, list(requests))
    assert len(again) == 200
    for answer in heard:
        assert again[answer.index].change == answer.change
    licenses = register.agency().licenses
    for request in requests:
        found = licenses.list(pb.ListLicensesRequest(license_number=request.license.license_number))
        assert len(list(found)) == 1


def test_the_right_to_issue_is_asked_for_at_every_item(register: Register, wire: Wire) -> None:
    """A grant that goes away in the middle of a stream ends it for what comes after."""
    code = register.new_type()
    go_on = threading.Event()

    def requests() -> Iterator[pb.BatchIssueLicensesRequest]:
        yield item(small_permit(code))
        assert go_on.wait(30)
        yield item(small_permit(code))

    answers = wire.stream(BATCH, requests())
    assert pb.BatchIssueLicensesResponse.FromString(next(answers)).HasField("change")
    register.revoke_grant(APPROVAL_BUREAU, "ISSUE", code)
    go_on.set()
    refused = pb.BatchIssueLicensesResponse.FromString(next(answers))
    assert error_of_status(refused.error).reason == "ISSUE_NOT_GRANTED"
    assert list(answers) == []


@pytest.mark.parametrize(("officer", "reason"), [("", "OFFICER_REQUIRED"), (SECOND_CLERK, "ROLE_REQUIRED")])
def test_a_stream_of_who_may_not_issue_is_refused_whole(register: Register, officer: str, reason: str) -> None:
    with pytest.raises(CallError) as caught:
        list(register.agency(officer=officer).licenses.issue_many([business_license()]))
    assert (caught.value.code, caught.value.reason) == ("PERMISSION_DENIED", reason)


def test_an_empty_batch_is_no_fault(register: Register) -> None:
    assert list(register.agency().licenses.issue_many([])) == []
    assert list(register.agency().verification.verify_many([])) == []


def test_verifying_many_answers_each_by_its_own_id(register: Register) -> None:
    connection = register.connect(register.credentials.agency(TRAFFIC_POLICE))
    text = register.agency().licenses.issue(food_permit()).qr_text
    licenses = register.agency().licenses
    suspended = licenses.issue(food_permit())
    licenses.suspend(pb.SuspendLicenseRequest(identifier=suspended.license.identifier, cause=cause()))
    message = verification_service_pb2.VerifyCredentialsRequest
    items: list[bytes | verification_service_pb2.VerifyCredentialsRequest] = []
    for place in range(320):
        presented = suspended.qr_text if place % 2 else text
        items.append(
            message(item_id=f"item-{place}", item=verification_service_pb2.VerifyCredentialRequest(qr_text=presented))
        )
    items[7] = b"\xff"
    items[8] = message(item_id="empty")
    items[9] = message(item_id="x" * 65, item=verification_service_pb2.VerifyCredentialRequest(qr_text=text))
    with connection.channel:
        found = [
            verification_service_pb2.VerifyCredentialsResponse.FromString(data)
            for data in Wire(connection).stream(f"{VERIFICATION}/VerifyCredentials", items)
        ]
    by_index = {answer.index: answer for answer in found}
    assert by_index.keys() == set(range(320))
    for place, answer in by_index.items():
        if place in (7, 8, 9):
            continue
        assert answer.item_id == f"item-{place}"
        assert answer.result.national_code == (2 if place % 2 else 0)
    assert error_of_status(by_index[7].error).reason == "REQUEST_FORM"
    assert findings(error_of_status(by_index[8].error)) == {("credential", "REQUIRED")}
    assert findings(error_of_status(by_index[9].error)) == {("item_id", "TOO_LONG")}
