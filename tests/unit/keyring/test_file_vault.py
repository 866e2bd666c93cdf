"""The vault of wrapped files: what is changed, moved or exchanged on the disk never signs."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import CertsvcError, DataIntegrityError, FailedPreconditionError, NotFoundError
from certsvc.keyring.file_vault import FileVault
from certsvc.keyring.software_signer import SoftwareSigner
from certsvc.keyring.wrapping import WrappingKey
from tests.unit.keyring.builders import key_file, new_files, reopened

LICENSE = KeyPurpose.LICENSE


def test_keys_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    made = FileVault(new_files(tmp_path))
    kid, _ = made.generate(purpose=LICENSE)

    later = FileVault(reopened(tmp_path))

    assert later.signer(kid, purpose=LICENSE).sign(b"x") == made.signer(kid, purpose=LICENSE).sign(b"x")


def test_a_key_that_another_process_destroyed_is_gone_here_too(tmp_path: Path) -> None:
    here = FileVault(new_files(tmp_path))
    kid, _ = here.generate(purpose=LICENSE)
    signer = here.signer(kid, purpose=LICENSE)

    FileVault(reopened(tmp_path)).destroy(kid)

    with pytest.raises(NotFoundError):
        here.signer(kid, purpose=LICENSE)
    with pytest.raises(FailedPreconditionError):
        signer.sign(b"x")


def test_exchanged_contents_are_detected(tmp_path: Path) -> None:
    vault = FileVault(new_files(tmp_path))
    kids = [vault.generate(purpose=LICENSE)[0] for _ in range(2)]
    first, second = (key_file(tmp_path, usage=LICENSE, name=kid) for kid in kids)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)

    for kid in kids:
        _assert_changed(tmp_path, kid, purpose=LICENSE)


def test_a_key_renamed_for_another_purpose_is_detected(tmp_path: Path) -> None:
    kid, _ = FileVault(new_files(tmp_path)).generate(purpose=LICENSE)
    key_file(tmp_path, usage=LICENSE, name=kid).rename(key_file(tmp_path, usage=KeyPurpose.VC, name=kid))

    _assert_changed(tmp_path, kid, purpose=KeyPurpose.VC)


def test_a_key_copied_to_another_kid_is_detected(tmp_path: Path) -> None:
    kid, _ = FileVault(new_files(tmp_path)).generate(purpose=LICENSE)
    copy = "0" * 16
    shutil.copy(key_file(tmp_path, usage=LICENSE, name=kid), key_file(tmp_path, usage=LICENSE, name=copy))

    _assert_changed(tmp_path, copy, purpose=LICENSE)


def test_every_changed_or_missing_byte_is_detected(tmp_path: Path) -> None:
    kid, _ = FileVault(new_files(tmp_path)).generate(purpose=LICENSE)
    path = key_file(tmp_path, usage=LICENSE, name=kid)
    good = path.read_bytes()

    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 1
        for content in (bytes(changed), good[:position]):
            path.write_bytes(content)
            with pytest.raises((DataIntegrityError, FailedPreconditionError)):
                FileVault(reopened(tmp_path)).signer(kid, purpose=LICENSE)

    path.write_bytes(good)
    assert FileVault(reopened(tmp_path)).signer(kid, purpose=LICENSE).sign(b"x")


def test_another_key_under_the_name_is_refused_even_if_well_wrapped(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    name = "0123456789abcdef"
    files.put(SoftwareSigner.generate().to_pkcs8(), usage=LICENSE, name=name)

    with pytest.raises(DataIntegrityError) as refused:
        FileVault(files).signer(name, purpose=LICENSE)

    assert refused.value.reason == "KID_MISMATCH"


def test_a_wrong_wrapping_key_is_told_from_damage(tmp_path: Path) -> None:
    kid, _ = FileVault(new_files(tmp_path)).generate(purpose=LICENSE)
    other = FileVault(reopened(tmp_path, WrappingKey(b"another wrapping key, 32 bytes..")))

    with pytest.raises(FailedPreconditionError) as refused:
        other.signer(kid, purpose=LICENSE)

    assert refused.value.reason == "WRONG_WRAPPING_KEY"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    kid, _ = FileVault(new_files(tmp_path)).generate(purpose=LICENSE)
    key_file(tmp_path, usage=LICENSE, name=kid).chmod(mode)

    with pytest.raises(FailedPreconditionError) as refused:
        FileVault(reopened(tmp_path)).signer(kid, purpose=LICENSE)

    assert refused.value.reason == "KEY_FILE_PERMISSIONS"


def test_no_form_of_a_private_key_lies_on_the_disk(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    vault = FileVault(new_files(tmp_path), make=lambda: SoftwareSigner(key))
    kid, _ = vault.generate(purpose=LICENSE)
    assert vault.signer(kid, purpose=LICENSE).sign(b"x")

    assert _forms_found(tmp_path, key) == []

    # The control: a search that finds nothing must be one that finds what is there.
    for form, encoded in _forms(key):
        planted = tmp_path / "keys" / "planted"
        planted.write_bytes(b"before" + encoded + b"after")
        assert form in _forms_found(tmp_path, key)


def _forms(key: ec.EllipticCurvePrivateKey) -> Iterator[tuple[str, bytes]]:
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    yield "big-endian", scalar
    yield "little-endian", scalar[::-1]
    yield "hex", scalar.hex().encode()
    yield "JWK", base64.urlsafe_b64encode(scalar).rstrip(b"=")
    plain = serialization.NoEncryption()
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        yield f"DER {form}", key.private_bytes(serialization.Encoding.DER, form, plain)
        pem = key.private_bytes(serialization.Encoding.PEM, form, plain)
        yield f"PEM {form}", b"".join(pem.splitlines()[1:-1])


def _forms_found(folder: Path, key: ec.EllipticCurvePrivateKey) -> list[str]:
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert contents
    return [form for form, encoded in _forms(key) if any(encoded in content for content in contents)]


def _assert_changed(folder: Path, kid: str, *, purpose: KeyPurpose) -> None:
    with pytest.raises(CertsvcError) as refused:
        FileVault(reopened(folder)).signer(kid, purpose=purpose)
    assert (type(refused.value), refused.value.reason) == (DataIntegrityError, "WRAPPED_SECRET_CHANGED")
