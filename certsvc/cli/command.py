"""How a function becomes a command: the options that all commands share, and errors turned into exit codes."""

import functools
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from certsvc.cli.exit_codes import ExitCode, exit_code_of
from certsvc.cli.session import DryRunEnd, Session
from certsvc.cli.words import system_language
from certsvc.errors import CertsvcError

DEFAULT_CREDENTIAL = Path("var/operator.json")
DEFAULT_TIMEOUT = 10.0

_PANEL = "Common options 通用选项"
_ENVIRONMENT = {"credential": "CERTSVC_CREDENTIAL", "officer": "CERTSVC_OFFICER"}
_DRY_RUN = Annotated[
    bool,
    typer.Option("--dry-run", help="Only print what would be sent. 只显示，不提交。", rich_help_panel=_PANEL),
]


def command(
    app: typer.Typer, name: str, *, changes: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function a command of `app`; its first parameter is the Session, the others are the command's own.

    With `changes` the command has --dry-run. A CertsvcError ends the process with its code of docs/cli.md, anything
    unforeseen with 70 and its traceback; a command ends with another code by raising typer.Exit.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        shared = _shared_options()
        if changes:
            shared["dry_run"] = _DRY_RUN

        def run(context: typer.Context, **values: Any) -> None:
            stated = {key: values.pop(key) for key in shared}
            session = _session({**(context.obj or {}), **_without_unstated(stated)})
            _run(functools.partial(function, **values), session)

        own = list(inspect.signature(function).parameters.values())[1:]
        _describe(run, own, shared)
        app.command(name, help=inspect.getdoc(function))(run)
        return function

    return decorate


def common_options(app: typer.Typer) -> None:
    """Let the common options stand before the command too, and come from the environment."""

    def root(context: typer.Context, **stated: Any) -> None:
        context.obj = _without_unstated(stated)

    _describe(root, [], _shared_options(_ENVIRONMENT))
    root.__doc__ = "Electronic licenses: register, verify, operate. 电子证照：登记、核验、运维。"
    app.callback()(root)


def _shared_options(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The options of every command; None and False mean that nothing was stated."""
    variables = environment or {}

    def option(name: str, kind: Any, flag: str, text: str) -> Any:
        info = typer.Option(flag, help=text, envvar=variables.get(name), rich_help_panel=_PANEL)
        return Annotated[kind, info]

    return {
        "as_json": option("as_json", bool, "--json", "Print proto JSON. 输出 JSON。"),
        "credential": option(
            "credential",
            Path | None,
            "--credential",
            f"Credential file, else $CERTSVC_CREDENTIAL, else {DEFAULT_CREDENTIAL}. 凭证文件。",
        ),
        "officer": option(
            "officer",
            str | None,
            "--officer",
            "Staff code of the officer who acts, else $CERTSVC_OFFICER. 经办人编号。",
        ),
        "timeout": option(
            "timeout",
            float | None,
            "--timeout",
            f"Seconds for a call with all its tries ({DEFAULT_TIMEOUT:g}). 秒数上限。",
        ),
        "language": option("language", str | None, "--lang", "zh or en, else by $LANG. 语言：zh 或 en。"),
    }


def _describe(function: Any, own: list[inspect.Parameter], shared: dict[str, Any]) -> None:
    """Give a function that takes **values the signature that typer shall offer."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    parameters = [
        context,
        *(parameter.replace(kind=keyword) for parameter in own),
        *(
            inspect.Parameter(name, keyword, default=False if name in ("as_json", "dry_run") else None, annotation=kind)
            for name, kind in shared.items()
        ),
    ]
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}


def _without_unstated(stated: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stated.items() if value is not None and value is not False}


def _session(stated: dict[str, Any]) -> Session:
    language = stated.get("language", system_language())
    if language not in ("zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    timeout = stated.get("timeout", DEFAULT_TIMEOUT)
    if timeout <= 0:
        raise typer.BadParameter("more than 0 seconds", param_hint="--timeout")
    return Session(
        credential=stated.get("credential", DEFAULT_CREDENTIAL),
        officer=stated.get("officer", ""),
        timeout=timeout,
        as_json=stated.get("as_json", False),
        language=language,
        dry_run=stated.get("dry_run", False),
    )


def _run(body: Callable[[Session], Any], session: Session) -> None:
    try:
        body(session)
    except DryRunEnd:
        pass
    except CertsvcError as error:
        session.show_error(error)
        raise typer.Exit(exit_code_of(error)) from error
    except KeyboardInterrupt:
        session.err.print(session.say("interrupted"))
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        raise
    except Exception as error:  # whatever it is, its traceback is for the log and its code for the script
        session.err.print(traceback.format_exc())
        session.err.print(f"{session.say('internal')}: {type(error).__name__}")
        raise typer.Exit(ExitCode.INTERNAL) from error
    finally:
        session.close()
