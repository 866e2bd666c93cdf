"""Changing a license by the name of the action, and licenses in any state."""

from datetime import timedelta
from typing import Any

from certsvc.client.licenses import LicenseCalls
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import FOOD_FIELDS, cause, food_permit, today

ACTIONS = ["amend", "renew", "suspend", "reinstate", "revoke", "cancel"]
VERSIONS = {"amend", "renew"}

_REQUESTS: dict[str, Any] = {
    "amend": pb.AmendLicenseRequest,
    "renew": pb.RenewLicenseRequest,
    "suspend": pb.SuspendLicenseRequest,
    "reinstate": pb.ReinstateLicenseRequest,
    "revoke": pb.RevokeLicenseRequest,
    "cancel": pb.CancelLicenseRequest,
}


def request_to(action: str, identifier: str, **changes: Any) -> Any:
    """A sound request; `changes` in place of its fields."""
    values: dict[str, Any] = {"identifier": identifier, "cause": cause()}
    match action:
        case "renew":
            values["valid_from"] = today().isoformat()
            values["valid_until"] = (today() + timedelta(days=1500)).isoformat()
        case "revoke":
            values["kind"] = pb.REVOCATION_KIND_PENALTY
    request = _REQUESTS[action](**(values | changes))
    if action == "amend" and not {"fields", "holders", "license_number"} & changes.keys():
        request.fields.update(FOOD_FIELDS | {"business_site": "示例市示例区新路2号"})
    return request


def act(licenses: LicenseCalls, action: str, identifier: str, **changes: Any) -> pb.LicenseChange:
    """Do it."""
    change: pb.LicenseChange = getattr(licenses, action)(request_to(action, identifier, **changes))
    return change


def issued_in(licenses: LicenseCalls, state: str) -> pb.License:
    """A new food business permit that was brought to this state."""
    license_ = licenses.issue(food_permit()).license
    action = {"SUSPENDED": "suspend", "REVOKED": "revoke", "CANCELLED": "cancel"}.get(state)
    return act(licenses, action, license_.identifier).license if action else license_
