"""From a row to the request that issues it.

Invariants: a request depends on the row, the mapping and the mode alone; its request_id is made from all of it under
the run's key, so that the same row of the same run is the same request, and the id tells nobody what is in the row.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from certsvc.cli.importing.mapping import ColumnMapping
from certsvc.cli.importing.source import Row, Source
from certsvc.cli.importing.values import REVOCATION_WORDS, day, field_value, last_day, moment
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.numbers import NumberKind, parse_number
from certsvc.domain.validity_dates import parse_day
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.v1 import common_pb2, license_type_service_pb2
from certsvc.v1 import license_service_pb2 as pb


class RowRequests:
    """Makes the requests of one run."""

    def __init__(
        self,
        *,
        source: Source,
        mapping: ColumnMapping,
        license_type: license_type_service_pb2.LicenseType,
        amend: bool,
        run_key: bytes,
        check: Callable[[pb.IssueLicenseRequest], None] | None = None,
    ) -> None:
        """`check` is called with every request and may raise InvalidInputError for it."""
        self._width = len(source.header)
        self._mapping = mapping
        self._type_code = license_type.code
        self._schemas: Mapping[str, Any] = json.loads(license_type.fields_schema or "{}").get("properties", {})
        self._on_existing = pb.ON_EXISTING_AMEND if amend else pb.ON_EXISTING_SKIP_SAME
        self._run_key = run_key
        self._check = check
        places = {name: place for place, name in enumerate(source.header)}
        self._places = {target: places[column] for target, column in mapping.columns.items()}

    def request(self, row: Row) -> pb.IssueLicenseRequest:
        """The request of a row. Raises InvalidInputError for what no request can say; the rest is the register's."""
        if len(row.cells) != self._width:
            description = f"has {len(row.cells)} cells, the header has {self._width}"
            raise InvalidInputError.of(FieldViolation("row", "CELL_COUNT", description))
        values = self._values(row)
        request = pb.IssueLicenseRequest(
            type_code=self._type_code,
            license_number=values.get("license_number", ""),
            valid_from=day(values.get("valid_from", "")),
            valid_until=last_day(values.get("valid_until", "")),
            legal_basis=values.get("legal_basis", ""),
            on_existing=self._on_existing,
        )
        violations: list[FieldViolation] = []
        self._add_holders(request, values, violations)
        self._add_fields(request, values)
        self._add_history(request, values, violations)
        grade = values.get("trust_grade", "")
        if grade:
            request.trust_grade = _enum(common_pb2.TrustGrade, f"TRUST_GRADE_{grade}", "trust_grade", violations)
        if violations:
            raise InvalidInputError.of(*violations)
        if self._check is not None:
            self._check(request)
        content = request.SerializeToString(deterministic=True)
        request.request_id = hmac.digest(self._run_key, content, "sha256")[:16].hex()
        return request

    def id_of_repeated(self, request_id: str, row: Row) -> str:
        """The id for a row that says again what an earlier one said, after another row said something else."""
        return hmac.digest(self._run_key, f"{request_id} {row.number}".encode(), "sha256")[:16].hex()

    def _values(self, row: Row) -> dict[str, str]:
        """The text for each target that has one; spaces around a cell belong to the file, not to the license."""
        values = dict(self._mapping.constants)
        for target, place in self._places.items():
            text = row.cells[place].strip()
            if text and text not in self._mapping.missing:
                values[target] = text
        return values

    def _add_holders(
        self, request: pb.IssueLicenseRequest, values: Mapping[str, str], violations: list[FieldViolation]
    ) -> None:
        for place in range(8):
            path = f"holders[{place}]"
            number, name = values.get(f"{path}.number", ""), values.get(f"{path}.name", "")
            if place and not number and not name:
                return
            holder = request.holders.add(name=name, number=common_pb2.Number(value=number))
            kind = values.get(f"{path}.kind", "")
            if kind:
                holder.number.kind = _enum(common_pb2.NumberKind, f"NUMBER_KIND_{kind}", f"{path}.kind", violations)

    def _add_fields(self, request: pb.IssueLicenseRequest, values: Mapping[str, str]) -> None:
        request.fields.SetInParent()
        for target, text in values.items():
            prefix, _, name = target.partition(".")
            if prefix == "fields":
                request.fields[name] = field_value(text, self._schemas.get(name, {}))

    def _add_history(
        self, request: pb.IssueLicenseRequest, values: Mapping[str, str], violations: list[FieldViolation]
    ) -> None:
        """What the other register knew; set on every request, because importing is taking over."""
        history = request.imported
        history.SetInParent()
        history.identifier = values.get("imported.identifier", "")
        history.state_reason = values.get("imported.state_reason", "")
        word = values.get("imported.state", "")
        if word:
            state = self._mapping.states.get(word, word.upper())
            history.state = _enum(common_pb2.LicenseState, f"LICENSE_STATE_{state}", "imported.state", violations)
        if history.state == common_pb2.LICENSE_STATE_REVOKED:
            kind = values.get("imported.revocation_kind", "") or word
            kind = REVOCATION_WORDS.get(kind, kind.upper())
            history.revocation_kind = _enum(
                pb.RevocationKind, f"REVOCATION_KIND_{kind}", "imported.revocation_kind", violations
            )
        for name in ("state_time", "issue_time"):
            if text := values.get(f"imported.{name}", ""):
                try:
                    getattr(history, name).FromDatetime(moment(text))
                except ValueError:
                    description = "expected a day or a time in ISO 8601"
                    violations.append(FieldViolation(f"imported.{name}", "TIME", description))


def check_without_register(request: pb.IssueLicenseRequest, *, today: date) -> None:
    """Raise InvalidInputError for what can be seen without the register: numbers, identifier, days.

    For a dry run; the register checks these again, and the fields, the type's rules and what it has already.
    """
    violations: list[FieldViolation] = []
    for place, holder in enumerate(request.holders):
        name = common_pb2.NumberKind.Name(holder.number.kind).removeprefix("NUMBER_KIND_")
        kind = None if name == "UNSPECIFIED" else NumberKind(name)
        try:
            parse_number(holder.number.value, today=today, kind=kind, field=f"holders[{place}].number")
        except InvalidInputError as error:
            violations += error.violations
        if not holder.name:
            violations.append(FieldViolation(f"holders[{place}].name", "REQUIRED", "must not be empty"))
    if request.imported.identifier:
        try:
            parse_identifier(request.imported.identifier, field="imported.identifier")
        except InvalidInputError as error:
            violations += error.violations
    for name, required in (("valid_from", True), ("valid_until", False)):
        text = getattr(request, name)
        if (text or required) and not _is_day(text):
            violations.append(FieldViolation(name, "DATE", "must be a calendar day, YYYY-MM-DD"))
    if violations:
        raise InvalidInputError.of(*violations)


def _is_day(text: str) -> bool:
    try:
        parse_day(text)
    except ValueError:
        return False
    return True


def _enum(enum: Any, name: str, field: str, violations: list[FieldViolation]) -> Any:
    """The value of a name; an unknown one becomes a violation, and the zero value for now."""
    if name in enum.keys():  # noqa: SIM118 - a proto enum, no dict
        return enum.Value(name)
    known = ", ".join(key for key, value in enum.items() if value)
    violations.append(FieldViolation(field, "UNKNOWN_CHOICE", f"expected one of {known}"))
    return 0
