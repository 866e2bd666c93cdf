"""Runs the HTTP application on a thread of its own.

Invariants: it listens before `start` returns, in clear on loopback only (config.py sees to that); its certificate can
be changed without a restart.
"""

import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from certsvc.errors import FailedPreconditionError, UnavailableError

STOP_SECONDS = 10.0
BACKLOG = 512
LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


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
        """Raises UnavailableError (ADDRESS_NOT_FREE), FailedPreconditionError (TLS_FILES)."""
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
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True)
        ]
        if listener.certificate:
            self._load(config, listener)
            files = (Path(listener.certificate), Path(listener.key))
            self._threads.append(
                threading.Thread(target=self._follow_files, args=(config.ssl, files), name="http-tls", daemon=True)
            )

    def _load(self, config: uvicorn.Config, listener: HTTPListener) -> None:
        try:
            config.load()
        except OSError as error:  # SSLError is one
            self._socket.close()
            raise FailedPreconditionError(
                reason="TLS_FILES",
                message=f"{listener.certificate} and {listener.key} cannot serve: {error}",
            ) from error

    def start(self) -> None:
        """Answer from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let requests under way finish, then end; before the start, give the port back."""
        self._server.should_exit = True
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(STOP_SECONDS)
        self._socket.close()

    def _follow_files(self, context: ssl.SSLContext, files: tuple[Path, Path]) -> None:
        """Serve new connections with a new certificate soon after its files change; a bad pair changes nothing."""
        loaded = tried = _stamp(files)
        while not self._stopping.wait(LOOK_SECONDS):
            now = _stamp(files)
            # Seen twice alike: whoever replaces the two files is done.
            if now not in (loaded, None) and now == tried:
                try:
                    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    trial.load_cert_chain(*files)
                    context.load_cert_chain(*files)
                except (OSError, ssl.SSLError) as error:
                    log.warning("certificate_not_loaded", error=type(error).__name__)
                else:
                    log.info("certificate_loaded")
                loaded = now
            tried = now


def _stamp(files: tuple[Path, Path]) -> tuple[int, ...] | None:
    """What tells that a file changed; None while one is missing."""
    try:
        return tuple(number for file in files for number in (file.stat().st_mtime_ns, file.stat().st_ino))
    except OSError:
        return None


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
