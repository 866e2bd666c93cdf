"""Fills a development register with what certsvc/samples/ describes: agencies, officers, types, keys, licenses.

Everything is done over gRPC, as an operator and as the agencies themselves. Invariant: every request_id is made from
what it asks for, so that an interrupted run is repeated without doing anything twice.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict

from certsvc.client.client import Client
from certsvc.credentials.client_credential import ClientCredential, create_credential, load_credential
from certsvc.domain.agency import CallerKind
from certsvc.v1 import agency_service_pb2, license_service_pb2, license_type_service_pb2, signing_key_service_pb2


@dataclass(frozen=True, slots=True)
class SampleLicense:
    """A license that was issued for the samples."""

    identifier: str
    qr_text: str


def sample(name: str) -> Any:
    """The content of a file of certsvc/samples/."""
    return json.loads(files("certsvc.samples").joinpath(f"{name}.json").read_text("utf-8"))


def agency_credential(folder: Path, agency_id: str) -> Path:
    """Where an agency's credential lies."""
    return folder / f"{agency_id}.json"


def fill(operator: ClientCredential, folder: Path) -> list[SampleLicense]:
    """Make the sample register; agencies' credentials are written to `folder` (mode 0700)."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with Client.connect(operator) as client:
        for entry in sample("license_types"):
            license_type = ParseDict(entry, license_type_service_pb2.LicenseType())
            client.license_types.create(
                license_type_service_pb2.CreateLicenseTypeRequest(
                    request_id=f"sample-type-{license_type.code}", license_type=license_type
                )
            )
        for entry in sample("agencies"):
            _add_agency(client, entry, operator, folder)
    return list(_issue(folder))


def _add_agency(client: Client, entry: dict[str, Any], operator: ClientCredential, folder: Path) -> None:
    agency = ParseDict(entry["agency"], agency_service_pb2.Agency())
    agency_id = agency.agency_id
    client.agencies.create(
        agency_service_pb2.CreateAgencyRequest(
            request_id=f"sample-agency-{agency_id}",
            agency_id=agency_id,
            name=agency.name,
            region=agency.region,
            level=agency.level,
        )
    )
    for officer in entry["officers"]:
        request = ParseDict(officer, agency_service_pb2.CreateOfficerRequest())
        request.request_id = f"sample-officer-{agency_id}-{request.officer_id}"
        request.agency_id = agency_id
        client.agencies.create_officer(request)
    for grant in entry["grants"]:
        request_ = agency_service_pb2.CreateGrantRequest(grant=ParseDict(grant, agency_service_pb2.Grant()))
        request_.grant.agency_id = agency_id
        request_.request_id = f"sample-grant-{agency_id}-{request_.grant.kind}-{request_.grant.type_code}"
        client.agencies.create_grant(request_)
    credential = _credential(agency_credential(folder, agency_id), agency_id, operator)
    client.agencies.register_client_key(
        agency_service_pb2.RegisterClientKeyRequest(
            request_id=f"sample-client-key-{credential.kid}",
            agency_id=agency_id,
            public_key=credential.public_key,
        )
    )
    key = client.signing_keys.prepare(
        signing_key_service_pb2.PrepareSigningKeyRequest(
            request_id=f"sample-signing-key-{agency_id}",
            purpose=signing_key_service_pb2.KEY_PURPOSE_LICENSE,
            agency_id=agency_id,
        )
    )
    client.signing_keys.activate(
        signing_key_service_pb2.ActivateSigningKeyRequest(request_id=f"sample-activate-{key.kid}", kid=key.kid)
    )


def _credential(path: Path, agency_id: str, operator: ClientCredential) -> ClientCredential:
    if path.exists():
        return load_credential(path)
    return create_credential(
        path,
        owner_kind=CallerKind.AGENCY,
        owner_id=agency_id,
        endpoint=operator.endpoint,
        audience=operator.audience,
        ca_pem=operator.ca_pem,
    )


def _issue(folder: Path) -> Iterator[SampleLicense]:
    for entry in sample("licenses"):
        request = ParseDict(entry["license"], license_service_pb2.IssueLicenseRequest())
        request.request_id = f"sample-license-{request.type_code}-{request.license_number}"
        credential = agency_credential(folder, entry["agency_id"])
        with Client.connect(credential, officer=entry["officer_id"]) as client:
            change = client.licenses.issue(request)
        yield SampleLicense(change.license.identifier, change.qr_text)
