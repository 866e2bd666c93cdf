"""`certsvc keys`: signing keys, from preparing one to retiring it, and the published key set."""

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.command import command
from certsvc.cli.options import Choice, choice_value
from certsvc.cli.session import Session
from certsvc.v1 import signing_key_service_pb2 as pb

Purpose = Choice(pb.KeyPurpose, "KEY_PURPOSE_")
Kid = Annotated[str, typer.Argument(metavar="KID", help="The key. 密钥编号。")]

_COLUMNS = ("kid", "purpose", "state", "agency_id", "type_codes", "development", "activate_time", "signing_end_time")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "list")(list_keys)
    command(app, "show")(show)
    command(app, "prepare", changes=True)(prepare)
    command(app, "activate", changes=True)(activate)
    command(app, "retire", changes=True)(retire)
    command(app, "export")(export)


def list_keys(
    session: Session,
    purpose: Annotated[str, typer.Option(help=f"Only of this purpose: {Purpose.names}. 用途。")] = "",
) -> None:
    """List signing keys, newest first. 列出签名密钥。"""
    wanted = choice_value(Purpose, purpose, field="--purpose") if purpose else pb.KEY_PURPOSE_UNSPECIFIED
    session.show_all("signing_keys", session.client.signing_keys.list(purpose=wanted), _COLUMNS)


def show(session: Session, kid: Kid) -> None:
    """Show one signing key. 查看签名密钥。"""
    session.show(session.client.signing_keys.get(kid))


def prepare(
    session: Session,
    purpose: Annotated[str, typer.Option(help=f"What it may sign: {Purpose.names}. 用途。")],
    agency: Annotated[str, typer.Option(help="License keys: the only agency. 仅限机关。")] = "",
    type_code: Annotated[list[str], typer.Option("--type", help="License keys: the only types. 仅限类型。")] = [],  # noqa: B006 - typer copies it
) -> None:
    """Make and publish a key that does not sign yet. 准备密钥。"""
    request = pb.PrepareSigningKeyRequest(
        purpose=choice_value(Purpose, purpose, field="--purpose"), agency_id=agency, type_codes=type_code
    )
    session.show(session.change(session.client.signing_keys.prepare, request))


def activate(session: Session, kid: Kid) -> None:
    """Let a prepared key sign, in place of the one that did. 启用密钥。"""
    request = pb.ActivateSigningKeyRequest(kid=kid)
    session.show(session.change(session.client.signing_keys.activate, request))


def retire(session: Session, kid: Kid) -> None:
    """End signing with a key; what it signed stays verifiable. 停用密钥。"""
    request = pb.RetireSigningKeyRequest(kid=kid)
    session.show(session.change(session.client.signing_keys.retire, request))


def export(
    session: Session,
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder for jwks.json, keyset.cbor, flags.jwt. 目录。")],
) -> None:
    """Write the published keys in their published forms. 导出公钥集。"""
    key_set = session.client.signing_keys.fetch_key_set()
    out.mkdir(parents=True, exist_ok=True)
    (out / "jwks.json").write_text(key_set.jwks, "utf-8")
    (out / "keyset.cbor").write_bytes(key_set.cose_key_set)
    (out / "flags.jwt").write_text(key_set.flags, "ascii")
    session.show(key_set) if session.as_json else session.out.print(f"{session.say('written')} {out}")
