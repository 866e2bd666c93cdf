"""`certsvc agencies`: agencies, their officers, the keys that their systems call with, and their grants."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.cli.command import command
from certsvc.cli.options import Choice, choice_value
from certsvc.cli.session import Session
from certsvc.credentials.client_credential import create_credential, load_credential
from certsvc.domain.agency import CallerKind
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import agency_service_pb2 as pb
from certsvc.v1 import common_pb2

AgencyID = Annotated[str, typer.Argument(metavar="AGENCY", help="Unified social credit code. 统一社会信用代码。")]
OfficerID = Annotated[str, typer.Argument(metavar="OFFICER", help="Staff code. 经办人编号。")]
Level = Choice(pb.AgencyLevel, "AGENCY_LEVEL_")
Role = Choice(pb.OfficerRole, "OFFICER_ROLE_")
Kind = Choice(pb.GrantKind, "GRANT_KIND_")
LevelOption = Annotated[str, typer.Option("--level", help=f"Level of government: {Level.names}. 级别。")]
RoleOption = Annotated[list[str], typer.Option("--role", help=f"Roles: {Role.names}. 角色。")]

_COLUMNS = ("agency_id", "name", "region", "level", "state", "successor_id")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "list")(list_agencies)
    command(app, "show")(show)
    command(app, "create", changes=True)(create)
    command(app, "update", changes=True)(update)
    command(app, "deactivate", changes=True)(deactivate)
    command(app, "officers")(officers)
    command(app, "add-officer", changes=True)(add_officer)
    command(app, "update-officer", changes=True)(update_officer)
    command(app, "keys")(client_keys)
    command(app, "new-credential")(new_credential)
    command(app, "register-key", changes=True)(register_key)
    command(app, "revoke-key", changes=True)(revoke_key)
    command(app, "grants")(grants)
    command(app, "grant", changes=True)(grant)
    command(app, "revoke-grant", changes=True)(revoke_grant)


def list_agencies(
    session: Session, region: Annotated[str, typer.Option(help="Only regions that start so. 地区代码前缀。")] = ""
) -> None:
    """List agencies. 列出机关。"""
    session.show_all("agencies", session.client.agencies.list(region=region), _COLUMNS)


def show(session: Session, agency: AgencyID) -> None:
    """Show one agency. 查看机关。"""
    session.show(session.client.agencies.get(agency))


def create(
    session: Session,
    agency: AgencyID,
    name: Annotated[str, typer.Option(help="Name in Chinese. 名称。")],
    region: Annotated[str, typer.Option(help="GB/T 2260 code. 行政区划代码。")],
    level: LevelOption,
    english_name: Annotated[str, typer.Option(help="Name in English. 英文名称。")] = "",
) -> None:
    """Add an agency. 新增机关。"""
    request = pb.CreateAgencyRequest(
        agency_id=agency,
        name=common_pb2.LocalizedText(zh=name, en=english_name),
        region=region,
        level=choice_value(Level, level, field="--level"),
    )
    session.show(session.change(session.client.agencies.create, request))


def update(
    session: Session,
    agency: AgencyID,
    name: Annotated[str, typer.Option(help="New name in Chinese. 新名称。")] = "",
    english_name: Annotated[str, typer.Option(help="New name in English. 新英文名称。")] = "",
    region: Annotated[str, typer.Option(help="New GB/T 2260 code. 新行政区划代码。")] = "",
    level: LevelOption = "",
    etag: Annotated[str, typer.Option(help="Refuse if it changed since. 修改标记。")] = "",
) -> None:
    """Change an agency's name, region or level. 修改机关。"""
    request = pb.UpdateAgencyRequest(agency_id=agency, region=region, etag=etag)
    if name or english_name:
        present = session.client.agencies.get(agency).name
        request.name.CopyFrom(common_pb2.LocalizedText(zh=name or present.zh, en=english_name or present.en))
    if level:
        request.level = choice_value(Level, level, field="--level")
    session.show(session.change(session.client.agencies.update, request))


def deactivate(
    session: Session,
    agency: AgencyID,
    reason: Annotated[str, typer.Option(help="Why. 原因。")],
    successor: Annotated[str, typer.Option(help="Agency that takes over its licenses. 承接机关。")] = "",
) -> None:
    """End an agency's work here. 停用机关。"""
    request = pb.DeactivateAgencyRequest(agency_id=agency, successor_id=successor, reason=reason)
    session.show(session.change(session.client.agencies.deactivate, request))


def officers(session: Session, agency: AgencyID) -> None:
    """List an agency's officers. 列出经办人。"""
    found = session.client.agencies.list_officers(agency)
    session.show_all("officers", found, ("officer_id", "name", "roles", "active"))


def add_officer(
    session: Session,
    agency: AgencyID,
    officer_id: OfficerID,
    name: Annotated[str, typer.Option(help="Name. 姓名。")],
    role: RoleOption,
) -> None:
    """Add an officer. 新增经办人。"""
    roles = [choice_value(Role, one, field="--role") for one in role]
    request = pb.CreateOfficerRequest(agency_id=agency, officer_id=officer_id, name=name, roles=roles)
    session.show(session.change(session.client.agencies.create_officer, request))


def update_officer(
    session: Session,
    agency: AgencyID,
    officer_id: OfficerID,
    role: RoleOption,
    name: Annotated[str, typer.Option(help="New name. 新姓名。")] = "",
    active: Annotated[bool, typer.Option(help="Whether the officer works from now on. 是否在岗。")] = True,
) -> None:
    """Set an officer's roles, name, and whether the officer works. 修改经办人。"""
    request = pb.UpdateOfficerRequest(
        agency_id=agency,
        officer_id=officer_id,
        name=name,
        roles=[choice_value(Role, one, field="--role") for one in role],
        active=active,
    )
    session.show(session.change(session.client.agencies.update_officer, request))


def client_keys(session: Session, agency: AgencyID) -> None:
    """List the keys that an agency's system may call with. 列出调用密钥。"""
    found = session.client.agencies.list_client_keys(agency)
    session.show_all("client_keys", found, ("key_id", "create_time", "expire_time", "revoke_time"))


def new_credential(
    session: Session,
    agency: AgencyID,
    out: Annotated[Path, typer.Option(help="Credential file to write, mode 0600. 凭证文件。")],
    public_key: Annotated[Path, typer.Option(help="Public key to write, for the operator. 公钥文件。")],
    like: Annotated[Path, typer.Option(help="Credential file to take the register's address from. 参照凭证。")],
) -> None:
    """Make an agency's credential, here, where it stays; only the public key goes to the operator. 生成调用凭证。"""
    model = load_credential(like)
    credential = create_credential(
        out,
        owner_kind=CallerKind.AGENCY,
        owner_id=agency,
        endpoint=model.endpoint,
        audience=model.audience,
        ca_pem=model.ca_pem,
    )
    encoding = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public_key.write_bytes(credential.private_key.public_key().public_bytes(*encoding))
    session.show(pb.ClientKey(key_id=credential.kid, agency_id=agency))


def register_key(
    session: Session,
    agency: AgencyID,
    public_key: Annotated[Path, typer.Option(help="P-256 public key in PEM. 公钥文件。")],
) -> None:
    """Register a public key that an agency's system may call with. 登记调用公钥。"""
    request = pb.RegisterClientKeyRequest(agency_id=agency, public_key=_point_of(public_key))
    session.show(session.change(session.client.agencies.register_client_key, request))


def revoke_key(
    session: Session, agency: AgencyID, key: Annotated[str, typer.Argument(metavar="KEY", help="Key id. 密钥编号。")]
) -> None:
    """Take a client key away; it bites at once. 吊销调用密钥。"""
    request = pb.RevokeClientKeyRequest(agency_id=agency, key_id=key)
    session.show(session.change(session.client.agencies.revoke_client_key, request))


def grants(session: Session, agency: AgencyID) -> None:
    """List an agency's grants. 列出授权。"""
    session.show_all("grants", session.client.agencies.list_grants(agency), ("kind", "type_code", "region"))


def grant(
    session: Session,
    agency: AgencyID,
    kind: Annotated[str, typer.Option(help=f"What it may do: {Kind.names}. 权限。")],
    type_code: Annotated[str, typer.Option("--type", help="License type, * for all. 证照类型。")],
    region: Annotated[str, typer.Option(help="Only issuers of regions that start so. 地区。")] = "",
) -> None:
    """Grant an agency the right to issue or verify. 授权。"""
    value = pb.Grant(
        agency_id=agency, kind=choice_value(Kind, kind, field="--kind"), type_code=type_code, region=region
    )
    session.show(session.change(session.client.agencies.create_grant, pb.CreateGrantRequest(grant=value)))


def revoke_grant(
    session: Session,
    agency: AgencyID,
    kind: Annotated[str, typer.Option(help=f"The grant's kind: {Kind.names}. 权限。")],
    type_code: Annotated[str, typer.Option("--type", help="The grant's license type. 证照类型。")],
    region: Annotated[str, typer.Option(help="The grant's region. 地区。")] = "",
) -> None:
    """Take a grant away, named exactly as it was given. 撤销授权。"""
    value = pb.Grant(
        agency_id=agency, kind=choice_value(Kind, kind, field="--kind"), type_code=type_code, region=region
    )
    session.change(session.client.agencies.revoke_grant, pb.RevokeGrantRequest(grant=value))
    session.show(value)


def _point_of(path: Path) -> bytes:
    """The SEC1 point of a PEM file. Raises InvalidInputError (PUBLIC_KEY)."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInputError.of(
            FieldViolation("public_key", "PUBLIC_KEY", f"{path} is no readable public key in PEM")
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise InvalidInputError.of(FieldViolation("public_key", "PUBLIC_KEY", f"{path} is no P-256 key"))
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
