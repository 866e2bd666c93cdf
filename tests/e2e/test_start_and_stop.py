"""The process as who runs it sees it: a welcome, Ctrl-C, going on later, and refusals that say what to do."""

import fcntl
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Self

import pytest
import zxingcpp
from PIL import Image

from certsvc.client import Client
from certsvc.client.pictures import decode_picture
from certsvc.v1 import agency_service_pb2, common_pb2, license_service_pb2, verification_service_pb2
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, FOOD_PERMIT, TRAFFIC_POLICE, permit
from tests.e2e.server_process import COMMAND, NO_RETRIES, ServerProcess, free_address, initialized, run_command
from tests.require import ROOT

NAME = common_pb2.LocalizedText(zh="示例支队", en="Sample police")
CITY = agency_service_pb2.AGENCY_LEVEL_CITY
PROMPT = 8.0
"""Seconds for a stop that waits for nothing; well below the ten that calls under way are given."""


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[ServerProcess]:
    """An SQLite register that nothing serves yet."""
    server = initialized(tmp_path / "register")
    yield server
    server.close()


class Run:
    """`certsvc run` in a terminal, as `make run` starts it: what it shows, and Ctrl-C, which reaches all of it."""

    def __init__(self, data_dir: Path, *, grpc_address: str, http_address: str) -> None:
        self._terminal, end = os.openpty()
        self._process = subprocess.Popen(
            [
                *(*COMMAND, "run", "--data-dir", str(data_dir)),
                *("--grpc-address", grpc_address, "--http-address", http_address),
                *("--public-url", f"http://localhost:{http_address.rpartition(':')[2]}"),
            ],
            cwd=ROOT,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self.welcome = ""
        while "Ctrl-C" not in self.welcome:
            shown = self._read()
            assert shown, f"it did not start:\n{self.welcome}"
            self.welcome += shown

    def _read(self) -> str:
        """What the terminal gets next; nothing once the program has ended."""
        received = b""
        while not received.endswith(b"\n"):
            try:
                received += os.read(self._terminal, 4096)
            except OSError:  # how Linux says that nobody has the terminal open any more
                break
        return received.decode().replace("\r\n", "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Press Ctrl-C; it must end well, without another word."""
        os.killpg(self._process.pid, signal.SIGINT)
        code, rest = self._process.wait(30), self._read()
        os.close(self._terminal)
        assert (code, rest) == (0, "")

    def sample_text(self, folder: Path) -> str:
        """What a camera reads from the code that the terminal shows."""
        return read_terminal(self.welcome, folder / "terminal.png")


def read_terminal(text: str, picture: Path) -> str:
    """Paint the half blocks of a terminal, black on white as their colors say, and read the code in them."""
    lines = [found[1] for found in re.finditer(r"\x1b\[30;107m(.*)\x1b\[0m", text)]
    halves = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), 255)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            upper, lower = halves[character]
            image.putpixel((column, 2 * row), upper)
            image.putpixel((column, 2 * row + 1), lower)
    image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST).save(picture)
    (code,) = zxingcpp.read_barcodes(Image.open(picture))
    assert decode_picture(picture) == code.text
    return code.text


def run_what_it_says(welcome: str) -> None:
    """Every command line of the welcome, in the shell that it was printed for; each must end well."""
    lines = re.findall(r"^  ((?:export|\.venv/bin/certsvc) .*)$", welcome, re.MULTILINE)
    assert len(lines) == 4
    script = "\n".join(["set -eu", *lines])
    subprocess.run(["sh", "-c", script], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=60)


def lock_is_free(data_dir: Path) -> bool:
    with (data_dir / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_make_run_starts_this_command() -> None:
    """Only looked at: carried out, it may make the environment anew that these tests run in."""
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "run", "ARGS=--public-url x"],
        cwd=ROOT,
        # As from a shell, not as from the make that runs these tests.
        env={name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == "exec .venv/bin/certsvc run --public-url x"


def test_run_welcomes_stops_and_goes_on(tmp_path: Path) -> None:
    """The code in the terminal is readable by a camera and stays valid over Ctrl-C and a second run."""
    data_dir = tmp_path / "var"
    addresses = {"grpc_address": free_address(), "http_address": free_address()}
    with Run(data_dir, **addresses) as first:
        text = first.sample_text(tmp_path)
        identifier = json.loads((data_dir / "samples.json").read_text("utf-8"))[0]["identifier"]
        for promised in ("证照服务已启动", addresses["grpc_address"], identifier):
            assert promised in first.welcome
        run_what_it_says(first.welcome)
        assert not lock_is_free(data_dir)
    assert lock_is_free(data_dir)

    with (
        Run(data_dir, **addresses) as second,
        Client.connect(data_dir / "agencies" / f"{TRAFFIC_POLICE}.json") as verifier,
    ):
        assert second.sample_text(tmp_path) == text
        assert verifier.verification.verify(text).verdict == verification_service_pb2.VERDICT_VALID


def test_one_process_a_data_directory(prepared: ServerProcess) -> None:
    prepared.start()
    there = str(prepared.data_dir)
    for command in (("serve", "--grpc-address", free_address(), "--http-address", free_address()), ("migrate",)):
        refused = run_command(*command, "--data-dir", there)
        assert refused.returncode == 3
        assert "another certsvc process works on" in refused.stderr
        assert "[LOCKED]" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert prepared.operator().agencies.list_grants(APPROVAL_BUREAU) == []


def test_a_taken_port_is_told(prepared: ServerProcess, tmp_path: Path) -> None:
    prepared.start()
    other = initialized(tmp_path / "other")
    refused = run_command("serve", "--data-dir", str(other.data_dir), "--grpc-address", prepared.grpc_address)
    assert refused.returncode == 5
    assert "[ADDRESS_NOT_FREE]" in refused.stderr
    assert prepared.grpc_address in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("option", ["--grpc-address", "--http-address"])
def test_nothing_is_served_in_clear_off_loopback(prepared: ServerProcess, option: str) -> None:
    refused = run_command("serve", "--data-dir", str(prepared.data_dir), option, "0.0.0.0:0")
    assert refused.returncode == 3
    field = option.removeprefix("--").replace("-", "_")
    assert refused.stderr == (
        f"certsvc: {field}: is not on loopback, so it needs tls_certificate and tls_key [PLAINTEXT]\n"
    )
    assert lock_is_free(prepared.data_dir)


def test_init_makes_a_register_once(tmp_path: Path) -> None:
    """Again is no harm: keys and data stay. What a production register needs is asked for, all at once."""
    server = ServerProcess(tmp_path / "register", free_address(), free_address())
    refused = run_command("init", "--data-dir", str(server.data_dir), "--http-address", "0.0.0.0:80")
    assert refused.returncode == 3
    assert "[HTTPS]" in refused.stderr
    assert "[PLAINTEXT]" in refused.stderr
    assert not server.data_dir.exists()
    public = ("--public-url", "https://register.example")
    for _ in range(2):
        done = run_command("init", "--data-dir", str(server.data_dir), *public)
        assert done.returncode == 0, done.stderr
        assert str(server.data_dir / "operator.json") in done.stdout
        with closing(server):
            server.start()
            request = agency_service_pb2.CreateAgencyRequest(
                request_id="the-same-both-times", agency_id=TRAFFIC_POLICE, name=NAME, region="3702", level=CITY
            )
            assert server.operator().agencies.create(request).agency_id == TRAFFIC_POLICE
            assert [agency.agency_id for agency in server.operator().agencies.list()] == [TRAFFIC_POLICE]


def test_an_empty_data_directory_is_told(tmp_path: Path) -> None:
    refused = run_command("serve", "--data-dir", str(tmp_path / "nothing"))
    assert refused.returncode == 3
    assert "certsvc init" in refused.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.alone
def test_watchers_do_not_hold_up_the_stop(prepared: ServerProcess) -> None:
    prepared.start()
    prepared.fill_with_samples()
    own_issues = license_service_pb2.WatchLicenseEventsRequest(own_issues=True)
    watchers = []
    for _ in range(5):
        answers = prepared.agency(APPROVAL_BUREAU, officer=CLERK).licenses.watch(own_issues, heartbeats=True)
        next(answers)
        watchers.append(answers)
    began = monotonic()
    prepared.stop()
    assert monotonic() - began < PROMPT


def test_ctrl_c_finishes_the_batch_under_way(prepared: ServerProcess) -> None:
    """No item is lost, and none has to be sent again."""
    prepared.start()
    prepared.fill_with_samples()
    issuer = prepared.agency(APPROVAL_BUREAU, officer=CLERK, policy=NO_RETRIES)
    told: dict[str, str] = {}
    with ThreadPoolExecutor(1) as pool:
        stop: Future[None] | None = None
        for answer in issuer.licenses.issue_many(permit(f"S{number}") for number in range(300)):
            assert answer.change is not None, answer.error
            told[answer.request.license_number] = answer.change.license.identifier
            stop = stop or pool.submit(prepared.stop)
        assert stop is not None
        stop.result()
    prepared.start()
    listed = license_service_pb2.ListLicensesRequest(type_code=FOOD_PERMIT, page_size=500)
    found = {license_.license_number: license_.identifier for license_ in issuer.licenses.list(listed)}
    assert told.items() <= found.items()
    assert len(found) == 300 + 1, "the samples hold one"
