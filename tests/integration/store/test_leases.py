"""Leased numbers: nobody else gets them, whoever asks, whatever happens."""

from concurrent.futures import ThreadPoolExecutor

from certsvc.store.ledger import SQLLedger
from tests.integration.store.conftest import OpenLedger, seeded


def test_blocks_follow_each_other_from_one(ledger: SQLLedger) -> None:
    assert ledger.lease("license", 3) == range(1, 4)
    assert ledger.lease("license", 1) == range(4, 5)
    assert ledger.lease("status", 2) == range(1, 3)


def test_a_restart_goes_on_where_it_was(database_url: str, open_at: OpenLedger) -> None:
    first = seeded(database_url, open_at)
    assert first.lease("license", 256) == range(1, 257)
    first.close()
    assert open_at(database_url).lease("license", 1) == range(257, 258)


def test_no_number_goes_to_two(ledger: SQLLedger) -> None:
    with ThreadPoolExecutor(8) as threads:
        blocks = list(threads.map(lambda _: ledger.lease("license", 5), range(64)))
    assert sorted(number for block in blocks for number in block) == list(range(1, 321))


def test_no_number_goes_to_two_servers(postgres_url: str, open_at: OpenLedger) -> None:
    ledgers = [seeded(postgres_url, open_at), open_at(postgres_url)]
    with ThreadPoolExecutor(8) as threads:
        blocks = list(threads.map(lambda n: ledgers[n % 2].lease("new", 5), range(64)))
    assert sorted(number for block in blocks for number in block) == list(range(1, 321))
