"""How names and numbers look where they are shown masked.

Invariants: a masked value never holds more than its rule says (NAME: first and last character, TAIL4: the
last four); a value too short for its mask shows nothing. The length of a name stays visible, as on the masked
lists of the field.
"""

import unicodedata

from certsvc.domain.license_type import Mask

_NAME_SEPARATORS = frozenset("·•.-' ")


def mask_name(name: str) -> str:
    """张三 to 张*, 张小三 to 张*三, 欧阳娜娜 to 欧**娜; of a Latin name every word keeps its first letter.

    The dot inside names of minorities and the spaces and hyphens of others stay. Combining marks and
    variation selectors belong to the character before them.
    """
    characters = _characters(name.strip())
    if any(_is_han(character) for character in characters):
        return _mask_han(characters)
    masked = [
        character if character in _NAME_SEPARATORS or place == 0 or characters[place - 1] in _NAME_SEPARATORS else "*"
        for place, character in enumerate(characters)
    ]
    return "*" if len(characters) == 1 else "".join(masked)


def tail4(value: str) -> str:
    """`*` and the last four characters; only `*` of fewer than eight, where four would tell too much."""
    return f"*{value[-4:]}" if len(value) >= 8 else "*"


def apply_mask(value: str, mask: Mask) -> str | None:
    """`value` as `mask` shows it, None when it is not shown at all."""
    match mask:
        case Mask.FULL:
            return value
        case Mask.NAME:
            return mask_name(value)
        case Mask.TAIL4:
            return tail4(value)
        case Mask.HIDDEN:
            return None


def _mask_han(characters: list[str]) -> str:
    if len(characters) == 1:
        return "*"
    shown = {0} if len(characters) == 2 else {0, len(characters) - 1}
    return "".join(
        character if place in shown or character in _NAME_SEPARATORS else "*"
        for place, character in enumerate(characters)
    )


def _characters(text: str) -> list[str]:
    characters: list[str] = []
    for char in text:
        if characters and unicodedata.category(char).startswith("M"):
            characters[-1] += char
        else:
            characters.append(char)
    return characters


def _is_han(character: str) -> bool:
    return unicodedata.name(character[0], "").startswith("CJK ")
