"""`certsvc licenses`, the changing half: issue, amend, renew, suspend, reinstate, revoke, cancel."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf import json_format

from certsvc.cli.command import command
from certsvc.cli.licenses import Identifier
from certsvc.cli.options import Choice, choice_value, fields, holders, timestamp
from certsvc.cli.session import Session
from certsvc.client import Client
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb

Kind = Choice(pb.RevocationKind, "REVOCATION_KIND_")
Grade = Choice(common_pb2.TrustGrade, "TRUST_GRADE_")
Reason = Annotated[str, typer.Option(help="Why. 原因。")]
LegalBasis = Annotated[str, typer.Option(help="The law or decision. 法律依据。")]
Effective = Annotated[str, typer.Option(help="From when it counts, ISO 8601; else now. 生效时间。")]
Etag = Annotated[str, typer.Option(help="Refuse if it changed since. 修改标记。")]
Holders = Annotated[
    list[str] | None, typer.Option("--holder", help="number=name or kind:number=name. 号码=姓名或名称。")
]
Fields = Annotated[list[str] | None, typer.Option("--field", help="name=text, or name:=JSON. 字段=值。")]
First = Annotated[str, typer.Option(help="First day, YYYY-MM-DD. 有效期起。")]
Last = Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; without, open-ended. 有效期至，长期则不填。")]


def register(app: typer.Typer) -> None:
    """Add the commands that change licenses."""
    command(app, "issue", changes=True)(issue)
    command(app, "amend", changes=True)(amend)
    command(app, "renew", changes=True)(renew)
    command(app, "suspend", changes=True)(suspend)
    command(app, "reinstate", changes=True)(reinstate)
    command(app, "revoke", changes=True)(revoke)
    command(app, "cancel", changes=True)(cancel)


def issue(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="IssueLicenseRequest as proto JSON; - for stdin. 请求文件。")
    ] = None,
    type_code: Annotated[str, typer.Option("--type", help="The license type. 证照类型。")] = "",
    number: Annotated[str, typer.Option(help="The number printed on it. 证照编号。")] = "",
    holder: Holders = None,
    field: Fields = None,
    valid_from: First = "",
    valid_until: Last = "",
    legal_basis: LegalBasis = "",
    trust_grade: Annotated[str, typer.Option(help=f"One of {Grade.names}; else the type's. 可信等级。")] = "",
) -> None:
    """Issue a license, as a file or as options say; options win. 签发证照。"""
    request = pb.IssueLicenseRequest() if file is None else _read_request(file)
    stated = pb.IssueLicenseRequest(
        type_code=type_code,
        license_number=number,
        valid_from=valid_from,
        valid_until=valid_until,
        legal_basis=legal_basis,
    )
    if holder:
        del request.holders[:]
        stated.holders.extend(holders(holder))
    if field:
        stated.fields.CopyFrom(fields(field))
    if trust_grade:
        stated.trust_grade = choice_value(Grade, trust_grade, field="--trust-grade")
    request.MergeFrom(stated)
    session.show(session.change(session.client.licenses.issue, request))


def amend(
    session: Session,
    identifier: Identifier,
    reason: Reason,
    legal_basis: LegalBasis,
    number: Annotated[str, typer.Option(help="New license number. 新证照编号。")] = "",
    holder: Holders = None,
    field: Fields = None,
    without: Annotated[list[str] | None, typer.Option(help="Field to leave out from now on. 去掉的字段。")] = None,
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Make a new version; holders are replaced as a whole, fields one by one. 变更证照内容。"""
    request = pb.AmendLicenseRequest(
        identifier=identifier, license_number=number, cause=_cause(reason, legal_basis, effective), etag=etag
    )
    if holder:
        request.holders.extend(holders(holder))
    if field or without:
        # The call replaces all fields, so the others are read first, and the etag sees to it that they stayed.
        present = session.client.licenses.get(identifier)
        request.fields.CopyFrom(present.fields)
        for name, value in fields(field or ()).fields.items():
            request.fields.fields[name].CopyFrom(value)
        for name in without or ():
            request.fields.fields.pop(name, None)
        request.etag = etag or present.etag
    session.show(session.change(session.client.licenses.amend, request))


def renew(
    session: Session,
    identifier: Identifier,
    reason: Reason,
    legal_basis: LegalBasis,
    valid_from: First,
    valid_until: Last = "",
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Make a new version with new dates. 延续证照有效期。"""
    request = pb.RenewLicenseRequest(
        identifier=identifier,
        valid_from=valid_from,
        valid_until=valid_until,
        cause=_cause(reason, legal_basis, effective),
        etag=etag,
    )
    session.show(session.change(session.client.licenses.renew, request))


def suspend(
    session: Session,
    identifier: Identifier,
    reason: Reason,
    legal_basis: LegalBasis,
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Suspend an active license. 暂停证照。"""
    cause = _cause(reason, legal_basis, effective)
    _change(
        session,
        lambda client: client.licenses.suspend,
        pb.SuspendLicenseRequest(identifier=identifier, cause=cause, etag=etag),
    )


def reinstate(
    session: Session,
    identifier: Identifier,
    reason: Reason,
    legal_basis: LegalBasis,
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Make a suspended license active again. 恢复证照。"""
    cause = _cause(reason, legal_basis, effective)
    _change(
        session,
        lambda client: client.licenses.reinstate,
        pb.ReinstateLicenseRequest(identifier=identifier, cause=cause, etag=etag),
    )


def revoke(
    session: Session,
    identifier: Identifier,
    kind: Annotated[str, typer.Option(help="penalty 吊销, from then on; annulment 撤销, from the start.")],
    reason: Reason,
    legal_basis: LegalBasis,
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Revoke a license; final. 吊销或撤销证照，不可恢复。"""
    request = pb.RevokeLicenseRequest(identifier=identifier, cause=_cause(reason, legal_basis, effective), etag=etag)
    request.kind = choice_value(Kind, kind, field="--kind")
    _change(session, lambda client: client.licenses.revoke, request)


def cancel(
    session: Session,
    identifier: Identifier,
    reason: Reason,
    legal_basis: LegalBasis,
    effective: Effective = "",
    etag: Etag = "",
) -> None:
    """Cancel a license; final. 注销证照，不可恢复。"""
    cause = _cause(reason, legal_basis, effective)
    _change(
        session,
        lambda client: client.licenses.cancel,
        pb.CancelLicenseRequest(identifier=identifier, cause=cause, etag=etag),
    )


def _change(session: Session, call: Callable[[Client], Callable[[Any], pb.LicenseChange]], request: Any) -> None:
    session.show(session.change(call(session.client), request))


def _cause(reason: str, legal_basis: str, effective: str) -> pb.StateCause:
    cause = pb.StateCause(reason=reason, legal_basis=legal_basis)
    if effective:
        cause.effective_time.CopyFrom(timestamp(effective, field="--effective"))
    return cause


def _read_request(path: Path) -> pb.IssueLicenseRequest:
    try:
        text = sys.stdin.read() if path == Path("-") else path.read_text("utf-8")
        return json_format.Parse(text, pb.IssueLicenseRequest())
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise InvalidInputError.of(FieldViolation("file", "PROTO_JSON", f"{path}: {error}")) from error
