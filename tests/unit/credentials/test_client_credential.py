"""The file with a caller's own key."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.credentials import cose
from certsvc.credentials.client_credential import ClientCredential, create_credential, load_credential
from certsvc.domain.agency import CallerKind
from certsvc.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from certsvc.ports import Signer
from tests.require import ROOT

CA_PEM = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"


def _create(path: Path, **changes: Any) -> ClientCredential:
    arguments: dict[str, Any] = {
        "owner_kind": CallerKind.AGENCY,
        "owner_id": "11440300455834567X",
        "endpoint": "register.example:443",
        "audience": "https://register.example",
    }
    return create_credential(path, **(arguments | changes))


@pytest.mark.parametrize("ca_pem", [None, CA_PEM])
@pytest.mark.parametrize("kind", CallerKind)
def test_a_created_credential_comes_back(tmp_path: Path, kind: CallerKind, ca_pem: str | None) -> None:
    path = tmp_path / "credential.json"
    created = _create(path, owner_kind=kind, ca_pem=ca_pem)

    loaded = load_credential(path)

    assert (loaded.owner_kind, loaded.owner_id) == (kind, "11440300455834567X")
    assert (loaded.endpoint, loaded.audience) == ("register.example:443", "https://register.example")
    assert loaded.ca_pem == ca_pem
    assert (loaded.kid, loaded.public_key) == (created.kid, created.public_key)


def test_the_file_is_the_documented_one(tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    created = _create(path)

    content = json.loads(path.read_bytes())

    assert path.stat().st_mode & 0o777 == 0o600
    assert content.pop("private_key_pem").startswith("-----BEGIN PRIVATE KEY-----\n")
    assert content == {
        "owner_kind": "AGENCY",
        "owner_id": "11440300455834567X",
        "key_id": created.kid,
        "endpoint": "register.example:443",
        "audience": "https://register.example",
    }


def test_a_credential_signs(tmp_path: Path) -> None:
    credential: Signer = _create(tmp_path / "credential.json")
    loaded = load_credential(tmp_path / "credential.json")

    signature = credential.sign(b"token")

    assert (credential.kid, credential.algorithm) == (cose.kid_of(loaded.public_key).hex(), "ES256")
    cose.verify_es256(cose.load_public_key(loaded.public_key), signed=b"token", signature=signature)


def test_a_credential_does_not_show_its_key(tmp_path: Path) -> None:
    credential = _create(tmp_path / "credential.json")

    assert "private" not in repr(credential)
    assert str(credential.private_key.private_numbers().private_value) not in repr(credential)


def test_a_credential_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    created = _create(path)

    with pytest.raises(AlreadyExistsError):
        _create(path)

    assert load_credential(path).kid == created.kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "credential.json"
    _create(path)
    path.chmod(mode)

    with pytest.raises(FailedPreconditionError) as refused:
        load_credential(path)

    assert refused.value.reason == "CREDENTIAL_PERMISSIONS"


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_credential(tmp_path / "missing")
    with pytest.raises(UnavailableError):
        load_credential(tmp_path)
    with pytest.raises(UnavailableError):
        _create(tmp_path / "missing" / "credential.json")


@pytest.mark.parametrize("failing", [1, 2], ids=["file", "directory"])
def test_a_file_that_could_not_be_made_durable_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    real_fsync = os.fsync
    calls = iter(range(1, 3))

    def fsync(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.EIO, "Input/output error")
        real_fsync(descriptor)

    with monkeypatch.context() as faults:
        faults.setattr(os, "fsync", fsync)
        with pytest.raises(UnavailableError) as refused:
            _create(tmp_path / "credential.json")

    assert refused.value.reason == "CREDENTIAL_UNWRITABLE"
    assert list(tmp_path.iterdir()) == []


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
create_credential(Path(sys.argv[1]), owner_kind=CallerKind.OPERATOR, owner_id="root", endpoint="a:1", audience="b")
"""


def test_a_kill_while_writing_leaves_no_half_credential(tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    created = _create(path)
    assert load_credential(path).kid == created.kid
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".unfinished"] == [path.name]


def _pem(key: Any, encryption: serialization.KeySerializationEncryption | None = None) -> str:
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, pkcs8, encryption or plain)
    return pem.decode()


P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"owner_kind": "SUBJECT"}, "owner_kind", "OWNER_KIND"),
        ({"owner_kind": ["AGENCY"]}, "owner_kind", "OWNER_KIND"),
        ({"owner_id": ""}, "owner_id", "REQUIRED"),
        ({"owner_id": 7}, "owner_id", "REQUIRED"),
        ({"endpoint": None}, "endpoint", "REQUIRED"),
        ({"audience": {}}, "audience", "REQUIRED"),
        ({"ca_pem": None}, "ca_pem", "NOT_TEXT"),
        ({"ca_pme": CA_PEM}, "ca_pme", "UNKNOWN_FIELD"),
        ({"key_id": "0" * 16}, "key_id", "KEY_MISMATCH"),
        ({"private_key_pem": _pem(P256)}, "key_id", "KEY_MISMATCH"),
        ({"private_key_pem": "密钥"}, "private_key_pem", "PRIVATE_KEY"),
        ({"private_key_pem": "-----BEGIN PRIVATE KEY-----\n"}, "private_key_pem", "PRIVATE_KEY"),
        ({"private_key_pem": _pem(ec.generate_private_key(ec.SECP384R1()))}, "private_key_pem", "PRIVATE_KEY"),
        (
            {"private_key_pem": _pem(P256, serialization.BestAvailableEncryption(b"passphrase"))},
            "private_key_pem",
            "PRIVATE_KEY",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, changes: dict[str, Any], field: str, reason: str) -> None:
    path = tmp_path / "credential.json"
    _create(path)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))

    with pytest.raises(InvalidInputError) as refused:
        load_credential(path)

    assert (field, reason) in {(v.field, v.reason) for v in refused.value.violations}
    assert "BEGIN" not in repr(refused.value)


@pytest.mark.parametrize("name", ["owner_kind", "owner_id", "key_id", "private_key_pem", "endpoint", "audience"])
def test_no_field_may_be_missing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "credential.json"
    _create(path)
    content = json.loads(path.read_bytes())
    del content[name]
    path.write_text(json.dumps(content))

    with pytest.raises(InvalidInputError) as refused:
        load_credential(path)

    assert (name, "REQUIRED") in {(v.field, v.reason) for v in refused.value.violations}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "JSON"), (b"[]", "JSON"), (b"\xff", "JSON"), (b'{"a":1,"a":2}', "JSON"), (b" " * 70_000, "CREDENTIAL_SIZE")],
    ids=["empty", "list", "no UTF-8", "twice", "large"],
)
def test_a_file_that_is_no_credential_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "credential.json"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(InvalidInputError) as refused:
        load_credential(path)

    assert [v.reason for v in refused.value.violations] == [reason]
