"""Who may call what: one rule for every RPC, in one table, checked in one place (rpc/interceptors.py).

Invariants: an RPC without a rule is refused; permission is checked before existence. Whose agency, officer or
license a call is about is not decided here, but in the service that owns the thing.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from certsvc.domain.agency import CallerKind, OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import PermissionDeniedError

MEBIBYTE = 1024 * 1024
LICENSE_BYTES = 64 * 1024
"""Far more than the fullest license: what a caller may make a worker read and check for one of them."""


class ContextNeed(enum.StrEnum):
    """When a call carries an access context; FOR_OTHERS is judged by the service that reads the license."""

    NEVER = "NEVER"
    FOR_OTHERS = "FOR_OTHERS"
    ALWAYS = "ALWAYS"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call one RPC; the defaults let nobody in.

    An officer who is named needs one of `roles`; `officer` says that one must be named. Operators have none.
    `is_open` lets in callers whom nobody knows. `max_bytes` bounds each message. `itemwise` hands unreadable messages
    of a stream to the servicer, which refuses them one by one; else the first of them ends the stream.
    """

    callers: frozenset[CallerKind] = frozenset()
    roles: frozenset[OfficerRole] = frozenset(OfficerRole)
    officer: bool = False
    access_context: ContextNeed = ContextNeed.NEVER
    is_open: bool = False
    max_bytes: int = MEBIBYTE
    itemwise: bool = False


_BOTH = frozenset(CallerKind)
_AGENCY = frozenset({CallerKind.AGENCY})
_READING = frozenset({OfficerRole.ISSUER, OfficerRole.VERIFIER, OfficerRole.APPROVER})

_OPEN = Rule(is_open=True)
_ANY_CALLER = Rule(callers=_BOTH)
_OPERATOR = Rule(callers=frozenset({CallerKind.OPERATOR}))
_ADMINISTRATOR = Rule(callers=_BOTH, officer=True, roles=frozenset({OfficerRole.ADMIN}))
_ISSUER = Rule(callers=_AGENCY, officer=True, roles=frozenset({OfficerRole.ISSUER}), max_bytes=LICENSE_BYTES)
_APPROVER = Rule(callers=_AGENCY, officer=True, roles=frozenset({OfficerRole.APPROVER}))
_LICENSE_READER = Rule(callers=_AGENCY, roles=_READING)
_VERIFIER = Rule(callers=_BOTH, roles=_READING)
_MATCHER = Rule(callers=_AGENCY, roles=frozenset({OfficerRole.VERIFIER}), access_context=ContextNeed.ALWAYS)

_SERVICES: Mapping[str, Mapping[str, Rule]] = {
    "certsvc.v1.AgencyService": {
        "CreateAgency": _OPERATOR,
        "GetAgency": _ANY_CALLER,
        "ListAgencies": _ANY_CALLER,
        "UpdateAgency": _OPERATOR,
        "DeactivateAgency": _OPERATOR,
        "CreateOfficer": _ADMINISTRATOR,
        "UpdateOfficer": _ADMINISTRATOR,
        "ListOfficers": _ANY_CALLER,
        "RegisterClientKey": _ADMINISTRATOR,
        "RevokeClientKey": _ADMINISTRATOR,
        "ListClientKeys": _ANY_CALLER,
        "CreateGrant": _OPERATOR,
        "RevokeGrant": _OPERATOR,
        "ListGrants": _ANY_CALLER,
    },
    "certsvc.v1.LicenseTypeService": {
        "CreateLicenseType": _OPERATOR,
        "GetLicenseType": _ANY_CALLER,
        "ListLicenseTypes": _ANY_CALLER,
        "PublishLicenseTypeVersion": _OPERATOR,
        "RetireLicenseType": _OPERATOR,
    },
    "certsvc.v1.LicenseService": {
        "IssueLicense": _ISSUER,
        "BatchIssueLicenses": replace(_ISSUER, itemwise=True),
        "AmendLicense": _ISSUER,
        "RenewLicense": _ISSUER,
        "SuspendLicense": _ISSUER,
        "ReinstateLicense": _ISSUER,
        "RevokeLicense": _ISSUER,
        "CancelLicense": _ISSUER,
        "GetLicense": _LICENSE_READER,
        "ListLicenses": _LICENSE_READER,
        "ListLicenseEvents": _LICENSE_READER,
        "GetCredential": replace(_LICENSE_READER, access_context=ContextNeed.FOR_OTHERS),
        "RenderQrCode": _LICENSE_READER,
        # Up to 100,000 subscribed identifiers of some 80 bytes.
        "WatchLicenseEvents": replace(_LICENSE_READER, max_bytes=8 * MEBIBYTE),
        "ListPendingChanges": _APPROVER,
        "ApproveChange": _APPROVER,
        "RejectChange": _APPROVER,
    },
    "certsvc.v1.VerificationService": {
        "VerifyCredential": _VERIFIER,
        "VerifyCredentials": replace(_VERIFIER, itemwise=True),
        "MatchLicense": _MATCHER,
        "GetStatus": _VERIFIER,
        "ExportOfflineBundle": _VERIFIER,
    },
    "certsvc.v1.SigningKeyService": {
        "ListSigningKeys": _OPERATOR,
        "GetSigningKey": _OPERATOR,
        "PrepareSigningKey": _OPERATOR,
        "ActivateSigningKey": _OPERATOR,
        "RetireSigningKey": _OPERATOR,
        "FetchKeySet": _ANY_CALLER,
    },
    "grpc.health.v1.Health": {"Check": _OPEN, "List": _OPEN, "Watch": _OPEN},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": _OPEN},
}

RULES: Mapping[str, Rule] = {
    f"/{service}/{method}": rule for service, methods in _SERVICES.items() for method, rule in methods.items()
}
"""Full method name, as gRPC writes it, to its rule."""


def check_permission(rule: Rule, caller: Caller) -> None:
    """Raise PermissionDeniedError unless `rule` lets `caller` in.

    Reasons: NO_RULE, CALLER_KIND, OFFICER_REQUIRED, ROLE_REQUIRED.
    """
    if not rule.callers:
        raise PermissionDeniedError(reason="NO_RULE", message="nobody may call this")
    if caller.kind not in rule.callers:
        kinds = " or ".join(sorted(kind.lower() for kind in rule.callers))
        raise PermissionDeniedError(reason="CALLER_KIND", message=f"only for callers of the kind {kinds}")
    if caller.is_operator:
        return
    if rule.officer and not caller.officer_id:
        raise PermissionDeniedError(
            reason="OFFICER_REQUIRED", message="the token must name the officer who acts (claim sub)"
        )
    if caller.officer_id and not caller.roles & rule.roles:
        roles = " or ".join(sorted(rule.roles))
        raise PermissionDeniedError(
            reason="ROLE_REQUIRED", message=f"the officer needs the role {roles}", details={"roles": roles}
        )
