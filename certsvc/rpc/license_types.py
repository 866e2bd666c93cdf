"""LicenseTypeService: messages to commands, outcomes to messages; the rules are in services/license_types.py."""

import grpc

from certsvc.domain.license_type import LicenseType
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.rpc.call import caller_of
from certsvc.rpc.convert import Violations
from certsvc.rpc.license_type_messages import read_draft, write_license_type
from certsvc.rpc.mutation_requests import mutation_of
from certsvc.rpc.paging import Paging
from certsvc.services.license_types import LicenseTypes, PublishedType
from certsvc.services.mutations import Mutation
from certsvc.v1 import license_type_service_pb2 as pb
from certsvc.v1 import license_type_service_pb2_grpc


class LicenseTypeServicer(license_type_service_pb2_grpc.LicenseTypeServiceServicer):
    """See proto/certsvc/v1/license_type_service.proto."""

    def __init__(self, license_types: LicenseTypes, *, paging: Paging) -> None:
        self._license_types = license_types
        self._paging = paging

    def CreateLicenseType(
        self, request: pb.CreateLicenseTypeRequest, context: grpc.ServicerContext
    ) -> pb.CreateLicenseTypeResponse:
        violations = Violations()
        draft = read_draft(request.license_type, violations)
        mutation: Mutation[PublishedType] = mutation_of(
            request,
            context,
            lambda published: pb.CreateLicenseTypeResponse(
                license_type=write_license_type(published.license_type),
                fullest_qr_version=published.fullest_qr_version,
            ),
        )
        answer = self._license_types.create(draft, request.license_type.fields_schema, mutation, found=violations.found)
        return pb.CreateLicenseTypeResponse.FromString(answer)

    def GetLicenseType(
        self, request: pb.GetLicenseTypeRequest, context: grpc.ServicerContext
    ) -> pb.GetLicenseTypeResponse:
        if request.version < 0:
            raise InvalidInputError.of(FieldViolation("version", "OUT_OF_RANGE", "must be 0 or more"))
        license_type = self._license_types.get(request.code, request.version or None)
        return pb.GetLicenseTypeResponse(license_type=write_license_type(license_type))

    def ListLicenseTypes(
        self, request: pb.ListLicenseTypesRequest, context: grpc.ServicerContext
    ) -> pb.ListLicenseTypesResponse:
        page = self._paging.open(request, caller_of(context))
        found = self._license_types.list(after=page.after, limit=page.fetch)
        rows, token = page.cut(found, lambda license_type: license_type.code)
        return pb.ListLicenseTypesResponse(license_types=map(write_license_type, rows), next_page_token=token)

    def PublishLicenseTypeVersion(
        self, request: pb.PublishLicenseTypeVersionRequest, context: grpc.ServicerContext
    ) -> pb.PublishLicenseTypeVersionResponse:
        violations = Violations()
        draft = read_draft(request.license_type, violations)
        mutation: Mutation[PublishedType] = mutation_of(
            request,
            context,
            lambda published: pb.PublishLicenseTypeVersionResponse(
                license_type=write_license_type(published.license_type),
                fullest_qr_version=published.fullest_qr_version,
            ),
        )
        answer = self._license_types.publish(
            draft,
            request.license_type.fields_schema,
            mutation,
            code=request.license_type.code,
            replaces=request.license_type.version,
            found=violations.found,
        )
        return pb.PublishLicenseTypeVersionResponse.FromString(answer)

    def RetireLicenseType(
        self, request: pb.RetireLicenseTypeRequest, context: grpc.ServicerContext
    ) -> pb.RetireLicenseTypeResponse:
        mutation: Mutation[LicenseType] = mutation_of(
            request,
            context,
            lambda retired: pb.RetireLicenseTypeResponse(license_type=write_license_type(retired)),
        )
        return pb.RetireLicenseTypeResponse.FromString(self._license_types.retire(request.code, mutation))
