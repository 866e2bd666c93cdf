"""Runs the HTTP application on a thread of its own.

Invariant: it listens before `start` returns, in clear on loopback only (config.py sees to that).
"""

import socket
import threading
from dataclasses import dataclass
from typing import Any

import uvicorn

from certsvc.errors import UnavailableError

STOP_SECONDS = 10.0
BACKLOG = 512


@dataclass(frozen=True, slots=True)
class HTTPListener:
    """Where to listen, host:port (port 0 takes a free one); PEM files for TLS, empty for none."""

    address: str
    certificate: str = ""
    key: str = ""
    share_port: bool = False


class HTTPServer:
    """Made once, started once, stopped once."""

    def __init__(self, app: Any, listener: HTTPListener) -> None:
        """Raises UnavailableError (ADDRESS_NOT_FREE)."""
        self._socket = _listen(listener)
        host = listener.address.rpartition(":")[0]
        self.address = f"{host}:{self._socket.getsockname()[1]}"
        tls: dict[str, Any] = {}
        if listener.certificate:
            tls = {"ssl_certfile": listener.certificate, "ssl_keyfile": listener.key}
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=BACKLOG,
            timeout_graceful_shutdown=5,
            **tls,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Let requests under way finish, then end."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()


def _listen(listener: HTTPListener) -> socket.socket:
    host, _, port = listener.address.rpartition(":")
    host = host.strip("[]")
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.share_port:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind((host, int(port)))
    except OSError as error:
        made.close()
        raise UnavailableError(
            reason="ADDRESS_NOT_FREE",
            message=f"cannot listen on {listener.address}: is another server running there?",
        ) from error
    made.listen(BACKLOG)
    return made
