"""The file that a caller's system keeps: its own private key, and which register it calls where.

This private key is the caller's, not the register's: it is made and stays on the caller's machine (the
operator's for `init`, the agency's for its client), which is why it is here and not in the keyring, whose
keys the client never has. The register only learns `public_key`.

The file: one JSON object {owner_kind, owner_id, key_id, private_key_pem, endpoint, audience, ca_pem?},
mode 0600.
"""

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials import cose
from certsvc.credentials.strict_json import dump_json, load_object
from certsvc.credentials.verification_key import ES256
from certsvc.domain.agency import CallerKind
from certsvc.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)

MAX_SIZE = 64 * 1024
"""Bytes of a credential file; a chain of CA certificates takes a few thousand."""

_ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_TEXTS = ("owner_kind", "owner_id", "key_id", "private_key_pem", "endpoint", "audience")


@dataclass(frozen=True, slots=True)
class ClientCredential:
    """A caller's key and where to call; the `Signer` of its tokens (RFC 6979). `repr` does not show the key.

    `endpoint` is host:port; `audience` is what the register wants in `aud`; `ca_pem` the only CA
    certificates to trust, None for those of the system.
    """

    owner_kind: CallerKind
    owner_id: str
    endpoint: str
    audience: str
    ca_pem: str | None
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """See Signer.algorithm."""
        return ES256

    @property
    def public_key(self) -> bytes:
        """The uncompressed SEC1 point, 65 bytes: what the register gets to know."""
        return self.private_key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def kid(self) -> str:
        """See Signer.kid; the key_id under which the register knows the key."""
        return cose.kid_of(self.public_key).hex()

    def sign(self, data: bytes) -> bytes:
        """See Signer.sign."""
        return cose.raw_signature(self.private_key.sign(data, _ES256))


def create_credential(
    path: Path,
    *,
    owner_kind: CallerKind,
    owner_id: str,
    endpoint: str,
    audience: str,
    ca_pem: str | None = None,
) -> ClientCredential:
    """Make a new P-256 key and write its credential file, mode 0600, durable on return.

    Raises AlreadyExistsError (CREDENTIAL_EXISTS), for a file that is there is never overwritten, and
    UnavailableError (CREDENTIAL_UNWRITABLE), leaving no file. A crash leaves the whole file or none, and perhaps
    one that ends in `.unfinished`, which nothing reads.
    """
    private_key = ec.generate_private_key(ec.SECP256R1())
    credential = ClientCredential(owner_kind, owner_id, endpoint, audience, ca_pem, private_key)
    _write_new(path, _encode(credential))
    return credential


def load_credential(path: Path) -> ClientCredential:
    """Read a credential file.

    Raises NotFoundError (CREDENTIAL_MISSING), UnavailableError (CREDENTIAL_UNREADABLE),
    FailedPreconditionError (CREDENTIAL_PERMISSIONS) when others than its owner may use the file,
    InvalidInputError with all that is wrong in it.
    """
    try:
        with path.open("rb") as file:
            # The opened file is judged, not the path: between two looks at a path it may become another file.
            _require_private(os.fstat(file.fileno()), path)
            content = file.read(MAX_SIZE + 1)
    except FileNotFoundError as error:
        raise NotFoundError(reason="CREDENTIAL_MISSING", message=f"there is no credential file {path}") from error
    except OSError as error:
        raise UnavailableError(
            reason="CREDENTIAL_UNREADABLE", message=f"cannot read {path}: {error.strerror}"
        ) from error
    try:
        if len(content) > MAX_SIZE:
            raise MalformedError(reason="CREDENTIAL_SIZE", message=f"more than {MAX_SIZE} bytes")
        return _decode(load_object(content))
    except MalformedError as error:
        raise InvalidInputError.of(FieldViolation("credential", error.reason, error.message)) from error


def _encode(credential: ClientCredential) -> bytes:
    pem = credential.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = {
        "owner_kind": credential.owner_kind,
        "owner_id": credential.owner_id,
        "key_id": credential.kid,
        "private_key_pem": pem.decode("ascii"),
        "endpoint": credential.endpoint,
        "audience": credential.audience,
    }
    if credential.ca_pem is not None:
        content["ca_pem"] = credential.ca_pem
    return dump_json(content) + b"\n"


def _decode(content: dict[str, Any]) -> ClientCredential:
    violations = [
        FieldViolation(name, "REQUIRED", "must be a text that is not empty")
        for name in _TEXTS
        if not isinstance(content.get(name), str) or not content[name]
    ]
    # An unknown name may be a mistyped ca_pem, and then the wrong certificates would be trusted.
    unknown = sorted(content.keys() - {*_TEXTS, "ca_pem"})
    violations += [FieldViolation(name, "UNKNOWN_FIELD", "is not known") for name in unknown]
    ca_pem = content.get("ca_pem")
    if "ca_pem" in content and not isinstance(ca_pem, str):
        violations.append(FieldViolation("ca_pem", "NOT_TEXT", "must be a text"))
    if content.get("owner_kind") not in tuple(CallerKind):
        violations.append(FieldViolation("owner_kind", "OWNER_KIND", "must be AGENCY or OPERATOR"))
    if violations:
        raise InvalidInputError.of(*violations)
    credential = ClientCredential(
        owner_kind=CallerKind(content["owner_kind"]),
        owner_id=content["owner_id"],
        endpoint=content["endpoint"],
        audience=content["audience"],
        ca_pem=ca_pem,
        private_key=_load_private_key(content["private_key_pem"]),
    )
    if credential.kid != content["key_id"]:
        raise InvalidInputError.of(FieldViolation("key_id", "KEY_MISMATCH", "names another key"))
    return credential


def _load_private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    violation = FieldViolation("private_key_pem", "PRIVATE_KEY", "must be an unencrypted P-256 key in PEM")
    try:
        private_key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: an error of the parser might show what it parsed.
        raise InvalidInputError.of(violation) from None
    if not isinstance(private_key, ec.EllipticCurvePrivateKey) or private_key.curve.name != "secp256r1":
        raise InvalidInputError.of(violation)
    return private_key


def _require_private(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise FailedPreconditionError(
            reason="CREDENTIAL_PERMISSIONS",
            message=f"{path} must be a file that only its owner can use: chmod 600",
        )


def _write_new(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, fails where a file of this name is.
            path.hardlink_to(unfinished)
        finally:
            unfinished.unlink(missing_ok=True)
    except FileExistsError as error:
        raise AlreadyExistsError(reason="CREDENTIAL_EXISTS", message=f"{path} is there already") from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _sync_directory(path.parent)
    except OSError as error:
        path.unlink()
        raise _unwritable(path, error) from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(reason="CREDENTIAL_UNWRITABLE", message=f"cannot write {path}: {error.strerror}")
