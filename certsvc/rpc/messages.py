"""Taking in messages: nothing is parsed over its limit, and bytes that are no message are told so politely.

grpc answers INTERNAL when a deserializer raises. So ours hands a bad message on as a value, which becomes an
INVALID_ARGUMENT once the call is far enough to be told anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.rpc.permissions import ContextNeed, Rule

Item = TypeVar("Item", bound=Message)


@dataclass(frozen=True, slots=True)
class UnreadableMessage:
    """Stands for a message that could not be taken in."""

    error: InvalidInputError


def read_message(parse: Callable[[bytes], Message], limit: int, data: bytes) -> Message | UnreadableMessage:
    """The message of these bytes, or what stands for it; never raises for what a client sent."""
    if len(data) > limit:
        return _unreadable("REQUEST_TOO_LARGE", f"the message has {len(data)} bytes, at most {limit} allowed")
    try:
        return parse(data)
    except DecodeError:
        return _unreadable("REQUEST_FORM", "the bytes are no message of this method's request type")


def readable(message: Item | UnreadableMessage) -> Item:
    """One message of an itemwise stream. Raises InvalidInputError: REQUEST_TOO_LARGE, REQUEST_FORM."""
    if isinstance(message, UnreadableMessage):
        raise message.error
    return message


def check_message(rule: Rule, message: Message | UnreadableMessage) -> Message:
    """The message, if a servicer may have it.

    Raises InvalidInputError: REQUEST_TOO_LARGE, REQUEST_FORM, or a missing access context.
    """
    message = readable(message)
    if rule.access_context is ContextNeed.ALWAYS and not message.HasField("access_context"):
        description = "must say for which matter, case and cause, and on what legal basis"
        raise InvalidInputError.of(FieldViolation("access_context", "REQUIRED", description))
    return message


def _unreadable(reason: str, message: str) -> UnreadableMessage:
    return UnreadableMessage(InvalidInputError(reason=reason, message=message))
