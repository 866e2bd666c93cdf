"""The catalogue: what makes a type sound, and what a new version may not change."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from certsvc.domain.changes import ChangeKind
from certsvc.domain.license_type import FieldSpec, LicenseType, TypeState
from certsvc.domain.text import LocalizedText
from certsvc.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
)
from certsvc.services.license_types import PublishedType, TypeDraft
from tests.unit.domain.builders import a_type
from tests.unit.services.administration import NOON, TYPE, Administration

FIELDS = {"founded": 1, "capital": 2}


def draft(fields: Mapping[str, int | None] = FIELDS, **changes: Any) -> tuple[TypeDraft, str]:
    """A type with these fields and their places in the code, and the text of its schema."""
    specs = tuple(FieldSpec(name, LocalizedText(name), qr_key) for name, qr_key in fields.items())
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"type": "string", "maxLength": 40} for name in fields},
    }

    def make(*, version: int, schema: Mapping[str, Any], state: TypeState, created_at: datetime) -> LicenseType:
        given: dict[str, Any] = {"version": version, "state": state, "created_at": created_at}
        sound = a_type(code=TYPE, fields=specs, schema=schema, purposes={})
        return replace(sound, **(given | changes))

    return make, json.dumps(schema)


def created(administration: Administration, **changes: Any) -> PublishedType:
    answer = administration.license_types.create(*draft(**changes), administration.mutation())
    published: PublishedType = administration.answer(answer)
    return published


def publish(
    administration: Administration, fields: Mapping[str, int | None] = FIELDS, *, replaces: int = 1
) -> LicenseType:
    answer = administration.license_types.publish(
        *draft(fields), administration.mutation(), code=TYPE, replaces=replaces
    )
    license_type: LicenseType = administration.answer(answer).license_type
    return license_type


def test_a_new_type_is_version_1_and_there_at_once(administration: Administration) -> None:
    published = created(administration)

    assert administration.license_types.get(TYPE, None) == published.license_type
    assert (published.license_type.version, published.license_type.state) == (1, TypeState.PUBLISHED)
    assert (published.license_type.created_at, published.fullest_qr_version) == (NOON, 15)
    assert administration.traces() == [("license_type.created", TYPE)]
    assert [(change.kind, change.ref) for change in administration.changes()] == [(ChangeKind.LICENSE_TYPE, TYPE)]


def test_a_type_is_created_once(administration: Administration) -> None:
    created(administration)

    with pytest.raises(AlreadyExistsError):
        created(administration)


def test_all_violations_are_reported_at_once_and_by_the_names_of_the_api(
    administration: Administration,
) -> None:
    make, schema = draft(code="short", name=LocalizedText(""), max_holders=0)
    found = [FieldViolation("license_type.validity.kind", "REQUIRED", "must be one of")]

    with pytest.raises(InvalidInputError) as refused:
        administration.license_types.create(
            make, schema.replace("string", "text"), administration.mutation(), found=found
        )

    assert {violation.field for violation in refused.value.violations} >= {
        "license_type.validity.kind",
        "license_type.fields_schema",
        "license_type.code",
        "license_type.name.zh",
        "license_type.max_holders",
    }


def test_a_schema_that_cannot_be_read_is_one_violation(administration: Administration) -> None:
    make, _ = draft()

    with pytest.raises(InvalidInputError) as refused:
        administration.license_types.create(make, "{", administration.mutation())

    assert [(v.field, v.reason) for v in refused.value.violations] == [("license_type.fields_schema", "JSON")]


@pytest.mark.parametrize(("size", "sound"), [(25, True), (26, False)])
def test_the_fullest_code_has_at_most_version_25(administration: Administration, size: int, sound: bool) -> None:
    administration.qr_versions = lambda _: size

    if sound:
        assert created(administration).fullest_qr_version == size
    else:
        with pytest.raises(InvalidInputError, match="version 26") as refused:
            created(administration)
        assert [(v.field, v.reason) for v in refused.value.violations] == [("license_type.fields", "QR_TOO_LARGE")]


def test_a_new_version_follows_the_newest_and_leaves_it_as_it_is(administration: Administration) -> None:
    first = created(administration).license_type

    second = publish(administration, {**FIELDS, "address": None})

    assert second.version == 2
    assert administration.license_types.get(TYPE, None) == second
    assert administration.license_types.get(TYPE, 1) == first
    assert administration.audit()[-1].details == {"version": "2"}


@pytest.mark.parametrize("replaces", [0, 1, 3, -1])
def test_a_version_that_is_not_the_newest_is_not_replaced(administration: Administration, replaces: int) -> None:
    created(administration)
    publish(administration)

    with pytest.raises(ConflictError) as refused:
        publish(administration, replaces=replaces)

    assert (refused.value.reason, refused.value.details) == ("STALE_VERSION", {"version": "2"})


def test_of_two_versions_at_once_one_is_published(
    administration: Administration, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = created(administration).license_type
    publish(administration)
    monkeypatch.setattr(administration.directory, "license_type", lambda code, version=None: first)

    with pytest.raises(ConflictError) as refused:
        publish(administration, replaces=1)

    assert refused.value.reason == "STALE_VERSION"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"founded": 2, "capital": 1}, (0, 1)),
        ({"founded": 3, "capital": 2}, (0,)),
        ({"founded": 1, "address": 2}, (1,)),
        ({"founded": 1, "retired": 7}, (1,)),
        ({"other": 9}, (0,)),
    ],
    ids=["swapped", "moved", "key_of_another", "field_with_an_old_key", "key_of_an_older_version"],
)
def test_a_key_and_its_field_belong_together_in_every_version(
    administration: Administration, fields: dict[str, int], place: tuple[int, ...]
) -> None:
    created(administration, fields={**FIELDS, "retired": 8, "nine": 9})
    publish(administration, {"founded": 1})

    with pytest.raises(InvalidInputError) as refused:
        publish(administration, fields, replaces=2)

    assert [(v.field, v.reason) for v in refused.value.violations] == [
        (f"license_type.fields[{number}].qr_key", "QR_KEY_MOVED") for number in place
    ]


def test_a_field_may_leave_the_code_and_come_back(administration: Administration) -> None:
    created(administration)

    assert publish(administration, {"founded": None, "capital": 2}).version == 2
    assert publish(administration, {"founded": 1, "capital": None}, replaces=2).version == 3


def test_a_retired_type_publishes_nothing_new(administration: Administration) -> None:
    created(administration)
    for _ in range(2):
        retired = administration.answer(administration.license_types.retire(TYPE, administration.mutation()))
        assert retired.state is TypeState.RETIRED

    assert administration.license_types.get(TYPE, 1).state is TypeState.RETIRED
    with pytest.raises(FailedPreconditionError) as refused:
        publish(administration)
    assert refused.value.details["state"] == "RETIRED"


def test_an_unknown_type_is_not_found(administration: Administration) -> None:
    with pytest.raises(NotFoundError):
        administration.license_types.get(TYPE, None)
    with pytest.raises(NotFoundError):
        publish(administration)
    with pytest.raises(NotFoundError):
        administration.license_types.retire(TYPE, administration.mutation())
    created(administration)
    with pytest.raises(NotFoundError):
        administration.license_types.get(TYPE, 2)


def test_the_newest_versions_are_listed(administration: Administration) -> None:
    created(administration)
    second = publish(administration)

    assert administration.license_types.list(after="", limit=10) == [second]
    assert administration.license_types.list(after=TYPE, limit=10) == []
