"""Values as people type them."""

from datetime import UTC, datetime

import pytest
from google.protobuf import json_format

from certsvc.cli.options import Choice, choice_value, fields, holders, timestamp
from certsvc.errors import InvalidInputError
from certsvc.v1 import common_pb2, signing_key_service_pb2

Purpose = Choice(signing_key_service_pb2.KeyPurpose, "KEY_PURPOSE_")


@pytest.mark.parametrize("text", ["key-set", "key_set", "KEY_SET"])
def test_a_choice_is_named_without_its_prefix(text: str) -> None:
    assert choice_value(Purpose, text, field="--purpose") == signing_key_service_pb2.KEY_PURPOSE_KEY_SET


@pytest.mark.parametrize("text", ["", "unspecified", "keyset"])
def test_an_unknown_choice_names_those_that_there_are(text: str) -> None:
    with pytest.raises(InvalidInputError, match="bundle, id-token, key-set, license") as raised:
        choice_value(Purpose, text, field="--purpose")
    assert raised.value.violations[0].field == "--purpose"


def test_a_time_without_an_offset_is_in_shanghai() -> None:
    assert timestamp("2026-11-22T08:00", field="f").ToDatetime(UTC) == datetime(2026, 11, 22, tzinfo=UTC)
    assert timestamp("2026-11-22T08:00Z", field="f").ToDatetime(UTC) == datetime(2026, 11, 22, 8, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match="2026-11-22T08:00:00"):
        timestamp("tomorrow", field="f")


def test_holders() -> None:
    plain, named = holders(["91440300123456788M=甲=乙", "passport:E12345678=李"])
    assert (plain.number.value, plain.name) == ("91440300123456788M", "甲=乙")
    assert plain.number.kind == common_pb2.NUMBER_KIND_UNSPECIFIED
    assert (named.number.value, named.number.kind) == ("E12345678", common_pb2.NUMBER_KIND_PASSPORT)


@pytest.mark.parametrize("text", ["no equals sign", "cat:1=x"])
def test_a_holder_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInputError):
        holders([text])


def test_fields_are_text_or_json() -> None:
    found = fields(["scope=a=b", "staff:=12", "branch:=true", "parts:=[1, 2]", "empty="])
    assert json_format.MessageToDict(found) == {
        "scope": "a=b", "staff": 12.0, "branch": True, "parts": [1.0, 2.0], "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["scope", "=x", ":=1", "staff:=twelve"])
def test_a_field_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        fields([text])
    assert raised.value.violations[0].reason == "FIELD"
