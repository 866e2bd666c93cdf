"""What a call was refused with."""

from collections.abc import Callable

import pytest

from certsvc.client import CallError

Findings = set[tuple[str, str]]


def refusal(call: Callable[[], object]) -> CallError:
    """The error that `call` ends with; it must not succeed."""
    with pytest.raises(CallError) as caught:
        call()
    return caught.value


def findings(error: CallError) -> Findings:
    """(field, reason) of everything that was wrong; each says in words what was expected."""
    assert all(violation.description for violation in error.violations)
    found = {(violation.field, violation.reason) for violation in error.violations}
    assert len(found) == len(error.violations), "something is reported twice"
    return found
