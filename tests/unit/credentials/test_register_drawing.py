"""Measuring a type by its fullest code: by what its schema allows, not by what is usual."""

import json
from dataclasses import replace
from typing import Any

import pytest

from certsvc.cli.sample_register import sample
from certsvc.credentials.register_drawing import fullest_qr_version
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.domain.license_rules import check_license_type
from certsvc.domain.license_type import FieldSpec, HolderKind, LicenseType, Mask
from certsvc.domain.text import LocalizedText
from certsvc.services.license_types import MAX_QR_VERSION
from tests.unit.domain.builders import a_type

URLS = RegisterURLs("https://register.example")


def version_of(schema: dict[str, Any], *, mask: Mask = Mask.FULL) -> int:
    license_type = a_type(
        fields=(FieldSpec("text", LocalizedText("文字"), qr_key=1, qr_mask=mask),),
        schema={"type": "object", "additionalProperties": False, "properties": {"text": {"type": "string", **schema}}},
    )
    assert check_license_type(license_type) == []
    return fullest_qr_version(license_type, urls=URLS)


def test_a_long_text_counts_whole() -> None:
    sizes = [version_of({"maxLength": length}) for length in (10, 40, 100, 200)]
    assert sizes == sorted(set(sizes))
    assert version_of({"maxLength": 230}) > MAX_QR_VERSION
    assert version_of({"maxLength": 230}, mask=Mask.TAIL4) < version_of({"maxLength": 10})


def test_a_listed_text_counts_with_its_longest_value() -> None:
    assert version_of({"enum": ["短", "长" * 100, None]}) == version_of({"maxLength": 100})
    assert version_of({"const": "长" * 100}) == version_of({"maxLength": 100})


def test_a_companys_name_counts_with_40_characters() -> None:
    natural = a_type()
    legal: LicenseType = replace(natural, holder_kinds=frozenset({HolderKind.LEGAL}))
    assert fullest_qr_version(legal, urls=URLS) > fullest_qr_version(natural, urls=URLS)


@pytest.mark.parametrize("entry", sample("license_types"), ids=lambda entry: entry["code"])
def test_the_samples_texts_have_their_lengths(entry: dict[str, Any]) -> None:
    properties = json.loads(entry["fields_schema"])["properties"]
    for spec in entry["fields"]:
        schema = properties[spec["name"]]
        if "qr_key" in spec and schema["type"] == "string":
            assert {"maxLength", "enum"} & set(schema) or schema.get("format") == "date"
