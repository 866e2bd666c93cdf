"""What all commands share: options, output, errors and exit codes."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import typer
from typer.testing import CliRunner

from certsvc.cli.command import command, common_options
from certsvc.cli.exit_codes import ExitCode, exit_code_of
from certsvc.cli.main import SERVER_COMMANDS, add_server_commands, client_app
from certsvc.cli.session import Session
from certsvc.client import CallError
from certsvc.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidInputError,
    MalformedError,
    NotFoundError,
    PermissionDeniedError,
    SignatureError,
    UnauthenticatedError,
    UnavailableError,
)
from certsvc.v1 import common_pb2, license_service_pb2
from tests.require import ROOT
from tests.unit.cli.runner import credential, run
from tests.unit.client.scripted_register import ScriptedRegister, refuse, served


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CERTSVC_CREDENTIAL", "CERTSVC_OFFICER", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def register(tmp_path: Path) -> Iterator[tuple[ScriptedRegister, str]]:
    """A register and the path of a credential for it."""
    scripted = ScriptedRegister()
    with served(scripted) as endpoint:
        yield scripted, credential(tmp_path, endpoint)


def _found(request: Any, context: Any) -> license_service_pb2.GetLicenseResponse:
    license_ = license_service_pb2.License(identifier=request.identifier, state=common_pb2.LICENSE_STATE_ACTIVE)
    return license_service_pb2.GetLicenseResponse(license=license_)


def _officer(scripted: ScriptedRegister) -> str:
    token = scripted.metadata[-1]["authorization"].removeprefix("Bearer ")
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_common_options_stand_before_or_after_the_command_or_in_the_environment(
    register: tuple[ScriptedRegister, str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    scripted, path = register
    scripted.steps = [_found]
    options = ["--credential", path, "--officer", "clerk-7"]
    call = ["licenses", "show", "1.2.3"]
    if place == "environment":
        monkeypatch.setenv("CERTSVC_CREDENTIAL", path)
        monkeypatch.setenv("CERTSVC_OFFICER", "clerk-7")
        options = []
    result = run(*(options + call if place == "before" else call + options))
    assert result.exit_code == 0, result.output
    assert "identifier: 1.2.3" in result.stdout
    assert _officer(scripted) == "clerk-7"


def test_after_the_command_wins(register: tuple[ScriptedRegister, str], monkeypatch: pytest.MonkeyPatch) -> None:
    scripted, path = register
    scripted.steps = [_found]
    monkeypatch.setenv("CERTSVC_CREDENTIAL", "/nowhere")
    monkeypatch.setenv("CERTSVC_OFFICER", "from-environment")
    result = run("--officer", "first", "licenses", "show", "1", "--officer", "last", "--credential", path)
    assert result.exit_code == 0, result.output
    assert _officer(scripted) == "last"


def test_json_is_the_only_thing_on_standard_output(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    scripted.steps = [_found]
    result = run("licenses", "show", "1.2.3", "--json", "--credential", path)
    assert json.loads(result.stdout)["state"] == "LICENSE_STATE_ACTIVE"
    assert result.stderr == ""


def test_an_error_is_told_in_words_with_all_its_fields(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    scripted.steps = [refuse("INVALID_ARGUMENT", "INVALID_INPUT", fields=["identifier", "holders[0].number"])]
    result = run("licenses", "show", "x", "--credential", path, "--lang", "zh")
    assert result.exit_code == ExitCode.REFUSED
    assert result.stdout == ""
    assert "错误" in result.stderr
    assert "identifier: is wrong [WRONG]" in result.stderr
    assert "holders[0].number: is wrong [WRONG]" in result.stderr


def test_an_error_is_told_in_json(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    scripted.steps = [refuse("FAILED_PRECONDITION", "ILLEGAL_TRANSITION", metadata={"state": "REVOKED"})]
    result = run("licenses", "show", "x", "--credential", path, "--json")
    assert result.exit_code == ExitCode.REFUSED
    assert result.stdout == ""
    assert json.loads(result.stderr) == {
        "error": {
            "code": "FAILED_PRECONDITION",
            "reason": "ILLEGAL_TRANSITION",
            "message": "no",
            "metadata": {"state": "REVOKED"},
            "violations": [],
        }
    }


def test_a_dry_run_sends_nothing(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    scripted.steps = [refuse("INTERNAL")]
    result = run(
        *("licenses", "issue", "--type", "t", "--number", "n", "--holder", "1=甲", "--field", "a=b"),
        *("--valid-from", "2026-01-01", "--credential", path, "--dry-run"),
    )
    assert result.exit_code == 0, result.output
    sent = json.loads(result.stdout)["IssueLicenseRequest"]
    assert (sent["type_code"], sent["holders"][0]["name"], sent["fields"]) == ("t", "甲", {"a": "b"})
    assert scripted.metadata == []


def test_a_register_that_cannot_be_reached(tmp_path: Path) -> None:
    path = credential(tmp_path, "127.0.0.1:1")
    result = run("licenses", "show", "x", "--credential", path, "--timeout", "0.3")
    assert result.exit_code == ExitCode.NOT_REACHED


@pytest.mark.parametrize(
    "arguments",
    [["licenses", "show"], ["licenses", "nothing"], ["--lang", "fr", "agencies", "list"],
     ["agencies", "list", "--timeout", "0"]],
)  # fmt: skip
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == ExitCode.USAGE


def test_a_missing_credential_is_not_allowed(tmp_path: Path) -> None:
    result = run("agencies", "list", "--credential", str(tmp_path / "none.json"))
    assert result.exit_code == ExitCode.NOT_ALLOWED
    assert "CREDENTIAL_MISSING" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RuntimeError("boom"), ExitCode.INTERNAL),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (UnavailableError("X", "x"), ExitCode.NOT_REACHED),
        (typer.Exit(1), 1),
    ],
)
def test_whatever_a_command_raises_has_its_exit_code(raised: BaseException, code: int) -> None:
    app = typer.Typer()
    common_options(app)

    def fail(session: Session) -> None:
        """Fail."""
        raise raised

    command(app, "fail")(fail)
    result = CliRunner().invoke(app, ["fail"])
    assert result.exit_code == code
    assert ("boom" in result.stderr) is ("boom" in str(raised))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CallError("", "", code="UNAUTHENTICATED"), ExitCode.NOT_ALLOWED),
        (CallError("", "", code="PERMISSION_DENIED"), ExitCode.NOT_ALLOWED),
        (CallError("", "", code="UNAVAILABLE"), ExitCode.NOT_REACHED),
        (CallError("", "", code="DEADLINE_EXCEEDED"), ExitCode.NOT_REACHED),
        (CallError("", "", code="RESOURCE_EXHAUSTED"), ExitCode.NOT_REACHED),
        (CallError("", "", code="ALREADY_EXISTS"), ExitCode.REFUSED),
        (CallError("", "", code="INTERNAL"), ExitCode.INTERNAL),
        (CallError("", "", code="DATA_LOSS"), ExitCode.INTERNAL),
        (InvalidInputError("X", ""), ExitCode.REFUSED),
        (NotFoundError("X", ""), ExitCode.REFUSED),
        (ConflictError("X", ""), ExitCode.REFUSED),
        (MalformedError("X", ""), ExitCode.REFUSED),
        (SignatureError("X", ""), ExitCode.REFUSED),
        (UnauthenticatedError("X", ""), ExitCode.NOT_ALLOWED),
        (PermissionDeniedError("X", ""), ExitCode.NOT_ALLOWED),
        (FailedPreconditionError("CREDENTIAL_PERMISSIONS", ""), ExitCode.NOT_ALLOWED),
        (FailedPreconditionError("X", ""), ExitCode.REFUSED),
    ],
)
def test_exit_codes_of_errors(error: Any, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_the_documentation_has_every_exit_code_and_every_command() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert documented == {code.value for code in ExitCode}
    app = client_app()
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for one in group.typer_instance.registered_commands:
            assert f"`{group.name} {one.name}" in page, f"{group.name} {one.name}"


def test_without_the_server_extra_its_commands_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy")

    monkeypatch.setattr(importlib, "import_module", missing)
    app = client_app()
    add_server_commands(app)
    for name in SERVER_COMMANDS:
        result = CliRunner().invoke(app, [name])
        assert result.exit_code == ExitCode.USAGE
        assert "certsvc[server]" in result.stderr


def test_a_fault_of_our_own_is_not_taken_for_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'certsvc.gone'", name="certsvc.gone")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        add_server_commands(client_app())


def test_the_server_has_no_other_commands_than_the_stand_ins() -> None:
    app = typer.Typer()
    add_server_commands(app)
    names = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    assert names == set(SERVER_COMMANDS)
