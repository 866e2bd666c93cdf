"""Payloads: equal exactly when the same is asked for."""

import pytest
from google.protobuf import any_pb2

from certsvc.rpc.convert import write_struct
from certsvc.rpc.mutation_requests import payload_of
from certsvc.v1.license_service_pb2 import (
    CancelLicenseRequest,
    IssueLicenseRequest,
    StateCause,
    SuspendLicenseRequest,
)


def test_the_request_id_is_no_part_of_the_payload() -> None:
    assert payload_of(SuspendLicenseRequest(request_id="a", identifier="x")) == payload_of(
        SuspendLicenseRequest(request_id="b", identifier="x")
    )


def test_the_request_itself_keeps_its_id() -> None:
    request = SuspendLicenseRequest(request_id="a")
    payload_of(request)

    assert request.request_id == "a"


def test_requests_of_one_shape_but_two_rpcs_differ() -> None:
    suspend = SuspendLicenseRequest(identifier="x", cause=StateCause(reason="y"))
    cancel = CancelLicenseRequest(identifier="x", cause=StateCause(reason="y"))

    assert suspend.SerializeToString() == cancel.SerializeToString()
    assert payload_of(suspend) != payload_of(cancel)


def test_the_order_of_map_entries_does_not_matter() -> None:
    fields = {f"f{number}": number for number in range(50)}
    one = IssueLicenseRequest(fields=write_struct(fields))
    other = IssueLicenseRequest(fields=write_struct(dict(reversed(fields.items()))))

    assert payload_of(one) == payload_of(other)


def test_a_payload_can_be_read_again() -> None:
    request = SuspendLicenseRequest(identifier="x")
    found = SuspendLicenseRequest()

    assert any_pb2.Any.FromString(payload_of(request)).Unpack(found)
    assert found == request


def test_only_requests_have_payloads() -> None:
    class NoRequest:
        request_id = ""

    with pytest.raises(TypeError):
        payload_of(NoRequest())
