"""What a test needs from the machine, and where it finds it.

A test that cannot run here says so in the run's summary and is counted as skipped; with
CERTSVC_REQUIRE_ALL=1, which CI sets, that is a failure. No test skips in any other way.
"""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORACLES = ROOT / "tests" / "oracles"


def need(condition: bool, what: str) -> None:
    """Skip the test unless `condition` holds, or fail it where nothing may be left out; `what` is missing."""
    __tracebackhide__ = True
    if condition:
        return
    if os.environ.get("CERTSVC_REQUIRE_ALL") == "1":
        pytest.fail(f"missing, and CERTSVC_REQUIRE_ALL=1: {what}")
    pytest.skip(f"NOT TESTED, missing here: {what}")


def shared(path: str) -> Path:
    """A file or folder of the shared vectors and data, by its path in CERTSVC_SHARED (or ../shared)."""
    found = Path(os.environ.get("CERTSVC_SHARED") or ROOT.parent / "shared") / path
    need(found.exists(), f"{path} in CERTSVC_SHARED")
    return found


def tool(*names: str) -> Path:
    """The first of these programs that is installed: `tool("chromium", "google-chrome")`."""
    folders = [str(ROOT / ".venv-node" / "tools"), os.environ.get("PATH", os.defpath)]
    found = next(filter(None, (shutil.which(name, path=os.pathsep.join(folders)) for name in names)), None)
    need(found is not None, f"the program {' or '.join(names)}")
    return Path(found or "")


def chromium() -> Path:
    """The browser."""
    return tool("chromium", "chromium-browser", "google-chrome")


def cwt_python() -> Path:
    """The interpreter that can import the oracle `cwt`, which lives in an environment of its own."""
    python = ROOT / ".venv-cwt" / "bin" / "python"
    need((python.parent.parent / "stamp").exists(), "the environment of the CWT oracle (make test brings it)")
    return python


def node() -> Path:
    """Node.js; a script run by it from `ORACLES / "node"` can import the npm oracles."""
    need((ORACLES / "node" / "node_modules" / "stamp").exists(), "the npm oracles (make test brings them)")
    return tool("node")
