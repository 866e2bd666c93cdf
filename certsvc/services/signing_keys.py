"""The life of signing keys: prepared, published, activated, retired (NIST SP 800-57 Part 1, section 7).

Invariants: a key signs only after verifiers had the time to fetch it; of one purpose and scope at most one key is
ACTIVE; each change is one compare-and-swap of the state and raises the key set's version; private parts stay in the
vault. Suspending, destroying and withdrawing keys will join here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from certsvc.domain.changes import ChangeKind
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import (
    CertsvcError,
    ConflictError,
    FailedPreconditionError,
    FieldViolation,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from certsvc.ports import KeyVault, Ledger, Repositories
from certsvc.services.directory import Directory
from certsvc.services.mutations import Mutation
from certsvc.services.traced_mutations import Trace, TracedMutations

ALGORITHM = "ES256"

_MAY_RETIRE = frozenset({KeyState.PRE_ACTIVE, KeyState.ACTIVE, KeyState.SUSPENDED})


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """The windows of keys (docs/key-rotation.md).

    A key waits `publish_ahead` between publication and activation, longer than any verifier's cache lives; purposes
    in `publish_ahead_of` have a wait of their own. It signs for at most `signing_limit`, and then refuses. In a
    `development` deployment nothing waits, and its keys are marked: they verify nowhere else.
    """

    publish_ahead: timedelta = timedelta(hours=48)
    publish_ahead_of: Mapping[KeyPurpose, timedelta] = field(default_factory=dict)
    signing_limit: timedelta = timedelta(days=120)
    development: bool = False

    def wait(self, purpose: KeyPurpose) -> timedelta:
        """How long a key of this purpose is published before it may sign."""
        return timedelta(0) if self.development else self.publish_ahead_of.get(purpose, self.publish_ahead)


@dataclass(frozen=True, slots=True)
class NewSigningKey:
    """A key to make; `agency_id` and `type_codes` narrow a LICENSE key, None and () leave it for all."""

    purpose: KeyPurpose
    agency_id: str | None = None
    type_codes: tuple[str, ...] = ()


class SigningKeys:
    """The use cases of SigningKeyService, but for FetchKeySet (services/public_keys.py)."""

    def __init__(
        self,
        *,
        mutations: TracedMutations,
        ledger: Ledger,
        directory: Directory,
        vault: KeyVault,
        policy: KeyPolicy,
    ) -> None:
        self._mutations = mutations
        self._ledger = ledger
        self._directory = directory
        self._vault = vault
        self._policy = policy

    def list(self, *, purpose: KeyPurpose | None, after: str, limit: int) -> Sequence[SigningKey]:
        """Keys, newest first."""
        with self._ledger.read() as repositories:
            return repositories.signing_keys.list(purpose=purpose, after=after, limit=limit)

    def get(self, kid: str) -> SigningKey:
        """One key. Raises NotFoundError (NO_SUCH_KEY)."""
        key = self._directory.signing_key(kid)
        if key is None:
            raise _unknown_key()
        return key

    def prepare(
        self, new: NewSigningKey, mutation: Mutation[SigningKey], *, found: Iterable[FieldViolation] = ()
    ) -> bytes:
        """Make a key and publish it; it does not sign yet.

        Raises InvalidInputError with all violations, NotFoundError (NO_SUCH_AGENCY).
        """
        made: list[str] = []
        stored: list[str] = []

        def prepare(now: datetime) -> SigningKey:
            self._check_scope(new, found)
            kid, public_key = self._vault.generate(purpose=new.purpose)
            made.append(kid)
            return self._published(new, kid, public_key, now)

        def work(repositories: Repositories, key: SigningKey, _now: datetime) -> SigningKey:
            repositories.signing_keys.add(key)
            stored.append(key.kid)
            return key

        try:
            answer = self._mutations.run(
                mutation,
                prepare=prepare,
                work=work,
                trace=lambda key: _trace("signing_key.prepared", key),
            )
        except UnavailableError:
            # Perhaps it is stored and published all the same; a key without a record signs nothing anyway.
            raise
        except CertsvcError:
            self._destroy(made)
            raise
        if not stored:
            # The request was answered before: the key of that answer stands, this one has no record.
            self._destroy(made)
        return answer

    def activate(self, kid: str, mutation: Mutation[SigningKey]) -> bytes:
        """Let a prepared key sign; the one that did so for its purpose and scope is deactivated in the same step.

        Raises NotFoundError (NO_SUCH_KEY), FailedPreconditionError (KEY_STATE, PUBLISH_AHEAD with the time from which
        it may, DEVELOPMENT_KEY, KEY_NOT_IN_VAULT), ConflictError when somebody was faster.
        """

        def prepare(_now: datetime) -> str:
            key = self.get(kid)
            try:
                self._vault.signer(kid, purpose=key.purpose)
            except NotFoundError as error:
                raise _refusal("KEY_NOT_IN_VAULT", "this server's vault does not hold the key", key) from error
            return kid

        def work(repositories: Repositories, kid: str, now: datetime) -> SigningKey:
            keys = repositories.signing_keys
            key = self._may_activate(keys.get(kid), now)
            for former in _active_like(key, keys.all()):
                ended = replace(former, state=KeyState.DEACTIVATED, deactivated_at=now)
                keys.transition(ended, from_state=KeyState.ACTIVE)
            active = replace(
                key, state=KeyState.ACTIVE, activated_at=now, signing_until=now + self._policy.signing_limit
            )
            keys.transition(active, from_state=KeyState.PRE_ACTIVE)
            # Two transactions may each have found nobody to replace; the key set's version lets one write at a time.
            if [each.kid for each in _active_like(key, keys.all())] != [kid]:
                raise ConflictError(reason="TWO_ACTIVE", message="another key was activated meanwhile; look again")
            return active

        return self._mutations.run(
            mutation, prepare=prepare, work=work, trace=lambda kid: _named("signing_key.activated", kid)
        )

    def retire(self, kid: str, mutation: Mutation[SigningKey]) -> bytes:
        """End signing with a key; what it signed stays verifiable.

        Raises NotFoundError (NO_SUCH_KEY), FailedPreconditionError (KEY_STATE), ConflictError.
        """

        def work(repositories: Repositories, kid: str, now: datetime) -> SigningKey:
            key = repositories.signing_keys.get(kid)
            if key is None:
                raise _unknown_key()
            if key.state not in _MAY_RETIRE:
                raise _refusal("KEY_STATE", f"a key that is {key.state} does not sign any more", key)
            retired = replace(key, state=KeyState.DEACTIVATED, deactivated_at=now)
            repositories.signing_keys.transition(retired, from_state=key.state)
            return retired

        return self._mutations.run(
            mutation,
            prepare=lambda _now: kid,
            work=work,
            trace=lambda kid: _named("signing_key.retired", kid),
        )

    def _check_scope(self, new: NewSigningKey, found: Iterable[FieldViolation]) -> None:
        violations = list(found)
        if new.purpose is not KeyPurpose.LICENSE and (new.agency_id is not None or new.type_codes):
            description = "only license keys are for one agency or some types"
            violations.append(FieldViolation("purpose", "SCOPE", description))
        for place, code in enumerate(new.type_codes):
            if self._directory.license_type(code) is None:
                violations.append(
                    FieldViolation(f"type_codes[{place}]", "NO_SUCH_TYPE", "must be a license type's code")
                )
        if new.agency_id is not None and self._directory.agency(new.agency_id) is None:
            violations.append(FieldViolation("agency_id", "NO_SUCH_AGENCY", "must be an agency's credit code"))
        if violations:
            raise InvalidInputError.of(*violations)

    def _published(self, new: NewSigningKey, kid: str, public_key: bytes, now: datetime) -> SigningKey:
        return SigningKey(
            kid=kid,
            purpose=new.purpose,
            algorithm=ALGORITHM,
            public_key=public_key,
            agency_id=new.agency_id,
            type_codes=tuple(sorted(set(new.type_codes))),
            state=KeyState.PRE_ACTIVE,
            development=self._policy.development,
            created_at=now,
            published_at=now,
            signing_until=now + self._policy.wait(new.purpose) + self._policy.signing_limit,
        )

    def _may_activate(self, key: SigningKey | None, now: datetime) -> SigningKey:
        if key is None:
            raise _unknown_key()
        if key.state is not KeyState.PRE_ACTIVE:
            raise _refusal("KEY_STATE", f"only a prepared key can be activated, this one is {key.state}", key)
        if key.development and not self._policy.development:
            raise _refusal("DEVELOPMENT_KEY", "a development key signs in a development deployment only", key)
        earliest = key.published_at + self._policy.wait(key.purpose)
        if now < earliest:
            raise _refusal(
                "PUBLISH_AHEAD",
                f"verifiers may not have the key yet; it may sign from {earliest.isoformat(timespec='seconds')}",
                key,
                activate_after=earliest.isoformat(timespec="seconds"),
            )
        return key

    def _destroy(self, kids: Iterable[str]) -> None:
        for kid in kids:
            self._vault.destroy(kid)


def _active_like(key: SigningKey, keys: Iterable[SigningKey]) -> Sequence[SigningKey]:
    """The ACTIVE keys of the same purpose and scope."""
    scope = (key.purpose, key.agency_id, key.type_codes)
    return [
        each
        for each in keys
        if each.state is KeyState.ACTIVE and (each.purpose, each.agency_id, each.type_codes) == scope
    ]


def _trace(action: str, key: SigningKey) -> Trace:
    details = {"purpose": key.purpose, "agency": key.agency_id or "", "types": " ".join(key.type_codes)}
    return Trace(action, ChangeKind.SIGNING_KEY, key.kid, details=details)


def _named(action: str, kid: str) -> Trace:
    return Trace(action, ChangeKind.SIGNING_KEY, kid)


def _unknown_key() -> NotFoundError:
    return NotFoundError(reason="NO_SUCH_KEY", message="kid: the register has no signing key with this name")


def _refusal(reason: str, message: str, key: SigningKey, **details: str) -> FailedPreconditionError:
    return FailedPreconditionError(reason=reason, message=message, details={"state": key.state, **details})
