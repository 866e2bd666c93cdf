"""The examples of README.md, run as they stand there, against the real register."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.permits import APPROVAL_BUREAU
from tests.e2e.server_process import ServerProcess, run_command
from tests.require import ROOT

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def _run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_run_as_they_stand_there(shared_server: ServerProcess, tmp_path: Path) -> None:
    online, offline = EXAMPLES
    (tmp_path / "var").symlink_to(shared_server.data_dir)
    identifier, verdict, *message = _run(online, tmp_path).split()
    assert verdict == "VERDICT_VALID"
    assert message

    caller = {"CERTSVC_CREDENTIAL": str(shared_server.credential(APPROVAL_BUREAU))}
    exported = run_command("bundle", "export", str(tmp_path / "register.bundle"), **caller)
    assert exported.returncode == 0, exported.stderr
    (tmp_path / "register.bundle.anchor.json").rename(tmp_path / "anchor.json")
    text = run_command("licenses", "qr", identifier, **caller)
    (tmp_path / "scanned.txt").write_text(text.stdout.strip())
    assert _run(offline, tmp_path).strip() == "VALID"


def test_the_online_example_has_ten_lines() -> None:
    body = [line for line in EXAMPLES[0].splitlines() if line.strip() and not line.startswith("from ")]
    assert len(body) <= 10
