"""A fault of ours under one item of a stream: that item's answer, with the others unharmed and the log told."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from google.rpc import code_pb2
from prometheus_client import CollectorRegistry

from certsvc.errors import NotFoundError
from certsvc.rpc.call import CallContext
from certsvc.rpc.licenses import LicenseServicer
from certsvc.rpc.metrics import VerdictMetrics
from certsvc.rpc.status import INTERNAL_TEXT
from certsvc.rpc.verification import VerificationServicer
from certsvc.v1 import license_service_pb2, verification_service_pb2
from tests.unit.rpc.bench import VERIFIER, FakeContext

TEXTS = ["missing", "fault", "missing"]


def fail(text: str) -> None:
    if text == "fault":
        raise OverflowError("of day 4711")
    raise NotFoundError(reason="NO_SUCH_LICENSE", message="not here")


def verified(context: CallContext, executor: ThreadPoolExecutor) -> list[Any]:
    use: Any = SimpleNamespace(verification=SimpleNamespace(verify_code=lambda _caller, text, *_, **__: fail(text)))
    servicer = VerificationServicer(use, executor=executor, metrics=VerdictMetrics(CollectorRegistry()))
    item = verification_service_pb2.VerifyCredentialsRequest
    requests = [item(item=verification_service_pb2.VerifyCredentialRequest(qr_text=text)) for text in TEXTS]
    return list(servicer.VerifyCredentials(iter(requests), context))


def issued(context: CallContext, executor: ThreadPoolExecutor) -> list[Any]:
    use: Any = SimpleNamespace(issuing=SimpleNamespace(issue=lambda _, command, __: fail(command.license_number)))
    paging: Any = None
    servicer = LicenseServicer(use, paging=paging, executor=executor)
    item = license_service_pb2.BatchIssueLicensesRequest
    made = license_service_pb2.IssueLicenseRequest
    ids = [f"0000000000000000000000000000000{place}" for place in range(len(TEXTS))]
    requests = [
        item(license=made(license_number=text, request_id=request_id, type_code="119900009999000119001"))
        for text, request_id in zip(TEXTS, ids, strict=True)
    ]
    return list(servicer.BatchIssueLicenses(iter(requests), context))


@pytest.mark.parametrize(("ask", "method"), [(verified, "VerifyCredentials"), (issued, "BatchIssueLicenses")])
def test_a_fault_is_the_answer_of_its_item_alone(ask: Any, method: str) -> None:
    context = CallContext(FakeContext(), ends_at=None)
    context.caller = VERIFIER
    with ThreadPoolExecutor(1) as executor, structlog.testing.capture_logs() as logs:
        answers = sorted(ask(context, executor), key=lambda answer: answer.index)
    assert [answer.error.code for answer in answers] == [code_pb2.NOT_FOUND, code_pb2.INTERNAL, code_pb2.NOT_FOUND]
    assert (answers[1].error.message, list(answers[1].error.details)) == (INTERNAL_TEXT, [])
    (line,) = logs
    assert (line["log_level"], line["method"], line["index"]) == ("error", method, 1)
    assert isinstance(line["exc_info"], OverflowError)
