"""AgencyService: messages to commands, outcomes to messages; the rules are in services/."""

from dataclasses import dataclass

import grpc

from certsvc.domain.agency import Agency, ClientKey, Grant, Officer
from certsvc.rpc.agency_messages import (
    LEVELS,
    ROLES,
    read_grant,
    write_agency,
    write_client_key,
    write_grant,
    write_officer,
)
from certsvc.rpc.call import caller_of
from certsvc.rpc.convert import Violations, read_instant, read_text
from certsvc.rpc.mutation_requests import mutation_of
from certsvc.rpc.paging import Paging
from certsvc.services.agencies import Agencies, AgencyEnd, AgencyUpdate, NewAgency
from certsvc.services.client_keys import ClientKeys, NewClientKey
from certsvc.services.grants import Grants
from certsvc.services.mutations import Mutation
from certsvc.services.officers import NewOfficer, Officers, OfficerUpdate
from certsvc.v1 import agency_service_pb2 as pb
from certsvc.v1 import agency_service_pb2_grpc


@dataclass(frozen=True, slots=True)
class AgencyUseCases:
    """What the servicer calls."""

    agencies: Agencies
    officers: Officers
    client_keys: ClientKeys
    grants: Grants


class AgencyServicer(agency_service_pb2_grpc.AgencyServiceServicer):
    """See proto/certsvc/v1/agency_service.proto."""

    def __init__(self, use_cases: AgencyUseCases, *, paging: Paging) -> None:
        self._use = use_cases
        self._paging = paging

    def CreateAgency(self, request: pb.CreateAgencyRequest, context: grpc.ServicerContext) -> pb.CreateAgencyResponse:
        violations = Violations()
        new = NewAgency(
            agency_id=request.agency_id,
            name=read_text(request.name),
            region=request.region,
            level=LEVELS.read(request.level, field="level", violations=violations),
        )
        mutation: Mutation[Agency] = mutation_of(
            request, context, lambda agency: pb.CreateAgencyResponse(agency=write_agency(agency))
        )
        answer = self._use.agencies.create(new, mutation, found=violations.found)
        return pb.CreateAgencyResponse.FromString(answer)

    def GetAgency(self, request: pb.GetAgencyRequest, context: grpc.ServicerContext) -> pb.GetAgencyResponse:
        return pb.GetAgencyResponse(agency=write_agency(self._use.agencies.get(request.agency_id)))

    def ListAgencies(self, request: pb.ListAgenciesRequest, context: grpc.ServicerContext) -> pb.ListAgenciesResponse:
        page = self._paging.open(request, caller_of(context))
        found = self._use.agencies.list(region=request.region, after=page.after, limit=page.fetch)
        rows, token = page.cut(found, lambda agency: agency.agency_id)
        return pb.ListAgenciesResponse(agencies=map(write_agency, rows), next_page_token=token)

    def UpdateAgency(self, request: pb.UpdateAgencyRequest, context: grpc.ServicerContext) -> pb.UpdateAgencyResponse:
        violations = Violations()
        update = AgencyUpdate(
            agency_id=request.agency_id,
            etag=request.etag,
            name=read_text(request.name) if request.HasField("name") else None,
            region=request.region,
            level=LEVELS.read_optional(request.level, field="level", violations=violations),
        )
        mutation: Mutation[Agency] = mutation_of(
            request, context, lambda agency: pb.UpdateAgencyResponse(agency=write_agency(agency))
        )
        answer = self._use.agencies.update(update, mutation, found=violations.found)
        return pb.UpdateAgencyResponse.FromString(answer)

    def DeactivateAgency(
        self, request: pb.DeactivateAgencyRequest, context: grpc.ServicerContext
    ) -> pb.DeactivateAgencyResponse:
        mutation: Mutation[Agency] = mutation_of(
            request, context, lambda agency: pb.DeactivateAgencyResponse(agency=write_agency(agency))
        )
        end = AgencyEnd(request.agency_id, request.successor_id, request.reason)
        return pb.DeactivateAgencyResponse.FromString(self._use.agencies.deactivate(end, mutation))

    def CreateOfficer(
        self, request: pb.CreateOfficerRequest, context: grpc.ServicerContext
    ) -> pb.CreateOfficerResponse:
        violations = Violations()
        new = NewOfficer(
            agency_id=request.agency_id,
            officer_id=request.officer_id,
            name=request.name,
            roles=ROLES.read_all(request.roles, field="roles", violations=violations),
        )
        mutation: Mutation[Officer] = mutation_of(
            request, context, lambda officer: pb.CreateOfficerResponse(officer=write_officer(officer))
        )
        answer = self._use.officers.create(new, mutation, found=violations.found)
        return pb.CreateOfficerResponse.FromString(answer)

    def UpdateOfficer(
        self, request: pb.UpdateOfficerRequest, context: grpc.ServicerContext
    ) -> pb.UpdateOfficerResponse:
        violations = Violations()
        update = OfficerUpdate(
            agency_id=request.agency_id,
            officer_id=request.officer_id,
            etag=request.etag,
            name=request.name,
            roles=ROLES.read_all(request.roles, field="roles", violations=violations),
            active=request.active,
        )
        mutation: Mutation[Officer] = mutation_of(
            request, context, lambda officer: pb.UpdateOfficerResponse(officer=write_officer(officer))
        )
        answer = self._use.officers.update(update, mutation, found=violations.found)
        return pb.UpdateOfficerResponse.FromString(answer)

    def ListOfficers(self, request: pb.ListOfficersRequest, context: grpc.ServicerContext) -> pb.ListOfficersResponse:
        caller = caller_of(context)
        page = self._paging.open(request, caller)
        found = self._use.officers.list(caller, request.agency_id, after=page.after, limit=page.fetch)
        rows, token = page.cut(found, lambda officer: officer.officer_id)
        return pb.ListOfficersResponse(officers=map(write_officer, rows), next_page_token=token)

    def RegisterClientKey(
        self, request: pb.RegisterClientKeyRequest, context: grpc.ServicerContext
    ) -> pb.RegisterClientKeyResponse:
        violations = Violations()
        new = NewClientKey(
            agency_id=request.agency_id,
            public_key=request.public_key,
            expires_at=read_instant(request, "expire_time", violations=violations),
        )
        mutation: Mutation[ClientKey] = mutation_of(
            request, context, lambda key: pb.RegisterClientKeyResponse(client_key=write_client_key(key))
        )
        answer = self._use.client_keys.register(new, mutation, found=violations.found)
        return pb.RegisterClientKeyResponse.FromString(answer)

    def RevokeClientKey(
        self, request: pb.RevokeClientKeyRequest, context: grpc.ServicerContext
    ) -> pb.RevokeClientKeyResponse:
        mutation: Mutation[ClientKey] = mutation_of(
            request, context, lambda key: pb.RevokeClientKeyResponse(client_key=write_client_key(key))
        )
        answer = self._use.client_keys.revoke(request.agency_id, request.key_id, mutation)
        return pb.RevokeClientKeyResponse.FromString(answer)

    def ListClientKeys(
        self, request: pb.ListClientKeysRequest, context: grpc.ServicerContext
    ) -> pb.ListClientKeysResponse:
        keys = self._use.client_keys.list(caller_of(context), request.agency_id)
        return pb.ListClientKeysResponse(client_keys=map(write_client_key, keys))

    def CreateGrant(self, request: pb.CreateGrantRequest, context: grpc.ServicerContext) -> pb.CreateGrantResponse:
        violations = Violations()
        grant = read_grant(request.grant, violations)
        mutation: Mutation[Grant] = mutation_of(
            request, context, lambda given: pb.CreateGrantResponse(grant=write_grant(given))
        )
        answer = self._use.grants.create(grant, mutation, found=violations.found)
        return pb.CreateGrantResponse.FromString(answer)

    def RevokeGrant(self, request: pb.RevokeGrantRequest, context: grpc.ServicerContext) -> pb.RevokeGrantResponse:
        violations = Violations()
        grant = read_grant(request.grant, violations)
        mutation: Mutation[None] = mutation_of(request, context, lambda _none: pb.RevokeGrantResponse())
        answer = self._use.grants.revoke(grant, mutation, found=violations.found)
        return pb.RevokeGrantResponse.FromString(answer)

    def ListGrants(self, request: pb.ListGrantsRequest, context: grpc.ServicerContext) -> pb.ListGrantsResponse:
        grants = self._use.grants.list(caller_of(context), request.agency_id)
        return pb.ListGrantsResponse(grants=map(write_grant, grants))
