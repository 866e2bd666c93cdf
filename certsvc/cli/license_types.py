"""`certsvc types`: the catalogue of license types."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format

from certsvc.cli.command import command
from certsvc.cli.session import Session
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import license_type_service_pb2 as pb

Code = Annotated[str, typer.Argument(metavar="CODE", help="The type's code, 21 characters. 类型代码。")]
TypeFile = Annotated[Path, typer.Argument(metavar="FILE", help="LicenseType as proto JSON. 类型定义文件。")]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "list")(list_types)
    command(app, "show")(show)
    command(app, "create", changes=True)(create)
    command(app, "publish", changes=True)(publish)
    command(app, "retire", changes=True)(retire)


def list_types(session: Session) -> None:
    """List license types, in their newest versions. 列出证照类型。"""
    columns = ("code", "version", "name", "holder_kinds", "state", "public", "second_officer")
    session.show_all("license_types", session.client.license_types.list(), columns)


def show(
    session: Session, code: Code, version: Annotated[int, typer.Option(help="0 for the newest. 版本。")] = 0
) -> None:
    """Show a license type; with --json in the form that create and publish take. 查看证照类型。"""
    session.show(session.client.license_types.get(code, version=version))


def create(session: Session, file: TypeFile) -> None:
    """Add a license type. 新增证照类型。"""
    request = pb.CreateLicenseTypeRequest(license_type=_read(file))
    session.show(session.change(session.client.license_types.create, request))


def publish(session: Session, file: TypeFile) -> None:
    """Publish the next version of a type; the file's version is the one that it replaces. 发布新版本。"""
    request = pb.PublishLicenseTypeVersionRequest(license_type=_read(file))
    session.show(session.change(session.client.license_types.publish_version, request))


def retire(session: Session, code: Code) -> None:
    """End issuing under a type. 停止签发。"""
    request = pb.RetireLicenseTypeRequest(code=code)
    session.show(session.change(session.client.license_types.retire, request))


def _read(path: Path) -> pb.LicenseType:
    try:
        return json_format.Parse(path.read_text("utf-8"), pb.LicenseType())
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise InvalidInputError.of(FieldViolation("file", "PROTO_JSON", f"{path}: {error}")) from error
