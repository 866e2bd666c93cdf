"""The table of permissions: complete, closed by default, and exactly what the API says of each RPC."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from certsvc.domain.agency import CallerKind, OfficerRole
from certsvc.domain.principal import Caller
from certsvc.errors import PermissionDeniedError
from certsvc.rpc.permissions import LICENSE_BYTES, MEBIBYTE, RULES, ContextNeed, Rule, check_permission
from certsvc.v1 import (
    agency_service_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
    verification_service_pb2,
)
from tests.unit.rpc.expected_permissions import CASES

OWN = (
    agency_service_pb2,
    license_type_service_pb2,
    license_service_pb2,
    verification_service_pb2,
    signing_key_service_pb2,
)
ALL_ROLES = frozenset(OfficerRole)
ISSUER, APPROVER, VERIFIER, ADMIN = (
    OfficerRole.ISSUER,
    OfficerRole.APPROVER,
    OfficerRole.VERIFIER,
    OfficerRole.ADMIN,
)
OPERATOR = Caller(CallerKind.OPERATOR, "root", "", frozenset(), "0123456789abcdef")


def officer(*roles: OfficerRole) -> Caller:
    return Caller(CallerKind.AGENCY, "11440300455834562Y", "clerk-7", frozenset(roles), "fedcba9876543210")


SYSTEM = Caller(CallerKind.AGENCY, "11440300455834562Y", "", frozenset(), "fedcba9876543210")


def methods_of(*modules: object) -> Iterator[tuple[str, MethodDescriptor]]:
    for module in modules:
        descriptor = module.DESCRIPTOR  # type: ignore[attr-defined] # every generated module has one
        for service in descriptor.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", method


def allowed(rule: Rule, caller: Caller) -> bool:
    try:
        check_permission(rule, caller)
    except PermissionDeniedError:
        return False
    return True


def test_every_rpc_has_a_rule_and_every_rule_an_rpc() -> None:
    served = {name for name, _ in methods_of(*OWN, health_pb2, reflection_pb2)}

    assert set(RULES) == served


def test_only_health_and_reflection_are_open() -> None:
    assert {name.split("/")[1] for name, rule in RULES.items() if rule.is_open} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_the_expectations_are_about_every_rpc() -> None:
    assert sorted(name for name, _ in CASES) == sorted(name for name, _ in methods_of(*OWN))


@pytest.mark.parametrize(("method", "letters"), CASES)
def test_who_may_call(method: str, letters: str) -> None:
    rule = RULES[method]

    assert allowed(rule, OPERATOR) == ("o" in letters)
    assert allowed(rule, SYSTEM) == ("s" in letters)
    for letter, role in (("I", ISSUER), ("A", APPROVER), ("V", VERIFIER), ("D", ADMIN)):
        assert allowed(rule, officer(role)) == (letter in letters), role
    assert not allowed(rule, officer())
    assert allowed(rule, officer(*ALL_ROLES)) == bool(set(letters) & set("IAVD"))


@pytest.mark.parametrize(
    ("rule", "caller", "reason"),
    [
        (Rule(), OPERATOR, "NO_RULE"),
        (Rule(), SYSTEM, "NO_RULE"),
        (Rule(callers=frozenset({CallerKind.OPERATOR})), SYSTEM, "CALLER_KIND"),
        (Rule(callers=frozenset({CallerKind.AGENCY})), OPERATOR, "CALLER_KIND"),
        (Rule(callers=frozenset({CallerKind.AGENCY}), officer=True), SYSTEM, "OFFICER_REQUIRED"),
        (Rule(callers=frozenset({CallerKind.AGENCY})), officer(), "ROLE_REQUIRED"),
    ],
)
def test_the_refusal_says_why(rule: Rule, caller: Caller, reason: str) -> None:
    with pytest.raises(PermissionDeniedError) as refused:
        check_permission(rule, caller)

    assert refused.value.reason == reason


def test_a_rule_asks_for_an_access_context_where_the_request_has_room_for_one() -> None:
    for name, method in methods_of(*OWN):
        has_room = "access_context" in method.input_type.fields_by_name
        assert (RULES[name].access_context is not ContextNeed.NEVER) == has_room, name


def test_no_message_is_larger_than_its_purpose_asks() -> None:
    sizes = {name.rpartition("/")[2]: rule.max_bytes for name, rule in RULES.items() if rule.max_bytes != MEBIBYTE}

    assert sizes.pop("WatchLicenseEvents") == 8 * MEBIBYTE
    assert set(sizes.values()) == {LICENSE_BYTES}
    assert set(sizes) == {
        "IssueLicense",
        "BatchIssueLicenses",
        *(f"{verb}License" for verb in ("Amend", "Renew", "Suspend", "Reinstate", "Revoke", "Cancel")),
    }
