"""The client runs without anything of the server."""

import subprocess
import sys

SERVER = ["certsvc.rpc", "certsvc.store", "certsvc.services", "certsvc.web", "certsvc.keyring", "certsvc.bootstrap"]
PACKAGES = ["sqlalchemy", "starlette", "jsonschema", "alembic", "psycopg", "uvicorn", "structlog", "qrcode", "typer"]
PICTURES = ["zxingcpp", "PIL"]


def test_importing_the_client_loads_nothing_of_the_server() -> None:
    program = "import certsvc.client, certsvc.client.pictures, sys; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "certsvc.client.client" in loaded
    assert loaded.isdisjoint([*SERVER, *PACKAGES, *PICTURES])
