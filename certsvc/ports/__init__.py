"""What services and credentials need from outside, as Protocols; each method states its guarantees and errors.

Every method of a repository may raise UnavailableError when the store does not answer. Repositories speak in domain
objects: encryption, blind indices and SQL stay behind them.
"""

from certsvc.ports.callers import MAX_CALLER_TOKEN, CallerClaims, TokenReader
from certsvc.ports.forms import (
    BundleFormat,
    CodeFormat,
    FullestCode,
    PresentedCode,
    PresentedVC,
    PublicDocuments,
    QRDrawing,
    StatusListFormat,
    VCContent,
    VCFormat,
)
from certsvc.ports.journals import (
    AccessLog,
    AccessRecord,
    AuditEntry,
    AuditLog,
    Outbox,
    PendingChangeRepository,
    PendingRecord,
    RecordedAnswer,
    RequestLog,
)
from certsvc.ports.keys import BlindIndex, Cipher, Clock, KeyedDigest, KeyNaming, KeyVault, Signer
from certsvc.ports.ledger import Ledger, Repositories
from certsvc.ports.licenses import LicenseFilter, LicenseRepository, RegisteredVersion, SlotRecord
from certsvc.ports.registry import AgencyRepository, LicenseTypeRepository, SigningKeyRepository

__all__ = [
    "MAX_CALLER_TOKEN",
    "AccessLog",
    "AccessRecord",
    "AgencyRepository",
    "AuditEntry",
    "AuditLog",
    "BlindIndex",
    "BundleFormat",
    "CallerClaims",
    "Cipher",
    "Clock",
    "CodeFormat",
    "FullestCode",
    "KeyNaming",
    "KeyVault",
    "KeyedDigest",
    "Ledger",
    "LicenseFilter",
    "LicenseRepository",
    "LicenseTypeRepository",
    "Outbox",
    "PendingChangeRepository",
    "PendingRecord",
    "PresentedCode",
    "PresentedVC",
    "PublicDocuments",
    "QRDrawing",
    "RecordedAnswer",
    "RegisteredVersion",
    "Repositories",
    "RequestLog",
    "Signer",
    "SigningKeyRepository",
    "SlotRecord",
    "StatusListFormat",
    "TokenReader",
    "VCContent",
    "VCFormat",
]
