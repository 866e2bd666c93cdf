"""Two workers on one PostgreSQL that activate keys at the same time: at no time two of them sign."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack
from threading import Barrier

import pytest

from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.errors import ConflictError
from certsvc.keyring.blind_index import HMACBlindIndex
from certsvc.keyring.cipher import AEADCipher
from certsvc.keyring.memory_vault import MemoryVault
from certsvc.services.signing_keys import KeyPolicy, NewSigningKey
from certsvc.store.ledger import open_ledger
from certsvc.store.schema import migrate
from tests.unit.services.administration import Administration, SetClock

WAIT = 20.0
ROUNDS = 12


@pytest.fixture
def workers(postgres_url: str) -> Iterator[tuple[Administration, Administration]]:
    """Two of them, with one vault."""
    clock, vault = SetClock(), MemoryVault()
    with ExitStack() as stack:
        migrate(postgres_url)
        made = []
        for _ in range(2):
            ledger = open_ledger(postgres_url, cipher=AEADCipher({1: b"1" * 32}), index=HMACBlindIndex(b"n" * 32))
            stack.callback(ledger.close)
            made.append(Administration(ledger, clock, KeyPolicy(development=True), vault))
        yield made[0], made[1]


@pytest.mark.parametrize("former", [False, True], ids=["no_former_key", "a_former_key"])
def test_of_two_workers_one_activates_its_key(workers: tuple[Administration, Administration], former: bool) -> None:
    purposes = iter([KeyPurpose.VC] * ROUNDS if former else list(KeyPurpose))
    refusals = 0
    for purpose in purposes:
        barrier = Barrier(2)

        def activate(worker: Administration, purpose: KeyPurpose = purpose, barrier: Barrier = barrier) -> bool:
            made = worker.signing_keys.prepare(NewSigningKey(purpose), worker.mutation())
            barrier.wait(WAIT)
            try:
                worker.signing_keys.activate(worker.answer(made).kid, worker.mutation())
            except ConflictError:
                return False
            return True

        with futures.ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(activate, workers))

        with workers[0].ledger.read() as repositories:
            keys = repositories.signing_keys.all()
        states = [key.state for key in keys if key.purpose is purpose]
        assert states.count(KeyState.ACTIVE) == 1
        assert any(outcomes)
        refusals += not all(outcomes)
    assert refusals or former, "no two activations met: this tried nothing"
