"""What the code printed on a license says, apart from how it is encoded and signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

FieldValue = str | int | bool


class CodeHolder(NamedTuple):
    """A holder as the code shows it, masked where the type says so; `number` None where it is not shown."""

    name: str
    number: str | None = None

    def __repr__(self) -> str:
        return "CodeHolder(***)"


@dataclass(frozen=True, slots=True)
class LicenseCode:
    """What a license code says. Times are aware and in whole seconds; `expires` None is open-ended (长期).

    `identifier` is the dotted form with its root; `status_list` and `status_index` are its status entry;
    `fields` maps the type's `qr_key` (1 to 255) to a value.
    """

    issued_at: datetime
    not_before: datetime
    expires: datetime | None
    identifier: str
    type_version: int
    status_list: int
    status_index: int
    holders: tuple[CodeHolder, ...]
    fields: Mapping[int, FieldValue] = field(repr=False)
