"""One frozen settings object, read once and checked at start.

Owns the data directory's layout. Invariants: a setting that contradicts another is refused before anything starts;
plaintext is offered on loopback only; nothing has a default secret.
"""

import ipaddress
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certsvc.errors import FieldViolation, InvalidInputError

CONFIG_FILE = "certsvc.toml"

_COUNTS = (
    "max_unary_calls",
    "max_streams",
    "max_streams_per_caller",
    "match_per_agency_daily",
    "match_per_subject_daily",
    "credential_per_agency_daily",
    "credential_per_subject_daily",
    "signing_days",
)
_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set. Addresses are host:port; `workers` above 1 needs PostgreSQL."""

    data_dir: Path
    database_url: str = ""
    public_url: str = "http://localhost:8080"
    grpc_address: str = "127.0.0.1:50051"
    http_address: str = "127.0.0.1:8080"
    tls_certificate: str = ""
    tls_key: str = ""
    development: bool = False
    workers: int = 1
    audience: str = "certsvc"
    max_unary_calls: int = 64
    max_streams: int = 256
    max_streams_per_caller: int = 16
    match_per_agency_daily: int = 10_000
    match_per_subject_daily: int = 20
    credential_per_agency_daily: int = 10_000
    credential_per_subject_daily: int = 20
    publish_ahead_hours: int = 48
    signing_days: int = 120
    log_level: str = "info"

    @property
    def database(self) -> str:
        """The database's URL; without one, an SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'register.db'}"

    @property
    def wrapping_key_file(self) -> Path:
        """The key that wraps all others. Production keeps it on other media and links it here."""
        return self.data_dir / "wrapping.key"

    @property
    def secrets_dir(self) -> Path:
        """Wrapped private keys and keys of personal data."""
        return self.data_dir / "secrets"

    @property
    def lock_file(self) -> Path:
        """Held by whoever opens the store."""
        return self.data_dir / "lock"

    @property
    def operator_file(self) -> Path:
        """The first operator's credential."""
        return self.data_dir / "operator.json"

    @property
    def samples_file(self) -> Path:
        """What `run` made for the sample agencies of a development deployment."""
        return self.data_dir / "samples.json"


def load_settings(data_dir: Path, **overrides: Any) -> Settings:
    """The settings of a data directory: its file, with `overrides` in its place where they are not None.

    Raises InvalidInputError with every violation.
    """
    stated = stated_settings(data_dir) or {}
    stated |= {name: value for name, value in overrides.items() if value is not None}
    known: dict[str, Any] = {f.name: f.type for f in fields(Settings)}
    violations = [
        FieldViolation(name, "UNKNOWN_SETTING", "is no setting of certsvc") for name in stated if name not in known
    ]
    violations += [
        FieldViolation(name, "TYPE", f"must be of type {known[name].__name__}")
        for name, value in stated.items()
        if name in known and type(value) is not known[name]
    ]
    if violations:
        raise InvalidInputError.of(*violations)
    settings = Settings(data_dir=data_dir, **stated)
    settings = replace(settings, public_url=settings.public_url.rstrip("/"))
    _check(settings)
    return settings


def stated_settings(data_dir: Path) -> dict[str, Any] | None:
    """What the data directory's file says, unchecked; None where there is no file. Raises InvalidInputError (TOML)."""
    file = data_dir / CONFIG_FILE
    if not file.exists():
        return None
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError.of(FieldViolation(CONFIG_FILE, "TOML", str(error))) from error


def is_loopback(address: str) -> bool:
    """Whether host:port names this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(settings: Settings) -> None:
    violations = [
        *_address_violations(settings),
        *_url_violations(settings),
        *_tls_violations(settings),
        *(
            FieldViolation(name, "OUT_OF_RANGE", "must be at least 1")
            for name in _COUNTS
            if getattr(settings, name) < 1
        ),
    ]
    if settings.publish_ahead_hours < 0:
        violations.append(FieldViolation("publish_ahead_hours", "OUT_OF_RANGE", "must be 0 or more"))
    if settings.log_level not in _LOG_LEVELS:
        violations.append(FieldViolation("log_level", "LOG_LEVEL", f"must be one of {', '.join(_LOG_LEVELS)}"))
    if settings.workers < 1 or (settings.workers > 1 and settings.database.startswith("sqlite")):
        violations.append(FieldViolation("workers", "WORKERS", "must be 1 with SQLite, at least 1 with PostgreSQL"))
    if violations:
        raise InvalidInputError.of(*violations)


def _address_violations(settings: Settings) -> Iterator[FieldViolation]:
    for name in ("grpc_address", "http_address"):
        address: str = getattr(settings, name)
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            yield FieldViolation(name, "ADDRESS", "must be host:port")
        elif not is_loopback(address) and not settings.tls_certificate:
            yield FieldViolation(name, "PLAINTEXT", "is not on loopback, so it needs tls_certificate and tls_key")


def _url_violations(settings: Settings) -> Iterator[FieldViolation]:
    url = urlsplit(settings.public_url)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        yield FieldViolation("public_url", "URL", "must be an http or https URL without ? and #")
    elif url.scheme == "http" and not settings.development:
        yield FieldViolation("public_url", "HTTPS", "must be https outside development")


def _tls_violations(settings: Settings) -> Iterator[FieldViolation]:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        yield FieldViolation("tls_key", "TLS", "tls_certificate and tls_key go together")
    for name in ("tls_certificate", "tls_key"):
        file: str = getattr(settings, name)
        if file and not Path(file).is_file():
            yield FieldViolation(name, "FILE", "names no file")
