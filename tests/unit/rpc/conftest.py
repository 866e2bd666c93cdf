"""A guard to try."""

from collections.abc import Iterator

import pytest

from tests.unit.rpc.bench import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A guard with the usual limits."""
    made = Bench()
    yield made
    made.pool.shutdown()
