"""`certsvc verify`: a text, a picture or a file, by the register or, with a bundle, without it."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.command import command
from certsvc.cli.exit_codes import ExitCode
from certsvc.cli.options import timestamp
from certsvc.cli.rendering import enum_name, label, record_lines, to_json
from certsvc.cli.session import Session
from certsvc.cli.words import VERDICTS
from certsvc.client import OfflineVerifier
from certsvc.client.offline_answer import to_result
from certsvc.client.pictures import decode_picture
from certsvc.client.verification import request_for
from certsvc.credentials.sd_jwt import MAX_SIZE
from certsvc.domain.text import LocalizedText
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import verification_service_pb2 as pb

_TEXT = re.compile(r"https?://[^#]*#[0-9]*|[0-9]{20,}|[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~.*", re.DOTALL)
MIN_AGE = 0.001
MAX_AGE = 315_576_000_000.0
"""Seconds of --max-age: what google.protobuf.Duration holds, and no less than a millisecond of it."""

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")

# Verdicts over something that is signed, and still says nothing about a license.
_UNTRUSTED = frozenset({"UNKNOWN_SIGNER", "KEY_COMPROMISED", "WRONG_SIGNER", "NOT_REGISTERED"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "verify")(verify)


def verify(
    session: Session,
    presented: Annotated[
        str,
        typer.Argument(metavar="CREDENTIAL", help="QR text, SD-JWT VC, picture, text file or - . 码文本或文件。"),
    ],
    offline: Annotated[Path | None, typer.Option(help="Verify by this bundle, without network. 离线核验包。")] = None,
    anchor: Annotated[Path | None, typer.Option(help="The anchor of the bundle. 信任锚。")] = None,
    allow_development: Annotated[
        bool, typer.Option("--allow-development", help="Offline: let development keys count. 接受测试密钥。")
    ] = False,
    as_of: Annotated[str, typer.Option(help="Judge for this time. 核验时点。")] = "",
    known_at: Annotated[str, typer.Option(help="With --as-of: by what was recorded then. 登记时点。")] = "",
    max_age: Annotated[float | None, typer.Option(help="Oldest knowledge, in seconds. 数据最长时效。")] = None,
    nonce: Annotated[str, typer.Option(help="SD-JWT VC: the nonce given to the holder. 随机数。")] = "",
    audience: Annotated[str, typer.Option(help="SD-JWT VC: the audience given to the holder. 受众。")] = "",
) -> None:
    """Verify a license's code or credential; ends with 0 only if it is VALID, with 1 for any other verdict. 核验。"""
    if max_age is not None and not MIN_AGE <= max_age <= MAX_AGE:
        raise typer.BadParameter("must be positive: 0.001 seconds or more", param_hint="--max-age")
    text = read_credential(presented)
    if offline is None:
        request = request_for(text)
        request.nonce, request.audience = nonce, audience
        if as_of:
            request.as_of_time.CopyFrom(timestamp(as_of, field="--as-of"))
        if known_at:
            request.known_at_time.CopyFrom(timestamp(known_at, field="--known-at"))
        if max_age is not None:
            request.max_age.FromMilliseconds(int(max_age * 1000))
        result = session.client.verification.verify(request)
    else:
        if anchor is None or as_of or known_at:
            raise typer.BadParameter("with --anchor, and without --as-of and --known-at", param_hint="--offline")
        verifier = _verifier(session, offline, anchor, allow_development, max_age)
        result = to_result(verifier.verify(text, nonce=nonce, audience=audience))
    _show(session, result)
    if result.verdict != pb.VERDICT_VALID:
        raise typer.Exit(ExitCode.NOT_VALID)


def read_credential(argument: str) -> str:
    """The credential that the argument is, or that the file has which it names; a picture is decoded.

    Raises InvalidInputError (FILE_UNREADABLE, FILE_SIZE, FILE_FORM) and what `decode_picture` raises.
    """
    if _TEXT.fullmatch(argument):
        return argument
    path = Path(argument)
    try:
        if argument == "-":
            data = sys.stdin.buffer.read(MAX_SIZE + 2)
        else:
            with path.open("rb") as file:
                start = file.read(MAX_SIZE + 2)
            if start.startswith(_PICTURES):
                return decode_picture(path)
            data = start
    except OSError as error:
        raise _refusal("FILE_UNREADABLE", f"neither a credential nor a readable file: {error.strerror}") from error
    if len(data) > MAX_SIZE + 1:
        raise _refusal("FILE_SIZE", f"longer than {MAX_SIZE} characters")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise _refusal("FILE_FORM", "neither a picture nor text") from error


def _verifier(
    session: Session, bundle: Path, anchor: Path, allow_development: bool, max_age: float | None
) -> OfflineVerifier:
    try:
        contents = bundle.read_bytes(), anchor.read_bytes()
    except OSError as error:
        raise _refusal("FILE_UNREADABLE", f"{error.filename}: {error.strerror}") from error
    return OfflineVerifier(
        contents[0],
        anchor=contents[1],
        clock=session.clock,
        allow_development=allow_development,
        max_age=None if max_age is None else timedelta(seconds=max_age),
    )


def _show(session: Session, result: pb.VerificationResult) -> None:
    if session.as_json:
        session.print_json(to_json(result))
        return
    language = session.language
    verdict = pb.Verdict.Name(result.verdict).removeprefix("VERDICT_")
    message = LocalizedText(result.message.zh, result.message.en) if result.message.zh else VERDICTS[verdict]
    session.out.print(f"{verdict}: {message.in_language(language)}")
    for name in ("superseded_by", "foreign_host"):
        if value := getattr(result, name):
            session.out.print(f"{label(name, language=language)}: {value}")
    if verdict in _UNTRUSTED and result.HasField("shown"):
        session.out.print(session.say("untrusted"))
    for heading, text in record_lines(result.shown, language=language):
        session.out.print(f"{heading}: {text}")
    names = pb.Check.DESCRIPTOR.fields_by_name
    for check in result.checks:
        found = enum_name(names["result"], check.result)
        session.out.print(f"  {found:<12} {enum_name(names['name'], check.name)} {check.reason}".rstrip())


def _refusal(reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation("credential", reason, description))
