"""Requests about one license are carried out in their order, whatever the register does side by side."""

import itertools
from collections.abc import Iterator
from typing import Any

from certsvc.client.exchange import WINDOW
from certsvc.client.licenses import LicenseCalls, keys_of_license
from certsvc.domain.identifier import make_identifier
from certsvc.v1 import license_service_pb2 as pb
from tests.unit.client.scripted_register import ScriptedRegister, connected, issue_request, issued, refusal, refuse

Requests = Iterator[pb.BatchIssueLicensesRequest]


def _identifier(version: int) -> str:
    return make_identifier(
        type_code="119900009999000119099", agency_id="1299010099990002X3", serial="A1", version=version
    ).text


def _licenses(count: int, *, rows: int) -> list[pb.IssueLicenseRequest]:
    """All first rows, then all second ones, and so on; the row's number is its legal basis."""
    requests = [issue_request(str(number)) for _ in range(rows) for number in range(count)]
    for place, request in enumerate(requests):
        request.legal_basis = str(place // count)
    return requests


def _backwards(requests: Requests, seen: list[pb.IssueLicenseRequest]) -> Iterator[Any]:
    """Answer what comes in in batches, the last one of each first; `seen` is in the order of carrying out."""
    taken = enumerate(requests)
    for first in taken:
        for index, item in reversed([first, *itertools.islice(taken, 2)]):
            seen.append(item.license)
            yield issued(index, item.license)


def test_a_request_waits_for_the_one_before_about_the_same_license() -> None:
    register, seen = ScriptedRegister(), list[pb.IssueLicenseRequest]()
    register.steps = [lambda requests, _: _backwards(requests, seen)]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_licenses(9, rows=4)))
    assert sorted(answer.position for answer in answers) == list(range(36))
    for number in map(str, range(9)):
        rows = [request.legal_basis for request in seen if request.license_number == number]
        assert rows == ["0", "1", "2", "3"]


def test_those_that_wait_are_among_the_unanswered() -> None:
    register, read = ScriptedRegister(), list[int]()

    def requests() -> Iterator[pb.IssueLicenseRequest]:
        for number in range(3 * WINDOW):
            read.append(number)
            yield issue_request("the same")

    def one_by_one(items: Requests, context: Any) -> Iterator[Any]:
        for index, item in enumerate(items):
            assert len(read) <= WINDOW + index + 1
            yield issued(index, item.license)

    register.steps = [one_by_one]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(requests()))
    assert [answer.position for answer in answers] == list(range(3 * WINDOW))


def test_the_order_outlives_a_broken_stream_and_a_second_try() -> None:
    register, seen = ScriptedRegister(), list[str]()

    def busy_then_broken(items: Requests, context: Any) -> Iterator[Any]:
        seen.append(next(items).license.legal_basis)
        yield pb.BatchIssueLicensesResponse(index=0, error=refusal("UNAVAILABLE", "QUEUE_FULL"))
        next(items)
        refuse("UNAVAILABLE")(items, context)

    def alone(request: pb.IssueLicenseRequest, context: Any) -> Any:
        seen.append(f"{request.legal_basis} again")
        return pb.IssueLicenseResponse(change=pb.LicenseChange())

    def finish(items: Requests, context: Any) -> Iterator[Any]:
        for index, item in enumerate(items):
            seen.append(item.license.legal_basis)
            yield issued(index, item.license)

    register.steps = [busy_then_broken, alone, finish]
    with connected(register) as connection:
        answers = list(LicenseCalls(connection).issue_many(_licenses(1, rows=4)))
    assert [answer.position for answer in answers] == [0, 1, 2, 3]
    assert seen == ["0", "0 again", "1", "2", "3"]


def test_one_license_is_known_by_its_number_and_by_its_serial() -> None:
    numbered, other = issue_request("1"), issue_request("2")
    assert set(keys_of_license(numbered)).isdisjoint(keys_of_license(other))
    numbered.imported.identifier, other.imported.identifier = _identifier(1), _identifier(2)
    assert not set(keys_of_license(numbered)).isdisjoint(keys_of_license(other))
    other.imported.identifier = numbered.imported.identifier = "no identifier"
    assert not set(keys_of_license(numbered)).isdisjoint(keys_of_license(other))
    assert keys_of_license(pb.IssueLicenseRequest()) == ()
