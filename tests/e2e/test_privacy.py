"""Nothing personal is in clear: not in the database, not in a file of the register, not in its log at its loudest.

Canaries are planted with every call that takes something personal, also with those that are refused and with one that
fails for a fault of the register's own; then everything that was written is searched, decoded in every way.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from certsvc.client import CallError, Client
from certsvc.store import tables
from certsvc.v1 import agency_service_pb2, common_pb2
from certsvc.v1 import license_service_pb2 as pb
from tests.builders import (
    APPROVAL_BUREAU,
    BUSINESS_FIELDS,
    CIVIL_AFFAIRS,
    CLERK,
    DRIVING_FIELDS,
    SECOND_CLERK,
    TRAFFIC_POLICE,
    access_context,
    business_license,
    cause,
    citizen_number,
    company,
    company_number,
    disability_certificate,
    driving_license,
    match_of,
    person,
    unique_number,
)
from tests.canary import find_canaries
from tests.e2e.server_process import ServerProcess, initialized

NAME, COMPANY, OFFICER = "欧阳金丝雀", "金丝雀贸易有限公司", "上官金丝雀"
NUMBER, COMPANY_NUMBER = citizen_number("19620228"), company_number()
LICENSE_NUMBER, FIELD, FIELD_NAME = unique_number("金丝雀号"), "月球金丝雀街一号", "jinsique_field"
REASON, BASIS, REJECTION = "金丝雀醉酒驾驶", "金丝雀法第九十一条", "金丝雀材料不全"
MATTER, CASE, CAUSE = "金丝雀开户", "CANARY-CASE-77", "核对金丝雀资格"
CANARIES = [
    *(NAME, COMPANY, OFFICER, NUMBER, COMPANY_NUMBER, LICENSE_NUMBER, FIELD, FIELD_NAME),
    *(REASON, BASIS, REJECTION, MATTER, CASE, CAUSE),
]


def natural(**changes: object) -> pb.IssueLicenseRequest:
    """A driving license full of canaries."""
    good = {
        "license_number": LICENSE_NUMBER,
        "holders": [person(number=NUMBER, name=NAME)],
        "fields": DRIVING_FIELDS | {"address": FIELD},
        "legal_basis": BASIS,
    }
    return driving_license(**good | changes)


def legal(**changes: object) -> pb.IssueLicenseRequest:
    """A business license full of canaries."""
    good = {
        "license_number": f"{LICENSE_NUMBER}-2",
        "holders": [company(number=COMPANY_NUMBER, name=COMPANY)],
        "fields": BUSINESS_FIELDS | {"legal_representative": NAME, "address": FIELD},
        "legal_basis": BASIS,
    }
    return business_license(**good | changes)


def use_everything(server: ServerProcess) -> None:
    """Make every call that takes or gives something personal, well and badly."""
    police = server.agency(TRAFFIC_POLICE, officer=CLERK)
    bureau = server.agency(APPROVAL_BUREAU, officer=CLERK)
    issued = police.licenses.issue(natural())
    identifier = issued.license.identifier
    for refused in (
        natural(request_id="once"),
        natural(holders=[person(number=NUMBER[:-1] + ("1" if NUMBER[-1] == "0" else "0"), name=NAME)]),
        natural(holders=[company(number=COMPANY_NUMBER, name=COMPANY)]),
        natural(fields={FIELD_NAME: FIELD, "vehicle_class": FIELD}),
        natural(license_number=f"{LICENSE_NUMBER}\u0000", legal_basis=f"{BASIS}\u202e"),
        natural(type_code=NAME, valid_from=NAME, valid_until=NUMBER),
        natural(imported={"identifier": NUMBER, "state": "LICENSE_STATE_SUSPENDED", "state_reason": REASON}),
    ):
        with pytest.raises(CallError):
            police.licenses.issue(refused)
    batch = [legal(), legal(), natural(), legal(license_number=COMPANY_NUMBER, fields={FIELD_NAME: NAME})]
    assert len(list(bureau.licenses.issue_many(batch))) == len(batch)
    change(police, identifier)
    read(police, bureau, identifier, issued.qr_text)
    ask_for_two(server)
    administer(server)
    browse(server)


def change(client: Client, identifier: str) -> None:
    why = cause(reason=REASON, legal_basis=BASIS)
    amend = pb.AmendLicenseRequest(identifier=identifier, cause=why)
    amend.fields.update(DRIVING_FIELDS | {"address": f"{FIELD}之二"})
    client.licenses.amend(amend)
    client.licenses.suspend(pb.SuspendLicenseRequest(identifier=identifier, cause=why))
    client.licenses.reinstate(pb.ReinstateLicenseRequest(identifier=identifier, cause=why))
    with pytest.raises(CallError):
        client.licenses.reinstate(pb.ReinstateLicenseRequest(identifier=identifier, cause=why))
    with pytest.raises(CallError):
        client.licenses.suspend(pb.SuspendLicenseRequest(identifier=NUMBER, etag=NAME, cause=why))


def read(owner: Client, other: Client, identifier: str, qr_text: str) -> None:
    current = owner.licenses.get(identifier).superseded_by
    context = access_context(matter=MATTER, case_number=CASE, cause=CAUSE, legal_basis=BASIS)
    vc = pb.GetCredentialRequest(identifier=current, format=pb.CREDENTIAL_FORMAT_SD_JWT_VC)
    credential = owner.licenses.get_credential(vc).credential
    vc.purpose = "traffic"
    vc.access_context.CopyFrom(context)
    other.licenses.get_credential(vc)
    vc.purpose = NAME * 30
    with pytest.raises(CallError):
        other.licenses.get_credential(vc)
    for presented in (qr_text, credential, f"{qr_text}7", credential.replace("~", "~x", 1), NAME, NUMBER):
        other.verification.verify(presented)
    list(other.verification.verify_many([qr_text, NAME, credential]))
    other.verification.match(match_of(natural(), access_context=context))
    other.verification.match(match_of(legal(), access_context=context, license_number=NUMBER))
    with pytest.raises(CallError):
        other.verification.match(match_of(natural(), access_context=context, valid_from=NAME, type_code=""))
    with pytest.raises(CallError):
        other.verification.get_status(NUMBER)
    number = common_pb2.Number(kind=common_pb2.NUMBER_KIND_CITIZEN, value=NUMBER)
    assert len(list(owner.licenses.list(pb.ListLicensesRequest(holder=number)))) == 1
    assert list(owner.licenses.list(pb.ListLicensesRequest(license_number=LICENSE_NUMBER)))
    with pytest.raises(CallError):
        list(owner.licenses.list(pb.ListLicensesRequest(holder=common_pb2.Number(value=f"{NUMBER}1"))))
    assert list(owner.licenses.list_events(current))
    owner.licenses.render_qr_code(pb.RenderQrCodeRequest(identifier=current))
    watch = owner.licenses.watch(pb.WatchLicenseEventsRequest(own_issues=True, resume_token="0.0"))
    assert any(answer.event.reason == REASON for answer, _ in zip(watch, range(6), strict=False))


def ask_for_two(server: ServerProcess) -> None:
    asks = server.agency(CIVIL_AFFAIRS, officer=CLERK).licenses
    decides = server.agency(CIVIL_AFFAIRS, officer=SECOND_CLERK).licenses
    for holder in (person(number=NUMBER, name=NAME), person(name=NAME)):
        request = disability_certificate(holders=[holder], legal_basis=BASIS)
        request.fields.update({"guardian": OFFICER, "address": FIELD})
        asks.issue(request)
    first, second = list(decides.list_pending())
    decides.approve(pb.ApproveChangeRequest(change_id=first.change_id))
    decides.reject(pb.RejectChangeRequest(change_id=second.change_id, reason=REJECTION))
    with pytest.raises(CallError):
        decides.reject(pb.RejectChangeRequest(change_id=NUMBER, reason=REJECTION))


def administer(server: ServerProcess) -> None:
    agencies = server.operator().agencies
    create = agency_service_pb2.CreateOfficerRequest(
        agency_id=APPROVAL_BUREAU, officer_id="clerk-77", name=OFFICER, roles=[agency_service_pb2.OFFICER_ROLE_ISSUER]
    )
    agencies.create_officer(create)
    attempts: list[dict[str, Any]] = [{"officer_id": OFFICER}, {"agency_id": NUMBER}, {"name": f"{OFFICER}\u0000"}]
    for attempt in attempts:
        wrong = agency_service_pb2.CreateOfficerRequest()
        wrong.CopyFrom(create)
        wrong.MergeFrom(agency_service_pb2.CreateOfficerRequest(**attempt))
        with pytest.raises(CallError):
            agencies.create_officer(wrong)
    assert OFFICER in {officer.name for officer in agencies.list_officers(APPROVAL_BUREAU)}


def browse(server: ServerProcess) -> None:
    for path in (f"/q?{NAME}", f"/registered/{NUMBER}", f"/keys/{NAME}", f"/types/{NUMBER}/1", f"/{COMPANY_NUMBER}"):
        with suppress(httpx.HTTPError):
            httpx.get(server.url(path), headers={"user-agent": NAME.encode().hex(), "referer": FIELD.encode().hex()})


def break_a_license(database_url: str) -> None:
    """Change what is stored behind the register's back, so that reading it is a fault of the register's own."""
    statement = "UPDATE license_versions SET content = substr(content, 1, length(content) - 1)"
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as file:
            file.execute(statement)
        file.close()
        return
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute(statement)


def dump(database_url: str) -> bytes:
    """Everything that the database holds, as raw as it gives it."""
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))
    found = b""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        for table in tables.metadata.tables:
            # The text form, which pg_dump writes too: what is compressed on disk is readable here.
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows:
                found += b"".join(bytes(row) for row in rows)
    return found


def test_nothing_personal_is_in_clear(database_url: str, tmp_path: Path) -> None:
    server = initialized(tmp_path / "register", database_url=database_url)
    with (server.data_dir / "certsvc.toml").open("a") as settings:
        settings.write('\nlog_level = "debug"\n')
    server.start()
    try:
        server.fill_with_samples()
        use_everything(server)
        while_serving = dump(database_url)
        server.stop()
        break_a_license(database_url)
        server.start()
        assert faults(server) == {"DATA_LOSS"}
    finally:
        log = server.log.read_bytes()
        if server.process is not None:
            server.kill()

    assert APPROVAL_BUREAU.encode() in while_serving, "the dump holds nothing"
    assert find_canaries(while_serving, CANARIES) == set()
    assert find_canaries(dump(database_url), CANARIES) == set()
    for file in filter(Path.is_file, server.data_dir.rglob("*")):
        assert find_canaries(file.read_bytes(), CANARIES) == set(), file
    methods = set(re.findall(r"/certsvc\.v1\.[A-Za-z]+/[A-Za-z]+", log.decode()))
    assert len(methods) > 20, "the log is not what it should be"
    assert b"Traceback" in log
    assert find_canaries(log, CANARIES) == set()


def faults(server: ServerProcess) -> set[str]:
    """The codes of calls that need what was broken."""
    police = server.agency(TRAFFIC_POLICE, officer=CLERK)
    codes = set()
    asks: list[Callable[[], object]] = [
        lambda: list(police.licenses.list(pb.ListLicensesRequest(license_number=LICENSE_NUMBER))),
        lambda: police.licenses.issue(natural()),
        lambda: police.verification.match(match_of(natural())),
    ]
    for ask in asks:
        with pytest.raises(CallError) as caught:
            ask()
        codes.add(caught.value.code)
    return codes
