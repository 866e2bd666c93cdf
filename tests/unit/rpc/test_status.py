"""How errors are told: every kind has a code, all details travel, nothing else leaves."""

import inspect

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from certsvc import errors
from certsvc.errors import CertsvcError, FieldViolation, InvalidInputError
from certsvc.rpc.status import CODES, INTERNAL_TEXT, code_of, to_refusal, to_rpc_status

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, CertsvcError) and kind is not CertsvcError
]


def violations(count: int) -> InvalidInputError:
    return InvalidInputError.of(*(FieldViolation(f"fields.f{n}", "REQUIRED", "是必填项 " * 5) for n in range(count)))


def details_of(refusal: grpc.Status) -> status_pb2.Status:
    metadata = dict(refusal.trailing_metadata)
    return status_pb2.Status.FromString(bytes(metadata["grpc-status-details-bin"]))  # type: ignore[arg-type] # it is bytes


def bad_request(status: status_pb2.Status) -> error_details_pb2.BadRequest:
    detail = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(detail)
    return detail


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_trouble_has_a_code_of_its_own_line(kind: type[CertsvcError]) -> None:
    assert kind in CODES
    assert code_of(kind(reason="X", message="x")) is CODES[kind]
    assert CODES[kind] not in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)


def test_a_new_kind_below_a_known_one_has_its_code() -> None:
    class NarrowerError(errors.NotFoundError):
        """A narrower kind."""

    assert code_of(NarrowerError(reason="X", message="x")) is grpc.StatusCode.NOT_FOUND


def test_reason_and_details_travel() -> None:
    error = errors.FailedPreconditionError(reason="ILLEGAL_TRANSITION", message="not now", details={"state": "REVOKED"})

    status = to_rpc_status(error)

    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason, dict(info.metadata)) == (
        "certsvc",
        "ILLEGAL_TRANSITION",
        {"state": "REVOKED"},
    )
    assert (status.code, status.message, len(status.details)) == (9, "not now", 1)


def test_all_field_violations_travel() -> None:
    found = bad_request(to_rpc_status(violations(300))).field_violations

    assert [violation.field for violation in found] == [f"fields.f{n}" for n in range(300)]
    assert (found[0].reason, found[0].description) == ("REQUIRED", "是必填项 " * 5)


def test_an_unknown_exception_says_nothing_of_itself() -> None:
    error = KeyError("select * from licenses where number = 11010519491231002X")

    for status in (to_rpc_status(error), details_of(to_refusal(error, request_id="r"))):
        assert (status.code, status.message, len(status.details)) == (13, INTERNAL_TEXT, 0)


def test_a_refusal_carries_the_request_id_and_the_details() -> None:
    refusal = to_refusal(violations(1), request_id="r-7")

    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert ("x-request-id", "r-7") in refusal.trailing_metadata
    assert details_of(refusal).message == refusal.details


@pytest.mark.parametrize("count", [1, 20, 1_000])
def test_a_refusal_fits_into_trailing_metadata(count: int) -> None:
    refusal = to_refusal(violations(count), request_id="r")
    status = details_of(refusal)

    assert status.ByteSize() <= 4096
    assert len(refusal.details) <= 400
    found = bad_request(status).field_violations
    if count == 1_000:
        assert found[-1].reason == "MORE_VIOLATIONS"
        assert found[-1].description == f"and {1_000 - (len(found) - 1)} more that do not fit here"
    else:
        assert len(found) == count


def test_even_one_huge_violation_fits() -> None:
    error = InvalidInputError.of(FieldViolation("fields." + "x" * 10_000, "UNKNOWN_FIELD", "unknown"))

    status = details_of(to_refusal(error, request_id="r"))

    assert [violation.reason for violation in bad_request(status).field_violations] == ["MORE_VIOLATIONS"]
