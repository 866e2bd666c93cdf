"""Signing keys' public records as rows, and the number of the key set that they make."""

from collections.abc import Sequence

import sqlalchemy as sa

from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import AlreadyExistsError, ConflictError, FailedPreconditionError
from certsvc.store import tables
from certsvc.store.commands import Command, insertion_if_free
from certsvc.store.session import Row, Session, columns_of

_k = tables.signing_keys.c
_p = sa.bindparam
_older = tables.signing_keys.alias("older_than")

# What a key is never changes; these say where it is in its life.
_LIFE = ("state", "published_at", "signing_until", "activated_at", "deactivated_at", "compromised_since")

_NEWEST_FIRST = sa.select(tables.signing_keys).order_by(_k.created_at.desc(), _k.kid.desc())
_GET = sa.select(tables.signing_keys).where(_k.kid == _p("kid"))
_STATE = sa.select(_k.state).where(_k.kid == _p("kid")).with_for_update(read=True)
_ADD = insertion_if_free(tables.signing_keys)
_TRANSITION = Command(
    lambda _: (
        sa.update(tables.signing_keys)
        .where(_k.kid == _p("key"), _k.state == _p("from_state", type_=_k.state.type))
        .values({name: _p(name) for name in _LIFE})
    )
)
_RAISE_VERSION = Command(lambda _: sa.update(tables.key_set).values(version=tables.key_set.c.version + 1))
_VERSION = sa.select(tables.key_set.c.version)


class SQLSigningKeyRepository:
    """ports.SigningKeyRepository; each method keeps what the port says."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, kid: str) -> SigningKey | None:
        """See the port."""
        row = self._session.first(_GET, kid=kid)
        return _key(row) if row else None

    def list(self, *, purpose: KeyPurpose | None, after: str, limit: int) -> Sequence[SigningKey]:
        """See the port; nothing follows an unknown `after`."""
        statement = _NEWEST_FIRST.limit(limit)
        if purpose is not None:
            statement = statement.where(_k.purpose == purpose)
        if after:
            last = sa.select(_older.c.created_at, _older.c.kid).where(_older.c.kid == after)
            statement = statement.where(sa.tuple_(_k.created_at, _k.kid) < last.scalar_subquery())
        return [_key(row) for row in self._session.rows(statement)]

    def all(self) -> Sequence[SigningKey]:
        """Newest first."""
        return [_key(row) for row in self._session.rows(_NEWEST_FIRST)]

    def add(self, key: SigningKey) -> None:
        """See the port."""
        values = {name: getattr(key, name) for name in _k.keys()}  # noqa: SIM118
        if not self._session.change(_ADD, **values | {"type_codes": list(key.type_codes)}):
            raise self._session.refused(AlreadyExistsError("SIGNING_KEY_EXISTS", "this kid is registered already"))
        self._session.change(_RAISE_VERSION)

    def transition(self, key: SigningKey, *, from_state: KeyState) -> None:
        """See the port. On PostgreSQL it waits for the transactions that `lock_active` made sure of the key."""
        life = {name: getattr(key, name) for name in _LIFE}
        if not self._session.change(_TRANSITION, key=key.kid, from_state=from_state, **life):
            raise self._session.refused(ConflictError("STALE_STATE", "the key's state was changed meanwhile"))
        self._session.locked_keys.discard(key.kid)
        self._session.change(_RAISE_VERSION)

    def key_set_version(self) -> int:
        """See the port."""
        return self._session.number(_VERSION)

    def lock_active(self, kid: str) -> None:
        """See the port; reason KEY_NOT_ACTIVE.

        PostgreSQL keeps a share lock on the row until the end of the transaction; SQLite has one writer. So a
        transaction that made sure once need not ask again for its next work.
        """
        if kid in self._session.locked_keys:
            return
        row = self._session.first(_STATE, kid=kid)
        if row is None or row.state is not KeyState.ACTIVE:
            state = row.state.value if row else "UNKNOWN"
            error = FailedPreconditionError("KEY_NOT_ACTIVE", "the signing key is not active", {"state": state})
            raise self._session.refused(error)
        self._session.locked_keys.add(kid)


def _key(row: Row) -> SigningKey:
    return SigningKey(**{**columns_of(row), "type_codes": tuple(row.type_codes)})
