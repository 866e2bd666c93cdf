"""Between the messages of AgencyService and the domain."""

from certsvc.domain.agency import (
    Agency,
    AgencyLevel,
    AgencyState,
    CallerKind,
    ClientKey,
    Grant,
    GrantKind,
    Officer,
    OfficerRole,
)
from certsvc.rpc.convert import EnumNames, Violations, write_instant, write_text
from certsvc.services.client_keys import OPERATOR_PREFIX
from certsvc.v1 import agency_service_pb2

LEVELS = EnumNames(agency_service_pb2.AgencyLevel, AgencyLevel, "AGENCY_LEVEL_")
STATES = EnumNames(agency_service_pb2.AgencyState, AgencyState, "AGENCY_STATE_")
ROLES = EnumNames(agency_service_pb2.OfficerRole, OfficerRole, "OFFICER_ROLE_")
GRANT_KINDS = EnumNames(agency_service_pb2.GrantKind, GrantKind, "GRANT_KIND_")


def write_agency(agency: Agency) -> agency_service_pb2.Agency:
    """An agency."""
    return agency_service_pb2.Agency(
        agency_id=agency.agency_id,
        name=write_text(agency.name),
        region=agency.region,
        level=LEVELS.write(agency.level),
        state=STATES.write(agency.state),
        successor_id=agency.successor_id or "",
        etag=str(agency.revision),
        create_time=write_instant(agency.created_at),
    )


def write_officer(officer: Officer) -> agency_service_pb2.Officer:
    """An officer."""
    return agency_service_pb2.Officer(
        agency_id=officer.agency_id,
        officer_id=officer.officer_id,
        name=officer.name,
        roles=sorted(ROLES.write(role) for role in officer.roles),
        active=officer.active,
        etag=str(officer.revision),
    )


def write_client_key(key: ClientKey) -> agency_service_pb2.ClientKey:
    """A client key."""
    return agency_service_pb2.ClientKey(
        key_id=key.key_id,
        agency_id=key.owner_id if key.owner_kind is CallerKind.AGENCY else f"{OPERATOR_PREFIX}{key.owner_id}",
        create_time=write_instant(key.created_at),
        expire_time=write_instant(key.expires_at),
        revoke_time=write_instant(key.revoked_at),
    )


def read_grant(grant: agency_service_pb2.Grant, violations: Violations) -> Grant:
    """A grant; what is wrong with its kind is added to `violations`."""
    kind = GRANT_KINDS.read(grant.kind, field="grant.kind", violations=violations)
    return Grant(grant.agency_id, kind, grant.type_code, grant.region)


def write_grant(grant: Grant) -> agency_service_pb2.Grant:
    """A grant."""
    return agency_service_pb2.Grant(
        agency_id=grant.agency_id,
        kind=GRANT_KINDS.write(grant.kind),
        type_code=grant.type_code,
        region=grant.region,
    )
