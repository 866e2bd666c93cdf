"""Who may make a register of what: settings are kept, production stays production, an interrupted run is repeated."""

import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from certsvc.bootstrap import initialization
from certsvc.bootstrap.application import Application
from certsvc.bootstrap.initialization import initialize
from certsvc.bootstrap.opening import held_lock
from certsvc.config import CONFIG_FILE, Settings, load_settings
from certsvc.errors import FailedPreconditionError, UnavailableError

PRODUCTION = {"public_url": "https://register.example"}


def _settings(folder: Path, **stated: Any) -> Settings:
    return load_settings(folder, **stated)


def _initialize(settings: Settings, **more: Any) -> None:
    initialize(settings, operator_id="root", endpoint=settings.grpc_address, **more)


def _all_files(folder: Path) -> dict[str, bytes]:
    """What is kept, without the database's working files."""
    found = {path.name: path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(("register.db", "lock"))}


@pytest.mark.parametrize(
    "stated", [{"public_url": "https://other.example"}, {"development": True}, {"grpc_address": "127.0.0.1:1"}]
)
def test_a_complete_register_keeps_its_settings(tmp_path: Path, stated: dict[str, Any]) -> None:
    _initialize(_settings(tmp_path, **PRODUCTION))
    before = _all_files(tmp_path)
    _initialize(_settings(tmp_path, **PRODUCTION))
    with pytest.raises(FailedPreconditionError) as refused:
        _initialize(_settings(tmp_path, **stated))
    assert refused.value.reason == "ALREADY_INITIALIZED"
    assert _all_files(tmp_path) == before


@pytest.mark.parametrize("with_config", [True, False])
def test_production_never_becomes_development(tmp_path: Path, with_config: bool) -> None:
    _initialize(_settings(tmp_path, **PRODUCTION))
    if not with_config:
        (tmp_path / CONFIG_FILE).unlink()
    before = _all_files(tmp_path)
    with pytest.raises(FailedPreconditionError, match="serve") as refused:
        _initialize(_settings(tmp_path, development=True), may_change_settings=True)
    assert refused.value.reason == "NOT_DEVELOPMENT"
    assert _all_files(tmp_path) == before


def test_a_database_of_production_gets_no_operator_of_development(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    database_url = f"sqlite:///{tmp_path / 'one' / 'shared.db'}"
    _initialize(_settings(tmp_path / "one", database_url=database_url, **PRODUCTION))
    with pytest.raises(FailedPreconditionError, match="NOT_DEVELOPMENT"):
        _initialize(_settings(tmp_path / "two", database_url=database_url, development=True), may_change_settings=True)
    assert not (tmp_path / "two" / "operator.json").exists()


def test_nothing_is_written_while_another_process_works_there(tmp_path: Path) -> None:
    settings = _settings(tmp_path, development=True)
    _initialize(settings)
    before = _all_files(tmp_path)
    changed = _settings(tmp_path, grpc_address="127.0.0.1:1")
    with held_lock(settings), pytest.raises(FailedPreconditionError, match="LOCKED"):
        _initialize(changed, may_change_settings=True)
    assert _all_files(tmp_path) == before
    _initialize(changed, may_change_settings=True)
    assert _settings(tmp_path) == changed


def test_an_interrupted_run_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path, **PRODUCTION)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step in ("_make_keys", "migrate", "create_credential", "_register_operator"):
        with monkeypatch.context() as faults:
            faults.setattr(initialization, step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                _initialize(settings)
    _initialize(settings)
    assert _settings(tmp_path) == settings
    assert stat.S_IMODE((tmp_path / CONFIG_FILE).stat().st_mode) == 0o600


def test_memory_dumps_are_forbidden_before_keys_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise FailedPreconditionError(reason="MEMORY_DUMPS_POSSIBLE", message="")

    monkeypatch.setattr(initialization, "forbid_memory_dumps", refused)
    with pytest.raises(FailedPreconditionError, match="MEMORY_DUMPS_POSSIBLE"):
        _initialize(_settings(tmp_path / "data", development=True))
    assert not (tmp_path / "data").exists()


def test_a_start_that_fails_gives_both_ports_back(tmp_path: Path) -> None:
    """The HTTP port is taken: then gRPC's, which was bound before, is free again, and later both are."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as found:
        http, grpc = (f"127.0.0.1:{each.getsockname()[1]}" for each in (taken, found))
        found.close()
        settings = _settings(tmp_path, development=True, grpc_address=grpc, http_address=http)
        _initialize(settings)
        with pytest.raises(UnavailableError, match="ADDRESS_NOT_FREE") as refused:
            Application(settings).start()
        assert http in refused.value.message
        socket.create_server(("127.0.0.1", int(grpc.rpartition(":")[2])), reuse_port=False).close()
    application = Application(settings)
    application.start()
    application.stop()
