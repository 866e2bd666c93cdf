"""Regular expressions in license types: a small language, and a bound on what matching may cost.

Python's matcher backtracks, so `(a+)+$` over thirty letters stops a worker. Invariant: a pattern that passed
`pattern_fault` tries at most MAX_WAYS divisions of a text of MAX_MATCHED characters from each place in it.

The language is what ECMA-262 (which JSON Schema 2020-12 names) and Python share: literals, classes, groups,
alternation and quantifiers. Refused: looking around, back-references, modes, lazy and possessive quantifiers.
"""

import re
from collections.abc import Sequence

MAX_PATTERN = 200
MAX_MATCHED = 256
"""Longer texts are refused before they are matched."""
MAX_WAYS = (MAX_MATCHED + 1) ** 2
"""Two quantifiers without a bound."""
_MAX_REPEAT = 1_000

_CLASS = re.compile(r"\[\^?(?:[^\]\\\[]|\\[dDwWsS]|\\u[0-9A-Fa-f]{4}|\\[^A-Za-z0-9])+\]")
_ESCAPE = re.compile(r"\\(?:[dDwWsSbB]|u[0-9A-Fa-f]{4}|[^A-Za-z0-9])")
_QUANTIFIER = re.compile(r"[*+?]|\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_GROUP = re.compile(r"\((?:\?:)?(?!\?)")


def pattern_fault(pattern: str) -> str:
    """What is wrong with a pattern, in words that fit behind "the pattern"; empty if nothing is."""
    if len(pattern) > MAX_PATTERN:
        return f"has {len(pattern)} characters, at most {MAX_PATTERN} allowed"
    try:
        re.compile(pattern)
        ways = _Reader(pattern).ways()
    except re.error as error:
        return f"is none: {error.msg}"
    except _RefusedError as error:
        return str(error)
    if ways > MAX_WAYS:
        return "can divide a text in too many ways: use fewer quantifiers without a small upper bound"
    return ""


class _RefusedError(Exception):
    """The pattern is outside of the language, or costs too much."""


class _Reader:
    """Reads a pattern by recursive descent and counts in how many ways it may try to divide a text."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    def ways(self) -> int:
        """The count; raises _RefusedError."""
        ways = self._alternatives()
        if self._place < len(self._pattern):
            raise _RefusedError("has an unopened group")
        return ways

    def _alternatives(self) -> int:
        """Branches are tried one after the other: their ways add up."""
        ways = self._sequence()
        while self._next("|"):
            ways += self._sequence()
        return ways

    def _sequence(self) -> int:
        """Whatever one part tries, the next tries everything for it: ways multiply."""
        ways = 1
        while self._place < len(self._pattern) and self._pattern[self._place] not in "|)":
            ways = min(ways * self._repeated(self._atom()), MAX_WAYS + 1)
        return ways

    def _atom(self) -> int:
        if self._match(_GROUP):
            ways = self._alternatives()
            if not self._next(")"):
                raise _RefusedError("has an unclosed group")
            return ways
        if self._match(_CLASS) or self._match(_ESCAPE):
            return 1
        if self._pattern[self._place] in "([\\*+?{":
            raise _RefusedError(f"uses what is not allowed here, at character {self._place + 1}")
        self._place += 1
        return 1

    def _repeated(self, ways: int) -> int:
        """The ways of an atom with the quantifier that follows it."""
        quantifier = self._match(_QUANTIFIER)
        if quantifier is None:
            return ways
        if self._pattern[self._place : self._place + 1] in ("?", "+"):
            raise _RefusedError("uses a lazy or possessive quantifier")
        least, most = _bounds(quantifier.group(), quantifier.groups())
        if least == most:
            power: int = ways**least
            return min(power, MAX_WAYS + 1)
        if ways > 1:
            raise _RefusedError("repeats a group that holds quantifiers or alternatives itself")
        return min(most, MAX_MATCHED) - least + 1

    def _match(self, form: re.Pattern[str]) -> re.Match[str] | None:
        found = form.match(self._pattern, self._place)
        if found:
            self._place = found.end()
        return found

    def _next(self, char: str) -> bool:
        if self._pattern[self._place : self._place + 1] != char:
            return False
        self._place += 1
        return True


def _bounds(quantifier: str, parts: Sequence[str | None]) -> tuple[int, int]:
    """Fewest and most repetitions; no bound counts as the longest text."""
    if quantifier in ("*", "+"):
        return (0 if quantifier == "*" else 1), MAX_MATCHED
    if quantifier == "?":
        return 0, 1
    least = int(parts[0] or 0)
    most = int(parts[2]) if parts[2] else (max(least, MAX_MATCHED) if parts[1] else least)
    if most > _MAX_REPEAT:
        raise _RefusedError(f"repeats more than {_MAX_REPEAT} times")
    return least, most
