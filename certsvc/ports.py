"""What services and credentials need from outside, as Protocols; each method states its guarantees and errors.

Every method of a repository may raise UnavailableError when the store does not answer. Repositories speak in domain
objects: encryption, blind indices and SQL stay behind them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from certsvc.domain.access import AccessContext
from certsvc.domain.agency import Agency, ClientKey, Grant, Officer
from certsvc.domain.changes import Change, FeedPosition
from certsvc.domain.license import License, LicenseEvent, LicenseState, LicenseVersion
from certsvc.domain.license_code import LicenseCode
from certsvc.domain.license_type import LicenseType, TrustGrade
from certsvc.domain.numbers import Number
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.text import LocalizedText

T = TypeVar("T")


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
        """The SD-JWT with the disclosures named (None: all; `holder_name`, `holder_number` and field names), and the
        digest of what was signed. Raises InvalidInputError for a bad `holder_key` (JWK in JSON, "" for none).
        """

    def read(self, text: str) -> PresentedVC:
        """Raises MalformedError."""

    def verify(
        self, presented: PresentedVC, key: SigningKey, *, now: datetime, nonce: str, audience: str
    ) -> bool:
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


class AgencyRepository(Protocol):
    """Agencies, officers, client keys and grants."""

    def get(self, agency_id: str) -> Agency | None: ...
    def list(self, *, region: str, after: str, limit: int) -> Sequence[Agency]: ...
    def add(self, agency: Agency) -> None:
        """Raises AlreadyExistsError."""

    def update(self, agency: Agency) -> None:
        """Compare-and-swap: stores `agency` where revision - 1 is stored; raises ConflictError otherwise."""

    def transfer_licenses(self, *, from_id: str, to_id: str) -> None:
        """Make `to_id` responsible for all licenses that `from_id` is responsible for."""

    def officer(self, agency_id: str, officer_id: str) -> Officer | None: ...
    def officers(self, agency_id: str, *, after: str, limit: int) -> Sequence[Officer]: ...
    def add_officer(self, officer: Officer) -> None:
        """Raises AlreadyExistsError."""

    def update_officer(self, officer: Officer) -> None:
        """Compare-and-swap like `update`."""

    def client_key(self, key_id: str) -> ClientKey | None: ...
    def client_keys(self, owner_id: str) -> Sequence[ClientKey]: ...
    def add_client_key(self, key: ClientKey) -> None:
        """Raises AlreadyExistsError."""

    def revoke_client_key(self, key_id: str, *, at: datetime) -> None:
        """Idempotent."""

    def grants(self, agency_id: str) -> Sequence[Grant]: ...
    def add_grant(self, grant: Grant) -> None:
        """Raises AlreadyExistsError."""

    def remove_grant(self, grant: Grant) -> bool:
        """Whether it was there."""


class LicenseTypeRepository(Protocol):
    """License types, all versions."""

    def get(self, code: str, version: int | None = None) -> LicenseType | None:
        """One version, the newest by default."""

    def list(self, *, after: str, limit: int) -> Sequence[LicenseType]:
        """Newest versions in the order of codes."""

    def add(self, license_type: LicenseType) -> None:
        """A new version. Raises AlreadyExistsError."""

    def retire(self, code: str) -> None:
        """Mark all versions RETIRED; idempotent."""


class SigningKeyRepository(Protocol):
    """Records of signing keys (public parts only)."""

    def get(self, kid: str) -> SigningKey | None: ...
    def list(self, *, purpose: KeyPurpose | None, after: str, limit: int) -> Sequence[SigningKey]:
        """Newest first; `after` is a kid."""

    def all(self) -> Sequence[SigningKey]: ...
    def add(self, key: SigningKey) -> None:
        """Raises AlreadyExistsError. Raises the key-set version by one."""

    def transition(self, key: SigningKey, *, from_state: KeyState) -> None:
        """Compare-and-swap on the state; raises the key-set version by one. Raises ConflictError."""

    def key_set_version(self) -> int: ...
    def lock_active(self, kid: str) -> None:
        """Raise FailedPreconditionError unless `kid` is ACTIVE now, and keep it so until this transaction ends."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version with its license as it is now. `digest` is SHA-256 of the signed bytes of its code."""

    license: License
    version: LicenseVersion
    digest: bytes


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What a worker keeps per status slot: enough to say VALID without the database."""

    slot: int
    digest: bytes
    state: LicenseState
    superseded: bool
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class LicenseFilter:
    """Filters of ListLicenses; None or empty means any."""

    type_code: str = ""
    state: LicenseState | None = None
    holder: Number | None = None
    license_number: str = ""
    issued_after: datetime | None = None


class LicenseRepository(Protocol):
    """Licenses, their versions and events, and what the register signed."""

    def by_identifier(self, identifier: str) -> RegisteredVersion | None:
        """The version that the identifier names."""

    def by_license_number(self, *, agency_id: str, type_code: str, license_number: str) -> License | None:
        """The non-final license with this key, or None."""

    def candidates(self, *, type_code: str, license_number: str, holder: Number | None) -> Sequence[License]:
        """Licenses of any agency, final ones too, with this number or (number empty) this holder; at most 10."""

    def by_slot(self, slot: int) -> RegisteredVersion | None: ...
    def versions(self, license_id: int) -> Sequence[LicenseVersion]:
        """Oldest first."""

    def events(
        self, license_id: int, *, after: int = 0, limit: int = 500
    ) -> Sequence[tuple[int, LicenseEvent]]:
        """(ordinal, event), oldest first; ordinals of one license start at 1."""

    def list(self, *, agency_id: str, filters: LicenseFilter, after: int, limit: int) -> Sequence[License]:
        """Licenses that the agency is responsible for or issued, newest first; `after` is a license_id, 0 at first."""

    def add(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """Raises AlreadyExistsError (details: identifier) where (agency, type, number) is taken or an id is."""

    def add_version(self, license: License, *, digest: bytes, event: LicenseEvent) -> None:
        """Store `license` with its new current version; compare-and-swap on revision - 1. Raises ConflictError."""

    def set_state(self, license: License, *, event: LicenseEvent) -> None:
        """Store the license's new state; compare-and-swap on revision - 1. Raises ConflictError."""

    def confirm(self, license_id: int, *, at: datetime) -> None:
        """Record that the agency confirmed the license unchanged."""

    def slots(self, *, after: int, limit: int) -> Sequence[SlotRecord]:
        """For filling a worker's slots: records with slot > after, in the order of slots."""

    def exceptions(self, *, list_number: int, today: date) -> Sequence[SlotRecord]:
        """Records of one status list that are not plainly valid and not past their end."""

    def digests_under(self, *, low: bytes, high: bytes, limit: int) -> Sequence[tuple[bytes, str]]:
        """(digest, LicenseState or SUPERSEDED) with low <= digest <= high, in the order of digests."""

    def count_versions(self) -> int:
        """How many codes the register has signed."""

    def highest_slot(self) -> int:
        """The highest slot in use; -1 when none is."""

    def add_vc(self, *, digest: bytes, identifier: str, expires: datetime) -> None:
        """Remember that the register signed an SD-JWT VC; `digest` is SHA-256 of its signing input."""

    def has_vc(self, digest: bytes, *, identifier: str) -> bool: ...

    def count_issue(self, *, agency_id: str, officer_id: str, type_code: str, day: date) -> tuple[int, int]:
        """Count one more license on this day; return the new counts (of the officer, of the agency)."""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The first answer to a request_id. `payload_digest` is keyed: a digest of personal data is personal."""

    payload_digest: bytes
    answer: bytes


class RequestLog(Protocol):
    """First answers by (caller, request_id), kept for 30 days, encrypted."""

    def find(self, *, caller: str, request_id: str) -> RecordedAnswer | None: ...
    def add(self, *, caller: str, request_id: str, recorded: RecordedAnswer, at: datetime) -> None:
        """Raises AlreadyExistsError if it was taken meanwhile."""

    def purge(self, *, before: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class PendingRecord:
    """A change that waits for a second officer; `request` is the serialized request, encrypted at rest."""

    change_id: str
    agency_id: str
    action: str
    identifier: str
    type_code: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    request: bytes


class PendingChangeRepository(Protocol):
    """Changes that wait for a second officer."""

    def add(self, record: PendingRecord) -> None: ...
    def get(self, change_id: str) -> PendingRecord | None:
        """None when unknown or already decided."""

    def list(self, agency_id: str, *, after: str, limit: int, now: datetime) -> Sequence[PendingRecord]: ...
    def decide(self, change_id: str, *, approved: bool, by: str, reason: str, at: datetime) -> None:
        """Exactly once; raises ConflictError if it was decided meanwhile."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """Who read or tested what of whom, when and why; the subject can read it."""

    at: datetime
    agency_id: str
    officer_id: str
    operation: str
    right: str
    context: AccessContext
    license_id: int | None
    holders: tuple[Number, ...]
    fields: tuple[str, ...]


class AccessLog(Protocol):
    """Access records, counted for quotas."""

    def add(self, record: AccessRecord) -> None: ...
    def count_since(
        self, *, agency_id: str, operation: str, since: datetime, holder: Number | None = None
    ) -> int: ...
    def list(self, *, holder: Number, limit: int) -> Sequence[AccessRecord]:
        """Newest first."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What an operator, agency or officer did; `details` holds nothing personal."""

    at: datetime
    actor: str
    officer_id: str
    action: str
    target: str
    details: Mapping[str, Any]


class AuditLog(Protocol):
    """Append-only; written in the transaction of what it records."""

    def add(self, entry: AuditEntry) -> None: ...
    def list(self, *, after: int, limit: int) -> Sequence[tuple[int, AuditEntry]]: ...


class Outbox(Protocol):
    """Tells every worker and watcher, in the transaction of what changed."""

    def add(self, change: Change) -> None:
        """`change.position` is ignored; the store assigns it."""


class Repositories(Protocol):
    """What one transaction offers."""

    agencies: AgencyRepository
    license_types: LicenseTypeRepository
    signing_keys: SigningKeyRepository
    licenses: LicenseRepository
    requests: RequestLog
    pending: PendingChangeRepository
    access: AccessLog
    audit: AuditLog
    outbox: Outbox


class Ledger(Protocol):
    """The register's storage, as transactions."""

    def write(self, work: Callable[[Repositories], T], *, order: str = "") -> T:
        """Run `work` in a transaction of its own or in a savepoint of a shared one; durable on return.

        What `work` raises is raised here and leaves nothing behind. `work` may be run again after a failed commit, so
        it has no effect but through the repositories. Works of one shared transaction run in the order of `order`.
        Raises UnavailableError when nothing could be committed.
        """

    def read(self) -> AbstractContextManager[Repositories]:
        """A consistent snapshot for reading; nothing written through it is kept."""

    def lease(self, name: str, count: int) -> range:
        """`count` numbers that nobody else gets, ever; numbers of a crashed worker are skipped, not reused."""

    def poll(self, after: FeedPosition, *, limit: int) -> Sequence[Change]:
        """Committed changes after a position, in feed order; none is ever skipped (DESIGN §6)."""

    def head(self) -> FeedPosition:
        """The position after which everything still to come lies."""

    def wait_for_change(self, timeout: float) -> None:
        """Return when something may have been committed here, or after `timeout` seconds: a hint, no promise."""

    def close(self) -> None: ...


MAX_CALLER_TOKEN = 2048
"""Characters of a caller's token; longer ones are refused before anything is computed from them."""


@dataclass(frozen=True, slots=True)
class CallerClaims:
    """What a caller's token says, its form, signature, audience and times checked.

    `issuer` is who it says it is, not yet compared with the key's owner; no officer is ``""``.
    """

    key_id: str
    issuer: str
    officer_id: str
    expires_at: datetime


class TokenReader(Protocol):
    """Reads the short-lived JWT that callers sign with their own registered key."""

    def __call__(
        self, token: str, *, find_key: Callable[[str], ClientKey | None], audience: str, now: datetime
    ) -> CallerClaims:
        """Check all that the token and its key say by themselves.

        Raises UnauthenticatedError: TOKEN_MALFORMED, KEY_UNKNOWN, TOKEN_SIGNATURE, TOKEN_AUDIENCE,
        TOKEN_EXPIRED, TOKEN_NOT_YET_VALID; DataIntegrityError (CLIENT_KEY_CHANGED) when the key found is not
        the one that its key_id names. Whether the key and its owner may still call is not looked at.
        """


class KeyNaming(Protocol):
    """Names public keys (credentials/cose.py)."""

    def __call__(self, public_key: bytes) -> str:
        """The key's name, 16 lower-case hex digits, from its uncompressed SEC1 P-256 point (65 bytes).

        Raises InvalidInputError (field public_key, reason PUBLIC_KEY) unless it is a point on the curve.
        """


class FullestCode(Protocol):
    """Measures the largest QR code that licenses of a type can have."""

    def __call__(self, license_type: LicenseType) -> int:
        """Its QR version (1 to 40) at level M. Raises InvalidInputError when it fits into no code at all."""
