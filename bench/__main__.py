"""`make bench`: issues and verifications per second, one call at a time, many at once, and on a stream.

A real server process on SQLite and, where PostgreSQL is found, on PostgreSQL; the client shares the machine with it.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from certsvc.client import Client
from certsvc.v1 import common_pb2, license_service_pb2
from tests.databases import create_database, running_server, stop_server
from tests.demo.register import Register, running
from tests.demo.tour import APPROVAL_BUREAU, CLERK, TRAFFIC_POLICE

BUSINESS_LICENSE = "119900009999000119001"
CALLS = 400
STREAMED = 2000
THREADS = 16
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_codes() -> Iterator[str]:
    """Synthetic credit codes with right check characters (GB 32100, GB 11714), all different."""
    number = 0
    while True:
        number += 1
        organisation = f"{number:08d}"
        inner = 11 - sum(int(d) * w for d, w in zip(organisation, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        body = "91370200" + organisation + {10: "X", 11: "0"}.get(inner, str(inner))
        total = sum(CODE_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(body))
        yield body + CODE_ALPHABET[-total % 31]


CODES = credit_codes()


def business_license() -> license_service_pb2.IssueLicenseRequest:
    """One more synthetic company."""
    code = next(CODES)
    request = license_service_pb2.IssueLicenseRequest(
        type_code=BUSINESS_LICENSE,
        license_number=code,
        valid_from="2020-01-01",
        legal_basis="bench",
        holders=[common_pb2.Holder(number=common_pb2.Number(value=code), name="示例市海风贸易发展有限责任公司")],
    )
    request.fields.update({"founding_date": "2020-01-01", "legal_representative": "林示例"})
    return request


def rate(count: int, work: Callable[[], object]) -> float:
    """How many of `count` are done in a second."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def many(call: Callable[[object], object], items: Iterable[object]) -> None:
    """Call for every item, from several threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(call, items))


def measure(register: Register) -> dict[str, float]:
    """All rates of one register."""
    rates: dict[str, float] = {}
    with ExitStack() as stack:
        issuer: Client = stack.enter_context(register.agency(APPROVAL_BUREAU, officer=CLERK))
        other: Client = stack.enter_context(register.agency(TRAFFIC_POLICE))
        texts: list[str] = []

        def issue(request: object) -> None:
            assert isinstance(request, license_service_pb2.IssueLicenseRequest)
            texts.append(issuer.licenses.issue(request).qr_text)

        def issue_stream() -> None:
            answers = issuer.licenses.issue_many(business_license() for _ in range(STREAMED))
            for answer in answers:
                assert answer.change is not None, answer.error
                texts.append(answer.change.qr_text)

        def verify_stream(fresh: list[str]) -> None:
            for answer in other.verification.verify_many(fresh):
                assert answer.result is not None, answer.error

        def issue_each() -> None:
            for _ in range(CALLS):
                issue(business_license())

        def issue_together() -> None:
            many(issue, [business_license() for _ in range(CALLS)])

        rates["issue, one at a time"] = rate(CALLS, issue_each)
        rates[f"issue, {THREADS} threads"] = rate(CALLS, issue_together)
        rates["issue, stream"] = rate(STREAMED, issue_stream)
        rates["verify, one at a time"] = rate(
            CALLS, lambda: [other.verification.verify(text) for text in texts[:CALLS]]
        )
        rates[f"verify, {THREADS} threads"] = rate(
            CALLS, lambda: many(lambda text: other.verification.verify(str(text)), texts[CALLS : 2 * CALLS])
        )
        rates["verify, stream"] = rate(STREAMED, lambda: verify_stream(texts[-STREAMED:]))
    return rates


def main() -> int:
    """Measure both databases and print a table."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with running(folder / "sqlite") as register:
            columns = {"SQLite": measure(register)}
        try:
            url = create_database(running_server(folder))
            with running(folder / "postgresql", database_url=url) as register:
                columns["PostgreSQL"] = measure(register)
        finally:
            stop_server(folder)
    print(f"{'per second':<28}" + "".join(f"{name:>12}" for name in columns))
    for row in next(iter(columns.values())):
        print(f"{row:<28}" + "".join(f"{rates[row]:>12.0f}" for rates in columns.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
