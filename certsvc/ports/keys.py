"""What needs a key: signing, encrypting, blind indices, and naming keys."""

from datetime import datetime
from typing import Protocol

from certsvc.domain.numbers import Number
from certsvc.domain.signing_key import KeyPurpose


class Clock(Protocol):
    """The time; injected, so that tests own it."""

    def now(self) -> datetime:
        """The present instant, time-zone-aware, in UTC."""


class Signer(Protocol):
    """One signing key, wherever its private part lives (memory, PKCS#11); it signs for one purpose only."""

    @property
    def kid(self) -> str:
        """The key's name: 16 lower-case hex digits, the first 8 bytes of its RFC 9679 thumbprint."""

    @property
    def algorithm(self) -> str:
        """The JOSE name of the only algorithm that this key signs with, such as ES256 (RFC 7518 §3.4)."""

    def sign(self, data: bytes) -> bytes:
        """Sign `data` (which is hashed here, not before) and return the raw signature r ‖ s, 64 bytes for ES256.

        Raises FailedPreconditionError when the key's state or window does not let it sign, UnavailableError when the
        module that holds it does not answer.
        """


class KeyVault(Protocol):
    """Where private signing keys live; the only thing that can make or use one."""

    def generate(self, *, purpose: KeyPurpose) -> tuple[str, bytes]:
        """Make a P-256 key, durable on return; return its kid and its public SEC1 point (65 bytes).

        Raises AlreadyExistsError if the kid is taken.
        """

    def signer(self, kid: str, *, purpose: KeyPurpose) -> Signer:
        """The signer of this key. Raises NotFoundError if the vault does not hold it for this purpose."""

    def destroy(self, kid: str) -> None:
        """Destroy the private part; idempotent."""


class Cipher(Protocol):
    """Encrypts what is personal, bound to its place, so that a value moved to another row does not open."""

    def seal(self, plaintext: bytes, *, table: str, row: str, column: str) -> bytes:
        """Encrypt (AES-256-GCM, AAD = table, row, column, key version); never the same bytes twice."""

    def open(self, sealed: bytes, *, table: str, row: str, column: str) -> bytes:
        """Decrypt. Raises DataIntegrityError when the bytes or their place were changed."""


class BlindIndex(Protocol):
    """Finds personal values without storing them: a keyed hash whose key is not in the database."""

    def number(self, number: Number) -> bytes:
        """32 bytes for a subject's number."""

    def text(self, value: str, *, scope: str) -> bytes:
        """32 bytes for a text such as a license number; equal texts of different scopes differ."""


class KeyedDigest(Protocol):
    """A keyed hash of bytes that may be personal, such as a request's payload."""

    def of(self, data: bytes) -> bytes:
        """32 bytes; nobody without the key can test a guess."""


class KeyNaming(Protocol):
    """Names public keys (credentials/cose.py)."""

    def __call__(self, public_key: bytes) -> str:
        """The key's name, 16 lower-case hex digits, from its uncompressed SEC1 P-256 point (65 bytes).

        Raises InvalidInputError (field public_key, reason PUBLIC_KEY) unless it is a point on the curve.
        """
