"""What the served register publishes over HTTP, fetched with httpx and checked with npm's libraries."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from certsvc.v1 import license_service_pb2
from tests.e2e.permits import APPROVAL_BUREAU, CAUSE, CLERK, FOOD_PERMIT, permit
from tests.e2e.server_process import ServerProcess
from tests.oracles.ask import ask_node

SOON = 5.0
"""Seconds in which a change must be in the status list."""
STATUS_LIST_JWT, STATUS_LIST_CWT = "application/statuslist+jwt", "application/statuslist+cwt"
VALID, INVALID, SUSPENDED = 0, 1, 2
FOREVER = "public, max-age=31536000, immutable"
DOCUMENTS = {
    "/.well-known/jwks.json": ("application/jwk-set+json", "public, max-age=60"),
    "/.well-known/jwt-vc-issuer": ("application/json", "public, max-age=60"),
    "/keyset": ("application/cose-key-set", "public, max-age=60"),
    "/keyset/flags": ("application/keyflags+jwt", "no-cache"),
    f"/types/{FOOD_PERMIT}/1": ("application/json", FOREVER),
    "/statuslists/0": (STATUS_LIST_JWT, "public, max-age=60"),
}


@dataclass(frozen=True, slots=True)
class Issued:
    """A license as the outside sees it: its identifier, code bytes, and place in the status lists."""

    identifier: str
    text: str
    code: bytes
    kid: str
    list_number: int
    index: int
    digest: str


@pytest.fixture(scope="module")
def web(shared_server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_server.url(""), timeout=10) as client:
        yield client


def issue(server: ServerProcess, web: httpx.Client, number: str) -> Issued:
    """Issue a license and read its code with cose-js and cbor, by the key record that is published for it."""
    change = server.agency(APPROVAL_BUREAU, officer=CLERK).licenses.issue(permit(number))
    digits = int(change.qr_text.partition("#")[2])
    framed = digits.to_bytes((digits.bit_length() + 7) // 8, "big")
    assert framed[0] == 1
    kid = change.license.kid
    jwk = web.get(f"/keys/{kid}").json()["jwk"]
    read = ask_node("cose.mjs", "read", message=framed[1:].hex(), x=coordinate(jwk["x"]), y=coordinate(jwk["y"]))
    assert read["webcrypto"] is True, read
    assert dict(read["header"])[4] == {"hex": kid}
    claims = dict(read["claims"])
    list_number, index = dict(claims[-65537])[0]
    digest = hashlib.sha256(bytes.fromhex(read["signed"])).hexdigest()
    return Issued(change.license.identifier, change.qr_text, framed[1:], kid, list_number, index, digest)


def coordinate(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=").hex()


def jwks(web: httpx.Client) -> Any:
    return web.get("/.well-known/jwks.json").json()


def cose_keys(web: httpx.Client) -> dict[str, dict[str, Any]]:
    keys = ask_node("publications.mjs", "keySet", bytes=web.get("/keyset").content.hex())["keys"]
    return {key["kid"]: key for key in keys}


def statuses_of(web: httpx.Client, entries: list[Issued]) -> list[int]:
    """What the JWT form says, with the libraries of the OpenWallet Foundation."""
    token = web.get(f"/statuslists/{entries[0].list_number}").text
    answer = ask_node("sd_jwt_vc.mjs", "statuses", token=token, indices=[entry.index for entry in entries])
    assert answer["size"] == 2**17
    statuses: list[int] = answer["statuses"]
    return statuses


def test_the_two_key_sets_hold_the_same_keys(web: httpx.Client) -> None:
    """Each named by the thumbprint of RFC 9679, as computed by another library, in both sets."""
    cose, jose = cose_keys(web), {key["kid"]: key for key in jwks(web)["keys"]}
    assert cose.keys() == jose.keys()
    assert len(cose) == 4 + 3, "four of the system, one of each sample agency"
    for kid, key in cose.items():
        assert key["thumbprint"][:16] == kid
        assert (key["kty"], key["alg"], key["crv"]) == (2, -7, 1)
        jwk = jose[kid]
        assert (key["x"], key["y"]) == (coordinate(jwk["x"]), coordinate(jwk["y"]))
        assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
        assert "d" not in jwk


def test_key_records(web: httpx.Client) -> None:
    for jwk in jwks(web)["keys"]:
        answer = web.get(f"/keys/{jwk['kid']}")
        assert answer.headers["cache-control"] == FOREVER
        record = answer.json()
        assert record["jwk"] == {name: jwk[name] for name in ("kty", "crv", "x", "y")}
        assert record["development"] is True
        assert (record["purpose"] == "license") == (record["agency"] is not None)


def test_key_flags_are_signed_by_the_key_set_key(web: httpx.Client) -> None:
    token = web.get("/keyset/flags").text
    answer = ask_node("publications.mjs", "jwt", token=token, jwks=jwks(web), typ="keyflags+jwt")
    assert answer["payload"]["flags"] == {}
    assert web.get(f"/keys/{answer['header']['kid']}").json()["purpose"] == "key_set"
    tampered = f"{token[:-8]}{'A' * 8}"
    assert "refused" in ask_node("publications.mjs", "jwt", token=tampered, jwks=jwks(web), typ="keyflags+jwt")


def test_status_lists_in_both_forms(shared_server: ServerProcess, web: httpx.Client) -> None:
    """The same entries by content negotiation, each form signed by a published status key and about its own URL."""
    issuer = shared_server.agency(APPROVAL_BUREAU, officer=CLERK)
    valid, suspended = issue(shared_server, web, "P-1"), issue(shared_server, web, "P-2")
    suspension = license_service_pb2.SuspendLicenseRequest(identifier=suspended.identifier, cause=CAUSE)
    issuer.licenses.suspend(suspension)
    wait_for_status(web, suspended, SUSPENDED)
    url = json.loads(web.get("/.well-known/jwt-vc-issuer").text)["issuer"] + f"/statuslists/{valid.list_number}"

    jwt = web.get(f"/statuslists/{valid.list_number}", headers={"accept": STATUS_LIST_JWT})
    assert jwt.headers["content-type"] == STATUS_LIST_JWT
    read = ask_node("publications.mjs", "jwt", token=jwt.text, jwks=jwks(web), typ="statuslist+jwt")
    assert read["payload"]["sub"] == url
    assert read["payload"]["status_list"]["bits"] == 2
    assert read["payload"]["exp"] > time.time() > read["payload"]["iat"] - 5
    assert statuses_of(web, [valid, suspended]) == [VALID, SUSPENDED]

    cwt = web.get(f"/statuslists/{valid.list_number}", headers={"accept": f"{STATUS_LIST_CWT}, */*;q=0.1"})
    assert cwt.headers["content-type"] == STATUS_LIST_CWT
    key = cose_keys(web)[read["header"]["kid"]]
    indices = [valid.index, suspended.index]
    listed = ask_node(
        "publications.mjs", "statusListCwt", message=cwt.content.hex(), x=key["x"], y=key["y"], indices=indices
    )
    assert (listed["typ"], listed["sub"], listed["size"]) == (STATUS_LIST_CWT, url, 2**17)
    assert listed["statuses"] == [VALID, SUSPENDED]
    assert listed["ttl"] == read["payload"]["ttl"] == 60
    assert jwt.headers["vary"] == cwt.headers["vary"] == "Accept"
    assert jwt.headers["etag"] != cwt.headers["etag"]


def wait_for_status(web: httpx.Client, entry: Issued, expected: int) -> None:
    """The status list must say so soon."""
    ends_at = time.monotonic() + SOON
    while statuses_of(web, [entry]) != [expected]:
        assert time.monotonic() < ends_at, f"not {expected} after {SOON} s"
        time.sleep(0.2)


def test_a_revocation_is_published(shared_server: ServerProcess, web: httpx.Client) -> None:
    """At once where the page asks by digest; within five seconds in the status list."""
    issuer = shared_server.agency(APPROVAL_BUREAU, officer=CLERK)
    entry = issue(shared_server, web, "P-3")
    assert statuses_of(web, [entry]) == [VALID]
    assert state_of(web, entry) == "ACTIVE"
    issuer.licenses.revoke(
        license_service_pb2.RevokeLicenseRequest(
            identifier=entry.identifier, cause=CAUSE, kind=license_service_pb2.REVOCATION_KIND_PENALTY
        )
    )
    assert state_of(web, entry) == "REVOKED"
    wait_for_status(web, entry, INVALID)


def state_of(web: httpx.Client, entry: Issued) -> str:
    """What the register says of the digest, asked for by as many digits as it wants, as the page does."""
    digits = web.get("/registered").json()["prefix_digits"]
    answer = web.get(f"/registered/{entry.digest[:digits]}")
    assert answer.headers["cache-control"] == "no-store"
    states: dict[str, str] = dict(answer.json()["entries"])
    return states[entry.digest]


def test_an_sd_jwt_vc_checks_out_with_what_is_published(shared_server: ServerProcess, web: httpx.Client) -> None:
    """@sd-jwt/sd-jwt-vc finds key, type metadata and status list at the URLs that the credential names."""
    issuer = shared_server.agency(APPROVAL_BUREAU, officer=CLERK)
    entry = issue(shared_server, web, "P-4")
    wanted = license_service_pb2.GetCredentialRequest(
        identifier=entry.identifier, format=license_service_pb2.CREDENTIAL_FORMAT_SD_JWT_VC
    )
    credential = issuer.licenses.get_credential(wanted).credential
    read = verify_vc(web, credential)
    assert read["payload"]["identifier"] == entry.identifier
    assert read["payload"]["fields"]["business_items"] == "预包装食品销售"
    assert read["payload"]["holders"][0]["name"] == "示例市海风茶业有限公司"
    issuer.licenses.cancel(license_service_pb2.CancelLicenseRequest(identifier=entry.identifier, cause=CAUSE))
    wait_for_status(web, entry, INVALID)
    assert "refused" in verify_vc(web, credential)


def verify_vc(web: httpx.Client, credential: str) -> dict[str, Any]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in credential.split(".")[:2])
    issuer = web.get("/.well-known/jwt-vc-issuer").json()
    assert claims["iss"] == issuer["issuer"]
    keys = {key["kid"]: key for key in issuer["jwks"]["keys"]}
    list_url, vct = claims["status"]["status_list"]["uri"], claims["vct"]
    status_list = web.get(list_url.removeprefix(issuer["issuer"])).text
    status_kid = json.loads(base64.urlsafe_b64decode(status_list.split(".")[0] + "=="))["kid"]
    return ask_node(
        "sd_jwt_vc.mjs",
        "verify",
        credential=credential,
        key=keys[header["kid"]],
        statusKey=next(key for key in jwks(web)["keys"] if key["kid"] == status_kid),
        statusLists={list_url: status_list},
        types={vct: web.get(vct.removeprefix(issuer["issuer"])).json()},
        now=int(time.time()),
    )


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_are_cached_as_they_may(web: httpx.Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 200
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == DOCUMENTS[path]
    known = web.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["cache-control"] == answer.headers["cache-control"]
    assert web.get(path, headers={"if-none-match": '"another"'}).content == answer.content


def test_a_changed_list_has_another_validator(shared_server: ServerProcess, web: httpx.Client) -> None:
    before = web.get("/statuslists/0").headers["etag"]
    entry = issue(shared_server, web, "P-5")
    shared_server.agency(APPROVAL_BUREAU, officer=CLERK).licenses.suspend(
        license_service_pb2.SuspendLicenseRequest(identifier=entry.identifier, cause=CAUSE)
    )
    wait_for_status(web, entry, SUSPENDED)
    again = web.get("/statuslists/0", headers={"if-none-match": before})
    assert again.status_code == 200
    assert again.headers["etag"] != before


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, "/q", "/static/page.js", "/healthz", "/readyz", "/metrics", "/registered", "/nothing"]
)
def test_every_answer_carries_the_security_headers(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nothing", 404, "HTTP_ERROR"),
        ("GET", "/keys/0000000000000000", 404, "NO_SUCH_KEY"),
        ("GET", "/keys/%00", 404, "NO_SUCH_KEY"),
        ("GET", f"/types/{FOOD_PERMIT}/99", 404, "NO_SUCH_TYPE"),
        ("GET", "/statuslists/99", 404, "NO_SUCH_LIST"),
        ("GET", f"/statuslists/{10**30}", 404, "NO_SUCH_LIST"),
        ("GET", f"/types/{FOOD_PERMIT}/{10**30}", 404, "NO_SUCH_TYPE"),
        ("GET", "/registered/zz", 400, "INVALID_INPUT"),
        ("GET", f"/registered/{'0' * 64}", 400, "INVALID_INPUT"),
        ("POST", "/keyset", 405, "HTTP_ERROR"),
        ("DELETE", "/registered/", 405, "HTTP_ERROR"),
    ],
)
def test_refusals_are_problems(web: httpx.Client, method: str, path: str, status: int, title: str) -> None:
    answer = web.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (status, title)
    assert "Traceback" not in answer.text


def test_health_and_metrics(shared_server: ServerProcess, web: httpx.Client) -> None:
    assert (web.get("/healthz").text, web.get("/readyz").text) == ("ok\n", "ready\n")
    entry = issue(shared_server, web, "P-6")
    text = web.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    method = "/certsvc.v1.LicenseService/IssueLicense"
    counted = {
        sample.labels["code"]: sample.value
        for sample in families["certsvc_rpc_calls"].samples
        if sample.labels.get("method") == method and sample.name.endswith("_total")
    }
    assert counted["OK"] >= 1
    for told in (entry.identifier, APPROVAL_BUREAU, CLERK, "91370202MA9999013Y", "示例"):
        assert told not in text
