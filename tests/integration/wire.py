"""Calls made of bytes, for what no client of ours would send."""

from collections.abc import Iterable, Iterator

import grpc
from google.protobuf.message import Message

from certsvc.client.call_error import error_of_call
from certsvc.client.connection import Connection

LICENSES = "/certsvc.v1.LicenseService"
VERIFICATION = "/certsvc.v1.VerificationService"


def _as_it_is(data: bytes) -> bytes:
    return data


class Wire:
    """Calls methods by name on a connection; raises CallError as the client does, but never tries twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._timeout = connection.timeout

    def call(self, method: str, request: bytes | Message) -> bytes:
        """Make a unary call."""
        make = self._connection.channel.unary_unary(
            method, request_serializer=_as_it_is, response_deserializer=_as_it_is
        )
        try:
            answer: bytes = make(_bytes_of(request), timeout=self._timeout, metadata=self._connection.metadata())
        except grpc.RpcError as error:
            raise error_of_call(error) from error
        return answer

    def stream(self, method: str, requests: Iterable[bytes | Message]) -> Iterator[bytes]:
        """Make a call with any number of requests and answers; one request makes a server stream too."""
        make = self._connection.channel.stream_stream(
            method, request_serializer=_as_it_is, response_deserializer=_as_it_is
        )
        call = make(map(_bytes_of, requests), timeout=self._timeout, metadata=self._connection.metadata())
        try:
            yield from call
        except grpc.RpcError as error:
            raise error_of_call(error) from error
        finally:
            call.cancel()


def _bytes_of(request: bytes | Message) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()
