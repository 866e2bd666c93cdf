"""Batches: every item is answered once, whatever happens to the streams beneath."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from certsvc.client.call_error import CallError
from certsvc.client.exchange import WINDOW
from certsvc.client.licenses import IssueAnswer, LicenseCalls
from certsvc.client.verification import VerificationCalls
from certsvc.v1 import license_service_pb2, verification_service_pb2
from tests.unit.client.scripted_register import (
    ScriptedRegister,
    connected,
    issue_request,
    issued,
    refusal,
    refuse,
    verified,
)

Requests = Iterator[license_service_pb2.BatchIssueLicensesRequest]


def _numbers(count: int) -> Iterator[license_service_pb2.IssueLicenseRequest]:
    return (issue_request(str(number)) for number in range(count))


def _answer_all(requests: Requests, context: Any) -> Iterator[Any]:
    for index, item in enumerate(requests):
        yield issued(index, item.license)


def test_every_item_is_answered_once() -> None:
    register = ScriptedRegister()
    register.steps = [_answer_all]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_numbers(1000)))
    assert [answer.position for answer in answers] == list(range(1000))
    assert all(answer.change and answer.change.license.license_number == str(answer.position) for answer in answers)
    assert all(answer.request.license_number == str(answer.position) for answer in answers)


def test_answers_may_come_in_any_order() -> None:
    register = ScriptedRegister()

    def backwards(requests: Requests, context: Any) -> Iterator[Any]:
        items = list(enumerate(requests))
        for index, item in reversed(items):
            yield issued(index, item.license)

    register.steps = [backwards]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_numbers(50)))
    assert [answer.position for answer in answers] == list(range(49, -1, -1))


def test_a_refused_item_stops_no_other() -> None:
    register = ScriptedRegister()

    def refuse_one(requests: Requests, context: Any) -> Iterator[Any]:
        for index, item in enumerate(requests):
            if index == 1:
                yield license_service_pb2.BatchIssueLicensesResponse(
                    index=1, error=refusal("INVALID_ARGUMENT", "INVALID_INPUT", fields=["license_number"])
                )
            else:
                yield issued(index, item.license)

    register.steps = [refuse_one]
    with connected(register) as connection:
        first, second, third = LicenseCalls(connection).issue_many(_numbers(3))
    assert (first.error, third.error, second.change) == (None, None, None)
    assert second.error is not None
    assert second.error.violations[0].field == "license_number"


@pytest.mark.parametrize(
    ("second_answer", "error"),
    [(None, None), (refuse("INVALID_ARGUMENT", "INVALID_INPUT"), "INVALID_ARGUMENT")],
)
def test_an_item_whose_error_may_pass_is_tried_again_alone(second_answer: Any, error: str | None) -> None:
    register = ScriptedRegister()

    def too_busy(requests: Requests, context: Any) -> Iterator[Any]:
        for index, _ in enumerate(requests):
            yield license_service_pb2.BatchIssueLicensesResponse(
                index=index, error=refusal("UNAVAILABLE", "QUEUE_FULL")
            )

    def issue(request: Any, context: Any) -> Any:
        return license_service_pb2.IssueLicenseResponse(change=license_service_pb2.LicenseChange(qr_text="1"))

    register.steps = [too_busy, second_answer or issue]
    with connected(register) as connection:
        (answer,) = LicenseCalls(connection).issue_many([issue_request("1", request_id="same")])
    assert (answer.error.code if answer.error else None) == error
    assert (answer.change is None) is (error is not None)
    assert register.requests[0].request_id == "same"


def test_what_was_unanswered_is_sent_again_with_the_same_request_ids() -> None:
    register = ScriptedRegister()
    sent: list[list[str]] = [[], []]

    def break_in_the_middle(requests: Requests, context: Any) -> Iterator[Any]:
        for index, item in enumerate(requests):
            sent[0].append(item.license.request_id)
            if index == 20:
                refuse("UNAVAILABLE")(requests, context)
            if index % 2 == 0:
                yield issued(index, item.license)

    def finish(requests: Requests, context: Any) -> Iterator[Any]:
        for index, item in enumerate(requests):
            sent[1].append(item.license.request_id)
            yield issued(index, item.license)

    register.steps = [break_in_the_middle, finish]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_numbers(100)))
    assert sorted(answer.position for answer in answers) == list(range(100))
    by_position = {answer.position: answer.request.request_id for answer in answers}
    assert sent[0] == [by_position[position] for position in range(21)]
    # Odd items got no answer on the first stream; they come first on the second, unchanged and in order.
    assert sent[1][:10] == [by_position[position] for position in range(1, 20, 2)]


def test_a_stream_that_ends_early_without_an_error_is_resumed_too() -> None:
    register = ScriptedRegister()

    def stop_after_three(requests: Requests, context: Any) -> Iterator[Any]:
        for index in range(3):
            yield issued(index, next(requests).license)

    register.steps = [stop_after_three, stop_after_three, _answer_all]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_numbers(10)))
    assert sorted(answer.position for answer in answers) == list(range(10))


def test_at_most_a_window_of_items_is_unanswered() -> None:
    register = ScriptedRegister()
    received: list[int] = []
    full = threading.Event()
    read_ahead: list[int] = []

    def items() -> Iterator[license_service_pb2.IssueLicenseRequest]:
        for number in range(WINDOW + 50):
            if number == WINDOW - 1:
                full.set()
            read_ahead.append(number)
            yield issue_request(str(number))

    def answer_late(requests: Requests, context: Any) -> Iterator[Any]:
        held = [next(requests) for _ in range(WINDOW)]
        assert full.wait(10)
        received.append(len(read_ahead))
        for index, item in enumerate(held):
            yield issued(index, item.license)
        for index, item in enumerate(requests, start=WINDOW):
            yield issued(index, item.license)

    register.steps = [answer_late]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(items()))
    assert len(answers) == WINDOW + 50
    assert received == [WINDOW]


def test_a_refused_stream_is_an_error_at_once() -> None:
    register = ScriptedRegister()
    register.steps = [refuse("PERMISSION_DENIED", "OFFICER_REQUIRED")]
    with connected(register) as connection, pytest.raises(CallError, match="OFFICER_REQUIRED"):
        list(LicenseCalls(connection).issue_many(_numbers(3)))
    assert len(register.metadata) == 1


def test_a_register_that_never_answers_is_given_up() -> None:
    register = ScriptedRegister()

    def say_nothing(requests: Requests, context: Any) -> Iterator[Any]:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        return iter(())

    register.steps = [say_nothing]
    with connected(register, timeout=0.4) as connection, pytest.raises(CallError) as raised:
        list(LicenseCalls(connection).issue_many(_numbers(3)))
    assert raised.value.code == "UNAVAILABLE"
    assert "no answer" in raised.value.message


def test_an_error_of_the_items_is_raised_after_the_answers_before_it() -> None:
    register = ScriptedRegister()
    register.steps = [_answer_all]

    def broken() -> Iterator[license_service_pb2.IssueLicenseRequest]:
        yield issue_request("0")
        yield issue_request("1")
        raise LookupError("row 3")

    answers: list[IssueAnswer] = []
    with connected(register) as connection, pytest.raises(LookupError, match="row 3"):
        answers.extend(LicenseCalls(connection).issue_many(broken()))
    assert len(answers) == 2


def test_an_answer_to_nothing_that_was_sent_is_an_error() -> None:
    register = ScriptedRegister()

    def answer_twice(requests: Requests, context: Any) -> Iterator[Any]:
        item = next(requests)
        yield issued(0, item.license)
        yield issued(0, item.license)

    register.steps = [answer_twice]
    with connected(register) as connection, pytest.raises(CallError, match="twice"):
        list(LicenseCalls(connection).issue_many(_numbers(5)))


def test_a_caller_who_stops_early_ends_the_stream() -> None:
    register = ScriptedRegister()
    ended = threading.Event()

    def answer_and_note_the_end(requests: Requests, context: Any) -> Iterator[Any]:
        context.add_callback(ended.set)
        return _answer_all(requests, context)

    register.steps = [answer_and_note_the_end]
    with connected(register) as connection:
        answers = LicenseCalls(connection).issue_many(_numbers(100_000))
        next(answers)
        answers.close()  # type: ignore[attr-defined] # a generator behind the Iterator
        assert ended.wait(10)


def test_verifying_many_takes_texts_and_requests() -> None:
    register = ScriptedRegister()
    seen: list[verification_service_pb2.VerifyCredentialRequest] = []

    def answer(requests: Any, context: Any) -> Iterator[Any]:
        for index, item in enumerate(requests):
            seen.append(item.item)
            yield verified(index, item)

    register.steps = [answer]
    with connected(register) as connection:
        request = verification_service_pb2.VerifyCredentialRequest(qr_text="9", nonce="n")
        credentials: list[str | verification_service_pb2.VerifyCredentialRequest] = ["123", "a.b.c~d~", request]
        answers = list(VerificationCalls(connection).verify_many(credentials))
    assert [answer.position for answer in answers] == [0, 1, 2]
    assert all(answer.result and answer.result.verdict == verification_service_pb2.VERDICT_VALID for answer in answers)
    assert [item.WhichOneof("credential") for item in seen] == ["qr_text", "sd_jwt_vc", "qr_text"]
    assert seen[2].nonce == "n"
