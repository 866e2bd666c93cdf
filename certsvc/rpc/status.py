"""The one table from kinds of trouble to gRPC codes, and how an error is told to a caller.

Invariants: every CertsvcError carries google.rpc.ErrorInfo with its stable reason, an InvalidInputError also its
field violations as google.rpc.BadRequest; nothing of an unknown exception leaves the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import structlog
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from certsvc import errors

DOMAIN = "certsvc"
INTERNAL_TEXT = "internal error; the register's log has it under this x-request-id"

CODES: Mapping[type[errors.CertsvcError], grpc.StatusCode] = {
    errors.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.ExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.DataIntegrityError: grpc.StatusCode.DATA_LOSS,
    # These two become verdicts; outside of verifying they say that what the caller sent is no good.
    errors.MalformedError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.SignatureError: grpc.StatusCode.INVALID_ARGUMENT,
}

# gRPC peers refuse metadata over 8 KiB by default; details travel in it as Base64, messages percent-encoded.
_MAX_TRAILER_DETAILS = 4096
_MAX_MESSAGE = 400

_log = structlog.get_logger("certsvc.rpc")


@dataclass(frozen=True)
class Refusal(grpc.Status):
    """A status that ends a call, with the details that `grpc_status.rpc_status.from_call` reads."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


def code_of(error: BaseException) -> grpc.StatusCode:
    """The gRPC code of an error; INTERNAL for anything but a CertsvcError of a known kind."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def to_rpc_status(error: BaseException) -> status_pb2.Status:
    """The error as google.rpc.Status, whole, for an item of a stream.

    Of an exception that is no CertsvcError it says INTERNAL and a fixed text; log it before.
    """
    if not isinstance(error, errors.CertsvcError):
        return status_pb2.Status(code=_number(grpc.StatusCode.INTERNAL), message=INTERNAL_TEXT)
    status = status_pb2.Status(code=_number(code_of(error)), message=_shortened(error.message))
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.details))
    if isinstance(error, errors.InvalidInputError) and error.violations:
        _add(status, _bad_request(error))
    return status


def item_status(error: Exception, *, method: str, index: int) -> status_pb2.Status:
    """The status of one item of a stream that raised `error`; what is our fault is logged, with its traceback."""
    if not isinstance(error, errors.CertsvcError):
        _log.error("rpc item", method=method, index=index, exc_info=error)
    return to_rpc_status(error)


def to_refusal(error: BaseException, *, request_id: str) -> Refusal:
    """The status that ends a call with this error, cut to what fits into trailing metadata.

    Where there are more field violations than fit, the last one says how many were left out.
    """
    status = to_rpc_status(error)
    if status.ByteSize() > _MAX_TRAILER_DETAILS and isinstance(error, errors.InvalidInputError):
        del status.details[1:]
        _add(status, _bad_request(error, limit=_MAX_TRAILER_DETAILS - status.ByteSize()))
    trailer = (("x-request-id", request_id), ("grpc-status-details-bin", status.SerializeToString()))
    return Refusal(code_of(error), status.message, trailer)


def _bad_request(error: errors.InvalidInputError, *, limit: int | None = None) -> error_details_pb2.BadRequest:
    detail = error_details_pb2.BadRequest()
    for place, violation in enumerate(error.violations):
        detail.field_violations.add(field=violation.field, reason=violation.reason, description=violation.description)
        if limit is not None and detail.ByteSize() > limit - 200:
            del detail.field_violations[-1]
            left = len(error.violations) - place
            detail.field_violations.add(
                field="", reason="MORE_VIOLATIONS", description=f"and {left} more that do not fit here"
            )
            break
    return detail


def _add(status: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)


def _number(code: grpc.StatusCode) -> int:
    return int(code.value[0])


def _shortened(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else f"{message[: _MAX_MESSAGE - 1]}…"
