"""The process as who runs it sees it: welcome, Ctrl-C, go on, and refusals that say what to do."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from certsvc.client import Client, RetryPolicy
from certsvc.v1 import license_service_pb2, verification_service_pb2
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, FOOD_PERMIT, TRAFFIC_POLICE, permit
from tests.e2e.server_process import COMMAND, ServerProcess, free_address, initialized, run_command
from tests.require import ROOT

PROMPT_STOP = 6.0
"""Seconds; well below the ten that calls under way are waited for."""


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[ServerProcess]:
    """An SQLite register that nothing serves yet."""
    server = initialized(tmp_path / "register")
    yield server
    server.close()
