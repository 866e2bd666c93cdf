"""The same on a real register: thousands of companies become business licenses, defective rows are rejected."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from certsvc.client import Client
from certsvc.v1 import license_service_pb2
from tests.demo.register import Register
from tests.demo.tour import APPROVAL_BUREAU, CLERK, TRAFFIC_POLICE, Step, verdict_name

BUSINESS_LICENSE = "119900009999000119001"
SOUND, DEFECTIVE = 4000, 59
PARTLY_FAILED = 6


def import_register(register: Register, file: Path, folder: Path) -> Iterator[Step]:
    """Import, look at the rejects, import again, verify some."""
    rejects = folder / "rejects.csv"

    def run() -> dict[str, int]:
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "certsvc.cli.main", "licenses", "import", str(file)),
                *("--type", BUSINESS_LICENSE, "--reject-file", str(rejects), "--json", "--officer", CLERK),
            ],
            env=os.environ | {"CERTSVC_CREDENTIAL": str(register.credential(APPROVAL_BUREAU))},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert finished.returncode == PARTLY_FAILED, finished.returncode
        summary: dict[str, int] = json.loads(finished.stdout)
        return summary

    def first() -> str:
        summary = run()
        assert (summary["issued"], summary["rejected"]) == (SOUND, DEFECTIVE), summary
        return str(summary)

    def rejected() -> str:
        with rejects.open(encoding="utf-8-sig", newline="") as rows:
            found = list(csv.DictReader(rows))
        assert len({row["row"] for row in found}) == DEFECTIVE, len(found)
        assert all(row["field"] and row["reason"] for row in found)
        return ", ".join(sorted({row["reason"] for row in found}))

    def again() -> str:
        summary = run()
        assert summary["issued"] == 0, summary
        return str(summary)

    def verify() -> str:
        with Client.connect(register.credential(APPROVAL_BUREAU), officer=CLERK) as issuer:
            licenses = [found for found, _ in zip(issuer.licenses.list(), range(50), strict=False)]
        with (
            Client.connect(register.credential(APPROVAL_BUREAU), officer=CLERK) as issuer,
            register.agency(TRAFFIC_POLICE) as other,
        ):
            texts = [
                issuer.licenses.get_credential(
                    license_service_pb2.GetCredentialRequest(identifier=license_.identifier)
                ).credential
                for license_ in licenses
                if license_.type_code == BUSINESS_LICENSE
            ]
            answers = list(other.verification.verify_many(texts))
        assert len(texts) > 40
        assert len(answers) == len(texts)
        assert all(verdict_name(answer.result) == "VALID" for answer in answers if answer.result), answers
        return f"{len(texts)} verified on one stream"

    yield f"import {file.name}", first
    yield "every defective row has number, field and reason", rejected
    yield "import it again: nothing is issued twice", again
    yield "another agency verifies some of them", verify
