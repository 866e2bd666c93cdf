"""The HTTP side: the page that a camera opens, and what verifiers fetch. Holds no session and takes no personal data.

Invariants: everything here is public; every answer says how long it may be kept; no page runs a script that is not
ours or talks to another host (Content-Security-Policy); errors are RFC 9457 problems and never show internals.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from certsvc.errors import CertsvcError, NotFoundError, UnavailableError
from certsvc.services.directory import Directory
from certsvc.services.follower import Follower
from certsvc.services.public_keys import PublicKeys
from certsvc.services.publications import MAX_AGE_SECONDS, RegisteredDigests, StatusLists
from certsvc.web.headers import SecurityHeaders
from certsvc.web.problems import problem

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
SHORT = f"public, max-age={MAX_AGE_SECONDS}"
FRESH = "no-cache"
READY_AGE_SECONDS = 5.0

_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_STATUS_LIST_TYPES = {"jwt": "application/statuslist+jwt", "cwt": "application/statuslist+cwt"}


@dataclass(frozen=True, slots=True)
class WebServices:
    """What the routes answer from."""

    keys: PublicKeys
    status_lists: StatusLists
    registered: RegisteredDigests
    directory: Directory
    follower: Follower
    type_document: Callable[[str, int], str]
    metrics: Callable[[], tuple[bytes, str]]
    development: bool


def create_app(services: WebServices) -> Starlette:
    """The ASGI application; its routes run in threads."""
    routes = _Routes(services)
    return Starlette(
        routes=[
            Route("/", routes.home),
            Route("/q", routes.page),
            Mount("/static", _FreshFiles(directory=STATIC)),
            Route("/keyset", routes.key_set),
            Route("/keyset/flags", routes.key_flags),
            Route("/keys/{kid}", routes.key_record),
            Route("/agencies/{agency_id}", routes.agency),
            Route("/types/{code}/{version}", routes.type_metadata),
            Route("/statuslists/{number}", routes.status_list),
            Route("/registered", routes.registered_digits),
            Route("/registered/", routes.registered),
            Route("/registered/{prefix}", routes.registered),
            Route("/.well-known/jwks.json", routes.jwks),
            Route("/.well-known/jwt-vc-issuer", routes.vc_issuer),
            Route("/healthz", routes.healthz),
            Route("/readyz", routes.readyz),
            Route("/metrics", routes.metrics),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={CertsvcError: problem, 404: problem, 405: problem, 500: problem},
    )


class _FreshFiles(StaticFiles):
    """Files that a browser asks for again each time: old and new scripts never run together after an upgrade."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FRESH
        return response


class _Routes:
    """One method a route; synchronous, so that Starlette runs them in its threads."""

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def home(self, request: Request) -> Response:
        return RedirectResponse("/q", status_code=307)

    def page(self, request: Request) -> Response:
        return FileResponse(STATIC / "q.html", media_type="text/html", headers={"Cache-Control": FRESH})

    def key_set(self, request: Request) -> Response:
        return _cached(request, self._services.keys.cose(), "application/cose-key-set", SHORT)

    def key_flags(self, request: Request) -> Response:
        return _cached(request, self._services.keys.flags().encode(), "application/keyflags+jwt", FRESH)

    def key_record(self, request: Request) -> Response:
        record = self._services.keys.record(request.path_params["kid"])
        return _cached(request, record.encode(), "application/json", FOREVER)

    def agency(self, request: Request) -> Response:
        agency = self._services.directory.agency(request.path_params["agency_id"])
        if agency is None:
            raise NotFoundError(reason="NO_SUCH_AGENCY", message="no agency has this credit code")
        name = {"zh": agency.name.zh, "en": agency.name.en}
        shown = {"id": agency.agency_id, "name": name, "region": agency.region, "state": agency.state}
        return _cached(request, json.dumps(shown, ensure_ascii=False).encode(), "application/json", SHORT)

    def type_metadata(self, request: Request) -> Response:
        version = _number(request.path_params["version"], reason="NO_SUCH_TYPE")
        document = self._services.type_document(request.path_params["code"], version)
        return _cached(request, document.encode(), "application/json", FOREVER)

    def status_list(self, request: Request) -> Response:
        form = "cwt" if "statuslist+cwt" in request.headers.get("accept", "") else "jwt"
        number = _number(request.path_params["number"], reason="NO_SUCH_LIST")
        published = self._services.status_lists.published(number, form)
        response = _cached(request, published.body, _STATUS_LIST_TYPES[form], SHORT, etag=published.etag)
        response.headers["Vary"] = "Accept"
        # Offline verifiers and wallets of other origins read status lists.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def registered_digits(self, request: Request) -> Response:
        deployment = {
            "prefix_digits": self._services.registered.prefix_digits(),
            "development": self._services.development,
        }
        return JSONResponse(deployment, headers={"Cache-Control": FRESH})

    def registered(self, request: Request) -> Response:
        prefix = request.path_params.get("prefix", "")
        entries = self._services.registered.under(prefix)
        return JSONResponse({"prefix": prefix, "entries": entries}, headers={"Cache-Control": "no-store"})

    def jwks(self, request: Request) -> Response:
        return _cached(request, self._services.keys.jwks().encode(), "application/jwk-set+json", SHORT)

    def vc_issuer(self, request: Request) -> Response:
        return _cached(request, self._services.keys.vc_issuer().encode(), "application/json", SHORT)

    def healthz(self, request: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    def readyz(self, request: Request) -> Response:
        age = self._services.follower.age()
        if age > READY_AGE_SECONDS:
            raise UnavailableError(
                reason="KNOWLEDGE_TOO_OLD", message=f"the last look at the register was {age:.1f} s ago"
            )
        return PlainTextResponse("ready\n", headers={"Cache-Control": "no-store"})

    def metrics(self, request: Request) -> Response:
        body, media_type = self._services.metrics()
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


def _number(text: str, *, reason: str) -> int:
    """A number of a path, bounded before it is converted. Raises NotFoundError: nothing has any other number."""
    if not _NUMBER.fullmatch(text):
        raise NotFoundError(reason=reason, message="nothing has this number")
    return int(text)


def _cached(request: Request, body: bytes, media_type: str, cache_control: str, *, etag: str = "") -> Response:
    """An answer with a strong validator; 304 where the client has it already (RFC 9110 §13)."""
    tag = f'"{etag or hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": cache_control}
    known = [candidate.strip() for candidate in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def type_document(directory: Directory, documents: Callable[..., str]) -> Callable[[str, int], str]:
    """How a type's metadata is found. Raises NotFoundError (NO_SUCH_TYPE)."""

    def find(code: str, version: int) -> str:
        license_type = directory.license_type(code, version)
        if license_type is None:
            raise NotFoundError(reason="NO_SUCH_TYPE", message="no license type has this code and version")
        return documents(license_type)

    return find
