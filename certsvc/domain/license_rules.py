"""What a license type must be, before anything is issued under it.

Invariant: of a license whose fields fit the schema of a type that passed `check_license_type`, every field
with a `qr_key` can stand in a code.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from certsvc.domain.license_type import HOLDER_NAME, HOLDER_NUMBER, FieldSpec, LicenseType, Mask, ValidityKind
from certsvc.domain.number_checks import credit_code_rules
from certsvc.domain.text import localized_violations
from certsvc.errors import FieldViolation

MAX_TYPE_NAME = 100
MAX_LABEL = 50
MAX_HOLDERS = 20
MAX_FIELDS = 64
MAX_TERM_MONTHS = 1200
MAX_GRACE_DAYS = 3660

_TYPE_CODE_LENGTH = 21
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REGION = re.compile(r"(?:[0-9]{2}){0,3}")
_CODE_TYPES = frozenset({"string", "integer", "boolean"})


def check_license_type(license_type: LicenseType) -> list[FieldViolation]:
    """What is wrong with a type's own structure; nothing if it is sound.

    The JSON Schema is only compared with `fields`: it is an object with exactly those properties and no
    others. That it is a schema at all is tested where the schema library is.
    """
    return [
        *_type_code_violations(license_type.code),
        *localized_violations(license_type.name, field="name", limit=MAX_TYPE_NAME),
        *_holder_rule_violations(license_type),
        *_field_spec_violations(license_type.fields),
        *_schema_violations(license_type),
        *_mask_violations(license_type),
        *_issuer_violations(license_type),
        *_rule_violations(license_type),
        *_purpose_violations(license_type),
    ]


def _type_code_violations(code: str) -> list[FieldViolation]:
    if len(code) != _TYPE_CODE_LENGTH or not (code[18:].isascii() and code[18:].isdigit()):
        description = "expected 21 characters: the defining agency's credit code and 3 digits (GB/T 36904)"
        return [FieldViolation("code", "TYPE_CODE", description)]
    return [FieldViolation("code", reason, description) for reason, description in credit_code_rules(code[:18])]


def _holder_rule_violations(license_type: LicenseType) -> list[FieldViolation]:
    violations = []
    if not license_type.holder_kinds:
        violations.append(FieldViolation("holder_kinds", "REQUIRED", "names no kind of holder"))
    if not 1 <= license_type.min_holders <= license_type.max_holders <= MAX_HOLDERS:
        description = f"expected 1 <= min_holders <= max_holders <= {MAX_HOLDERS}"
        violations.append(FieldViolation("max_holders", "HOLDER_COUNT", description))
    return violations


def _field_spec_violations(fields: Sequence[FieldSpec]) -> list[FieldViolation]:
    violations = []
    if len(fields) > MAX_FIELDS:
        violations.append(FieldViolation("fields", "TOO_MANY", f"has {len(fields)} fields, at most {MAX_FIELDS}"))
    names = _repeated(spec.name for spec in fields)
    qr_keys = _repeated(spec.qr_key for spec in fields if spec.qr_key is not None)
    for place, spec in enumerate(fields):
        path = f"fields[{place}]"
        if not _FIELD_NAME.fullmatch(spec.name):
            description = "expected a-z, then up to 63 of a-z, 0-9 and _"
            violations.append(FieldViolation(f"{path}.name", "FIELD_NAME", description))
        if spec.name in (HOLDER_NAME, HOLDER_NUMBER):
            violations.append(FieldViolation(f"{path}.name", "RESERVED_NAME", "means the holder's own"))
        if spec.name in names:
            violations.append(FieldViolation(f"{path}.name", "DUPLICATE_NAME", "another field has this name"))
        violations += localized_violations(spec.label, field=f"{path}.label", limit=MAX_LABEL)
        if spec.qr_key is None:
            continue
        if not 1 <= spec.qr_key <= 255:
            violations.append(FieldViolation(f"{path}.qr_key", "QR_KEY", "expected 1 to 255"))
        if spec.qr_key in qr_keys:
            violations.append(FieldViolation(f"{path}.qr_key", "DUPLICATE_QR_KEY", "another field has this key"))
    return violations


def _schema_violations(license_type: LicenseType) -> list[FieldViolation]:
    schema = license_type.schema
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        description = 'expected "type": "object" and "additionalProperties": false'
        return [FieldViolation("schema", "NOT_CLOSED_OBJECT", description)]
    properties = schema.get("properties", {})
    names = [spec.name for spec in license_type.fields]
    if not isinstance(properties, Mapping) or set(properties) != set(names):
        return [FieldViolation("schema", "PROPERTIES", "its properties are not exactly the fields of the type")]
    return [
        violation
        for place, spec in enumerate(license_type.fields)
        if spec.qr_key is not None
        for violation in _code_field_violations(spec, properties[spec.name], path=f"fields[{place}]")
    ]


def _code_field_violations(spec: FieldSpec, schema: object, *, path: str) -> list[FieldViolation]:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if kind not in _CODE_TYPES:
        description = "a field with a qr_key has the schema type string, integer or boolean"
        return [FieldViolation(f"{path}.qr_key", "NOT_FOR_CODE", description)]
    if kind != "string" and spec.qr_mask in (Mask.NAME, Mask.TAIL4):
        return [FieldViolation(f"{path}.qr_mask", "QR_MASK", "this mask is for text only")]
    if kind == "string" and spec.qr_mask in (Mask.FULL, Mask.NAME) and not _is_bounded(schema):
        description = "a text in a code is as long as its schema allows: set maxLength, enum, const or format date"
        return [FieldViolation(f"{path}.qr_key", "MAX_LENGTH_REQUIRED", description)]
    return []


def _is_bounded(schema: object) -> bool:
    """Whether a text's own schema says how long it gets."""
    if not isinstance(schema, Mapping):
        return False
    return schema.get("format") == "date" or "enum" in schema or "const" in schema or "maxLength" in schema


def _mask_violations(license_type: LicenseType) -> list[FieldViolation]:
    violations = []
    if license_type.qr_name_mask not in (Mask.FULL, Mask.NAME):
        violations.append(FieldViolation("qr_name_mask", "QR_MASK", "expected FULL or NAME"))
    if license_type.qr_number_mask is Mask.NAME:
        violations.append(FieldViolation("qr_number_mask", "QR_MASK", "expected FULL, TAIL4 or HIDDEN"))
    return violations


def _issuer_violations(license_type: LicenseType) -> list[FieldViolation]:
    issuers = license_type.issuers
    violations = []
    if not issuers.agency_ids and issuers.region is None:
        violations.append(FieldViolation("issuers", "REQUIRED", "names no agency and no region"))
    if issuers.region is not None and not _REGION.fullmatch(issuers.region):
        violations.append(FieldViolation("issuers.region", "REGION", "expected 0, 2, 4 or 6 digits (GB/T 2260)"))
    for place, agency_id in enumerate(sorted(issuers.agency_ids)):
        path = f"issuers.agency_ids[{place}]"
        violations += [FieldViolation(path, reason, text) for reason, text in credit_code_rules(agency_id)]
    return violations


def _rule_violations(license_type: LicenseType) -> list[FieldViolation]:
    validity, limits = license_type.validity, license_type.limits
    violations = []
    if not 0 <= validity.months <= MAX_TERM_MONTHS:
        violations.append(FieldViolation("validity.months", "OUT_OF_RANGE", f"expected 0 to {MAX_TERM_MONTHS}"))
    if validity.months and validity.kind is not ValidityKind.FIXED_TERM:
        violations.append(FieldViolation("validity.months", "CONTRADICTION", "only a fixed term has months"))
    if not 0 <= validity.grace_days <= MAX_GRACE_DAYS:
        violations.append(FieldViolation("validity.grace_days", "OUT_OF_RANGE", f"expected 0 to {MAX_GRACE_DAYS}"))
    if min(limits.per_officer_daily, limits.per_agency_daily) < 0:
        violations.append(FieldViolation("limits", "OUT_OF_RANGE", "expected 0 or more"))
    return violations


def _purpose_violations(license_type: LicenseType) -> list[FieldViolation]:
    names = {spec.name for spec in license_type.fields} | {HOLDER_NAME, HOLDER_NUMBER}
    return [
        FieldViolation(f"purposes.{purpose}", "UNKNOWN_FIELD", "names a field that the type does not have")
        for purpose, visible in license_type.purposes.items()
        if not names.issuperset(visible)
    ]


def _repeated(values: Iterable[object]) -> set[object]:
    return {value for value, count in Counter(values).items() if count > 1}
