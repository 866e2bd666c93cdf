"""What a license of a type must be, and what of it goes into its code.

Invariant: a natural person's name and number are in a code only as the type's masks allow.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from certsvc.domain.license import Holder
from certsvc.domain.license_code import CodeHolder, FieldValue
from certsvc.domain.license_type import LicenseType, Mask
from certsvc.domain.masking import apply_mask
from certsvc.domain.numbers import HolderKind
from certsvc.domain.text import text_violations
from certsvc.errors import FieldViolation, InvalidInputError

MAX_NAME = 200
MAX_LICENSE_NUMBER = 128
"""Length of 证照编号 (GB/T 36903)."""
MAX_FIELD_TEXT = 4000
MAX_FIELD_DEPTH = 4
MAX_SAFE_INTEGER = 2**53 - 1
"""What a JavaScript reader of a code holds exactly."""

_KEY = re.compile(r"[^\W]{1,64}")


def check_license_content(
    license_type: LicenseType, *, license_number: str, holders: Sequence[Holder], fields: Mapping[str, Any]
) -> list[FieldViolation]:
    """What is wrong with a license's number, holders and texts, apart from its type's JSON Schema."""
    return [
        *text_violations(license_number, field="license_number", limit=MAX_LICENSE_NUMBER),
        *check_holders(license_type, holders),
        *_value_violations(fields, field="fields", depth=0),
    ]


def check_holders(license_type: LicenseType, holders: Sequence[Holder]) -> list[FieldViolation]:
    """Count, kind and names of holders against the type.

    Reasons: HOLDER_COUNT, HOLDER_KIND, DUPLICATE_HOLDER and those of `text_violations`.
    """
    violations = []
    least, most = license_type.min_holders, license_type.max_holders
    if not least <= len(holders) <= most:
        expected = f"{least}" if least == most else f"{least} to {most}"
        violations.append(FieldViolation("holders", "HOLDER_COUNT", f"has {len(holders)} holders, expected {expected}"))
    kinds = "/".join(sorted(license_type.holder_kinds))
    for place, holder in enumerate(holders):
        path = f"holders[{place}]"
        violations += text_violations(holder.name, field=f"{path}.name", limit=MAX_NAME)
        if holder.number.holder_kind not in license_type.holder_kinds:
            description = f"a holder of this type is {kinds}, this number belongs to {holder.number.holder_kind}"
            violations.append(FieldViolation(f"{path}.number", "HOLDER_KIND", description))
        if holder.number in (earlier.number for earlier in holders[:place]):
            violations.append(FieldViolation(f"{path}.number", "DUPLICATE_HOLDER", "stands here twice"))
    return violations


def code_holders(license_type: LicenseType, holders: Sequence[Holder]) -> tuple[CodeHolder, ...]:
    """The holders as the type's code shows them.

    The masks are for natural persons. Legal persons are in public registers: their names are shown in full,
    their numbers too, unless the type hides numbers altogether.
    """
    return tuple(
        CodeHolder(
            _shown(holder.name, license_type.qr_name_mask, holder) or "",
            _shown(holder.number.value, license_type.qr_number_mask, holder),
        )
        for holder in holders
    )


def code_fields(license_type: LicenseType, fields: Mapping[str, Any]) -> dict[int, FieldValue]:
    """The fields that the type's code shows, by `qr_key`, masked as it says; absent ones are left out.

    Raises InvalidInputError NOT_FOR_CODE for a value that a code cannot hold: anything but text, whole
    numbers of at most 2^53 - 1, and booleans.
    """
    shown: dict[int, FieldValue] = {}
    for spec in license_type.fields:
        value = fields.get(spec.name)
        if spec.qr_key is None or spec.qr_mask is Mask.HIDDEN or value is None:
            continue
        plain = _code_value(value, field=f"fields.{spec.name}")
        if spec.qr_mask is Mask.FULL:
            shown[spec.qr_key] = plain
        # A mask is for text; a number or a boolean under one is left out rather than shown.
        elif isinstance(plain, str) and (masked := apply_mask(plain, spec.qr_mask)) is not None:
            shown[spec.qr_key] = masked
    return shown


def _shown(value: str, mask: Mask, holder: Holder) -> str | None:
    if holder.number.holder_kind is HolderKind.LEGAL and mask is not Mask.HIDDEN:
        return value
    return apply_mask(value, mask)


def _code_value(value: Any, *, field: str) -> FieldValue:
    # JSON knows one kind of number: 3 may arrive as 3.0 and is a whole number to JSON Schema too.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | bool) or (isinstance(value, int) and abs(value) <= MAX_SAFE_INTEGER):
        return value
    description = "a code holds text, whole numbers up to 2^53 - 1, and true or false"
    raise InvalidInputError.of(FieldViolation(field, "NOT_FOR_CODE", description))


def _value_violations(value: Any, *, field: str, depth: int) -> list[FieldViolation]:
    if depth > MAX_FIELD_DEPTH:
        return [FieldViolation(field, "TOO_DEEP", f"is nested more than {MAX_FIELD_DEPTH} deep")]
    if isinstance(value, str):
        return text_violations(value, field=field, limit=MAX_FIELD_TEXT, required=False, multiline=True)
    items: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        # Names come from outside and become part of the answer.
        if not all(_KEY.fullmatch(name) for name in value):
            return [FieldViolation(field, "FIELD_NAME", "holds a name that is not 1 to 64 letters, digits and _")]
        items = ((f"{field}.{name}", item) for name, item in value.items())
    elif isinstance(value, list | tuple):
        items = ((f"{field}[{place}]", item) for place, item in enumerate(value))
    return [found for path, item in items for found in _value_violations(item, field=path, depth=depth + 1)]
