"""The first schema; see `tables` for what the columns hold."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_FINAL = sa.text("state IN ('ACTIVE', 'SUSPENDED')")
HANDED_ON = sa.text("responsible_agency_id <> agency_id")
EXCEPTIONAL = sa.text("(state <> 'ACTIVE' OR superseded_at IS NOT NULL)")


def upgrade() -> None:
    _make_agencies()
    _make_types_and_keys()
    _make_licenses()
    _make_versions()
    _make_events()
    _make_requests()
    _make_records()
    _make_feed()


def _make_agencies() -> None:
    op.create_table(
        "agencies",
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("successor_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["successor_id"], ["agencies.agency_id"], name="fk_agencies_successor_id"),
        sa.PrimaryKeyConstraint("agency_id", name="pk_agencies"),
    )
    op.create_table(
        "officers",
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], name="fk_officers_agency_id"),
        sa.PrimaryKeyConstraint("agency_id", "officer_id", name="pk_officers"),
    )
    op.create_table(
        "client_keys",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("owner_kind", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_client_keys"),
    )
    op.create_index("ix_client_keys_owner_id", "client_keys", ["owner_id"])
    op.create_table(
        "grants",
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("type_code", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], name="fk_grants_agency_id"),
        sa.PrimaryKeyConstraint("agency_id", "kind", "type_code", "region", name="pk_grants"),
    )


def _make_types_and_keys() -> None:
    op.create_table(
        "license_types",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name="pk_license_types"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=True),
        sa.Column("type_codes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("development", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("signing_until", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("deactivated_at", sa.BigInteger(), nullable=True),
        sa.Column("compromised_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_index("ix_signing_keys_age", "signing_keys", ["created_at", "kid"])
    op.create_table(
        "key_set",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_set"),
    )
    op.execute("INSERT INTO key_set (id, version) VALUES (1, 0)")


def _make_licenses() -> None:
    op.create_table(
        "licenses",
        sa.Column("license_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("type_code", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("responsible_agency_id", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("license_number_ix", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trust_grade", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], name="fk_licenses_agency_id"),
        sa.ForeignKeyConstraint(
            ["responsible_agency_id"], ["agencies.agency_id"], name="fk_licenses_responsible_agency_id"
        ),
        sa.PrimaryKeyConstraint("license_id", name="pk_licenses"),
    )
    op.create_index(
        "ix_licenses_handed_on",
        "licenses",
        ["agency_id", "license_id"],
        sqlite_where=HANDED_ON,
        postgresql_where=HANDED_ON,
    )
    op.create_index("ix_licenses_number", "licenses", ["type_code", "license_number_ix"])
    op.create_index("ix_licenses_responsible", "licenses", ["responsible_agency_id", "license_id"])
    op.create_index(
        "uq_licenses_not_final",
        "licenses",
        ["agency_id", "type_code", "license_number_ix"],
        unique=True,
        sqlite_where=NOT_FINAL,
        postgresql_where=NOT_FINAL,
    )


def _make_versions() -> None:
    op.create_table(
        "license_versions",
        sa.Column("license_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status_slot", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["kid"], ["signing_keys.kid"], name="fk_license_versions_kid"),
        sa.ForeignKeyConstraint(["license_id"], ["licenses.license_id"], name="fk_license_versions_license_id"),
        sa.PrimaryKeyConstraint("license_id", "version", name="pk_license_versions"),
        sa.UniqueConstraint("digest", name="uq_license_versions_digest"),
        sa.UniqueConstraint("identifier", name="uq_license_versions_identifier"),
        sa.UniqueConstraint("status_slot", name="uq_license_versions_status_slot"),
    )
    op.create_index(
        "ix_license_versions_exceptional",
        "license_versions",
        ["status_slot"],
        sqlite_where=EXCEPTIONAL,
        postgresql_where=EXCEPTIONAL,
    )
    op.create_table(
        "license_holders",
        sa.Column("license_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number_ix", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["license_id"], ["licenses.license_id"], name="fk_license_holders_license_id"),
        sa.PrimaryKeyConstraint("license_id", "position", name="pk_license_holders"),
    )
    op.create_index("ix_license_holders_number", "license_holders", ["number_ix", "license_id"])


def _make_events() -> None:
    op.create_table(
        "license_events",
        sa.Column("license_id", ROW_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("revocation_kind", sa.String(), nullable=True),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("cause", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["license_id"], ["licenses.license_id"], name="fk_license_events_license_id"),
        sa.PrimaryKeyConstraint("license_id", "ordinal", name="pk_license_events"),
    )
    op.create_table(
        "signed_vcs",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_signed_vcs"),
    )
    op.create_table(
        "issue_counts",
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("type_code", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "type_code", "day", "scope", "officer_id", name="pk_issue_counts"),
    )


def _make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("payload_digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "request_id", name="pk_requests"),
    )
    op.create_index("ix_requests_answered_at", "requests", ["answered_at"])
    op.create_table(
        "pending_changes",
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("type_code", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision_reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], name="fk_pending_changes_agency_id"),
        sa.PrimaryKeyConstraint("change_id", name="pk_pending_changes"),
    )
    op.create_index("ix_pending_changes_agency", "pending_changes", ["agency_id", "change_id"])


def _make_records() -> None:
    op.create_table(
        "access_records",
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("right", sa.String(), nullable=False),
        sa.Column("license_id", ROW_ID, nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["license_id"], ["licenses.license_id"], name="fk_access_records_license_id"),
        sa.PrimaryKeyConstraint("record_id", name="pk_access_records"),
    )
    op.create_index("ix_access_records_caller", "access_records", ["agency_id", "operation", "at"])
    op.create_table(
        "access_holders",
        sa.Column("number_ix", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["access_records.record_id"], name="fk_access_holders_record_id"),
        sa.PrimaryKeyConstraint("number_ix", "record_id", name="pk_access_holders"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_audit_entries"),
        sqlite_autoincrement=True,
    )


def _make_feed() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_feed", "changes", ["transaction_id", "sequence"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
