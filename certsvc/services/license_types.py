"""The catalogue of license types: adding, publishing new versions, retiring.

Invariants: a published version never changes; versions of a type follow each other without a gap; a field's place in
the QR code (`qr_key`) means the same field in every version, because old codes are read by new readers; no type is
published whose fullest code would be larger than QR version 25 at level M.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from certsvc.domain.changes import ChangeKind
from certsvc.domain.license_rules import check_license_type
from certsvc.domain.license_type import FieldSpec, LicenseType, TypeState
from certsvc.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
)
from certsvc.ports import FullestCode, Ledger, Repositories
from certsvc.services.directory import Directory
from certsvc.services.field_schemas import read_schema
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

MAX_QR_VERSION = 25
MAX_VERSIONS = 999

# Where the API calls a part of a type otherwise than the domain does.
_API_NAMES = {"schema": "fields_schema", "limits": "per_officer_daily"}


class TypeDraft(Protocol):
    """A type as its author wrote it; the rest is given by publishing it."""

    def __call__(
        self, *, version: int, schema: Mapping[str, Any], state: TypeState, created_at: datetime
    ) -> LicenseType:
        """The license type."""


@dataclass(frozen=True, slots=True)
class PublishedType:
    """A version that was published, and the QR version (1 to 40) of its fullest code at level M."""

    license_type: LicenseType
    fullest_qr_version: int


class LicenseTypes:
    """The use cases of LicenseTypeService."""

    def __init__(
        self,
        *,
        mutations: TracedMutations,
        ledger: Ledger,
        directory: Directory,
        fullest_qr_version: FullestCode,
    ) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory
        self._fullest_qr_version = fullest_qr_version

    def create(
        self,
        draft: TypeDraft,
        schema_text: str,
        mutation: Mutation[PublishedType],
        *,
        found: Iterable[FieldViolation] = (),
    ) -> bytes:
        """Add a type as its version 1. Raises InvalidInputError with all violations, AlreadyExistsError."""

        def work(repositories: Repositories, published: PublishedType, _now: datetime) -> PublishedType:
            if repositories.license_types.get(published.license_type.code) is not None:
                raise AlreadyExistsError(
                    reason="TYPE_EXISTS", message="license_type.code: publish a new version of this type instead"
                )
            repositories.license_types.add(published.license_type)
            return published

        return self._mutations.run(
            mutation,
            prepare=lambda now: self._checked(draft, schema_text, version=1, now=now, found=found),
            work=work,
            trace=lambda published: _trace("license_type.created", published),
        )

    def publish(
        self,
        draft: TypeDraft,
        schema_text: str,
        mutation: Mutation[PublishedType],
        *,
        code: str,
        replaces: int,
        found: Iterable[FieldViolation] = (),
    ) -> bytes:
        """Publish the version after `replaces`, which must be the newest.

        Raises InvalidInputError with all violations, NotFoundError (NO_SUCH_TYPE), ConflictError (STALE_VERSION),
        FailedPreconditionError (TYPE_RETIRED).
        """

        def prepare(now: datetime) -> PublishedType:
            _check_newest(self._directory.license_type(code), replaces)
            older = [self._directory.license_type(code, version) for version in range(1, replaces + 1)]
            return self._checked(
                draft,
                schema_text,
                version=replaces + 1,
                now=now,
                found=found,
                older=[each for each in older if each is not None],
            )

        def work(repositories: Repositories, published: PublishedType, _now: datetime) -> PublishedType:
            _check_newest(repositories.license_types.get(code), replaces)
            try:
                repositories.license_types.add(published.license_type)
            except AlreadyExistsError as error:
                raise _stale_version() from error
            return published

        return self._mutations.run(
            mutation,
            prepare=prepare,
            work=work,
            trace=lambda published: _trace("license_type.published", published),
        )

    def retire(self, code: str, mutation: Mutation[LicenseType]) -> bytes:
        """End issuing under a type; a retired one stays so. Raises NotFoundError (NO_SUCH_TYPE)."""

        def work(repositories: Repositories, code: str, _now: datetime) -> LicenseType:
            newest = repositories.license_types.get(code)
            if newest is None:
                raise _unknown_type()
            repositories.license_types.retire(code)
            return replace(newest, state=TypeState.RETIRED)

        return self._mutations.run(
            mutation,
            prepare=lambda _now: code,
            work=work,
            trace=lambda code: Trace("license_type.retired", ChangeKind.LICENSE_TYPE, code),
        )

    def get(self, code: str, version: int | None) -> LicenseType:
        """One version, the newest by default. Raises NotFoundError (NO_SUCH_TYPE)."""
        license_type = self._directory.license_type(code, version)
        if license_type is None:
            raise _unknown_type()
        return license_type

    def list(self, *, after: str, limit: int) -> Sequence[LicenseType]:
        """The newest versions of all types, in the order of their codes."""
        with self._ledger.read() as repositories:
            return repositories.license_types.list(after=after, limit=limit)

    def _checked(
        self,
        draft: TypeDraft,
        schema_text: str,
        *,
        version: int,
        now: datetime,
        found: Iterable[FieldViolation],
        older: Sequence[LicenseType] = (),
    ) -> PublishedType:
        """The version if it is sound; the size of its code is only measured then, for it takes sound fields."""
        schema, faults = read_schema(schema_text)
        license_type = draft(version=version, schema=schema, state=TypeState.PUBLISHED, created_at=now)
        structure = check_license_type(license_type)
        if not schema:
            # Nothing could be read, so nothing can be said about what it holds.
            structure = [violation for violation in structure if violation.field != "schema"]
        faults += structure
        faults += _moved_keys(license_type, older)
        _refuse([*found, *map(_as_the_api_says, faults)])
        size = self._fullest_qr_version(license_type)
        if size > MAX_QR_VERSION:
            description = f"the fullest code would be QR version {size} at level M, at most {MAX_QR_VERSION}"
            _refuse([_as_the_api_says(FieldViolation("fields", "QR_TOO_LARGE", description))])
        return PublishedType(license_type, size)


def _check_newest(newest: LicenseType | None, replaces: int) -> None:
    if newest is None:
        raise _unknown_type()
    if newest.state is TypeState.RETIRED:
        raise FailedPreconditionError(
            reason="TYPE_RETIRED",
            message="license_type.code: this type was retired",
            details={"state": newest.state},
        )
    if newest.version != replaces:
        raise _stale_version(newest.version)
    if newest.version >= MAX_VERSIONS:
        raise FailedPreconditionError(
            reason="TOO_MANY_VERSIONS",
            message=f"license_type.code: a type has at most {MAX_VERSIONS} versions; make a new one",
            details={"state": newest.state},
        )


def _moved_keys(license_type: LicenseType, older: Sequence[LicenseType]) -> list[FieldViolation]:
    """Fields whose qr_key once meant another field, or that once had another qr_key."""
    names = {spec.qr_key: spec.name for each in older for spec in each.fields if spec.qr_key is not None}
    keys = {name: key for key, name in names.items()}

    def moved(spec: FieldSpec) -> bool:
        return spec.qr_key is not None and (
            names.get(spec.qr_key, spec.name) != spec.name or keys.get(spec.name, spec.qr_key) != spec.qr_key
        )

    return [
        FieldViolation(
            f"fields[{place}].qr_key", "QR_KEY_MOVED", "a key and its field belong together in every version"
        )
        for place, spec in enumerate(license_type.fields)
        if moved(spec)
    ]


def _as_the_api_says(violation: FieldViolation) -> FieldViolation:
    head, dot, rest = violation.field.partition(".")
    return replace(violation, field=f"license_type.{_API_NAMES.get(head, head)}{dot}{rest}")


def _trace(action: str, published: PublishedType) -> Trace:
    license_type = published.license_type
    return Trace(action, ChangeKind.LICENSE_TYPE, license_type.code, details={"version": str(license_type.version)})


def _stale_version(newest: int | None = None) -> ConflictError:
    return ConflictError(
        reason="STALE_VERSION",
        message="license_type.version: must be the newest version, which the new one replaces; read it again",
        details={"version": str(newest)} if newest is not None else {},
    )


def _unknown_type() -> NotFoundError:
    return NotFoundError(reason="NO_SUCH_TYPE", message="code: no license type with this code and version")


def _refuse(violations: Sequence[FieldViolation]) -> None:
    if violations:
        raise InvalidInputError.of(*violations)
