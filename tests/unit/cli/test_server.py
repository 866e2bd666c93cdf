"""`certsvc run` on what it finds: samples that are of no use are made again, and production is not touched."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from certsvc.bootstrap.data_files import replace_file
from certsvc.cli import sample_register, server
from certsvc.cli.sample_register import SampleLicense
from certsvc.config import load_settings
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind
from certsvc.errors import UnavailableError

MADE = {"identifier": "1.2", "qr_text": "http://x#1"}
SOUND = json.dumps([MADE])


@pytest.mark.parametrize(
    "content", [None, "", "[", "[]", "null", "7", "[7]", "{}", '[{"identifier": "1"}]', SOUND[:-1]]
)
def test_samples_of_no_use_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    settings = load_settings(tmp_path, development=True)
    create_credential(
        settings.operator_file, owner_kind=CallerKind.OPERATOR, owner_id="root", endpoint="a:1", audience="b"
    )
    if content is not None:
        settings.samples_file.write_text(content, "utf-8")
    monkeypatch.setattr(sample_register, "fill", lambda *_: [SampleLicense(**MADE)])
    assert server._samples(settings) == [MADE]
    assert settings.samples_file.read_text("utf-8") == SOUND
    assert stat.S_IMODE(settings.samples_file.stat().st_mode) == 0o600


def test_sound_samples_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(tmp_path, development=True)
    settings.samples_file.write_text(SOUND, "utf-8")

    def never(*_: Any) -> list[SampleLicense]:
        raise AssertionError

    monkeypatch.setattr(sample_register, "fill", never)
    assert server._samples(settings) == [MADE]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(0o644)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as faults:
        faults.setattr(os, "fsync", full)
        with pytest.raises(UnavailableError, match="DATA_FILE_UNWRITABLE"):
            replace_file(path, b"after")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"before")]
    replace_file(path, b"after")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"after")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
