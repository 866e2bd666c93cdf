"""Watching licenses over as many calls as it takes: the register ends each after ten minutes.

Invariants: every new call goes on where the last answer ended, so nothing is lost and nothing comes twice; a
call that has fallen silent is ended, because the register says something at least every 15 seconds.
"""

import threading
from collections.abc import Iterator
from typing import TypeAlias

import grpc

from certsvc.client.call_error import CallError, error_of_call
from certsvc.client.connection import Connection
from certsvc.v1 import license_service_pb2 as pb

LONGEST_SILENCE = 45.0
"""Seconds; three heartbeats."""

Method: TypeAlias = "grpc.UnaryStreamMultiCallable[pb.WatchLicenseEventsRequest, pb.WatchLicenseEventsResponse]"


def watch(
    connection: Connection,
    method: Method,
    request: pb.WatchLicenseEventsRequest,
    *,
    patience: float,
    heartbeats: bool,
    longest_silence: float = LONGEST_SILENCE,
) -> Iterator[pb.WatchLicenseEventsResponse]:
    """See LicenseCalls.watch. `longest_silence` in seconds."""
    following = pb.WatchLicenseEventsRequest()
    following.CopyFrom(request)
    failures, give_up_at = 0, 0.0
    while True:
        try:
            for answer in _one_call(connection, method, following, longest_silence=longest_silence):
                failures = 0
                following.resume_token = answer.resume_token
                if heartbeats or answer.HasField("event"):
                    yield answer
            error = CallError(reason="", message="the register ended the watch", code="UNAVAILABLE")
        except CallError as raised:
            error = raised
        if failures == 0:
            give_up_at = connection.policy.monotonic() + patience
        failures += 1
        if not (error.is_transient and connection.policy.wait(failures, deadline=give_up_at)):
            raise error


def _one_call(
    connection: Connection,
    method: Method,
    request: pb.WatchLicenseEventsRequest,
    *,
    longest_silence: float,
) -> Iterator[pb.WatchLicenseEventsResponse]:
    call = method(request, metadata=connection.metadata())
    fell_silent = threading.Event()

    def end() -> None:
        fell_silent.set()
        call.cancel()

    try:
        while True:
            # A thread an answer is little: heartbeats come every 15 seconds, and events pay for a database
            # read anyway.
            alarm = threading.Timer(longest_silence, end)
            alarm.daemon = True
            alarm.start()
            try:
                answer = next(call, None)
            finally:
                alarm.cancel()
            if answer is None:
                return
            yield answer
    except grpc.RpcError as raised:
        if fell_silent.is_set():
            message = f"the register said nothing for {longest_silence:g} s"
            raise CallError(reason="", message=message, code="UNAVAILABLE") from raised
        raise error_of_call(raised) from raised
    finally:
        call.cancel()
