"""Where the gRPC server listens: in clear on loopback only, elsewhere with TLS, whose files may change any time.

Invariants: no port is opened in clear off loopback; a certificate and a key that do not belong together, or cannot
be read, never replace a pair that works; a new pair serves the next connection, without a restart.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import structlog
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from certsvc.errors import FailedPreconditionError

Stamp: TypeAlias = tuple[tuple[int, int, int], ...]

_log = structlog.get_logger("certsvc.rpc")


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """PEM files: the certificate with its chain, the server's own first, and its unencrypted private key."""

    certificate_chain: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on, `host:port`; port 0 takes a free one. Without `tls` only on loopback."""

    address: str
    tls: TLSFiles | None = None

    def __post_init__(self) -> None:
        if self.tls is None and not is_loopback(self.address):
            raise FailedPreconditionError(
                reason="PLAINTEXT_REFUSED",
                message=f"{self.address} is not on loopback: give a TLS certificate, or listen on 127.0.0.1",
                details={"address": self.address},
            )


class ReloadingCertificate:
    """A server certificate that follows its files."""

    def __init__(self, files: TLSFiles) -> None:
        """Raises FailedPreconditionError (TLS_FILES) if the pair cannot serve now."""
        self._files = files
        self._stamp = self._failed = self._now()
        self._initial = self._load()

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials that look at the files whenever a client connects."""
        # types-grpcio forgets that None stands for no change.
        fetch: Any = self.changed
        return grpc.dynamic_ssl_server_credentials(self._initial, fetch)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new pair if the files changed since the last look, else None; never raises.

        Called by grpc on every new connection, before the handshake.
        """
        try:
            stamp = self._now()
            if stamp == self._stamp:
                return None
            configuration = self._load()
        except FailedPreconditionError as error:
            self._note_failure(error)
            return None
        self._stamp = stamp
        _log.info("tls_certificate_changed", file=str(self._files.certificate_chain))
        return configuration

    def _load(self) -> grpc.ServerCertificateConfiguration:
        try:
            chain = self._files.certificate_chain.read_bytes()
            key = self._files.private_key.read_bytes()
            own = load_pem_x509_certificates(chain)[0].public_key()
            # grpc takes a pair that does not fit and then fails every handshake.
            if load_pem_private_key(key, password=None).public_key() != own:
                raise ValueError("the private key is not the certificate's")
        except (OSError, ValueError, TypeError) as error:
            raise _unusable(self._files, error) from error
        return grpc.ssl_server_certificate_configuration([(key, chain)])

    def _now(self) -> Stamp:
        """What tells whether the files changed: by writing into them or by putting others in their place."""
        try:
            stats = [path.stat() for path in (self._files.certificate_chain, self._files.private_key)]
        except OSError as error:
            raise _unusable(self._files, error) from error
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def _note_failure(self, error: FailedPreconditionError) -> None:
        """Log once what a renewal left behind: half of a new pair lies there for a moment, a bad one for days."""
        try:
            stamp: Stamp = self._now()
        except FailedPreconditionError:
            stamp = ()
        if stamp != self._failed:
            self._failed = stamp
            _log.warning("tls_certificate_kept", file=str(self._files.certificate_chain), why=error.message)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `host:port`; a name other than localhost (RFC 6761 §6.3) is not trusted."""
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(files: TLSFiles, error: Exception) -> FailedPreconditionError:
    return FailedPreconditionError(
        reason="TLS_FILES",
        message=f"{files.certificate_chain} and {files.private_key} cannot serve: {error}",
    )
