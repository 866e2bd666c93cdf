"""SD-JWT VC type metadata (draft-ietf-oauth-sd-jwt-vc §6) of a license type, served where its `vct` points.

The member `certsvc` holds what that standard has no place for: names in both languages, and which code field
(`qr_key`) is which, so that any verifier can label a QR code. Invariants: one type version has one metadata
document.
"""

from typing import Any

from certsvc.domain.license_type import LicenseType
from certsvc.domain.text import LocalizedText

_LOCALES = (("zh-CN", "zh"), ("en", "en"))


def type_metadata(license_type: LicenseType, *, vct: str) -> dict[str, Any]:
    """The metadata of one version of a type; `vct` is the URL that it is served at."""
    name = license_type.name
    return {
        "vct": vct,
        "name": name.zh,
        "description": name.in_language("en"),
        "display": _display(name, "name"),
        "claims": [
            {"path": ["fields", field.name], "display": _display(field.label, "label"), "sd": "always"}
            for field in license_type.fields
        ],
        "certsvc": {
            "code": license_type.code,
            "version": license_type.version,
            "name": _localized(name),
            "fields": [
                {"name": field.name, "qr_key": field.qr_key, "label": _localized(field.label)}
                for field in license_type.fields
            ],
        },
    }


def _localized(text: LocalizedText) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _display(text: LocalizedText, member: str) -> list[dict[str, str]]:
    """One entry a language; English falls back to Chinese, as everywhere."""
    return [{"locale": locale, member: text.in_language(language)} for locale, language in _LOCALES]
