"""Nothing is served with a key that does not sign as its record says."""

from dataclasses import dataclass

import pytest

from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import DataIntegrityError, UnavailableError
from certsvc.keyring.memory_vault import MemoryVault
from certsvc.keyring.software_signer import SoftwareSigner
from certsvc.keyring.startup_probe import PROBED_STATES, probe
from certsvc.ports import KeyVault, Signer
from tests.unit.domain.builders import a_key

LICENSE = KeyPurpose.LICENSE


def signing_key(kid: str, public_key: bytes, **changes: object) -> SigningKey:
    """The record of this key, ACTIVE and for licenses unless changed."""
    return a_key(kid=kid, public_key=public_key, **changes)


@dataclass
class OddSigner:
    """A signer with one property of its own choice."""

    kid: str
    algorithm: str
    signature: bytes

    def sign(self, data: bytes) -> bytes:
        return self.signature


@dataclass
class OddVault:
    """A vault that hands out one signer for every kid, or fails."""

    signer_: Signer | Exception

    def generate(self, *, purpose: KeyPurpose) -> tuple[str, bytes]:
        raise NotImplementedError

    def signer(self, kid: str, *, purpose: KeyPurpose) -> Signer:
        if isinstance(self.signer_, Exception):
            raise self.signer_
        return self.signer_

    def destroy(self, kid: str) -> None:
        raise NotImplementedError


def test_sound_keys_pass() -> None:
    vault = MemoryVault()
    keys = [signing_key(*vault.generate(purpose=LICENSE), state=state) for state in PROBED_STATES]

    probe(vault, keys)


@pytest.mark.parametrize("state", sorted(set(KeyState) - PROBED_STATES))
def test_keys_that_sign_no_more_are_not_asked(state: KeyState) -> None:
    kid, public_key = MemoryVault().generate(purpose=LICENSE)

    probe(MemoryVault(), [signing_key(kid, public_key, state=state)])


@pytest.mark.parametrize("state", sorted(PROBED_STATES))
def test_a_missing_key_is_fatal(state: KeyState) -> None:
    kid, public_key = MemoryVault().generate(purpose=LICENSE)

    _assert_fatal(MemoryVault(), kid, public_key, state=state)


def test_a_key_for_another_purpose_is_fatal() -> None:
    vault = MemoryVault()

    _assert_fatal(vault, *vault.generate(purpose=LICENSE), purpose=KeyPurpose.VC)


def test_another_public_key_in_the_record_is_fatal() -> None:
    vault = MemoryVault()
    kid, _ = vault.generate(purpose=LICENSE)
    _, other = vault.generate(purpose=LICENSE)

    _assert_fatal(vault, kid, other)


def test_a_key_under_a_name_that_is_not_its_thumbprint_is_fatal() -> None:
    signer = SoftwareSigner.generate()
    signer.kid = "0" * 16

    _assert_fatal(OddVault(signer), signer.kid, signer.public_key)


def test_another_algorithm_in_the_record_is_fatal() -> None:
    vault = MemoryVault()

    _assert_fatal(vault, *vault.generate(purpose=LICENSE), algorithm="EdDSA")


def test_a_vault_that_signs_with_another_key_is_fatal() -> None:
    vault = MemoryVault()
    kid, public_key = vault.generate(purpose=LICENSE)
    other, _ = vault.generate(purpose=LICENSE)

    _assert_fatal(OddVault(vault.signer(other, purpose=LICENSE)), kid, public_key)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(63), b"\xff" * 64, b"\1" * 64], ids=len)
def test_a_signature_that_does_not_verify_is_fatal(signature: bytes) -> None:
    kid, public_key = MemoryVault().generate(purpose=LICENSE)

    _assert_fatal(OddVault(OddSigner(kid, "ES256", signature)), kid, public_key)


def test_all_bad_keys_are_named_at_once() -> None:
    vault = MemoryVault()
    good = signing_key(*vault.generate(purpose=LICENSE))
    bad = [signing_key(*MemoryVault().generate(purpose=LICENSE)) for _ in range(2)]

    with pytest.raises(DataIntegrityError) as fatal:
        probe(vault, [bad[0], good, bad[1]])

    assert set(fatal.value.details) == {bad[0].kid, bad[1].kid}
    assert good.kid not in fatal.value.message


def test_a_vault_that_does_not_answer_says_so() -> None:
    kid, public_key = MemoryVault().generate(purpose=LICENSE)
    silent = OddVault(UnavailableError(reason="HSM_UNAVAILABLE", message="no answer"))

    with pytest.raises(UnavailableError):
        probe(silent, [signing_key(kid, public_key)])


def _assert_fatal(vault: KeyVault, kid: str, public_key: bytes, **changes: object) -> None:
    with pytest.raises(DataIntegrityError) as fatal:
        probe(vault, [signing_key(kid, public_key, **changes)])
    assert fatal.value.reason == "KEY_PROBE_FAILED"
    assert set(fatal.value.details) == {kid}
