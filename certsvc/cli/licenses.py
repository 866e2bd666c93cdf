"""`certsvc licenses`, the reading half: licenses, their events, codes and credentials, and watching."""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.command import command
from certsvc.cli.options import Choice, choice_value, timestamp
from certsvc.cli.rendering import cell, to_json
from certsvc.cli.session import Session
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2
from certsvc.v1 import license_service_pb2 as pb

Identifier = Annotated[str, typer.Argument(metavar="IDENTIFIER", help="Identifier of a version. 证照标识。")]
State = Choice(common_pb2.LicenseState, "LICENSE_STATE_")
Correction = Choice(pb.ErrorCorrection, "ERROR_CORRECTION_")

_COLUMNS = ("identifier", "license_number", "holders", "valid_from", "valid_until", "state")
_EVENT_COLUMNS = ("record_time", "action", "state", "effective_time", "officer_id", "reason", "identifier")


def register(app: typer.Typer) -> None:
    """Add the commands that change nothing."""
    command(app, "list")(list_licenses)
    command(app, "show")(show)
    command(app, "events")(events)
    command(app, "status")(status)
    command(app, "qr")(qr)
    command(app, "credential")(credential)
    command(app, "watch")(watch)


def list_licenses(
    session: Session,
    type_code: Annotated[str, typer.Option("--type", help="Only of this type. 证照类型。")] = "",
    state: Annotated[str, typer.Option(help=f"Only in this state: {State.names}. 状态。")] = "",
    holder: Annotated[str, typer.Option(help="Only of the holder with this number. 持证主体号码。")] = "",
    number: Annotated[str, typer.Option(help="Only with this license number. 证照编号。")] = "",
    issued_after: Annotated[str, typer.Option(help="Only issued at or after this time. 起始时间。")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first. 最多条数。")] = 1000,
) -> None:
    """List licenses of one's own issue, newest first. 列出本机关签发的证照。"""
    request = pb.ListLicensesRequest(type_code=type_code, license_number=number)
    if state:
        request.state = choice_value(State, state, field="--state")
    if holder:
        request.holder.value = holder
    if issued_after:
        request.issued_after.CopyFrom(timestamp(issued_after, field="--issued-after"))
    request.page_size = min(limit, 500)
    session.show_all("licenses", islice(session.client.licenses.list(request), limit), _COLUMNS)


def show(session: Session, identifier: Identifier) -> None:
    """Show a license of one's own issue. 查看证照。"""
    session.show(session.client.licenses.get(identifier))


def events(session: Session, identifier: Identifier) -> None:
    """List what happened to a license of one's own issue, oldest first. 列出证照变动。"""
    session.show_all("events", session.client.licenses.list_events(identifier), _EVENT_COLUMNS)


def status(session: Session, identifier: Identifier) -> None:
    """Show the standing of any license by its identifier; nothing personal. 查询证照状态。"""
    session.show(session.client.verification.get_status(identifier))


def qr(
    session: Session,
    identifier: Identifier,
    out: Annotated[Path | None, typer.Option(help="PNG or SVG file to write. 图片文件。")] = None,
    size: Annotated[int, typer.Option(min=1, max=20, help="Pixels of a module. 模块像素。")] = 6,
    level: Annotated[str, typer.Option(help=f"Error correction: {Correction.names}. 纠错等级。")] = "m",
) -> None:
    """Print the text of a license's QR code, or draw it. 输出或绘制二维码。"""
    if out is None:
        response = session.client.licenses.get_credential(
            pb.GetCredentialRequest(identifier=identifier, format=pb.CREDENTIAL_FORMAT_QR_TEXT)
        )
        session.show(response) if session.as_json else session.out.print(response.credential)
        return
    formats = {".png": pb.IMAGE_FORMAT_PNG, ".svg": pb.IMAGE_FORMAT_SVG}
    if out.suffix.lower() not in formats:
        raise InvalidInputError.of(FieldViolation("--out", "FILE_NAME", "ends in .png or .svg"))
    picture = session.client.licenses.render_qr_code(
        pb.RenderQrCodeRequest(
            identifier=identifier,
            format=formats[out.suffix.lower()],
            module_size=size,
            error_correction=choice_value(Correction, level, field="--level"),
        )
    )
    out.write_bytes(picture.image)
    if session.as_json:
        session.print_json({"file": str(out), "media_type": picture.media_type, "qr_version": picture.qr_version})
    else:
        session.out.print(f"{session.say('written')} {out}")


def credential(
    session: Session,
    identifier: Identifier,
    purpose: Annotated[str, typer.Option(help="Whose fields are disclosed. 使用目的。")] = "",
    holder_key: Annotated[Path | None, typer.Option(help="The holder's P-256 key as a JWK. 持有人公钥。")] = None,
    matter: Annotated[str, typer.Option(help="Another's license: the matter. 事项。")] = "",
    case_number: Annotated[str, typer.Option("--case", help="The case. 办件编号。")] = "",
    cause: Annotated[str, typer.Option(help="The cause. 事由。")] = "",
    legal_basis: Annotated[str, typer.Option(help="The legal basis. 法律依据。")] = "",
) -> None:
    """Print an SD-JWT VC of a license, made now. 输出 SD-JWT VC。"""
    request = pb.GetCredentialRequest(identifier=identifier, format=pb.CREDENTIAL_FORMAT_SD_JWT_VC, purpose=purpose)
    if holder_key is not None:
        request.holder_key = holder_key.read_text("utf-8")
    if matter or case_number or cause or legal_basis:
        context = common_pb2.AccessContext(matter=matter, case_number=case_number, cause=cause, legal_basis=legal_basis)
        request.access_context.CopyFrom(context)
    response = session.client.licenses.get_credential(request)
    session.show(response) if session.as_json else session.out.print(response.credential)


def watch(
    session: Session,
    own: Annotated[bool, typer.Option(help="Licenses of one's own issue. 本机关签发。")] = True,
    type_code: Annotated[list[str] | None, typer.Option("--type", help="Of these types. 证照类型。")] = None,
    region: Annotated[str, typer.Option(help="Issued in this region. 地区。")] = "",
    identifier: Annotated[list[str] | None, typer.Option(help="These licenses. 证照标识。")] = None,
    resume: Annotated[str, typer.Option(help="Token to go on from. 续传标记。")] = "",
    count: Annotated[int, typer.Option(min=0, help="End after this many; 0 never. 条数。")] = 0,
    patience: Annotated[float, typer.Option(help="Seconds without the register to bear. 断线容忍秒数。")] = 60.0,
) -> None:
    """Print what happens to licenses, a line an event, until Ctrl-C. 监听证照变动。

    With --json each line is one JSON object with the token to go on from.
    """
    request = pb.WatchLicenseEventsRequest(
        own_issues=own, type_codes=type_code or (), region=region, identifiers=identifier or (), resume_token=resume
    )
    answers = session.client.licenses.watch(request, patience=patience)
    if sys.stderr.isatty():
        session.err.print(session.say("watching"))
    for answer in islice(answers, count or None):
        if session.as_json:
            session.out.print(json.dumps(to_json(answer), ensure_ascii=False))
        else:
            cells = (cell(answer.event, name, language=session.language) for name in _EVENT_COLUMNS)
            session.out.print("  ".join(text for text in cells if text))
        sys.stdout.flush()
