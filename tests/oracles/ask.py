"""Asks the oracles that do not run in this interpreter: one JSON request, one JSON answer, a process each."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.require import ORACLES, cwt_python, node


def ask_node(script: str, operation: str, **request: Any) -> dict[str, Any]:
    """What `tests/oracles/node/<script>` answers; {"refused": why} where the oracle refuses."""
    return _ask(node(), ORACLES / "node" / script, {"operation": operation, **request})


def ask_cwt(**request: Any) -> dict[str, Any]:
    """What `cwt` answers; {"refused": why} where it refuses."""
    return _ask(cwt_python(), ORACLES / "cwt" / "read_cwt.py", request)


def _ask(program: Path, script: Path, request: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [program, script], input=json.dumps(request).encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
