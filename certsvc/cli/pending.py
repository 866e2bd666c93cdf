"""`certsvc pending`: changes that wait for a second officer's yes."""

from typing import Annotated

import typer

from certsvc.cli.command import command
from certsvc.cli.session import Session
from certsvc.v1 import license_service_pb2 as pb

ChangeID = Annotated[str, typer.Argument(metavar="CHANGE", help="The change. 变更编号。")]

_COLUMNS = ("change_id", "action", "type_code", "identifier", "requested_by", "request_time", "expire_time")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "list")(list_pending)
    command(app, "approve", changes=True)(approve)
    command(app, "reject", changes=True)(reject)


def list_pending(session: Session) -> None:
    """List waiting changes of the own agency. 列出待审核变更。"""
    session.show_all("changes", session.client.licenses.list_pending(), _COLUMNS)


def approve(session: Session, change: ChangeID) -> None:
    """Say yes to a change, as another officer than the one who asked for it. 同意。"""
    request = pb.ApproveChangeRequest(change_id=change)
    session.show(session.change(session.client.licenses.approve, request))


def reject(session: Session, change: ChangeID, reason: Annotated[str, typer.Option(help="Why. 原因。")]) -> None:
    """Say no to a change. 不同意。"""
    request = pb.RejectChangeRequest(change_id=change, reason=reason)
    session.change(session.client.licenses.reject, request)
    session.show(request)
