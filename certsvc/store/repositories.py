"""All repositories over one transaction."""

from dataclasses import dataclass

from certsvc.ports import (
    AccessLog,
    AgencyRepository,
    AuditLog,
    LicenseRepository,
    LicenseTypeRepository,
    Outbox,
    PendingChangeRepository,
    RequestLog,
    SigningKeyRepository,
)
from certsvc.store.access import SQLAccessLog
from certsvc.store.agencies import SQLAgencyRepository
from certsvc.store.audit import SQLAuditLog
from certsvc.store.license_types import SQLLicenseTypeRepository
from certsvc.store.licenses import SQLLicenseRepository
from certsvc.store.outbox import SQLOutbox
from certsvc.store.pending import SQLPendingChangeRepository
from certsvc.store.requests import SQLRequestLog
from certsvc.store.sealing import Privacy
from certsvc.store.session import Session
from certsvc.store.signing_keys import SQLSigningKeyRepository


@dataclass(slots=True)
class SQLRepositories:
    """ports.Repositories."""

    agencies: AgencyRepository
    license_types: LicenseTypeRepository
    signing_keys: SigningKeyRepository
    licenses: LicenseRepository
    requests: RequestLog
    pending: PendingChangeRepository
    access: AccessLog
    audit: AuditLog
    outbox: Outbox


def repositories_over(session: Session, privacy: Privacy) -> SQLRepositories:
    """The repositories that read and write through `session`."""
    return SQLRepositories(
        agencies=SQLAgencyRepository(session, privacy),
        license_types=SQLLicenseTypeRepository(session),
        signing_keys=SQLSigningKeyRepository(session),
        licenses=SQLLicenseRepository(session, privacy),
        requests=SQLRequestLog(session, privacy),
        pending=SQLPendingChangeRepository(session, privacy),
        access=SQLAccessLog(session, privacy),
        audit=SQLAuditLog(session),
        outbox=SQLOutbox(session),
    )
