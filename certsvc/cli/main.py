"""The command line as a whole: which groups there are, and how the process ends."""

import importlib
import os
import sys

import typer

from certsvc.cli import agencies, bundle, license_changes, license_types, licenses, pending, signing_keys, verify
from certsvc.cli.command import common_options
from certsvc.cli.exit_codes import ExitCode
from certsvc.cli.importing import import_command

SERVER_COMMANDS = ("init", "serve", "run", "migrate")


def client_app() -> typer.Typer:
    """The commands that are clients of a register."""
    app = typer.Typer(name="certsvc", no_args_is_help=True, pretty_exceptions_enable=False)
    common_options(app)
    groups = {
        "agencies": typer.Typer(help="Agencies, officers, client keys, grants. 机关、经办人、密钥、授权。"),
        "types": typer.Typer(help="License types. 证照类型。"),
        "licenses": typer.Typer(help="Issue, change, read, import, watch. 签发、变更、查询、导入、监听。"),
        "keys": typer.Typer(help="Signing keys. 签名密钥。"),
        "bundle": typer.Typer(help="Offline bundles. 离线核验包。"),
        "pending": typer.Typer(help="Changes that wait for a second officer. 待审核变更。"),
    }
    agencies.register(groups["agencies"])
    license_types.register(groups["types"])
    licenses.register(groups["licenses"])
    license_changes.register(groups["licenses"])
    import_command.register(groups["licenses"])
    signing_keys.register(groups["keys"])
    bundle.register(groups["bundle"])
    pending.register(groups["pending"])
    verify.register(app)
    for name, group in groups.items():
        app.add_typer(group, name=name, no_args_is_help=True)
    return app


def add_server_commands(app: typer.Typer) -> None:
    """Add the commands of the server; without the server extra, stand-ins that say what to install."""
    try:
        server = importlib.import_module("certsvc.cli.server")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "certsvc":
            raise
        for name in SERVER_COMMANDS:
            app.command(name, help="Needs the server extra. 需要安装 server 组件。")(_not_installed)
    else:
        server.register(app)


def _not_installed() -> None:
    typer.echo("This command needs the server: pip install 'certsvc[server]'", err=True)
    raise typer.Exit(ExitCode.USAGE)


def main() -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    app = client_app()
    names = {group.name for group in app.registered_groups} | {one.name for one in app.registered_commands}
    stated = set(sys.argv[1:])
    # The server's modules take a second to load, so they are left out when only a client command is named. What is
    # named may be an option's value (`serve --data-dir keys`), so a server command anywhere brings them.
    if names.isdisjoint(stated) or not stated.isdisjoint(SERVER_COMMANDS):
        add_server_commands(app)
    try:
        app()
    except BrokenPipeError:
        # Whoever read our output has enough: end as programs end that are told so, without a traceback at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.OK)


if __name__ == "__main__":
    main()
