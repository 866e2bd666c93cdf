"""Calls about agencies, their officers, client keys and grants."""

from collections.abc import Iterator, Sequence

from certsvc.client.connection import Connection
from certsvc.v1 import agency_service_pb2 as pb
from certsvc.v1.agency_service_pb2_grpc import AgencyServiceStub


class AgencyCalls:
    """AgencyService. Methods raise CallError; mutations get a request_id where the request has none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = AgencyServiceStub(connection.channel)

    def create(self, request: pb.CreateAgencyRequest) -> pb.Agency:
        """Add an agency; operators only."""
        return self._connection.call(self._stub.CreateAgency, request).agency

    def get(self, agency_id: str) -> pb.Agency:
        """One agency."""
        return self._connection.call(self._stub.GetAgency, pb.GetAgencyRequest(agency_id=agency_id)).agency

    def list(self, *, region: str = "") -> Iterator[pb.Agency]:
        """Agencies of regions that start so, in the order of their credit codes."""

        def fetch(token: str) -> tuple[Sequence[pb.Agency], str]:
            request = pb.ListAgenciesRequest(region=region, page_token=token)
            response = self._connection.call(self._stub.ListAgencies, request)
            return response.agencies, response.next_page_token

        return self._connection.pages(fetch)

    def update(self, request: pb.UpdateAgencyRequest) -> pb.Agency:
        """Change an agency's name, region or level; operators only."""
        return self._connection.call(self._stub.UpdateAgency, request).agency

    def deactivate(self, request: pb.DeactivateAgencyRequest) -> pb.Agency:
        """End an agency's work, perhaps with a successor; operators only."""
        return self._connection.call(self._stub.DeactivateAgency, request).agency

    def create_officer(self, request: pb.CreateOfficerRequest) -> pb.Officer:
        """Add an officer."""
        return self._connection.call(self._stub.CreateOfficer, request).officer

    def update_officer(self, request: pb.UpdateOfficerRequest) -> pb.Officer:
        """Change an officer's name or roles, or end the officer's work."""
        return self._connection.call(self._stub.UpdateOfficer, request).officer

    def list_officers(self, agency_id: str) -> Iterator[pb.Officer]:
        """An agency's officers."""

        def fetch(token: str) -> tuple[Sequence[pb.Officer], str]:
            request = pb.ListOfficersRequest(agency_id=agency_id, page_token=token)
            response = self._connection.call(self._stub.ListOfficers, request)
            return response.officers, response.next_page_token

        return self._connection.pages(fetch)

    def register_client_key(self, request: pb.RegisterClientKeyRequest) -> pb.ClientKey:
        """Register a public key that the agency's system may sign its tokens with."""
        return self._connection.call(self._stub.RegisterClientKey, request).client_key

    def revoke_client_key(self, request: pb.RevokeClientKeyRequest) -> pb.ClientKey:
        """Take a client key away; it bites at once."""
        return self._connection.call(self._stub.RevokeClientKey, request).client_key

    def list_client_keys(self, agency_id: str) -> Sequence[pb.ClientKey]:
        """All client keys of an agency, revoked and ended ones too."""
        request = pb.ListClientKeysRequest(agency_id=agency_id)
        return self._connection.call(self._stub.ListClientKeys, request).client_keys

    def create_grant(self, request: pb.CreateGrantRequest) -> pb.Grant:
        """Grant an agency a right; operators only."""
        return self._connection.call(self._stub.CreateGrant, request).grant

    def revoke_grant(self, request: pb.RevokeGrantRequest) -> None:
        """Take a grant away, named exactly as it was given; operators only."""
        self._connection.call(self._stub.RevokeGrant, request)

    def list_grants(self, agency_id: str) -> Sequence[pb.Grant]:
        """All grants of an agency."""
        return self._connection.call(self._stub.ListGrants, pb.ListGrantsRequest(agency_id=agency_id)).grants
