"""Commands that need the server extra: init, serve, run, migrate. They open the store themselves, under its lock."""

import functools
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from certsvc.bootstrap.application import Application
from certsvc.bootstrap.data_files import replace_file
from certsvc.bootstrap.initialization import initialize
from certsvc.bootstrap.logging import configure_logging
from certsvc.bootstrap.opening import held_lock
from certsvc.bootstrap.workers import run_workers
from certsvc.cli import sample_register
from certsvc.cli.exit_codes import exit_code_of
from certsvc.config import CONFIG_FILE, Settings, load_settings
from certsvc.credentials.client_credential import load_credential
from certsvc.credentials.qr_image import draw
from certsvc.errors import CertsvcError, FailedPreconditionError, FieldViolation, InvalidInputError
from certsvc.store.schema import migrate as migrate_schema

DataDir = Annotated[Path, typer.Option(help="Private data directory.", envvar="CERTSVC_DATA_DIR")]
PublicURL = Annotated[str | None, typer.Option(help="URL under which phones reach the page.")]
DatabaseURL = Annotated[
    str | None, typer.Option(help="postgresql://… or sqlite:///…; default: a file in the data directory.")
]
GRPCAddress = Annotated[str | None, typer.Option(help="host:port of gRPC.")]
HTTPAddress = Annotated[str | None, typer.Option(help="host:port of HTTP.")]
TLSCertificate = Annotated[str | None, typer.Option(help="PEM file with the server's certificate chain.")]
TLSKey = Annotated[str | None, typer.Option(help="PEM file with the certificate's private key.")]

DEFAULT_DATA_DIR = Path("var")


def register(app: typer.Typer) -> None:
    """Add the commands of the server."""
    for function in (init, serve, run, migrate):
        app.command()(_telling_refusals(function))


def _telling_refusals(function: Callable[..., None]) -> Callable[..., None]:
    """The command, with a line on standard error and an exit code for every refusal, instead of a traceback."""

    @functools.wraps(function)
    def run_and_tell(**values: Any) -> None:
        try:
            function(**values)
        except CertsvcError as error:
            violations = error.violations if isinstance(error, InvalidInputError) else ()
            lines = [f"{found.field}: {found.description} [{found.reason}]" for found in violations]
            for line in lines or [f"{error.message} [{error.reason}]"]:
                typer.echo(f"certsvc: {line}", err=True)
            raise typer.Exit(exit_code_of(error)) from error

    return run_and_tell


def init(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    public_url: PublicURL = None,
    database_url: DatabaseURL = None,
    grpc_address: GRPCAddress = None,
    http_address: HTTPAddress = None,
    tls_certificate: TLSCertificate = None,
    tls_key: TLSKey = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file with the CA that clients trust.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="host:port that clients call; default: the gRPC address.")
    ] = None,
    operator: Annotated[str, typer.Option(help="Name of the first operator.")] = "operator",
    development: Annotated[
        bool, typer.Option("--development", help="Development keys, which verify nowhere else.")
    ] = False,
) -> None:
    """Make a new register: keys, database, and the first operator's credential."""
    stated = {
        "public_url": public_url,
        "database_url": database_url,
        "grpc_address": grpc_address,
        "http_address": http_address,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "development": development or None,
    }
    settings = load_settings(data_dir, **stated)
    initialize(
        settings,
        operator_id=operator,
        endpoint=_endpoint(settings, endpoint),
        ca_pem=ca.read_text("ascii") if ca else None,
    )
    typer.echo(f"initialized {data_dir}; operator credential: {settings.operator_file}")


def serve(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    public_url: PublicURL = None,
    grpc_address: GRPCAddress = None,
    http_address: HTTPAddress = None,
    tls_certificate: TLSCertificate = None,
    tls_key: TLSKey = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes on one port; needs PostgreSQL.")] = None,
) -> None:
    """Serve gRPC and HTTP until SIGTERM or Ctrl-C."""
    _check_initialized(data_dir)
    settings = load_settings(
        data_dir,
        public_url=public_url,
        grpc_address=grpc_address,
        http_address=http_address,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        workers=workers,
    )
    configure_logging(settings.log_level)
    if settings.workers > 1:
        ready = {"ready": True, "grpc": settings.grpc_address, "http": settings.http_address}
        run_workers(settings, on_ready=lambda: _tell(**ready), stopping=_stop_signal())
        return
    with _running(settings) as application:
        _tell(ready=True, grpc=application.grpc_address, http=application.http_address)


def run(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    public_url: PublicURL = None,
    database_url: DatabaseURL = None,
    grpc_address: GRPCAddress = None,
    http_address: HTTPAddress = None,
    tls_certificate: TLSCertificate = None,
    tls_key: TLSKey = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file with the CA that clients trust.")] = None,
) -> None:
    """Try it: a development register with samples, made on the first run and gone on with later."""
    stated = {
        "public_url": public_url,
        "database_url": database_url,
        "grpc_address": grpc_address,
        "http_address": http_address,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
    }
    settings = load_settings(data_dir, **stated, development=True)
    initialize(
        settings,
        operator_id="operator",
        endpoint=settings.grpc_address,
        ca_pem=ca.read_text("ascii") if ca else None,
        may_change_settings=True,
    )
    configure_logging("warning")
    with _running(settings) as application:
        samples = _samples(settings)
        _welcome(settings, application, samples[0])


def migrate(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Bring the database's schema up to date."""
    _check_initialized(data_dir)
    settings = load_settings(data_dir)
    with held_lock(settings):
        migrate_schema(settings.database)
    typer.echo("the schema is up to date")


def _check_initialized(data_dir: Path) -> None:
    if not (data_dir / CONFIG_FILE).exists():
        raise FailedPreconditionError(
            reason="NOT_INITIALIZED",
            message=f"there is no register in {data_dir}: `certsvc init` makes one",
            details={"state": "NOT_INITIALIZED"},
        )


def _stop_signal() -> threading.Event:
    """Set by SIGTERM and by Ctrl-C."""
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    return stopping


@contextmanager
def _running(settings: Settings) -> Iterator[Application]:
    """Run a worker until a signal asks it to stop, after the body was carried out."""
    stopping = _stop_signal()
    application = Application(settings)
    application.start()
    try:
        yield application
        stopping.wait()
    finally:
        application.stop()


def _samples(settings: Settings) -> list[dict[str, str]]:
    """The sample licenses, made on the first run, and asked for again where their file is of no use."""
    found = _read_samples(settings.samples_file)
    if found is None:
        made = sample_register.fill(load_credential(settings.operator_file), settings.data_dir / "agencies")
        found = [asdict(license_) for license_ in made]
        replace_file(settings.samples_file, json.dumps(found).encode())
    return found


def _read_samples(file: Path) -> list[dict[str, str]] | None:
    try:
        read = json.loads(file.read_text("utf-8"))
        return [asdict(sample_register.SampleLicense(**entry)) for entry in read] or None
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _tell(**fields: object) -> None:
    """One line of JSON on standard output, for whoever started the process."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _welcome(settings: Settings, application: Application, license_: dict[str, str]) -> None:
    agency = sample_register.sample("agencies")[0]["agency"]["agency_id"]
    credential = settings.data_dir / "agencies" / f"{agency}.json"
    picture = settings.data_dir / "sample.png"
    replace_file(picture, draw(license_["qr_text"], error_correction="M").png(module_size=4))
    typer.echo(draw(license_["qr_text"], error_correction="L").terminal_text())
    typer.echo(
        "\n".join(
            (
                "certsvc is running. 证照服务已启动。",
                f"  gRPC  {application.grpc_address}",
                f"  HTTP  {settings.public_url}",
                "",
                "The code above is the sample license. 上图为示例证照二维码：",
                f"  {license_['identifier']}",
                "",
                "Try it in another terminal. 另开终端试试：",
                f"  export CERTSVC_CREDENTIAL={credential}",
                f"  .venv/bin/certsvc --officer clerk-1 licenses show {license_['identifier']}",
                f"  .venv/bin/certsvc verify {picture}",
                f"  .venv/bin/certsvc --credential {settings.operator_file} agencies list",
                "",
                "Ctrl-C stops it. 按 Ctrl-C 停止。",
            )
        )
    )


def _endpoint(settings: Settings, stated: str | None) -> str:
    """What clients call. Raises InvalidInputError where the server listens everywhere and no name was stated."""
    host = settings.grpc_address.rpartition(":")[0].strip("[]")
    if stated is None and host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        description = "the server listens on every address: say which name of its certificate clients call"
        raise InvalidInputError.of(FieldViolation("endpoint", "REQUIRED", description))
    return stated or settings.grpc_address
