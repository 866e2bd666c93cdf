"""Every enum of the API beside its twin in the domain; a value that only one side knows fails at import."""

from certsvc.domain.agency import AgencyLevel, AgencyState, GrantKind, OfficerRole
from certsvc.domain.license import LicenseAction, LicenseState, RevocationKind
from certsvc.domain.license_type import HolderKind, Mask, TrustGrade, TypeState, ValidityKind
from certsvc.domain.numbers import NumberKind
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.domain.verdict import CheckName, CheckResult, Verdict
from certsvc.rpc.convert import EnumNames
from certsvc.services.license_commands import Disposition, OnExisting
from certsvc.v1 import (
    agency_service_pb2,
    common_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
    verification_service_pb2,
)

NUMBER_KINDS = EnumNames(common_pb2.NumberKind, NumberKind, "NUMBER_KIND_")
LICENSE_STATES = EnumNames(common_pb2.LicenseState, LicenseState, "LICENSE_STATE_")
LICENSE_ACTIONS = EnumNames(common_pb2.LicenseAction, LicenseAction, "LICENSE_ACTION_")
TRUST_GRADES = EnumNames(common_pb2.TrustGrade, TrustGrade, "TRUST_GRADE_")

AGENCY_LEVELS = EnumNames(agency_service_pb2.AgencyLevel, AgencyLevel, "AGENCY_LEVEL_")
AGENCY_STATES = EnumNames(agency_service_pb2.AgencyState, AgencyState, "AGENCY_STATE_")
OFFICER_ROLES = EnumNames(agency_service_pb2.OfficerRole, OfficerRole, "OFFICER_ROLE_")
GRANT_KINDS = EnumNames(agency_service_pb2.GrantKind, GrantKind, "GRANT_KIND_")

HOLDER_KINDS = EnumNames(license_type_service_pb2.HolderKind, HolderKind, "HOLDER_KIND_")
VALIDITY_KINDS = EnumNames(license_type_service_pb2.ValidityKind, ValidityKind, "VALIDITY_KIND_")
MASKS = EnumNames(license_type_service_pb2.Mask, Mask, "MASK_")
TYPE_STATES = EnumNames(license_type_service_pb2.TypeState, TypeState, "TYPE_STATE_")

REVOCATION_KINDS = EnumNames(license_service_pb2.RevocationKind, RevocationKind, "REVOCATION_KIND_")
DISPOSITIONS = EnumNames(license_service_pb2.Disposition, Disposition, "DISPOSITION_")
ON_EXISTING = EnumNames(license_service_pb2.OnExisting, OnExisting, "ON_EXISTING_")

VERDICTS = EnumNames(verification_service_pb2.Verdict, Verdict, "VERDICT_")
CHECK_NAMES = EnumNames(verification_service_pb2.CheckName, CheckName, "CHECK_NAME_")
CHECK_RESULTS = EnumNames(verification_service_pb2.CheckResult, CheckResult, "CHECK_RESULT_")

KEY_PURPOSES = EnumNames(signing_key_service_pb2.KeyPurpose, KeyPurpose, "KEY_PURPOSE_")
KEY_STATES = EnumNames(signing_key_service_pb2.KeyState, KeyState, "KEY_STATE_")
