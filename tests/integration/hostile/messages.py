"""Hypothesis strategies for messages of any type, made from descriptors: what a caller may send, likely or not.

Texts and numbers come from a pool of values that mean something to a register, and from the edges of their types.
"""

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_EDGY_TEXTS = [
    *("", " ", "0", "-1", "*", "\x00", "\u202e", "\ufeff", "𠮷", "a" * 5000, "9" * 5000, "1.2.156.3005.2.", "..", "~"),
    *("9999-12-31", "0001-01-01", "2025-02-30", "２０２５-01-01", "10000-01-01", "1.1", "99999999999999999999.1"),
    *(
        "{}",
        '{"type":"object"}',
        '{"$ref":"#"}',
        "[" * 500,
        "https://x/q#1",
        "#",
        "1" * 4301,
        "eyJhbGciOiJub25lIn0.e30.~",
    ),
]
_LARGEST_DEPTH = 4


class Strategies:
    """Strategies whose texts come from `pool` half of the time."""

    def __init__(self, pool: Sequence[str]) -> None:
        self._texts = st.sampled_from([*pool, *_EDGY_TEXTS]) | st.text(max_size=40)

    def message(self, descriptor: Descriptor, depth: int = 0) -> st.SearchStrategy[Message]:
        """Any message of this type."""

        @st.composite
        def build(draw: st.DrawFn) -> Message:
            built: Message = GetMessageClass(descriptor)()
            for field in descriptor.fields:
                if draw(st.booleans()):
                    self._fill(draw, built, field, depth)
            return built

        return build()

    def changed(self, good: Message) -> st.SearchStrategy[Message]:
        """A good message with some of its fields, somewhere in it, replaced."""

        @st.composite
        def build(draw: st.DrawFn) -> Message:
            copy: Message = type(good)()
            copy.CopyFrom(good)
            for _ in range(draw(st.integers(1, 3))):
                place = copy
                while True:
                    field: Any = draw(st.sampled_from(list(place.DESCRIPTOR.fields)))
                    inner = _single(place, field)
                    if inner is None or not inner.DESCRIPTOR.fields or not draw(st.booleans()):
                        break
                    place = inner
                place.ClearField(field.name)
                if draw(st.booleans()):
                    self._fill(draw, place, field, 1)
            return copy

        return build()

    def _fill(self, draw: st.DrawFn, built: Any, field: Any, depth: int) -> None:
        if field.message_type is not None:
            self._fill_messages(draw, built, field, depth)
        elif field.is_repeated:
            getattr(built, field.name).extend(draw(st.lists(self._scalar(field), max_size=4)))
        else:
            setattr(built, field.name, draw(self._scalar(field)))

    def _fill_messages(self, draw: st.DrawFn, built: Any, field: Any, depth: int) -> None:
        if depth >= _LARGEST_DEPTH:
            return
        inner = self.message(field.message_type, depth + 1)
        if not field.is_repeated:
            getattr(built, field.name).CopyFrom(draw(inner))
            return
        for item in draw(st.lists(inner, max_size=3)):
            if not field.message_type.GetOptions().map_entry:
                getattr(built, field.name).add().CopyFrom(item)
            elif field.message_type.fields_by_name["value"].message_type is not None:
                getattr(built, field.name)[item.key].CopyFrom(item.value)  # type: ignore[attr-defined]
            else:
                getattr(built, field.name)[item.key] = item.value  # type: ignore[attr-defined]

    def _scalar(self, field: Any) -> st.SearchStrategy[Any]:
        kind = field.cpp_type
        if kind in _INTEGERS:
            least, most = _INTEGERS[kind]
            return st.sampled_from([0, 1, least, most]) | st.integers(least, most)
        match kind:
            case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
                return st.binary(max_size=100)
            case FieldDescriptor.CPPTYPE_STRING:
                return self._texts
            case FieldDescriptor.CPPTYPE_BOOL:
                return st.booleans()
            case FieldDescriptor.CPPTYPE_ENUM:
                return st.sampled_from([*field.enum_type.values_by_number, 99, -1])
        return st.floats()


def _single(message: Any, field: FieldDescriptor) -> Message | None:
    """The message in this field, or the first of several; None where there is none."""
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return None
    if field.is_repeated:
        items = getattr(message, field.name)
        return items[0] if items else None
    return getattr(message, field.name) if message.HasField(field.name) else None
