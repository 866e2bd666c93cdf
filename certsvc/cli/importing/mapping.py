"""Which column becomes what: from a mapping file, from options, or from the names of the columns.

A target is named as the register names a field that it refuses: `license_number`, `holders[0].number`,
`fields.<name>`, `imported.state` … Invariant: every target and every column that a mapping names exists.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from certsvc.cli.importing.values import STATE_WORDS
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import license_type_service_pb2

REQUIRED = ("license_number", "holders[0].number", "holders[0].name", "valid_from", "legal_basis")

_PLAIN = {
    "license_number",
    "valid_from",
    "valid_until",
    "trust_grade",
    "legal_basis",
    "imported.identifier",
    "imported.state",
    "imported.state_time",
    "imported.state_reason",
    "imported.issue_time",
    "imported.revocation_kind",
}
_HOLDER = re.compile(r"holders\[([0-7])\]\.(number|name|kind)")
_FIELD = re.compile(r"fields\.([a-z][a-z0-9_]*)")

_COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "license_number": ("license_number", "证照编号", "许可证编号", "证书编号", "证号"),
    "holders[0].number": (
        "holder_number", "unified_social_credit_code", "持证主体代码", "统一社会信用代码", "公民身份号码", "身份证号",
    ),
    "holders[0].name": ("holder_name", "name", "持证主体", "企业名称", "单位名称", "名称", "姓名"),
    "holders[0].kind": ("holder_kind", "持证主体代码类型"),
    "holders[1].number": ("holder_2_number", "第二持证主体代码"),
    "holders[1].name": ("holder_2_name", "第二持证主体"),
    "holders[1].kind": ("holder_2_kind", "第二持证主体代码类型"),
    "valid_from": ("valid_from", "有效期起", "有效期起始日期", "有效期自"),
    "valid_until": ("valid_until", "有效期止", "有效期截止日期", "有效期至"),
    "trust_grade": ("trust_grade", "可信等级"),
    "legal_basis": ("legal_basis", "法律依据", "依据"),
    "imported.identifier": ("identifier", "证照标识"),
    "imported.state": ("state", "状态", "证照状态"),
    "imported.state_time": ("state_time", "状态时间", "状态日期"),
    "imported.state_reason": ("state_reason", "状态原因"),
    "imported.issue_time": ("issue_time", "签发时间", "证照颁发日期", "发证日期"),
    "imported.revocation_kind": ("revocation_kind", "吊销撤销"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """`columns` maps targets to column names, `constants` targets to one text for all rows.

    `missing` are cells that mean that there is nothing, `states` the words for states.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    states: Mapping[str, str] = field(default_factory=lambda: dict(STATE_WORDS))

    def check(self, *, header: Iterable[str], license_type: license_type_service_pb2.LicenseType) -> None:
        """Raise InvalidInputError unless targets and columns exist and what every license needs is mapped.

        Reasons: UNKNOWN_TARGET, UNKNOWN_FIELD, UNKNOWN_COLUMN, NOT_MAPPED.
        """
        names = {spec.name for spec in license_type.fields}
        there = set(header)
        violations = []
        for target in (*self.columns, *self.constants):
            known_field = _FIELD.fullmatch(target)
            if known_field is not None and known_field[1] not in names:
                violations.append(FieldViolation(target, "UNKNOWN_FIELD", "the license type has no such field"))
            elif known_field is None and target not in _PLAIN and not _HOLDER.fullmatch(target):
                violations.append(FieldViolation(target, "UNKNOWN_TARGET", "is no part of a license"))
        violations += [
            FieldViolation(target, "UNKNOWN_COLUMN", f"the file has no column {column}")
            for target, column in self.columns.items()
            if column not in there
        ]
        violations += [
            FieldViolation(target, "NOT_MAPPED", "no column and no constant gives it")
            for target in REQUIRED
            if target not in self.columns and target not in self.constants
        ]
        if violations:
            raise InvalidInputError.of(*violations)

    def with_options(self, *, columns: Mapping[str, str], constants: Mapping[str, str]) -> "ColumnMapping":
        """The same with these in place of what it had for their targets."""
        stated = columns.keys() | constants.keys()
        return replace(
            self,
            columns={**_without(self.columns, stated), **columns},
            constants={**_without(self.constants, stated), **constants},
        )


def mapping_for(
    *, file: Path | None, header: tuple[str, ...], license_type: license_type_service_pb2.LicenseType
) -> ColumnMapping:
    """The mapping of a file; without one, the sample mapping of the type where its columns are there, else by names."""
    if file is not None:
        try:
            return read_mapping(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise _refusal("FILE_UNREADABLE", f"{file} cannot be read as UTF-8") from error
    sample = files("certsvc") / "samples" / "import_mappings" / f"{license_type.code}.toml"
    if sample.is_file():
        found = read_mapping(sample.read_text("utf-8"))
        if set(found.columns.values()) <= set(header):
            return found
    return mapping_by_names(header=header, license_type=license_type)


def mapping_by_names(*, header: tuple[str, ...], license_type: license_type_service_pb2.LicenseType) -> ColumnMapping:
    """Columns that are called as registers call them, or as a field or its label is called."""
    names: dict[str, tuple[str, ...]] = dict(_COLUMN_NAMES)
    for spec in license_type.fields:
        names[f"fields.{spec.name}"] = (f"fields.{spec.name}", spec.name, spec.label.zh, spec.label.en)
    columns = {}
    for target, candidates in names.items():
        found = next((name for name in candidates if name and name in header), None)
        if found is not None:
            columns[target] = found
    return ColumnMapping(columns=columns, constants=_only_holder_kind(license_type))


def read_mapping(text: str) -> ColumnMapping:
    """A mapping file: tables `columns`, `constants`, `states`, and a list `missing`.

    Raises InvalidInputError (TOML, UNKNOWN_KEY, TYPE).
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal("TOML", str(error)) from error
    if unknown := content.keys() - {"columns", "constants", "states", "missing"}:
        raise _refusal("UNKNOWN_KEY", f"knows no {', '.join(sorted(unknown))}")
    missing = content.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(item, str) for item in missing):
        raise _refusal("TYPE", "missing is a list of texts")
    return ColumnMapping(
        columns=_texts(content, "columns"),
        constants=_texts(content, "constants"),
        missing=frozenset(missing),
        states={**STATE_WORDS, **_texts(content, "states")},
    )


def _texts(content: Mapping[str, Any], name: str) -> dict[str, str]:
    table = content.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise _refusal("TYPE", f"{name} is a table of texts")
    return table


def _only_holder_kind(license_type: license_type_service_pb2.LicenseType) -> dict[str, str]:
    """A type for companies only says what its numbers are, so that an old 15-digit one is not taken for a citizen's."""
    if list(license_type.holder_kinds) != [license_type_service_pb2.HOLDER_KIND_LEGAL]:
        return {}
    return {f"holders[{place}].kind": "CREDIT_CODE" for place in range(license_type.max_holders)}


def _without(table: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    left_out = set(names)
    return {name: value for name, value in table.items() if name not in left_out}


def _refusal(reason: str, description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation("mapping", reason, description))
