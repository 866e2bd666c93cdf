"""`certsvc bundle`: fetching the signed bundle that offline verifiers work from, and the anchor to trust it by."""

import json
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.command import command
from certsvc.cli.session import Session
from certsvc.client import OfflineVerifier
from certsvc.client.anchor import anchor_of
from certsvc.credentials.offline_bundle import OfflineBundle

ANCHOR_SUFFIX = ".anchor.json"
EXPORT_SECONDS = 300.0
"""A bundle of many status lists takes longer than other calls."""


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    command(app, "export")(export)
    command(app, "show")(show)


def export(
    session: Session,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the bundle. 输出文件。")],
    hours: Annotated[int, typer.Option(min=0, max=168, help="How long it serves; 0 for 24. 有效小时数。")] = 0,
) -> None:
    """Write a bundle and, beside it, the anchor that the register publishes for it. 导出离线核验包。

    Install the anchor on offline verifiers by a way that you trust, once; then only carry bundles there.
    """
    client = session.client
    lifetime = timedelta(hours=hours) if hours else None
    timeout = max(session.timeout, EXPORT_SECONDS)
    bundle = b"".join(client.verification.export_offline_bundle(lifetime=lifetime, timeout=timeout))
    anchor = json.dumps(anchor_of(bundle, jwks=client.signing_keys.fetch_key_set().jwks.encode()), indent=2).encode()
    # Read by its own verifier before anybody relies on it: what does not open here would open nowhere.
    verifier = OfflineVerifier(bundle, anchor=anchor, clock=session.clock)
    anchor_file = out.with_name(out.name + ANCHOR_SUFFIX)
    _replace(out, bundle)
    _replace(anchor_file, anchor + b"\n")
    _show(session, verifier.bundle, {"bundle": str(out), "anchor": str(anchor_file)})


def show(
    session: Session,
    bundle: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle. 离线核验包。")],
    anchor: Annotated[Path, typer.Option(help="The anchor. 信任锚。")],
) -> None:
    """Check a bundle and say what it holds and until when it serves. 查看离线核验包。"""
    verifier = OfflineVerifier(bundle.read_bytes(), anchor=anchor.read_bytes(), clock=session.clock)
    _show(session, verifier.bundle, {})


def _show(session: Session, bundle: OfflineBundle, files: dict[str, str]) -> None:
    facts = {
        **files,
        "issuer": bundle.issuer,
        "version": bundle.version,
        "issued": bundle.issued_at.isoformat(),
        "expires": bundle.expires_at.isoformat(),
        "keys": len(bundle.keys),
        "types": len(bundle.types),
        "agencies": len(bundle.agencies),
        "status_lists": len(bundle.status_lists),
    }
    if session.as_json:
        session.print_json(facts)
        return
    for name, value in facts.items():
        session.out.print(f"{name}: {value}")


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a verifier may read it at this moment."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
