"""What a call leaves behind: one log line, one count, a request id, and nothing personal."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from certsvc.errors import NotFoundError
from certsvc.rpc.status import INTERNAL_TEXT
from certsvc.v1.agency_service_pb2 import GetAgencyRequest, GetAgencyResponse
from tests.unit.rpc.bench import BATCH, GET, HEALTH, Bench, Ended, echo, never


def test_a_client_that_went_away_is_no_error(bench: Bench) -> None:
    class Gone:
        def __iter__(self) -> Iterator[Any]:
            raise grpc.RpcError

    def gone(requests: Any, context: grpc.ServicerContext) -> Gone:
        return Gone()

    with capture_logs() as lines, pytest.raises(grpc.RpcError):
        list(bench.stream(BATCH, gone, []))

    assert [line["code"] for line in lines] == ["CANCELLED"]
    assert bench.context.status is None


def test_an_unknown_exception_is_logged_and_not_told(bench: Bench) -> None:
    def fail(request: Any, context: grpc.ServicerContext) -> Any:
        raise KeyError("11010519491231002X")

    with capture_logs() as lines, pytest.raises(Ended):
        bench.unary(GET, fail)

    assert bench.ended_with() == (grpc.StatusCode.INTERNAL, INTERNAL_TEXT)
    assert [line["log_level"] for line in lines] == ["error"]
    assert isinstance(lines[0]["exc_info"], KeyError)


def test_a_call_leaves_one_line_with_nothing_personal(bench: Bench) -> None:
    bench.context.metadata += (("x-request-id", "from-the-caller"),)

    def refuse(request: Any, context: grpc.ServicerContext) -> Any:
        raise NotFoundError(reason="NO_SUCH_AGENCY", message="no agency 王小明")

    with capture_logs() as lines, pytest.raises(Ended):
        bench.unary(GET, refuse, GetAgencyRequest(agency_id="王小明"))

    line = dict(lines[0], ms=0)
    assert line == {
        "event": "rpc",
        "log_level": "info",
        "method": GET,
        "code": "NOT_FOUND",
        "reason": "NO_SUCH_AGENCY",
        "caller": "agency:11440300455834562Y",
        "ms": 0,
        "request_id": "from-the-caller",
    }
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("r-7", True), ("x" * 128, True), ("x" * 129, False), ("", False), ("a b", False), ("a\nb", False), ("王", False)],
)
def test_a_request_id_is_the_callers_if_a_log_can_take_it(bench: Bench, sent: str, kept: bool) -> None:
    bench.context.metadata += (("x-request-id", sent),)

    bench.unary(GET, echo)

    name, given = bench.context.trailers[0]
    assert name == "x-request-id"
    assert (given == sent) == kept
    assert given


def test_calls_are_counted_by_method_and_code(bench: Bench) -> None:
    bench.unary(GET, echo)
    with pytest.raises(Ended):
        bench.unary("/certsvc.v1.AgencyService/CreateAgency", never)

    assert bench.count("certsvc_rpc_calls_total", method=GET, code="OK") == 1
    assert (
        bench.count(
            "certsvc_rpc_calls_total", method="/certsvc.v1.AgencyService/CreateAgency", code="PERMISSION_DENIED"
        )
        == 1
    )
    assert bench.count("certsvc_rpc_seconds_count", method=GET) == 1
    assert bench.count("certsvc_rpc_running", method=GET) == 0


def test_a_code_that_a_servicer_sets_is_counted(bench: Bench) -> None:
    def not_found(request: Any, context: grpc.ServicerContext) -> Any:
        context.set_code(grpc.StatusCode.NOT_FOUND)
        return GetAgencyResponse()

    bench.unary(HEALTH, not_found)

    assert bench.count("certsvc_rpc_calls_total", method=HEALTH, code="NOT_FOUND") == 1
