"""Messages as people read them: one record as lines, many as a table; and as the proto JSON that --json prints."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from google.protobuf import json_format, struct_pb2, timestamp_pb2
from google.protobuf.message import Message
from rich.table import Table

from certsvc.cli.words import LABELS, OPEN_ENDED
from certsvc.domain.text import LocalizedText
from certsvc.v1 import common_pb2

FieldDescriptor: TypeAlias = Any
"""The generated code's descriptors come from C, with a type of their own in the stubs."""


def to_json(message: Message) -> dict[str, Any]:
    """The proto JSON of a message, with the proto's own names and every field present: a shape that stays."""
    value: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return value


def record_lines(message: Message, *, language: str) -> list[tuple[str, str]]:
    """(label, text) for each field that has a text; messages within are set out on one line."""
    cells = ((field.name, cell(message, field.name, language=language)) for field in message.DESCRIPTOR.fields)
    return [(label(name, language=language), text) for name, text in cells if text]


def table_of(messages: Iterable[Message], columns: Sequence[str], *, language: str) -> Table:
    """A table with these fields as columns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(label(name, language=language), overflow="fold")
    for message in messages:
        table.add_row(*(cell(message, name, language=language) for name in columns))
    return table


def label(name: str, *, language: str) -> str:
    """A field's name for people; the proto's where there is no other."""
    return LABELS.get(name, LocalizedText(name)).in_language(language)


def cell(message: Message, name: str, *, language: str) -> str:
    """One field as text; empty where it is not set."""
    field = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    if field.is_repeated and not _is_map(field):
        return ", ".join(_text(field, item, language=language) for item in value)
    if field.has_presence and not message.HasField(name):
        return ""
    if name == "valid_until" and not value and getattr(message, "valid_from", None):
        return OPEN_ENDED.in_language(language)
    return _text(field, value, language=language) if value or field.has_presence else ""


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _text(field: FieldDescriptor, value: Any, *, language: str) -> str:
    if _is_map(field):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, Message):
        return _message_text(value, language=language)
    if field.enum_type is not None:
        return enum_name(field, value)
    return str(value)


def enum_name(field: FieldDescriptor, number: int) -> str:
    """An enum value without the prefix that proto style gives it; empty for the zero value."""
    enum = field.enum_type
    if number == 0:
        return ""
    known = enum.values_by_number.get(number)
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return known.name.removeprefix(prefix) if known else str(number)


def _message_text(message: Message, *, language: str) -> str:
    match message:
        case common_pb2.LocalizedText():
            return LocalizedText(message.zh, message.en).in_language(language)
        case timestamp_pb2.Timestamp():
            return message.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ")
        case struct_pb2.Struct():
            return ", ".join(
                f"{name}={_plain(value)}" for name, value in sorted(json_format.MessageToDict(message).items())
            )
        case common_pb2.Number():
            return message.value
        case common_pb2.Holder():
            return f"{message.name} {message.number.value}".strip()
    parts = (cell(message, field.name, language=language) for field, _ in message.ListFields())
    return " ".join(part for part in parts if part)


def _plain(value: Any) -> str:
    """JSON values as one writes them; whole numbers without the .0 that JSON numbers come back with."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_plain(item)}" for name, item in value.items()) + "}"
    return str(value)
