"""No core file, no neighbour that reads the memory; tried in another process, for it cannot be undone."""

import subprocess
import sys

from tests.require import ROOT, need

SCRIPT = """
import ctypes, resource
from certsvc.keyring.hardening import forbid_memory_dumps
PR_GET_DUMPABLE = 3
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
forbid_memory_dumps()
forbid_memory_dumps()
print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_hardened_process_leaves_no_core() -> None:
    need(sys.platform == "linux", "Linux")

    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:2] == ["1", "0 0 0"]
