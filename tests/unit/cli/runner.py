"""Runs commands in this process, against a scripted register or none."""

from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from certsvc.cli.main import client_app
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind


def run(*arguments: str, **more: Any) -> Result:
    """Run a client command; standard output and error are kept apart."""
    return CliRunner().invoke(client_app(), [*arguments], **more)


def credential(folder: Path, endpoint: str) -> str:
    """The path of a new credential file that names this endpoint."""
    path = folder / f"{endpoint.replace(':', '-')}.json"
    create_credential(
        path, owner_kind=CallerKind.AGENCY, owner_id="1299010099990002X3", endpoint=endpoint, audience="certsvc"
    )
    return str(path)
