"""Several rows of one license in one file: the last one counts, whatever the register does side by side."""

import csv
import itertools
from pathlib import Path

import pytest

from certsvc.cli.importing.mapping import mapping_for
from certsvc.cli.importing.rejects import RejectFile
from certsvc.cli.importing.requests import RowRequests
from certsvc.cli.importing.run import ImportCounts, ImportRun
from certsvc.cli.importing.source import open_source
from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import BUSINESS_FIELDS, BUSINESS_LICENSE, LEGAL_BASIS, business_license, unique_number
from tests.integration.register import Register

LICENSES, ROWS = 60, 8


HOLDER = business_license().holders[0]


def _row(number: str, **changes: str) -> dict[str, str]:
    fixed = {
        "license_number": number,
        "holders[0].number": HOLDER.number.value,
        "holders[0].name": HOLDER.name,
        "valid_from": "2021-05-18",
        "legal_basis": LEGAL_BASIS,
        "imported.state": "ACTIVE",
        "imported.state_time": "",
        "imported.issue_time": "2021-05-18",
        **{f"fields.{name}": str(value) for name, value in BUSINESS_FIELDS.items()},
    }
    return fixed | changes


def _import(register: Register, folder: Path, rows: list[dict[str, str]]) -> ImportCounts:
    file = folder / "register.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    source, client = open_source(file), register.agency()
    license_type = client.license_types.get(BUSINESS_LICENSE)
    mapping = mapping_for(file=None, header=source.header, license_type=license_type).with_options(
        columns={name: name for name in rows[0]}, constants={}
    )
    with RejectFile(folder / "rejects.csv", source.header) as rejects:
        requests = RowRequests(
            source=source, mapping=mapping, license_type=license_type, amend=True, run_key=unique_number().encode()
        )
        counts = ImportRun(source, requests, rejects).go(client.licenses.issue_many, progress=lambda _: None)
    assert counts.rejected == 0, (folder / "rejects.csv").read_text("utf-8-sig")
    return counts


def _licenses(register: Register, numbers: list[str]) -> dict[str, pb.License]:
    request = pb.ListLicensesRequest(type_code=BUSINESS_LICENSE, page_size=500)
    found = {license_.license_number: license_ for license_ in register.agency().licenses.list(request)}
    return {number: register.agency().licenses.get(found[number].identifier) for number in numbers}


def test_the_last_row_of_each_license_counts(register: Register, tmp_path: Path) -> None:
    numbers = [unique_number() for _ in range(LICENSES)]
    places = itertools.product(numbers, range(ROWS))
    counts = _import(register, tmp_path, [_row(number, **{"fields.address": f"{place}号"}) for number, place in places])
    assert (counts.issued, counts.amended) == (LICENSES, LICENSES * (ROWS - 1))
    last = {number: license_.fields["address"] for number, license_ in _licenses(register, numbers).items()}
    assert last == dict.fromkeys(numbers, f"{ROWS - 1}号")


@pytest.mark.parametrize(
    "states", [("SUSPENDED", "ACTIVE"), ("ACTIVE", "SUSPENDED"), ("ACTIVE", "SUSPENDED", "ACTIVE")]
)
def test_the_last_state_of_each_license_counts(register: Register, tmp_path: Path, states: tuple[str, ...]) -> None:
    numbers = [unique_number() for _ in range(10)]
    times = {"ACTIVE": "", "SUSPENDED": "2024-06-01"}
    rows = [
        _row(number, **{"imported.state": state, "imported.state_time": times[state]})
        for number in numbers
        for state in states
    ]
    _import(register, tmp_path, rows)
    expected = common_pb2.LicenseState.Value(f"LICENSE_STATE_{states[-1]}")
    assert {license_.state for license_ in _licenses(register, numbers).values()} == {expected}
