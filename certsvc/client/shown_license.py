"""What a credential with a good signature shows, with the names that a bundle has for its type, agency and fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from certsvc.credentials.key_set import parse_localized
from certsvc.credentials.offline_bundle import OfflineBundle
from certsvc.credentials.strict_json import member
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.license_code import CodeHolder, LicenseCode
from certsvc.domain.text import LocalizedText
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.errors import MalformedError
from certsvc.ports import PresentedVC

_UNNAMED = LocalizedText("")


@dataclass(frozen=True, slots=True)
class ShownLicense:
    """Exactly what the credential shows. Days are calendar days in Asia/Shanghai; `last_day` None is 长期.

    `fields` are by name, `labels` has their names for people; both have the number of a code's field where
    the bundle does not know the type. Names of type and agency are empty where it does not have them.
    """

    identifier: str
    type_code: str
    type_name: LocalizedText
    agency_id: str
    agency_name: LocalizedText
    holders: tuple[CodeHolder, ...]
    fields: Mapping[str, Any]
    labels: Mapping[str, LocalizedText]
    first_day: date
    last_day: date | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class _TypeNames:
    name: LocalizedText
    by_qr_key: Mapping[int, str]
    labels: Mapping[str, LocalizedText]


class BundleNames:
    """The names in a bundle, by code and version of a type and by agency. Raises MalformedError when they are none."""

    def __init__(self, bundle: OfflineBundle) -> None:
        self._agencies = bundle.agencies
        self._types: dict[tuple[str, int], _TypeNames] = {}
        self._newest: dict[str, int] = {}
        for document in bundle.types:
            facts = member(document, "certsvc", dict)
            code, version = member(facts, "code", str), member(facts, "version", int)
            self._types[code, version] = _type_names(facts)
            self._newest[code] = max(version, self._newest.get(code, 0))

    def shown_code(self, code: LicenseCode) -> ShownLicense:
        """What a QR code shows."""
        type_code = parse_identifier(code.identifier).type_code
        names = self._types.get((type_code, code.type_version))
        by_key = names.by_qr_key if names else {}
        return self._shown(
            code.identifier,
            names,
            holders=code.holders,
            fields={by_key.get(key, str(key)): value for key, value in code.fields.items()},
            not_before=code.not_before,
            expires=code.expires,
            issued_at=code.issued_at,
        )

    def shown_vc(self, presented: PresentedVC) -> ShownLicense:
        """What an SD-JWT VC discloses."""
        type_code = parse_identifier(presented.identifier).type_code
        return self._shown(
            presented.identifier,
            self._types.get((type_code, self._newest.get(type_code, 0))),
            holders=tuple(CodeHolder(name, number or None) for name, number in presented.holders),
            fields=presented.fields,
            not_before=presented.license_not_before,
            expires=presented.license_expires,
            issued_at=presented.issued_at,
        )

    def _shown(
        self,
        identifier: str,
        names: _TypeNames | None,
        *,
        holders: tuple[CodeHolder, ...],
        fields: Mapping[str, Any],
        not_before: datetime,
        expires: datetime | None,
        issued_at: datetime,
    ) -> ShownLicense:
        parts = parse_identifier(identifier)
        labels = names.labels if names else {}
        return ShownLicense(
            identifier=identifier,
            type_code=parts.type_code,
            type_name=names.name if names else _UNNAMED,
            agency_id=parts.agency_id,
            agency_name=self._agencies.get(parts.agency_id, _UNNAMED),
            holders=holders,
            fields=fields,
            labels={name: labels.get(name, LocalizedText(name)) for name in fields},
            first_day=day_in_shanghai(not_before),
            last_day=None if expires is None else day_in_shanghai(expires) - timedelta(days=1),
            issued_at=issued_at,
        )


def _type_names(facts: Mapping[str, Any]) -> _TypeNames:
    by_qr_key, labels = {}, {}
    for field in member(facts, "fields", list):
        name = member(field, "name", str)
        labels[name] = parse_localized(member(field, "label", dict))
        match field.get("qr_key"):
            case None:
                pass
            case int() as key:
                by_qr_key[key] = name
            case _:
                raise MalformedError(reason="JSON_MEMBER", message="qr_key is no integer")
    return _TypeNames(parse_localized(member(facts, "name", dict)), by_qr_key, labels)
