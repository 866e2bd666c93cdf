"""Before the first call is served: does every key that the register may sign with really sign as it says?"""

import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.domain.signing_key import KeyState, SigningKey
from certsvc.errors import DataIntegrityError, FailedPreconditionError, NotFoundError
from certsvc.keyring.software_signer import kid_of
from certsvc.ports import KeyVault

PROBED_STATES = frozenset({KeyState.PRE_ACTIVE, KeyState.ACTIVE, KeyState.SUSPENDED})
"""States that sign or may sign later. A DEACTIVATED key's private part may be gone already."""

# No credential begins like this: COSE signs a CBOR array (0x84), JWS signs Base64url.
_PROBE_PREFIX = b"\x00certsvc startup probe\x00"
_SIGNATURE_SIZE = 64


def probe(vault: KeyVault, keys: Iterable[SigningKey]) -> None:
    """Sign fresh bytes with the vault's part of each key and verify them with the public part of its record.

    Raises DataIntegrityError (KEY_PROBE_FAILED) naming every key that is missing, does not open, or is
    another than its record says; nothing may be served then. UnavailableError of a vault that does not
    answer passes through.
    """
    failures = {
        key.kid: trouble for key in keys if key.state in PROBED_STATES and (trouble := _trouble_with(vault, key))
    }
    if failures:
        raise DataIntegrityError(
            reason="KEY_PROBE_FAILED",
            message="; ".join(f"key {kid}: {trouble}" for kid, trouble in sorted(failures.items())),
            details=failures,
        )


def _trouble_with(vault: KeyVault, key: SigningKey) -> str:
    """Why this key must not serve, or ""."""
    if kid_of(key.public_key) != key.kid:
        return "the public key in its record is another"
    message = _PROBE_PREFIX + os.urandom(32)
    try:
        signer = vault.signer(key.kid, purpose=key.purpose)
        signature = signer.sign(message)
    except (NotFoundError, FailedPreconditionError, DataIntegrityError) as error:
        return str(error)
    if (signer.kid, signer.algorithm) != (key.kid, key.algorithm):
        return "the vault holds another key or algorithm under its name"
    if not _verifies(key.public_key, message=message, signature=signature):
        return "its signature does not verify with the public key of its record"
    return ""


def _verifies(public_key: bytes, *, message: bytes, signature: bytes) -> bool:
    if len(signature) != _SIGNATURE_SIZE:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
