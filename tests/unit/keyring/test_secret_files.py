"""The directory of secrets: private, complete or absent, never replaced, durable."""

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from certsvc.errors import (
    AlreadyExistsError,
    CertsvcError,
    DataIntegrityError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from certsvc.keyring.secret_files import SecretFiles
from tests.require import ROOT
from tests.unit.keyring.builders import WRAPPING_KEY, key_file, new_files, reopened


def test_a_secret_comes_back(tmp_path: Path) -> None:
    new_files(tmp_path).put(b"secret", usage="license", name="a")

    files = reopened(tmp_path)

    assert files.get(usage="license", name="a") == b"secret"
    assert files.holds(usage="license", name="a")
    assert not files.holds(usage="vc", name="a")


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    previous = os.umask(0)  # the modes do not hang on the umask
    try:
        new_files(tmp_path).put(b"secret", usage="license", name="a")
    finally:
        os.umask(previous)

    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert key_file(tmp_path, usage="license", name="a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o710, 0o701, 0o777])
def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    new_files(tmp_path)
    (tmp_path / "keys").chmod(mode)

    with pytest.raises(FailedPreconditionError) as refused:
        reopened(tmp_path)

    assert refused.value.reason == "KEY_FILE_PERMISSIONS"
    assert f"{mode:04o}" in refused.value.message


def test_what_belongs_to_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_files(tmp_path).put(b"secret", usage="license", name="a")
    owner = (tmp_path / "keys").stat().st_uid
    os_geteuid = os.geteuid
    if owner == 0:  # root's files are trusted, so the test gives them to somebody
        os.chown(tmp_path / "keys", 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os_geteuid() + 1)

    with pytest.raises(FailedPreconditionError) as refused:
        reopened(tmp_path)

    assert "another user" in refused.value.message


def test_a_directory_that_is_missing_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        reopened(tmp_path)
    (tmp_path / "keys").write_bytes(b"")
    (tmp_path / "keys").chmod(0o600)
    with pytest.raises(FailedPreconditionError):
        reopened(tmp_path)


def test_a_directory_is_created_once_and_in_its_place(tmp_path: Path) -> None:
    new_files(tmp_path)

    with pytest.raises(AlreadyExistsError):
        new_files(tmp_path)
    with pytest.raises(NotFoundError):
        SecretFiles.create(tmp_path / "missing" / "keys", WRAPPING_KEY)


def test_nothing_is_replaced_and_a_name_stands_once(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    files.put(b"first", usage="license", name="a")

    for usage in ("license", "vc"):
        with pytest.raises(AlreadyExistsError):
            files.put(b"second", usage=usage, name="a")

    assert files.get(usage="license", name="a") == b"first"
    assert _listing(tmp_path) == ["license.a.key"]


def test_names_are_listed_by_usage(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    for usage, name in [("license", "b"), ("vc", "c"), ("license", "a-1")]:
        files.put(b"secret", usage=usage, name=name)

    assert files.names(usage="license") == ["a-1", "b"]
    assert files.names(usage="status") == []


@pytest.mark.parametrize(
    ("usage", "name"),
    [
        ("license", ""),
        ("", "a"),
        ("license", "../a"),
        ("..", "a"),
        ("license", "a.b"),
        ("license", "*"),
        ("license", "A"),
        ("license", "a\n"),
        ("license", "a" * 65),
        ("license", "é"),
    ],
)
def test_names_that_no_key_can_have(tmp_path: Path, usage: str, name: str) -> None:
    files = new_files(tmp_path)
    files.put(b"secret", usage="license", name="a")

    assert not files.holds(usage=usage, name=name)
    with pytest.raises(NotFoundError):
        files.get(usage=usage, name=name)
    with pytest.raises(NotFoundError):
        files.put(b"x", usage=usage, name=name)
    if name != "a":
        files.remove(name)

    assert _listing(tmp_path) == ["license.a.key"]


def test_removing_takes_the_secret_and_whatever_a_crash_left(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    files.put(b"one", usage="license", name="a")
    files.put(b"two", usage="license", name="b")
    os.link(key_file(tmp_path, usage="license", name="a"), tmp_path / "keys" / ".license.a.key.0000.unfinished")

    files.remove("a")
    files.remove("a")

    assert _listing(tmp_path) == ["license.b.key"]
    with pytest.raises(NotFoundError):
        files.get(usage="license", name="a")


def test_an_oversized_file_is_refused(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    files.put(b"secret", usage="license", name="a")
    with key_file(tmp_path, usage="license", name="a").open("ab") as file:
        file.truncate(10_000_000)

    with pytest.raises(DataIntegrityError) as refused:
        files.get(usage="license", name="a")

    assert refused.value.reason == "KEY_FILE_SIZE"


@pytest.mark.parametrize("step", ["fsync of the file", "link", "fsync of the directory"])
def test_a_storage_step_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    files = new_files(tmp_path)
    real_fsync, real_link = os.fsync, os.link
    calls = {"fsync": 0}

    def fsync(descriptor: int) -> None:
        calls["fsync"] += 1
        if step == ("fsync of the file", "fsync of the directory")[calls["fsync"] - 1]:
            raise OSError(errno.EIO, "Input/output error")
        real_fsync(descriptor)

    def link(source: str, target: str) -> None:
        if step == "link":
            raise OSError(errno.ENOSPC, "No space left on device")
        real_link(source, target)

    with monkeypatch.context() as faults:
        faults.setattr(os, "fsync", fsync)
        faults.setattr(os, "link", link)
        with pytest.raises(UnavailableError) as refused:
            files.put(b"secret", usage="license", name="a")

    assert refused.value.reason == "KEY_FILE_UNAVAILABLE"
    assert _listing(tmp_path) == []
    files.put(b"secret", usage="license", name="a")
    assert files.get(usage="license", name="a") == b"secret"


def test_of_many_writers_one_gets_the_name(tmp_path: Path) -> None:
    new_files(tmp_path)

    def put(number: int) -> bool:
        try:
            reopened(tmp_path).put(b"%d" % number, usage=("license", "vc")[number % 2], name="a")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put, range(40))) == 1
    assert len(_listing(tmp_path)) == 1


WRITER = """
import itertools, pathlib, sys
from certsvc.keyring.secret_files import SecretFiles
from certsvc.keyring.wrapping import WrappingKey
files = SecretFiles(pathlib.Path(sys.argv[1]), WrappingKey(bytes(range(32))))
for number in itertools.count(int(sys.argv[2])):
    files.put(b"%d" % number, usage="license", name=f"key-{number}")
    print(number, flush=True)
"""


def test_a_killed_writer_loses_no_key_that_it_reported(tmp_path: Path) -> None:
    new_files(tmp_path)
    reported: list[int] = []
    for round_number in range(5):
        arguments = [sys.executable, "-c", WRITER, str(tmp_path / "keys"), str(1000 * round_number)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT, text=True) as writer:
            assert writer.stdout is not None
            reported += [int(writer.stdout.readline()) for _ in range(5 + round_number)]
            writer.send_signal(signal.SIGKILL)
            reported += [int(line) for line in writer.stdout if line.endswith("\n")]

    files = reopened(tmp_path)
    assert len(reported) >= 35
    for number in reported:
        assert files.get(usage="license", name=f"key-{number}") == b"%d" % number
    # A key that was durable but not reported yet may be there too; a broken one may not.
    for name in files.names(usage="license"):
        files.get(usage="license", name=name)
    files.remove("none")
    assert not [name for name in _listing(tmp_path) if not name.endswith(".key")]


def test_errors_never_hold_a_secret(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    files.put(b"a-well-known-secret", usage="license", name="a")
    path = key_file(tmp_path, usage="license", name="a")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")

    with pytest.raises(CertsvcError) as refused:
        files.get(usage="license", name="a")

    assert "well-known" not in f"{refused.value!r}{refused.value}"


def _listing(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "keys").iterdir())
