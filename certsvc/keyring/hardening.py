"""Keeps a process that holds keys from leaving them in a file or showing them to its neighbours."""

import ctypes
import resource
import sys

from certsvc.errors import FailedPreconditionError

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid_memory_dumps() -> None:
    """Let no core file of this process be written and, on Linux, no neighbour read its memory.

    RLIMIT_CORE is inherited, the dumpable flag ends with exec: every process that opens keys calls this
    first. On Linux a core that is piped to a program ignores the limit, and only the flag stops it
    (core(5)). Raises FailedPreconditionError (MEMORY_DUMPS_POSSIBLE) when the system refuses.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        raise _refused("RLIMIT_CORE") from error
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise _refused("PR_SET_DUMPABLE")


def _refused(what: str) -> FailedPreconditionError:
    return FailedPreconditionError(reason="MEMORY_DUMPS_POSSIBLE", message=f"the system refuses {what}")
