"""A register of one agency for the verify page, with faults on order.

It serves the page's own files and what a register publishes about keys, types, states and digests, made by
`certsvc.credentials` with real keys; every request is kept, so that a test can say what the page asked and what it did
not. Unlike the real server it answers late, wrongly, signed by the wrong key, or not at all, when told to.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certsvc.web
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.jws import sign_jws
from certsvc.credentials.qr_code import digest_of, parse_code, sign_code
from certsvc.credentials.status_list import StatusList, StatusListToken, sign_status_list_jwt
from certsvc.domain.identifier import make_identifier
from certsvc.domain.license_code import CodeHolder, LicenseCode
from certsvc.domain.validity_dates import SHANGHAI
from tests.vectors.signers import VectorSigner

STATIC = Path(next(iter(certsvc.web.__path__))) / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

TYPE_CODE = "119900009999000119001"
AGENCY_ID = "1299010099990002X3"
AGENCY_NAME = {"zh": "示例市市场监督管理局", "en": "Sample City Market Regulation Bureau"}
TYPE = {
    "vct": "https://register.example/types/119900009999000119001/1",
    "certsvc": {
        "code": TYPE_CODE,
        "version": 1,
        "name": {"zh": "营业执照", "en": "Business license"},
        "fields": [
            {
                "name": "legal_representative",
                "qr_key": 1,
                "label": {"zh": "法定代表人", "en": "Legal representative"},
            },
            {"name": "founded", "qr_key": 2, "label": {"zh": "成立日期", "en": "Founded on"}},
            {"name": "scope", "qr_key": None, "label": {"zh": "经营范围", "en": "Scope of business"}},
        ],
    },
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int = 200
    media_type: str = "application/json"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: object, *, status: int = 200, media_type: str = "application/json") -> "Answer":
        """A JSON document."""
        return cls(status=status, media_type=media_type, body=json.dumps(document).encode())


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


NOT_FOUND = Answer.json({"title": "not found"}, status=404, media_type="application/problem+json")

Fault = Callable[[Answer], Answer]
"""Makes the answer that goes out from the right one; may wait, or raise ConnectionError to hang up."""


class RegisterStub:
    """What the stub knows; tests change it while it serves. `code` signs and registers in one step."""

    def __init__(self) -> None:
        self.license_key = VectorSigner("page license")
        self.status_key = VectorSigner("page status")
        self.key_set_key = VectorSigner("page key_set")
        self.keys: dict[str, dict[str, Any]] = {}
        self.flags: dict[str, dict[str, Any]] = {}
        self.statuses: dict[int, dict[int, int]] = {0: {}}
        self.registered: dict[str, str] = {}
        self.prefix_digits = 2
        self.development = False
        self.clock_offset = timedelta(0)
        self.faults: dict[str, Fault] = {}
        self.requests: list[SeenRequest] = []
        self.secrets: list[str] = []
        self.publish(self.license_key, purpose="license", agency=True)
        self.publish(self.status_key, purpose="status")
        self.publish(self.key_set_key, purpose="key_set")

    def publish(self, key: VectorSigner, *, purpose: str, agency: bool = False, **overrides: Any) -> None:
        """Put a key's record where the page looks for it; `overrides` replace its members."""
        self.keys[key.kid] = {
            "kid": key.kid,
            "jwk": jwk_of(key.sec1),
            "alg": "ES256",
            "purpose": purpose,
            "agency": {"id": AGENCY_ID, "name": AGENCY_NAME} if agency else None,
            "types": [],
            "not_before": int((self.now() - timedelta(days=365)).timestamp()),
            "development": False,
            **overrides,
        }

    def now(self) -> datetime:
        """The register's clock, in whole seconds."""
        return datetime.now(UTC).replace(microsecond=0) + self.clock_offset

    def code(self, license_code: LicenseCode, *, key: VectorSigner | None = None, state: str | None = "ACTIVE") -> str:
        """The digits of `license_code`, signed with `key` and registered in `state` (None: not registered)."""
        raw = sign_code(license_code, signer=key or self.license_key)
        self.secrets.append(raw.hex())
        if state is not None:
            self.registered[digest_of(parse_code(raw).signed_bytes).hex()] = state
        return str(int.from_bytes(raw, "big"))

    def digest(self, digits: str) -> str:
        """The registration digest of a code, in hex."""
        number = int(digits)
        return digest_of(parse_code(number.to_bytes((number.bit_length() + 7) // 8, "big")).signed_bytes).hex()

    def answer(self, path: str) -> Answer:
        """What a register answers to GET `path`."""
        found: Answer | None = None
        match path.strip("/").split("/"):
            case ["q"]:
                found = replace(static_file("q.html"), headers={"Content-Security-Policy": CSP})
            case ["static", name]:
                found = static_file(name)
            case ["keys", kid] if kid in self.keys:
                found = Answer.json(self.keys[kid])
            case ["keyset", "flags"]:
                found = self._flags()
            case ["types", code, version] if (code, version) == (TYPE_CODE, "1"):
                found = Answer.json(TYPE)
            case ["statuslists", number] if number.isdecimal() and int(number) in self.statuses:
                found = self.status_list(int(number))
            case ["registered"]:
                # The prefix of a register so small that it has none is empty, and its path this one with a slash.
                deployment = {"prefix_digits": self.prefix_digits, "development": self.development}
                found = Answer.json(deployment) if path == "/registered" else self._bucket("")
            case ["registered", prefix]:
                found = self._bucket(prefix)
        return found or NOT_FOUND

    def _bucket(self, prefix: str) -> Answer:
        found = [[digest, state] for digest, state in self.registered.items() if digest.startswith(prefix)]
        return Answer.json({"prefix": prefix, "entries": found})

    def _flags(self) -> Answer:
        issued = int(self.now().timestamp())
        claims = {"iat": issued, "exp": issued + 600, "version": 1, "flags": self.flags}
        token = sign_jws(claims, typ="keyflags+jwt", signer=self.key_set_key)
        return Answer(media_type="application/keyflags+jwt", body=token.encode())

    def status_list(self, number: int) -> Answer:
        """A list as it is served."""
        issued = self.now()
        token = StatusListToken(
            uri=f"https://register.example/statuslists/{number}",
            statuses=StatusList.of(self.statuses[number]),
            issued_at=issued,
            expires_at=issued + timedelta(minutes=15),
            ttl=timedelta(seconds=60),
        )
        signed = sign_status_list_jwt(token, signer=self.status_key)
        return Answer(
            media_type="application/statuslist+jwt",
            body=signed.encode(),
            headers={"Cache-Control": "max-age=60"},
        )


def static_file(name: str) -> Answer:
    """One of the page's own files."""
    path = STATIC / name
    if not path.is_file():
        return NOT_FOUND
    return Answer(media_type=f"{MEDIA_TYPES[path.suffix]}; charset=utf-8", body=path.read_bytes())


def business_license(**overrides: Any) -> LicenseCode:
    """A business license that is valid today; `serial` makes another one, other names replace members."""
    serial = overrides.pop("serial", "2026000000001")
    identifier = make_identifier(type_code=TYPE_CODE, agency_id=AGENCY_ID, serial=serial, version=1)
    today = datetime.now(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    defaults: dict[str, Any] = {
        "issued_at": datetime.now(UTC).replace(microsecond=0) - timedelta(days=1),
        "not_before": today - timedelta(days=30),
        "expires": None,
        "identifier": identifier.text,
        "type_version": 1,
        "status_list": 0,
        "status_index": 4711,
        "holders": (CodeHolder("示例市青山绿水生态农业科技发展有限责任公司", "91440300123456788M"),),
        "fields": {1: "张建国", 2: "2015-06-18"},
    }
    return LicenseCode(**{**defaults, **overrides})


@contextmanager
def serving(stub: RegisterStub) -> Iterator[str]:
    """Serve the stub on loopback; yields the address, with no slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(stub.now(), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            path = self.path.partition("?")[0]
            stub.requests.append(SeenRequest(self.command, self.path, dict(self.headers), self.rfile.read(length)))
            answer = stub.answer(path)
            try:
                for start, fault in stub.faults.items():
                    if path.startswith(start):
                        answer = fault(answer)
            except ConnectionError:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_POST(self) -> None:
            self.do_GET()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A browser that goes away in the middle of an answer is no fault."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
