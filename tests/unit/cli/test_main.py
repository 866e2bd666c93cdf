"""Which commands there are, by what the arguments say."""

import sys
from pathlib import Path

import pytest

from certsvc.cli.exit_codes import ExitCode
from certsvc.cli.main import main


def _end(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["certsvc", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize("folder", ["keys", "agencies", "verify", "pending"])
def test_a_folder_named_like_a_client_command_hides_no_server_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _end(monkeypatch, "serve", "--data-dir", folder) == ExitCode.REFUSED
    assert "[NOT_INITIALIZED]" in capsys.readouterr().err
    assert _end(monkeypatch, "--lang", "en", "migrate", "--data-dir", folder) == ExitCode.REFUSED
    assert "[NOT_INITIALIZED]" in capsys.readouterr().err
