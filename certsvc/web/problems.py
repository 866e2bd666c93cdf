"""Errors over HTTP: one table from kinds of error to status codes, answered as problem details (RFC 9457)."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from certsvc.errors import (
    AlreadyExistsError,
    CertsvcError,
    ConflictError,
    DeadlineError,
    ExhaustedError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)

STATUS: dict[type[CertsvcError], int] = {
    InvalidInputError: 400,
    UnauthenticatedError: 401,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    AlreadyExistsError: 409,
    FailedPreconditionError: 409,
    ConflictError: 409,
    ExhaustedError: 429,
    UnavailableError: 503,
    DeadlineError: 504,
}

_log = structlog.get_logger("certsvc.web")


def problem(request: Request, error: Exception) -> Response:
    """The answer to an error; what is not ours is logged and told in a fixed text."""
    if isinstance(error, HTTPException):
        return _answer(error.status_code, "HTTP_ERROR", error.detail)
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return _answer(status, error.reason, error.message)
    _log.error("unexpected_error", path=request.scope.get("route_path", ""), exc_info=error)
    return _answer(500, "INTERNAL", "something went wrong here; it was logged")


def _answer(status: int, reason: str, detail: str) -> Response:
    body = {"type": "about:blank", "status": status, "title": reason, "detail": detail}
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if status in (429, 503) else {})
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)
