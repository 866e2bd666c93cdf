"""Signed forms and public documents, as the services need them (docs/formats/)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from certsvc.domain.agency import Agency
from certsvc.domain.license import LicenseVersion
from certsvc.domain.license_code import LicenseCode
from certsvc.domain.license_type import LicenseType, TrustGrade
from certsvc.domain.signing_key import SigningKey
from certsvc.domain.text import LocalizedText
from certsvc.ports.keys import Signer


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """A code of the right form, its signature not yet checked: nothing in `code` may be believed.

    `host` is the one that the text named, None for bare digits; `digest` is SHA-256 of the signed bytes.
    """

    host: str | None
    kid: str
    code: LicenseCode
    digest: bytes
    handle: object


class CodeFormat(Protocol):
    """The code printed on a license (docs/formats/qr-code.md)."""

    def sign(self, code: LicenseCode, *, signer: Signer) -> tuple[bytes, bytes]:
        """The signed code's bytes and the digest of what was signed. Raises InvalidInputError if it is too large."""

    def text(self, raw: bytes) -> str:
        """The text that a QR picture holds."""

    def read(self, text: str) -> PresentedCode:
        """Read a scanned text. Raises MalformedError."""

    def verify(self, presented: PresentedCode, key: SigningKey) -> bool:
        """Whether the signature is that key's."""

    def is_own_host(self, host: str) -> bool:
        """Whether the host is the register's own."""


class QRDrawing(Protocol):
    """Draws QR pictures."""

    def draw(self, text: str, *, svg: bool, module_size: int, level: str) -> tuple[bytes, int]:
        """A PNG or SVG picture and its QR version. Raises InvalidInputError if the text does not fit the level."""


@dataclass(frozen=True, slots=True)
class VCContent:
    """What an SD-JWT VC says of a license (docs/formats/sd-jwt-vc.md)."""

    license_type: LicenseType
    agency: Agency
    trust_grade: TrustGrade
    version: LicenseVersion


@dataclass(frozen=True, slots=True)
class PresentedVC:
    """An SD-JWT VC of the right form, its signature not yet checked.

    `not_before` and `expires` are the credential's own, `license_not_before` and `license_expires` the license's;
    `holders` are (name, number), `fields` by name, each only as far as it was disclosed.
    """

    kid: str
    identifier: str
    issued_at: datetime
    not_before: datetime
    expires: datetime
    license_not_before: datetime
    license_expires: datetime | None
    holders: tuple[tuple[str, str], ...]
    fields: Mapping[str, Any]
    digest: bytes
    handle: object


class VCFormat(Protocol):
    """The form for systems and wallets: SD-JWT VC (RFC 9901)."""

    def issue(
        self,
        content: VCContent,
        *,
        signer: Signer,
        now: datetime,
        expires: datetime,
        disclose: Collection[str] | None,
        holder_key: str,
    ) -> tuple[str, bytes]:
        """The SD-JWT with the disclosures named, and the digest of what was signed.

        `disclose` holds `holder_name`, `holder_number` and field names; None is all. Raises InvalidInputError for a
        bad `holder_key` (JWK in JSON, "" for none).
        """

    def read(self, text: str) -> PresentedVC:
        """Raises MalformedError."""

    def verify(self, presented: PresentedVC, key: SigningKey, *, now: datetime, nonce: str, audience: str) -> bool:
        """Whether the signature is that key's and, with a holder's key in it, the key binding is right.

        Raises MalformedError when disclosures or key binding break the format.
        """


class StatusListFormat(Protocol):
    """Signed status lists (docs/formats/status-list.md)."""

    def jwt(self, list_number: int, statuses: Mapping[int, int], *, signer: Signer, now: datetime) -> bytes:
        """The JWT form; `statuses` maps indices to the values that are not 0."""

    def cwt(self, list_number: int, statuses: Mapping[int, int], *, signer: Signer, now: datetime) -> bytes:
        """The CWT form of the same."""


class PublicDocuments(Protocol):
    """What anyone may fetch about keys and types (docs/formats/key-set.md, sd-jwt-vc.md)."""

    def jwks(self, keys: Sequence[SigningKey]) -> str:
        """A JWK Set in JSON (RFC 7517)."""

    def cose(self, keys: Sequence[SigningKey]) -> bytes:
        """A COSE_KeySet (RFC 9052 §7)."""

    def flags(self, version: int, keys: Sequence[SigningKey], *, signer: Signer, now: datetime) -> str:
        """The signed list of keys that are not in order."""

    def key_record(self, key: SigningKey, agency_name: LocalizedText | None) -> str:
        """The immutable record of one key, in JSON."""

    def vc_issuer(self, keys: Sequence[SigningKey]) -> str:
        """The document /.well-known/jwt-vc-issuer, in JSON."""

    def type_metadata(self, license_type: LicenseType) -> str:
        """SD-JWT VC type metadata of one version of a type, in JSON."""


class BundleFormat(Protocol):
    """The signed bundle that offline verifiers work from (docs/formats/offline-bundle.md)."""

    def seal(
        self,
        *,
        key_set_version: int,
        keys: Sequence[SigningKey],
        types: Sequence[LicenseType],
        agencies: Sequence[Agency],
        status_lists: Mapping[int, Mapping[int, int]],
        signer: Signer,
        now: datetime,
        expires: datetime,
    ) -> bytes: ...


class FullestCode(Protocol):
    """Measures the largest QR code that licenses of a type can have."""

    def __call__(self, license_type: LicenseType) -> int:
        """Its QR version (1 to 40) at level M. Raises InvalidInputError when it fits into no code at all."""
