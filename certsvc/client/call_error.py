"""A call that the register refused or did not answer, as one typed error, read from google.rpc.Status.

Invariants: every failure of a call of this client is a CallError, with the reason, the field violations and
the metadata that the register sent; a failure without them (a proxy's, gRPC's own) has an empty reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from certsvc.errors import CertsvcError, FieldViolation

CODE_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}

# Nothing about the same request changes while it waits for these: a stale etag stays stale, a day's limit
# used up.
_LASTING_ABORTS = "STALE"
_PASSING_EXHAUSTION = frozenset({"TOO_MANY_CALLS", "TOO_MANY_STREAMS"})


@dataclass(eq=False)
class CallError(CertsvcError):
    """`code` is the gRPC code's name, such as INVALID_ARGUMENT; `details` the ErrorInfo's metadata.

    `reason` is the register's stable name of the case (docs/errors.md), `violations` all refused fields at
    once.
    """

    code: str = "UNKNOWN"
    violations: Sequence[FieldViolation] = ()

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the register says about the case, such as the present `state` of a license."""
        return self.details

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        match self.code:
            case "UNAVAILABLE":
                return True
            case "ABORTED":
                return not self.reason.startswith(_LASTING_ABORTS)
            case "RESOURCE_EXHAUSTED":
                return self.reason in _PASSING_EXHAUSTION
            case _:
                return False

    def __str__(self) -> str:
        return f"{self.code} {self.reason}: {self.message}" if self.reason else f"{self.code}: {self.message}"


def error_of_call(error: grpc.RpcError) -> CallError:
    """The CallError of what gRPC raised."""
    try:
        status = rpc_status.from_call(cast(grpc.Call, error))  # what gRPC raises is always the call itself
    except ValueError:  # the details contradict the call's own status: believe the status
        status = None
    if status is not None:
        return error_of_status(status)
    return CallError(reason="", message=error.details() or "", code=error.code().name)


def error_of_status(status: status_pb2.Status) -> CallError:
    """The CallError of a google.rpc.Status, as a stream's answers carry it."""
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, bad_request):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    return CallError(
        reason=info.reason,
        message=status.message,
        details=dict(info.metadata),
        code=CODE_NAMES.get(status.code, "UNKNOWN"),
        violations=tuple(
            FieldViolation(violation.field, violation.reason, violation.description)
            for violation in bad_request.field_violations
        ),
    )
