"""`certsvc licenses import`: a register's file becomes licenses, once, however often the import is begun again."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from certsvc.cli.command import command
from certsvc.cli.exit_codes import ExitCode
from certsvc.cli.importing.mapping import ColumnMapping, mapping_for
from certsvc.cli.importing.rejects import RejectFile
from certsvc.cli.importing.requests import RowRequests, check_without_register
from certsvc.cli.importing.run import ImportCounts, ImportRun
from certsvc.cli.importing.run_key import KEY_SIZE, RunKeyFile
from certsvc.cli.importing.source import Source, open_source
from certsvc.cli.rendering import label
from certsvc.cli.session import Session
from certsvc.client import IssueAnswer
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import CertsvcError, FieldViolation, InvalidInputError
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import license_type_service_pb2


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "import")(import_licenses)


def import_licenses(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with a header. 带表头的 CSV 文件。")],
    type_code: Annotated[str, typer.Option("--type", help="The license type of all rows. 证照类型。")],
    mapping: Annotated[Path | None, typer.Option(help="Which column becomes what, TOML. 映射文件。")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", "--columns", help="target=column, over the mapping. 目标=列名。")
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option(help="target=text for all rows, over the mapping. 目标=固定值。")
    ] = None,
    legal_basis: Annotated[str, typer.Option(help="The law that all are taken over on. 法律依据。")] = "",
    amend: Annotated[
        bool, typer.Option("--amend", help="Amend what differs instead of rejecting it. 变更不同的。")
    ] = False,
    reject_file: Annotated[Path | None, typer.Option(help="Else FILE.rejects.csv, here. 退回清单。")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, send nothing. 只检查，不提交。")] = False,
) -> None:
    """Take over licenses from another register. 从其他登记系统导入证照。

    The same row again is skipped; a changed one is rejected, or with --amend becomes a new version. Killed and started
    again, the same command goes on and issues nothing twice. Ends with 6 when rows were rejected.
    """
    source = open_source(file)
    license_type = session.client.license_types.get(type_code)
    chosen = mapping_for(file=mapping, header=source.header, license_type=license_type).with_options(
        columns=_assignments(column or (), option="--column"),
        constants=_assignments(constant or (), option="--constant")
        | ({"legal_basis": legal_basis} if legal_basis else {}),
    )
    chosen.check(header=source.header, license_type=license_type)
    rejects_path = reject_file or Path(f"{file.stem}.rejects.csv")
    with RejectFile(rejects_path, source.header) as rejects:
        if dry_run:
            counts = _check(session, source, license_type, chosen, rejects)
        else:
            counts = _import(session, source, license_type, chosen, rejects, amend=amend)
    _summarize(session, counts, rejects, dry_run=dry_run)
    if counts.rejected:
        raise typer.Exit(ExitCode.PARTLY)


def _import(
    session: Session,
    source: Source,
    license_type: license_type_service_pb2.LicenseType,
    mapping: ColumnMapping,
    rejects: RejectFile,
    *,
    amend: bool,
) -> ImportCounts:
    key_file = RunKeyFile(
        rejects.path.with_name(f"{rejects.path.name}.run"),
        file_digest=source.digest,
        type_code=license_type.code,
        amend=amend,
    )
    run_key, _ = key_file.begin()
    requests = RowRequests(source=source, mapping=mapping, license_type=license_type, amend=amend, run_key=run_key)
    run = ImportRun(source, requests, rejects)
    try:
        with _progress(session, source.count) as progress:
            counts = run.go(session.client.licenses.issue_many, progress=progress)
    except (CertsvcError, KeyboardInterrupt):
        session.err.print(session.say("import_again"))
        raise
    key_file.end()
    return counts


def _check(
    session: Session,
    source: Source,
    license_type: license_type_service_pb2.LicenseType,
    mapping: ColumnMapping,
    rejects: RejectFile,
) -> ImportCounts:
    """A dry run: what can be seen without the register; sound rows are counted as issued, because they may be."""
    today = day_in_shanghai(session.clock.now())

    def answers(requests: Iterator[pb.IssueLicenseRequest]) -> Iterator[IssueAnswer]:
        for position, request in enumerate(requests):
            yield IssueAnswer(position, request, pb.LicenseChange(disposition=pb.DISPOSITION_ISSUED), None)

    requests = RowRequests(
        source=source,
        mapping=mapping,
        license_type=license_type,
        amend=False,
        run_key=bytes(KEY_SIZE),
        check=lambda request: check_without_register(request, today=today),
    )
    with _progress(session, source.count) as progress:
        return ImportRun(source, requests, rejects).go(answers, progress=progress)


def _summarize(session: Session, counts: ImportCounts, rejects: RejectFile, *, dry_run: bool) -> None:
    described = {"rows": counts.rows, **asdict(counts)}
    file = str(rejects.path) if rejects.rows else ""
    if session.as_json:
        session.print_json({"dry_run": dry_run, **described, "reject_file": file})
        return
    if dry_run:
        session.err.print(session.say("import_checked"))
    for name, count in described.items():
        session.out.print(f"{label(name, language=session.language)}: {count}")
    if file:
        session.out.print(f"{session.say('reject_file')}: {file}")


@contextmanager
def _progress(session: Session, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where that is a terminal, and nothing where it is not."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task(session.say("importing"), total=total)
        yield lambda done: bar.update(task, completed=done)


def _assignments(texts: tuple[str, ...] | list[str], *, option: str) -> dict[str, str]:
    assigned = {}
    for text in texts:
        target, equals, value = text.partition("=")
        if not equals or not target:
            raise InvalidInputError.of(FieldViolation(option, "ASSIGNMENT", "expected target=…"))
        assigned[target] = value
    return assigned
