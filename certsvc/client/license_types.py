"""Calls about the catalogue of license types."""

from collections.abc import Iterator, Sequence

from certsvc.client.connection import Connection
from certsvc.v1 import license_type_service_pb2 as pb
from certsvc.v1.license_type_service_pb2_grpc import LicenseTypeServiceStub


class LicenseTypeCalls:
    """LicenseTypeService. Methods raise CallError; mutations get a request_id where the request has none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = LicenseTypeServiceStub(connection.channel)

    def create(self, request: pb.CreateLicenseTypeRequest) -> pb.CreateLicenseTypeResponse:
        """Add a type; operators only. The response also says how large its fullest QR code gets."""
        return self._connection.call(self._stub.CreateLicenseType, request)

    def get(self, code: str, *, version: int = 0) -> pb.LicenseType:
        """One version of a type, the newest by default."""
        request = pb.GetLicenseTypeRequest(code=code, version=version)
        return self._connection.call(self._stub.GetLicenseType, request).license_type

    def list(self) -> Iterator[pb.LicenseType]:
        """The newest versions of all types, in the order of their codes."""

        def fetch(token: str) -> tuple[Sequence[pb.LicenseType], str]:
            request = pb.ListLicenseTypesRequest(page_token=token)
            response = self._connection.call(self._stub.ListLicenseTypes, request)
            return response.license_types, response.next_page_token

        return self._connection.pages(fetch)

    def publish_version(self, request: pb.PublishLicenseTypeVersionRequest) -> pb.PublishLicenseTypeVersionResponse:
        """Publish the next version of a type; operators only."""
        return self._connection.call(self._stub.PublishLicenseTypeVersion, request)

    def retire(self, request: pb.RetireLicenseTypeRequest) -> pb.LicenseType:
        """End issuing under a type; operators only."""
        return self._connection.call(self._stub.RetireLicenseType, request).license_type
