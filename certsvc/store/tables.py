"""Every table of the register, in SQLAlchemy Core; `migrations/` makes exactly these, and a test compares both.

Invariants: nothing personal is in clear. A column of type SEALED holds AES-GCM output bound to its table, row and
column (see `sealing`); a column named `*_ix` holds a keyed hash, by which a personal value is found and not read.
What belongs to one subject is found by `number_ix`. Both databases store the same values.
"""

import sqlalchemy as sa

from certsvc.domain.agency import AgencyLevel, AgencyState, CallerKind, GrantKind
from certsvc.domain.changes import ChangeKind
from certsvc.domain.license import LicenseAction, LicenseState, RevocationKind
from certsvc.domain.license_type import TrustGrade, TypeState
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.store.column_types import ROW_ID, Instant, OneOf

SEALED = DIGEST = sa.LargeBinary()

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Literal, in indices and queries alike: a planner takes a partial index only where it finds that index's own condition.
NOT_FINAL = sa.text("state IN ('ACTIVE', 'SUSPENDED')")
HANDED_ON = sa.text("responsible_agency_id <> agency_id")
EXCEPTIONAL = sa.text("(state <> 'ACTIVE' OR superseded_at IS NOT NULL)")

agencies = sa.Table(
    "agencies",
    metadata,
    sa.Column("agency_id", sa.String, primary_key=True),
    sa.Column("name_zh", sa.String, nullable=False),
    sa.Column("name_en", sa.String, nullable=False),
    sa.Column("region", sa.String, nullable=False),
    sa.Column("level", OneOf(AgencyLevel), nullable=False),
    sa.Column("state", OneOf(AgencyState), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("successor_id", sa.String, sa.ForeignKey("agencies.agency_id")),
)

officers = sa.Table(
    "officers",
    metadata,
    sa.Column("agency_id", sa.String, sa.ForeignKey("agencies.agency_id"), primary_key=True),
    sa.Column("officer_id", sa.String, primary_key=True),
    sa.Column("name", SEALED, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

client_keys = sa.Table(
    "client_keys",
    metadata,
    sa.Column("key_id", sa.String, primary_key=True),
    sa.Column("owner_kind", OneOf(CallerKind), nullable=False),
    sa.Column("owner_id", sa.String, nullable=False, index=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("agency_id", sa.String, sa.ForeignKey("agencies.agency_id"), primary_key=True),
    sa.Column("kind", OneOf(GrantKind), primary_key=True),
    sa.Column("type_code", sa.String, primary_key=True),
    sa.Column("region", sa.String, primary_key=True),
)

license_types = sa.Table(
    "license_types",
    metadata,
    sa.Column("code", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", OneOf(TypeState), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.String, primary_key=True),
    sa.Column("purpose", OneOf(KeyPurpose), nullable=False),
    sa.Column("algorithm", sa.String, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("agency_id", sa.String),
    sa.Column("type_codes", sa.JSON, nullable=False),
    sa.Column("state", OneOf(KeyState), nullable=False),
    sa.Column("development", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("published_at", Instant, nullable=False),
    sa.Column("signing_until", Instant, nullable=False),
    sa.Column("activated_at", Instant),
    sa.Column("deactivated_at", Instant),
    sa.Column("compromised_since", Instant),
    sa.Index("ix_signing_keys_age", "created_at", "kid"),
)

key_set = sa.Table(
    "key_set",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row, id = 1, made by the migration: its version rises whenever a key is added or changes its state."""

licenses = sa.Table(
    "licenses",
    metadata,
    sa.Column("license_id", ROW_ID, primary_key=True, autoincrement=False),
    sa.Column("type_code", sa.String, nullable=False),
    sa.Column("agency_id", sa.String, sa.ForeignKey("agencies.agency_id"), nullable=False),
    sa.Column("responsible_agency_id", sa.String, sa.ForeignKey("agencies.agency_id"), nullable=False),
    sa.Column("serial", sa.String, nullable=False),
    sa.Column("license_number_ix", DIGEST),
    sa.Column("state", OneOf(LicenseState), nullable=False),
    sa.Column("trust_grade", OneOf(TrustGrade), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("current_version", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("confirmed_at", Instant, nullable=False),
    sa.Index("ix_licenses_handed_on", "agency_id", "license_id", sqlite_where=HANDED_ON, postgresql_where=HANDED_ON),
    sa.Index("ix_licenses_responsible", "responsible_agency_id", "license_id"),
    sa.Index("ix_licenses_number", "type_code", "license_number_ix"),
    sa.Index(
        "uq_licenses_not_final",
        *("agency_id", "type_code", "license_number_ix"),
        unique=True,
        sqlite_where=NOT_FINAL,
        postgresql_where=NOT_FINAL,
    ),
)
"""`license_number_ix` is NULL where the license has no number: many may have none."""

license_versions = sa.Table(
    "license_versions",
    metadata,
    sa.Column("license_id", ROW_ID, sa.ForeignKey("licenses.license_id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("identifier", sa.String, nullable=False, unique=True),
    sa.Column("digest", DIGEST, nullable=False, unique=True),
    sa.Column("status_slot", sa.BigInteger, nullable=False, unique=True),
    sa.Column("state", OneOf(LicenseState), nullable=False),
    sa.Column("type_version", sa.Integer, nullable=False),
    sa.Column("kid", sa.String, sa.ForeignKey("signing_keys.kid"), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("issued_at", Instant, nullable=False),
    sa.Column("superseded_at", Instant),
    sa.Column("content", SEALED, nullable=False),
    sa.Column("code", SEALED, nullable=False),
    sa.Index("ix_license_versions_exceptional", "status_slot", sqlite_where=EXCEPTIONAL, postgresql_where=EXCEPTIONAL),
)
"""`state` repeats the license's own, changed in the same transaction: filling a worker's slots and rebuilding a
status list read one table, in the order of one index."""

license_holders = sa.Table(
    "license_holders",
    metadata,
    sa.Column("license_id", ROW_ID, sa.ForeignKey("licenses.license_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("number_ix", DIGEST, nullable=False),
    sa.Index("ix_license_holders_number", "number_ix", "license_id"),
)
"""The holders of the current version."""

license_events = sa.Table(
    "license_events",
    metadata,
    sa.Column("license_id", ROW_ID, sa.ForeignKey("licenses.license_id"), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("action", OneOf(LicenseAction), nullable=False),
    sa.Column("state", OneOf(LicenseState), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("effective_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("revocation_kind", OneOf(RevocationKind)),
    sa.Column("agency_id", sa.String, nullable=False),
    sa.Column("officer_id", sa.String, nullable=False),
    sa.Column("cause", SEALED, nullable=False),
)

signed_vcs = sa.Table(
    "signed_vcs",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("identifier", sa.String, nullable=False),
    sa.Column("expires", Instant, nullable=False),
)

issue_counts = sa.Table(
    "issue_counts",
    metadata,
    sa.Column("agency_id", sa.String, primary_key=True),
    sa.Column("type_code", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("scope", sa.String, primary_key=True),
    sa.Column("officer_id", sa.String, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)
"""`scope` is AGENCY (officer_id empty) or OFFICER, so that a call without an officer never meets the agency's row."""

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("caller", sa.String, primary_key=True),
    sa.Column("request_id", sa.String, primary_key=True),
    sa.Column("payload_digest", DIGEST, nullable=False),
    sa.Column("answer", SEALED, nullable=False),
    sa.Column("answered_at", Instant, nullable=False, index=True),
)

pending_changes = sa.Table(
    "pending_changes",
    metadata,
    sa.Column("change_id", sa.String, primary_key=True),
    sa.Column("agency_id", sa.String, sa.ForeignKey("agencies.agency_id"), nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("identifier", sa.String, nullable=False),
    sa.Column("type_code", sa.String, nullable=False),
    sa.Column("requested_by", sa.String, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("request", SEALED, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("approved", sa.Boolean),
    sa.Column("decided_by", sa.String),
    sa.Column("decision_reason", SEALED),
    sa.Index("ix_pending_changes_agency", "agency_id", "change_id"),
)

access_records = sa.Table(
    "access_records",
    metadata,
    sa.Column("record_id", sa.String, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("agency_id", sa.String, nullable=False),
    sa.Column("officer_id", sa.String, nullable=False),
    sa.Column("operation", sa.String, nullable=False),
    sa.Column("right", sa.String, nullable=False),
    sa.Column("license_id", ROW_ID, sa.ForeignKey("licenses.license_id")),
    sa.Column("content", SEALED, nullable=False),
    sa.Index("ix_access_records_caller", "agency_id", "operation", "at"),
)
"""`record_id` is a UUIDv7: no counter on a hot path, and its order is the order of time."""

access_holders = sa.Table(
    "access_holders",
    metadata,
    sa.Column("number_ix", DIGEST, primary_key=True),
    sa.Column("record_id", sa.String, sa.ForeignKey("access_records.record_id"), primary_key=True),
    sa.Column("agency_id", sa.String, nullable=False),
    sa.Column("operation", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("entry_id", ROW_ID, sa.Identity(), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("officer_id", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("sequence", ROW_ID, sa.Identity(), primary_key=True),
    sa.Column("transaction_id", sa.BigInteger, nullable=False),
    sa.Column("kind", OneOf(ChangeKind), nullable=False),
    sa.Column("ref", sa.String, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_changes_feed", "transaction_id", "sequence"),
    sqlite_autoincrement=True,
)
"""`transaction_id` is PostgreSQL's 64-bit transaction number; 0 on SQLite, whose one writer commits in sequence."""

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)
