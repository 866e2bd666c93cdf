"""How the client reaches a register: TLS always, plaintext only to the own machine.

Invariant: a token leaves this machine only inside TLS, with the certificate checked against the credential's
own authority where it names one, else against the system's.
"""

import ipaddress
from urllib.parse import urlsplit

import grpc

from certsvc.errors import FieldViolation, InvalidInputError

MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of a message; the longest that the register takes or sends is a watch of 100,000 identifiers."""

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    # A connection that died without a word is found out within 40 seconds; the register allows pings this
    # often.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # The client retries with backoff of its own, so a new attempt must find gRPC willing to connect.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_NO_PROXY = (("grpc.enable_http_proxy", 0),)


def open_channel(endpoint: str, *, ca_pem: bytes | None = None) -> grpc.Channel:
    """A channel to `host:port`; nothing is sent yet.

    A loopback endpoint is spoken to in plaintext, unless `ca_pem` says that it has a certificate; any other
    in TLS. Raises InvalidInputError (ENDPOINT) for anything else than `host:port`.
    """
    host = _host_of(endpoint)
    if ca_pem is None and is_loopback(host):
        return grpc.insecure_channel(endpoint, options=(*_OPTIONS, *_NO_PROXY))
    credentials = grpc.ssl_channel_credentials(root_certificates=ca_pem)
    return grpc.secure_channel(endpoint, credentials, options=_OPTIONS)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name or address, whatever a name server says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(endpoint: str) -> str:
    try:
        parts = urlsplit(f"//{endpoint}")
        if parts.hostname and parts.port and parts.netloc == endpoint and "@" not in endpoint:
            return parts.hostname
    except ValueError:
        pass
    raise InvalidInputError.of(FieldViolation("endpoint", "ENDPOINT", "expected host:port"))
