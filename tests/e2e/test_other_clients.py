"""Clients that are not ours: buf's gRPC client in Go, which learns the API by reflection, and tokens made with jose."""

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from certsvc.client import load_credential
from certsvc.rpc.server import SERVICES
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, FOOD_PERMIT, TRAFFIC_POLICE
from tests.e2e.server_process import ServerProcess
from tests.oracles.ask import ask_node

BUF = str(Path(sys.executable).with_name("buf"))
UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT = 16, 7, 3
HEALTH = "grpc.health.v1.Health"


def buf(server: ServerProcess, *arguments: str, method: str = "") -> subprocess.CompletedProcess[str]:
    url = f"http://{server.grpc_address}/{method}"
    command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def token(server: ServerProcess, agency_id: str, officer: str = "") -> str:
    credential = json.loads(server.credential(agency_id).read_text())
    return str(
        ask_node(
            "publications.mjs",
            "callerToken",
            pem=credential["private_key_pem"],
            kid=credential["key_id"],
            issuer=agency_id,
            subject=officer or agency_id,
            audience=credential["audience"],
            id=uuid.uuid4().hex,
        )["token"]
    )


def call(server: ServerProcess, method: str, request: dict[str, Any], *, bearer: str) -> dict[str, Any]:
    """Make a call that must succeed."""
    data = ("--data", json.dumps(request), "--header", f"authorization: Bearer {bearer}")
    done = buf(server, *data, method=f"certsvc.v1.{method}")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refusal(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stderr)
    return answer


def test_reflection_shows_the_services(shared_server: ServerProcess) -> None:
    shown = buf(shared_server, "--list-services").stdout.split()
    assert set(shown) == {*SERVICES, HEALTH, "grpc.reflection.v1alpha.ServerReflection"}
    methods = buf(shared_server, "--list-methods").stdout.split()
    assert "certsvc.v1.LicenseService/BatchIssueLicenses" in methods


def test_health(shared_server: ServerProcess) -> None:
    for service in ("", *SERVICES):
        done = buf(shared_server, "--data", json.dumps({"service": service}), method=f"{HEALTH}/Check")
        assert json.loads(done.stdout) == {"status": "SERVING"}, done.stderr
    unknown = buf(shared_server, "--data", '{"service": "certsvc.v1.Nothing"}', method=f"{HEALTH}/Check")
    assert refusal(unknown)["code"] == "not_found"


def test_a_license_issued_and_verified(shared_server: ServerProcess) -> None:
    clerk = token(shared_server, APPROVAL_BUREAU, CLERK)
    request = {
        "requestId": uuid.uuid4().hex,
        "typeCode": FOOD_PERMIT,
        "licenseNumber": f"BUF{uuid.uuid4().hex[:8]}",
        "holders": [{"number": {"value": "91370202MA9999013Y"}, "name": "示例市海风茶业有限公司"}],
        "fields": {"business_form": "食品销售经营者", "business_site": "海风路1号", "business_items": "预包装食品"},
        "validFrom": "2026-01-01",
        "validUntil": "2030-12-31",
        "legalBasis": "示例决定〔2026〕1号",
    }
    issued = call(shared_server, "LicenseService/IssueLicense", request, bearer=clerk)["change"]
    again = call(shared_server, "LicenseService/IssueLicense", request, bearer=clerk)["change"]
    assert again == issued
    police = token(shared_server, TRAFFIC_POLICE)
    question = {"qrText": issued["qrText"]}
    verified = call(shared_server, "VerificationService/VerifyCredential", question, bearer=police)["result"]
    assert verified["verdict"] == "VERDICT_VALID"
    assert verified["nationalCode"] == 0
    assert verified["shown"]["identifier"] == issued["license"]["identifier"]


def test_a_batch_on_a_stream(shared_server: ServerProcess) -> None:
    """Two items in, two answers out, each with the index of its item: one refused, one not verified as valid."""
    items = [{"item": {}}, {"item": {"qrText": "http://localhost/q#123"}}]
    data = "\n".join(map(json.dumps, items))
    bearer = ("--header", f"authorization: Bearer {token(shared_server, TRAFFIC_POLICE)}")
    done = buf(shared_server, "--data", data, *bearer, method="certsvc.v1.VerificationService/VerifyCredentials")
    assert done.returncode == 0, done.stderr
    answers = {int(answer.get("index", 0)): answer for answer in documents(done.stdout)}
    assert answers[0]["error"]["code"] == INVALID_ARGUMENT
    assert answers[1]["result"]["verdict"] == "VERDICT_MALFORMED"


def test_refusals_are_statuses(shared_server: ServerProcess) -> None:
    """The exit code of buf is eight times the gRPC code; only what is open is answered without a token."""
    method = "certsvc.v1.LicenseService/IssueLicense"
    assert buf(shared_server, "--data", "{}", method=method).returncode == 8 * UNAUTHENTICATED
    operator = json.loads((shared_server.data_dir / "operator.json").read_text())
    assert load_credential(shared_server.data_dir / "operator.json").kid == operator["key_id"]
    for bearer, code in (
        (token(shared_server, APPROVAL_BUREAU), PERMISSION_DENIED),  # no officer acts
        (token(shared_server, APPROVAL_BUREAU, CLERK), INVALID_ARGUMENT),
        (token(shared_server, APPROVAL_BUREAU, "nobody"), UNAUTHENTICATED),
    ):
        done = buf(shared_server, "--data", "{}", "--header", f"authorization: Bearer {bearer}", method=method)
        assert done.returncode == 8 * code, done.stderr


def documents(text: str) -> list[dict[str, Any]]:
    """JSON documents that stand one after another."""
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found
