"""Making a new register: its settings, keys, schema, the system's signing keys, and the first operator.

Invariants: nothing is written but under the data directory's lock; nothing has a default secret; an interrupted run is
simply repeated; a complete register is never made again, and one of production never becomes one of development.
"""

import json
from contextlib import suppress
from datetime import timedelta

from certsvc.bootstrap.data_files import replace_file
from certsvc.bootstrap.opening import Store, SystemClock, held_lock, opened_store
from certsvc.config import CONFIG_FILE, Settings, load_settings, stated_settings
from certsvc.credentials.client_credential import ClientCredential, create_credential, load_credential
from certsvc.domain.agency import CallerKind, ClientKey
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import AlreadyExistsError, FailedPreconditionError
from certsvc.keyring.data_keys import create_data_keys
from certsvc.keyring.hardening import forbid_memory_dumps
from certsvc.keyring.secret_files import SecretFiles
from certsvc.keyring.wrapping import create_wrapping_key, load_wrapping_key
from certsvc.ports import AuditEntry, Repositories
from certsvc.store.schema import migrate

SYSTEM_PURPOSES = (KeyPurpose.VC, KeyPurpose.STATUS, KeyPurpose.BUNDLE, KeyPurpose.KEY_SET)
"""Purposes that a register needs one active key of, whatever agencies it has."""

OPERATOR_KEY_LIFETIME = timedelta(days=365)


def initialize(
    settings: Settings, *, operator_id: str, endpoint: str, ca_pem: str | None = None, may_change_settings: bool = False
) -> None:
    """Make a new register: its settings, keys, schema, the system's signing keys, and the first operator.

    Repeatable: what an interrupted run made is kept. Raises FailedPreconditionError: LOCKED; ALREADY_INITIALIZED for a
    complete register with other settings, unless `may_change_settings`; NOT_DEVELOPMENT where production would become
    development; WRAPPING_KEY_MISSING where there are wrapped secrets that a new wrapping key could not open.
    """
    forbid_memory_dumps()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held_lock(settings):
        _keep_settings(settings, may_change=may_change_settings)
        _make_keys(settings)
        migrate(settings.database)
        with opened_store(settings) as store:
            _make_system_keys(settings, store)
            credential = (
                load_credential(settings.operator_file)
                if settings.operator_file.exists()
                else create_credential(
                    settings.operator_file,
                    owner_kind=CallerKind.OPERATOR,
                    owner_id=operator_id,
                    endpoint=endpoint,
                    audience=settings.audience,
                    ca_pem=ca_pem,
                )
            )
            _register_operator(store, credential)


def _keep_settings(settings: Settings, *, may_change: bool) -> None:
    """Keep what was stated for the next start. Never a secret: those have files of their own."""
    stated, is_complete = stated_settings(settings.data_dir), settings.operator_file.exists()
    if stated is not None and load_settings(settings.data_dir) == settings:
        return
    if stated is not None and is_complete and not may_change:
        raise FailedPreconditionError(
            reason="ALREADY_INITIALIZED",
            message=f"{settings.data_dir} holds a register already, with other settings: edit its {CONFIG_FILE}",
            details={"state": "ALREADY_INITIALIZED"},
        )
    if settings.development and (stated is not None or is_complete) and not (stated or {}).get("development"):
        raise _not_development(settings)
    default = Settings(data_dir=settings.data_dir)
    lines = [
        f"{name} = {json.dumps(getattr(settings, name))}"
        for name in Settings.__dataclass_fields__
        if name != "data_dir" and getattr(settings, name) != getattr(default, name)
    ]
    content = "\n".join(["# See docs/operations.md for every setting.", *lines, ""])
    # 0600, for a database URL may hold a password.
    replace_file(settings.data_dir / CONFIG_FILE, content.encode())


def _not_development(settings: Settings) -> FailedPreconditionError:
    return FailedPreconditionError(
        reason="NOT_DEVELOPMENT",
        message=f"{settings.data_dir} holds a register of production or its keys, or the database does: use `serve`",
        details={"state": "NOT_DEVELOPMENT"},
    )


def _make_keys(settings: Settings) -> None:
    """The wrapping key and the keys of personal data, as far as they are not there."""
    if settings.wrapping_key_file.exists():
        wrapping = load_wrapping_key(settings.wrapping_key_file)
    elif settings.secrets_dir.exists() and any(settings.secrets_dir.iterdir()):
        raise FailedPreconditionError(
            reason="WRAPPING_KEY_MISSING",
            message=f"bring {settings.wrapping_key_file} back: {settings.secrets_dir} holds what only it can open",
            details={"state": "WRAPPING_KEY_MISSING"},
        )
    else:
        wrapping = create_wrapping_key(settings.wrapping_key_file)
    files = (
        SecretFiles(settings.secrets_dir, wrapping)
        if settings.secrets_dir.exists()
        else SecretFiles.create(settings.secrets_dir, wrapping)
    )
    with suppress(AlreadyExistsError):
        create_data_keys(files)


def _register_operator(store: Store, credential: ClientCredential) -> None:
    """Make the credential's key known, and the register complete."""
    now = SystemClock().now()
    key = ClientKey(
        key_id=credential.kid,
        owner_kind=CallerKind.OPERATOR,
        owner_id=credential.owner_id,
        public_key=credential.public_key,
        created_at=now,
        expires_at=now + OPERATOR_KEY_LIFETIME,
    )

    def add(repositories: Repositories) -> None:
        if repositories.agencies.client_key(key.key_id) is None:
            repositories.agencies.add_client_key(key)
            repositories.audit.add(AuditEntry(now, "init", "", "operator.created", key.key_id, {}))

    store.ledger.write(add)


def _make_system_keys(settings: Settings, store: Store) -> None:
    """One active key of each purpose that every register needs; nothing was published yet, so none waits."""
    now = SystemClock().now()

    def work(repositories: Repositories) -> None:
        keys = repositories.signing_keys.all()
        if settings.development and not all(key.development for key in keys):
            raise _not_development(settings)
        there = {key.purpose for key in keys}
        for purpose in SYSTEM_PURPOSES:
            if purpose in there:
                continue
            kid, public_key = store.vault.generate(purpose=purpose)
            repositories.signing_keys.add(
                SigningKey(
                    kid=kid,
                    purpose=purpose,
                    algorithm="ES256",
                    public_key=public_key,
                    agency_id=None,
                    type_codes=(),
                    state=KeyState.ACTIVE,
                    development=settings.development,
                    created_at=now,
                    published_at=now,
                    activated_at=now,
                    signing_until=now + timedelta(days=settings.signing_days),
                )
            )

    store.ledger.write(work)
