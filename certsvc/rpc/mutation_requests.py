"""A mutation's request as the service layer keeps it: without its request_id, as bytes that say what they are.

Invariant: two requests have the same payload exactly when they ask for the same; requests of two RPCs never do,
though many have the same shape.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message

from certsvc.rpc.call import caller_of
from certsvc.services.mutations import Mutation

Result = TypeVar("Result")


class MutationRequest(Protocol):
    """A request that changes something."""

    request_id: str


def mutation_of(
    request: MutationRequest, context: grpc.ServicerContext, respond: Callable[[Result], Message]
) -> Mutation[Result]:
    """The mutation that `request` asks for; `respond` makes the response message from what the service returns."""
    return Mutation(
        caller=caller_of(context),
        request_id=request.request_id,
        payload=payload_of(request),
        encode=lambda result: respond(result).SerializeToString(deterministic=True),
    )


def payload_of(request: MutationRequest) -> bytes:
    """The request without its request_id, as a serialized google.protobuf.Any: it names its type."""
    if not isinstance(request, Message):
        raise TypeError("payloads are made of requests")
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("request_id")
    packed = any_pb2.Any()
    packed.Pack(bare, deterministic=True)
    return packed.SerializeToString(deterministic=True)
