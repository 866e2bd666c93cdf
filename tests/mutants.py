"""`make mutants`: ten faults that nobody may make unnoticed, each made in a copy of the tree; its tests must fail.

Not part of `make test`, which would only repeat itself. Ends with 1 if a fault goes unnoticed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.require import ROOT

PYTEST_FAILED = 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file` and becomes `new`; at least one of `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


JUDGING = "certsvc/domain/judging.py"
UNIT_JUDGING = ("tests/unit/domain/test_judging.py",)
VERDICTS = ("tests/integration/verification/test_verdicts.py", "-k", "sqlite")

MUTANTS = (
    Mutant(
        "skip the signature check",
        "certsvc/services/verification.py",
        "        if not self._codes.verify(presented, key):\n            return False\n",
        "",
        VERDICTS,
    ),
    Mutant(
        "ignore the state",
        JUDGING,
        "    if registration.state is LicenseState.REVOKED:\n",
        "    if registration.state is None:\n",
        UNIT_JUDGING,
    ),
    Mutant(
        "ignore the dates",
        JUDGING,
        "    if expires is not None and now >= expires:\n",
        "    if expires is not None and now < not_before:\n",
        UNIT_JUDGING,
    ),
    Mutant(
        "reply before the commit",
        "certsvc/store/writer.py",
        "                    result = job.work(session)\n                    session.check()\n",
        "                    result = job.work(session)\n                    session.check()\n"
        "                    job.finish(result=result)\n",
        ("tests/integration/store/test_group_commit.py",),
    ),
    Mutant(
        "drop a permission rule",
        "certsvc/rpc/permissions.py",
        '        "RevokeLicense": _ISSUER,\n',
        "",
        ("tests/unit/rpc/test_permissions.py",),
    ),
    Mutant(
        "take the algorithm from the message",
        "certsvc/credentials/jws.py",
        "    if parsed.algorithm != key.algorithm:\n",
        "    if not parsed.algorithm:\n",
        ("tests/unit/credentials/test_jws.py",),
    ),
    Mutant(
        "treat an unknown key as a pass",
        JUDGING,
        '        return found.end(Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, "UNKNOWN_KEY")\n',
        "        return found.verdict(Verdict.VALID)\n",
        UNIT_JUDGING,
    ),
    Mutant(
        "forget the fingerprint",
        "certsvc/services/slots.py",
        "        return entry[0] == _ACTIVE and entry[1:] == self._fingerprint(digest).to_bytes(_FINGERPRINT)\n",
        "        return entry[0] == _ACTIVE\n",
        VERDICTS,
    ),
    Mutant(
        "swap version order",
        JUDGING,
        "    superseded = version < history.version\n",
        "    superseded = version > history.version\n",
        UNIT_JUDGING,
    ),
    Mutant(
        "encrypt without the row in the AAD",
        "certsvc/keyring/cipher.py",
        "length_prefixed(table.encode(), row.encode(), column.encode(), version)",
        "length_prefixed(table.encode(), column.encode(), version)",
        ("tests/unit/keyring/test_cipher.py",),
    ),
)


def copy_of_the_tree(folder: Path) -> Path:
    """The files that git tracks, as they are now."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Make the fault, run its tests, undo it."""
    file = tree / mutant.file
    source = file.read_text("utf-8")
    if source.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: the text to change does not stand once in {mutant.file}")
    file.write_text(source.replace(mutant.old, mutant.new), "utf-8")
    try:
        shared = os.environ.get("CERTSVC_SHARED", str(ROOT.parent / "shared"))
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree), "CERTSVC_SHARED": shared, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        file.write_text(source, "utf-8")
    return finished.returncode == PYTEST_FAILED and " failed" in finished.stdout


def main() -> int:
    """Try all of them."""
    with tempfile.TemporaryDirectory(prefix="certsvc-mutants-") as name:
        tree = copy_of_the_tree(Path(name))
        unnoticed = []
        for mutant in MUTANTS:
            noticed = is_noticed(mutant, tree)
            print(f"{'noticed' if noticed else 'UNNOTICED':<10} {mutant.name}", flush=True)
            if not noticed:
                unnoticed.append(mutant.name)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
