"""What the register says of a refusal reaches the caller, typed and whole."""

import pytest
from google.rpc import status_pb2

from certsvc.client.call_error import CallError, error_of_status
from certsvc.client.licenses import LicenseCalls
from certsvc.errors import CertsvcError, FieldViolation
from tests.unit.client.scripted_register import ScriptedRegister, connected, issue_request, refusal, refuse


def test_reason_message_metadata_and_all_violations_arrive() -> None:
    register = ScriptedRegister()
    register.steps = [
        refuse(
            "INVALID_ARGUMENT",
            "INVALID_INPUT",
            message="two things",
            metadata={"state": "ACTIVE"},
            fields=["holders[0].number", "valid_from"],
        )
    ]
    with connected(register) as connection, pytest.raises(CallError) as raised:
        LicenseCalls(connection).issue(issue_request("1"))
    error = raised.value
    assert (error.code, error.reason, error.message) == ("INVALID_ARGUMENT", "INVALID_INPUT", "two things")
    assert error.metadata == {"state": "ACTIVE"}
    assert error.violations == (
        FieldViolation("holders[0].number", "WRONG", "is wrong"),
        FieldViolation("valid_from", "WRONG", "is wrong"),
    )
    assert isinstance(error, CertsvcError)


def test_a_status_without_details_still_has_code_and_message() -> None:
    error = error_of_status(status_pb2.Status(code=13, message="internal error"))
    assert (error.code, error.reason, error.message, error.violations) == ("INTERNAL", "", "internal error", ())


def test_a_code_that_grpc_does_not_know_is_unknown() -> None:
    assert error_of_status(status_pb2.Status(code=99)).code == "UNKNOWN"


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        ("UNAVAILABLE", "", True),
        ("UNAVAILABLE", "KNOWLEDGE_TOO_OLD", True),
        ("ABORTED", "CHANGED_MEANWHILE", True),
        ("ABORTED", "STALE_ETAG", False),
        ("ABORTED", "STALE_VERSION", False),
        ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS", True),
        ("RESOURCE_EXHAUSTED", "TOO_MANY_STREAMS", True),
        ("RESOURCE_EXHAUSTED", "OFFICER_LIMIT", False),
        ("RESOURCE_EXHAUSTED", "", False),
        ("DEADLINE_EXCEEDED", "DEADLINE", False),
        ("INTERNAL", "", False),
        ("UNAUTHENTICATED", "TOKEN_EXPIRED", False),
        ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION", False),
    ],
)
def test_only_what_passes_by_itself_is_transient(code: str, reason: str, transient: bool) -> None:
    assert error_of_status(refusal(code, reason)).is_transient is transient


def test_the_text_of_an_error_names_code_and_reason() -> None:
    assert str(error_of_status(refusal("ABORTED", "STALE_ETAG", message="read again"))) == (
        "ABORTED STALE_ETAG: read again"
    )
    assert str(CallError(reason="", message="gone", code="UNAVAILABLE")) == "UNAVAILABLE: gone"
