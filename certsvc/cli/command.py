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

_PANEL = "Common options 通用选项"
_COMMON: dict[str, tuple[Any, Any]] = {
    "as_json": (
        Annotated[bool, typer.Option("--json", help="Print proto JSON. 输出 JSON。", rich_help_panel=_PANEL)],
        False,
    ),
    "credential": (
        Annotated[
            Path,
            typer.Option(
                "--credential",
                envvar="CERTSVC_CREDENTIAL",
                help="Credential file of the caller. 调用方凭证文件。",
                rich_help_panel=_PANEL,
            ),
        ],
        DEFAULT_CREDENTIAL,
    ),
    "officer": (
        Annotated[
            str,
            typer.Option(
                "--officer",
                envvar="CERTSVC_OFFICER",
                help="Staff code of the officer who acts. 经办人编号。",
                rich_help_panel=_PANEL,
            ),
        ],
        "",
    ),
    "timeout": (
        Annotated[
            float,
            typer.Option(
                "--timeout",
                min=0.1,
                help="Seconds that a call may take with all its tries. 每次调用的秒数上限。",
                rich_help_panel=_PANEL,
            ),
        ],
        10.0,
    ),
    "language": (
        Annotated[
            str,
            typer.Option("--lang", help="zh or en; LANG decides otherwise. 语言：zh 或 en。", rich_help_panel=_PANEL),
        ],
        "",
    ),
}
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
        common = _COMMON | ({"dry_run": (_DRY_RUN, False)} if changes else {})

        @functools.wraps(function)
        def run(**values: Any) -> None:
            shared = {key: values.pop(key) for key in common}
            _run(lambda session: function(session, **values), _session(**shared))

        own = list(inspect.signature(function).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            *(parameter.replace(kind=keyword) for parameter in own),
            *(
                inspect.Parameter(key, keyword, default=default, annotation=annotation)
                for key, (annotation, default) in common.items()
            ),
        ]
        # typer reads both: what it finds here is what it offers.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect looks for it
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del run.__wrapped__  # type: ignore[attr-defined] # else typer would look at the inner function
        app.command(name, help=inspect.getdoc(function))(run)
        return function

    return decorate


def _session(*, language: str, **shared: Any) -> Session:
    if language not in ("", "zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    return Session(language=language or system_language(), **shared)


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
