"""`make mutants`: faults that nobody may make unnoticed, each made in a copy of the tree; its tests must fail.

Most are noticed twice: by the unit that is faulty, and over the wire. The same tests are run without a fault first, so
that none fails for another reason. Not part of `make test`, which would only repeat itself. Ends with 1 if a fault goes
unnoticed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.require import ROOT

PYTEST_PASSED, PYTEST_FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file` and becomes `new`; each of `tests`, arguments of pytest, must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


JUDGING = "certsvc/domain/judging.py"
UNIT_JUDGING = "tests/unit/domain/test_judging.py"
VERDICTS = "tests/integration/verification/test_verdicts.py -k sqlite"

MUTANTS = (
    Mutant(
        "skip the signature check",
        "certsvc/services/verification.py",
        "        if not self._codes.verify(presented, key):\n            return False\n",
        "",
        (VERDICTS,),
    ),
    Mutant(
        "ignore the state",
        JUDGING,
        "    if registration.state is LicenseState.REVOKED:\n",
        "    if registration.state is None:\n",
        (UNIT_JUDGING, VERDICTS),
    ),
    Mutant(
        "ignore the dates",
        JUDGING,
        "    if expires is not None and now >= expires:\n",
        "    if expires is not None and now < not_before:\n",
        (UNIT_JUDGING, "tests/integration/verification/test_dates.py -k sqlite"),
    ),
    Mutant(
        "reply before the commit",
        "certsvc/store/writer.py",
        "                result = job.work(session)\n                session.check()\n",
        "                result = job.work(session)\n                session.check()\n"
        "                job.finish(result=result)\n",
        ("tests/integration/store/test_group_commit.py",),
    ),
    Mutant(
        "drop a permission rule",
        "certsvc/rpc/permissions.py",
        '        "RevokeLicense": _ISSUER,\n',
        "",
        ("tests/unit/rpc/test_permissions.py", "tests/integration/transitions/test_table.py -k sqlite"),
    ),
    Mutant(
        "take a token's algorithm from the message",
        "certsvc/credentials/jws.py",
        "    if parsed.algorithm != key.algorithm:\n",
        "    if not parsed.algorithm:\n",
        ("tests/unit/credentials/test_jws.py", VERDICTS),
    ),
    Mutant(
        "take a code's algorithm from the message",
        "certsvc/credentials/qr_code.py",
        "            if alg != cose.ALG_ES256:\n",
        "            if not alg:\n",
        ("tests/unit/credentials/test_hostile_codes.py", VERDICTS),
    ),
    Mutant(
        "treat an unknown key as a pass",
        JUDGING,
        '        return found.end(Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, "UNKNOWN_KEY")\n',
        "        return found.verdict(Verdict.VALID)\n",
        (UNIT_JUDGING, VERDICTS),
    ),
    Mutant(
        "forget the fingerprint",
        "certsvc/services/slots.py",
        "        return entry[0] == _ACTIVE and entry[1:] == self._fingerprint(digest).to_bytes(_FINGERPRINT)\n",
        "        return entry[0] == _ACTIVE\n",
        ("tests/unit/services/test_slots.py", VERDICTS),
    ),
    Mutant(
        "swap version order",
        JUDGING,
        "    superseded = version < history.version\n",
        "    superseded = version > history.version\n",
        (UNIT_JUDGING, "tests/integration/verification/test_moments.py -k sqlite"),
    ),
    Mutant(
        "encrypt without the row in the AAD",
        "certsvc/keyring/cipher.py",
        "length_prefixed(table.encode(), row.encode(), column.encode(), version)",
        "length_prefixed(table.encode(), column.encode(), version)",
        ("tests/unit/keyring/test_cipher.py", "tests/integration/store/test_sealed_rows.py"),
    ),
)
"""The ten of the issue; the sixth is two, because there are two places where a message names its algorithm."""


def copy_of_the_tree(folder: Path) -> Path:
    """The files that are git's or would be, as they are now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def passes(tests: str, tree: Path) -> bool:
    """Whether these tests pass in the copy; ends the program where they cannot be run."""
    shared = os.environ.get("CERTSVC_SHARED", str(ROOT.parent / "shared"))
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "CERTSVC_SHARED": shared, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if finished.returncode not in (PYTEST_PASSED, PYTEST_FAILED):
        raise SystemExit(f"{tests} cannot be run:\n{finished.stdout}{finished.stderr}")
    return finished.returncode == PYTEST_PASSED


def unnoticed_by(mutant: Mutant, tree: Path) -> list[str]:
    """Make the fault, run its tests, undo it; the tests that passed all the same."""
    file = tree / mutant.file
    source = file.read_text("utf-8")
    if source.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: the text to change does not stand once in {mutant.file}")
    file.write_text(source.replace(mutant.old, mutant.new), "utf-8")
    try:
        return [tests for tests in mutant.tests if passes(tests, tree)]
    finally:
        file.write_text(source, "utf-8")


def main() -> int:
    """Try all of them."""
    with tempfile.TemporaryDirectory(prefix="certsvc-mutants-") as name:
        tree = copy_of_the_tree(Path(name))
        for tests in dict.fromkeys(tests for mutant in MUTANTS for tests in mutant.tests):
            if not passes(tests, tree):
                raise SystemExit(f"{tests} fails without a fault")
        unnoticed = 0
        for mutant in MUTANTS:
            blind = unnoticed_by(mutant, tree)
            print(
                f"UNNOTICED  {mutant.name}, by {', '.join(blind)}" if blind else f"noticed    {mutant.name}", flush=True
            )
            unnoticed += len(blind)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
