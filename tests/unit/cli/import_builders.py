"""A license type and files to import for the tests of importing."""

import json
from pathlib import Path

from certsvc.cli.importing.mapping import ColumnMapping, mapping_by_names
from certsvc.cli.importing.requests import RowRequests
from certsvc.cli.importing.source import Source, open_source
from certsvc.v1 import common_pb2
from certsvc.v1 import license_type_service_pb2 as pb

TYPE_CODE = "119900009999000119099"


def a_type(*, legal: bool = True) -> pb.LicenseType:
    """A type with a text, a date, a number and a yes-or-no, whose labels are Chinese."""
    schema = {
        "type": "object",
        "properties": {
            "scope": {"type": "string"},
            "founding_date": {"type": "string", "format": "date"},
            "staff": {"type": "integer"},
            "branch": {"type": "boolean"},
        },
    }
    fields = [("scope", "经营范围"), ("founding_date", "成立日期"), ("staff", "从业人数"), ("branch", "分支机构")]
    return pb.LicenseType(
        code=TYPE_CODE,
        holder_kinds=[pb.HOLDER_KIND_LEGAL if legal else pb.HOLDER_KIND_NATURAL],
        min_holders=1,
        max_holders=2,
        fields_schema=json.dumps(schema),
        fields=[pb.FieldSpec(name=name, label=common_pb2.LocalizedText(zh=zh)) for name, zh in fields],
    )


HEADER = (
    "证照编号",
    "统一社会信用代码",
    "企业名称",
    "有效期起",
    "有效期至",
    "法律依据",
    "经营范围",
    "成立日期",
    "从业人数",
)
ROW = ("L1", "91440300123456788M", "示例公司", "2021/5/8", "长期", "条例", "茶叶", "2020年1月2日", "1,200")


def a_source(
    tmp_path: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER, encoding: str = "utf-8"
) -> Source:
    """A CSV file with these rows, quoted throughout."""
    path = tmp_path / "register.csv"
    lines = [",".join(f'"{cell}"' for cell in cells) for cells in (header, *rows)]
    path.write_text("\n".join(lines), encoding)
    return open_source(path)


def a_mapping(source: Source, license_type: pb.LicenseType | None = None) -> ColumnMapping:
    """By the names of the columns."""
    return mapping_by_names(header=source.header, license_type=license_type or a_type())


def row_requests(
    source: Source, *, mapping: ColumnMapping | None = None, amend: bool = False, run_key: bytes = bytes(32)
) -> RowRequests:
    """What makes requests of the source's rows."""
    return RowRequests(
        source=source,
        mapping=mapping or a_mapping(source),
        license_type=a_type(),
        amend=amend,
        run_key=run_key,
    )
