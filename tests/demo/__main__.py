"""`make demo`: issue, scan, verify, suspend, renew, revoke, look back; with CSV=, on a real register.

KEEP=dir leaves the picture, the code's text, the key set, the status list and the bundle there.
"""

import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.demo.csv_tour import import_register
from tests.demo.register import Register, running
from tests.demo.tour import Tour

T = TypeVar("T")


class Steps:
    """Prints one line a step, with its time."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, name: str, step: Callable[[], T]) -> T:
        self._count += 1
        started = time.perf_counter()
        try:
            result = step()
        except BaseException:
            print(f"{self._count:3d}. {name} … FAILED", flush=True)
            raise
        note = f"  {result}" if isinstance(result, str) and result else ""
        print(f"{self._count:3d}. {name:<58} {time.perf_counter() - started:6.2f} s{note}", flush=True)
        return result


def keep(register: Register, tour: Tour, folder: Path) -> str:
    """Leave everything there that others can check."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "license.png").write_bytes(tour.png)
    (folder / "license.txt").write_text(tour.qr_text, "utf-8")
    (folder / "offline.bundle").write_bytes(tour.bundle)
    (folder / "offline.bundle.anchor.json").write_text(tour.anchor, "utf-8")
    for path, name in (
        ("/.well-known/jwks.json", "jwks.json"),
        ("/keyset", "keyset.cbor"),
        ("/statuslists/0", "statuslist-0.jwt"),
    ):
        with urllib.request.urlopen(register.public_url + path, timeout=10) as answer:
            (folder / name).write_bytes(answer.read())
    return str(folder)


def main() -> int:
    """Run the tour."""
    steps = Steps()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="certsvc-demo-") as folder:
        running_register = running(Path(folder) / "var")
        register = steps("start a register with three agencies and five types", running_register.__enter__)
        try:
            tour = Tour(register)
            for name, step in tour.steps():
                steps(name, step)
            if kept := os.environ.get("KEEP"):
                steps("keep what others can check", lambda: keep(register, tour, Path(kept)))
            if csv := os.environ.get("CSV"):
                for name, step in import_register(register, Path(csv), Path(folder)):
                    steps(name, step)
        finally:
            steps("stop it", lambda: running_register.__exit__(None, None, None))
    print(f"demo passed in {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
