"""What every KeyVault promises; the same cases for each of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jwcrypto import jwk, jws

from certsvc.credentials import cose
from certsvc.credentials.jws import sign_jws
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError, SignatureError
from certsvc.keyring.file_vault import FileVault
from certsvc.keyring.memory_vault import MemoryVault
from certsvc.keyring.software_signer import SoftwareSigner
from certsvc.ports import KeyVault
from tests.unit.keyring.builders import new_files

MakeVault = Callable[[Callable[[], SoftwareSigner]], KeyVault]


def _memory_vault(folder: Path, make: Callable[[], SoftwareSigner]) -> KeyVault:
    return MemoryVault(make=make)


def _file_vault(folder: Path, make: Callable[[], SoftwareSigner]) -> KeyVault:
    return FileVault(new_files(folder), make=make)


@pytest.fixture(params=[_memory_vault, _file_vault], ids=["memory", "file"])
def make_vault(request: pytest.FixtureRequest, tmp_path: Path) -> MakeVault:
    """Makes an empty vault whose new keys come from the given source."""
    return lambda make: request.param(tmp_path, make)


@pytest.fixture
def vault(make_vault: MakeVault) -> KeyVault:
    """An empty vault."""
    return make_vault(SoftwareSigner.generate)


def test_a_new_key_signs_under_its_thumbprint(vault: KeyVault) -> None:
    kid, public_key = vault.generate(purpose=KeyPurpose.LICENSE)

    signer = vault.signer(kid, purpose=KeyPurpose.LICENSE)

    assert kid == signer.kid == cose.kid_of(public_key).hex()
    assert signer.algorithm == "ES256"
    signature = signer.sign(b"what was signed")
    assert len(signature) == 64
    point = cose.load_public_key(public_key)
    cose.verify_es256(point, signed=b"what was signed", signature=signature)
    with pytest.raises(SignatureError):
        cose.verify_es256(point, signed=b"what was signee", signature=signature)


def test_another_library_verifies_the_signatures(vault: KeyVault) -> None:
    kid, public_key = vault.generate(purpose=KeyPurpose.VC)
    token = sign_jws({"n": 1}, typ="test", signer=vault.signer(kid, purpose=KeyPurpose.VC))

    key = jwk.JWK(kty="EC", crv="P-256", **_coordinates(public_key))
    oracle = jws.JWS()
    oracle.deserialize(token, key)

    assert oracle.is_valid


def _coordinates(public_key: bytes) -> dict[str, str]:
    def text(part: bytes) -> str:
        return str(jwk.base64url_encode(part))

    return {"x": text(public_key[1:33]), "y": text(public_key[33:])}


def test_keys_differ(vault: KeyVault) -> None:
    keys = [vault.generate(purpose=KeyPurpose.LICENSE) for _ in range(20)]

    assert len({kid for kid, _ in keys}) == len({public for _, public in keys}) == 20


def test_a_key_signs_for_its_purpose_only(vault: KeyVault) -> None:
    kid, _ = vault.generate(purpose=KeyPurpose.STATUS)
    signer = vault.signer(kid, purpose=KeyPurpose.STATUS)

    for other in set(KeyPurpose) - {KeyPurpose.STATUS}:
        with pytest.raises(NotFoundError) as refused:
            vault.signer(kid, purpose=other)
        assert refused.value.reason == "KEY_NOT_FOUND"

    assert signer.sign(b"still signs")


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "0123456789abcdef",
        "../keys",
        "*",
        "????????????????",
        "a\0b",
        "' or 1=1",
        "/etc/passwd",
        "a" * 100_000,
    ],
    ids=lambda kid: repr(kid[:16]),
)
def test_unknown_kids_find_nothing(vault: KeyVault, kid: str) -> None:
    known, _ = vault.generate(purpose=KeyPurpose.LICENSE)

    with pytest.raises(NotFoundError):
        vault.signer(kid, purpose=KeyPurpose.LICENSE)
    vault.destroy(kid)

    assert vault.signer(known, purpose=KeyPurpose.LICENSE).sign(b"")


def test_a_destroyed_key_signs_no_more_not_even_through_a_signer_made_before(vault: KeyVault) -> None:
    kid, _ = vault.generate(purpose=KeyPurpose.LICENSE)
    other, _ = vault.generate(purpose=KeyPurpose.LICENSE)
    signer = vault.signer(kid, purpose=KeyPurpose.LICENSE)

    vault.destroy(kid)
    vault.destroy(kid)

    with pytest.raises(FailedPreconditionError) as refused:
        signer.sign(b"data")
    assert refused.value.details["state"] == "DESTROYED"
    with pytest.raises(NotFoundError):
        vault.signer(kid, purpose=KeyPurpose.LICENSE)
    assert vault.signer(other, purpose=KeyPurpose.LICENSE).sign(b"data")


def test_a_taken_kid_is_refused_whatever_the_purpose(make_vault: MakeVault) -> None:
    same = SoftwareSigner.generate()
    vault = make_vault(lambda: same)
    vault.generate(purpose=KeyPurpose.LICENSE)

    for purpose in (KeyPurpose.LICENSE, KeyPurpose.VC):
        with pytest.raises(AlreadyExistsError) as refused:
            vault.generate(purpose=purpose)
        assert refused.value.reason == "KEY_EXISTS"


def test_threads_share_a_signer(vault: KeyVault) -> None:
    kid, public_key = vault.generate(purpose=KeyPurpose.LICENSE)
    point = cose.load_public_key(public_key)

    def sign_and_verify(number: int) -> None:
        data = number.to_bytes(4, "big")
        signature = vault.signer(kid, purpose=KeyPurpose.LICENSE).sign(data)
        cose.verify_es256(point, signed=data, signature=signature)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(sign_and_verify, range(400)))) == 400
