"""Asks the verify page's modules under Node.js, in batches: starting Node costs more than thousands of answers."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import certsvc.web
from tests.require import tool

STATIC = Path(next(iter(certsvc.web.__path__))) / "static"
DRIVER = Path(__file__).with_name("page_driver.mjs")


def ask_page(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer a question (`ask` names it, see page_driver.mjs): {"value": …} or {"refused": reason}."""
    node = tool("node")
    with tempfile.TemporaryDirectory() as folder:
        for script in STATIC.glob("*.js"):
            shutil.copy(script, folder)
        shutil.copy(DRIVER, folder)
        # A browser takes the files as modules because the page says so; Node has to be told in a file.
        (Path(folder) / "package.json").write_text('{"type": "module"}')
        done = subprocess.run(
            [node, Path(folder) / DRIVER.name],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(answers) == len(questions)
    return answers
