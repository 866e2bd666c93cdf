"""Cells as registers write them, as the values that the API takes.

Invariant: what a cell means is never guessed where it could mean two things; such a cell goes on as it is, and the
register says what is wrong with it.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from certsvc.domain.validity_dates import SHANGHAI

OPEN_ENDED = frozenset({"长期", "永久", "长期有效", "永久有效", "long-term", "open-ended"})

STATE_WORDS: Mapping[str, str] = {
    "有效": "ACTIVE",
    "正常": "ACTIVE",
    "在业": "ACTIVE",
    "存续": "ACTIVE",
    "暂扣": "SUSPENDED",
    "暂停": "SUSPENDED",
    "中止": "SUSPENDED",
    "吊销": "REVOKED",
    "撤销": "REVOKED",
    "注销": "CANCELLED",
}
REVOCATION_WORDS: Mapping[str, str] = {"吊销": "PENALTY", "撤销": "ANNULMENT"}

_DAY = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日|(\d{4})(\d\d)(\d\d)", re.ASCII)
_NUMBERS = {"integer": re.compile(r"-?\d{1,15}", re.ASCII), "number": re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)}
_BOOLEANS = {"true": True, "false": False, "是": True, "否": False, "1": True, "0": False}


def day(text: str) -> str:
    """A day as YYYY-MM-DD, written with hyphens, slashes, dots, 年月日 or as eight digits; anything else as it is."""
    found = _DAY.fullmatch(text)
    if found is None:
        return text
    year, month, last = (int(part) for part in found.groups() if part and part.isdecimal())
    try:
        return date(year, month, last).isoformat()
    except ValueError:
        return text


def last_day(text: str) -> str:
    """The same, with nothing for an open-ended license (长期)."""
    return "" if text.lower() in OPEN_ENDED else day(text)


def moment(text: str) -> datetime:
    """An instant: a day, which begins at 00:00+08:00, or ISO 8601, which without an offset means +08:00.

    Raises ValueError.
    """
    value = datetime.fromisoformat(day(text))
    return value if value.tzinfo else value.replace(tzinfo=SHANGHAI)


def field_value(text: str, schema: Mapping[str, Any]) -> Any:
    """The value that a property of this JSON Schema takes; the text itself where it does not write one."""
    kind = schema.get("type")
    if kind == "string":
        return day(text) if schema.get("format") == "date" else text
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if kind in _NUMBERS:
        plain = text.replace(",", "")
        return json.loads(plain) if _NUMBERS[kind].fullmatch(plain) else text
    if kind in ("array", "object"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
