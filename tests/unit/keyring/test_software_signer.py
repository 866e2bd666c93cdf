"""A key in memory: named by its thumbprint, deterministic, shy."""

import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certsvc.credentials import cose
from certsvc.errors import DataIntegrityError
from certsvc.keyring.software_signer import SoftwareSigner, kid_of

# RFC 6979 A.2.5: P-256, SHA-256.
RFC_6979_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_6979_SIGNATURES = {
    b"sample": "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    b"test": "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
}

# RFC 9679 §6: the key of its example and the example's SHA-256 thumbprint.
RFC_9679_X = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
RFC_9679_Y = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
RFC_9679_THUMBPRINT = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


@pytest.mark.parametrize("message", RFC_6979_SIGNATURES)
def test_signatures_are_those_of_rfc_6979(message: bytes) -> None:
    signer = SoftwareSigner(ec.derive_private_key(RFC_6979_KEY, ec.SECP256R1()))

    assert signer.sign(message).hex().upper() == RFC_6979_SIGNATURES[message]


def test_the_kid_is_that_of_rfc_9679() -> None:
    public_key = bytes.fromhex("04" + RFC_9679_X + RFC_9679_Y)

    assert kid_of(public_key) == RFC_9679_THUMBPRINT[:16]


def test_signing_and_verifying_code_name_a_key_alike() -> None:
    for _ in range(50):
        signer = SoftwareSigner.generate()
        assert signer.kid == cose.kid_of(signer.public_key).hex()


def test_a_stored_key_is_the_same_key() -> None:
    signer = SoftwareSigner.generate()

    again = SoftwareSigner.from_pkcs8(signer.to_pkcs8())

    assert (again.kid, again.public_key) == (signer.kid, signer.public_key)
    assert again.sign(b"data") == signer.sign(b"data")


def _pkcs8(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, secret: bytes = b""
) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if secret:
        encryption = serialization.BestAvailableEncryption(secret)
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30\x00",
        b"no key",
        _pkcs8(ec.generate_private_key(ec.SECP384R1())),
        _pkcs8(ec.generate_private_key(ec.SECP256K1())),
        _pkcs8(ed25519.Ed25519PrivateKey.generate()),
        _pkcs8(rsa.generate_private_key(65537, 2048)),
        _pkcs8(ec.generate_private_key(ec.SECP256R1()), secret=b"passphrase"),
        _pkcs8(ec.generate_private_key(ec.SECP256R1()))[:-1],
    ],
    ids=["empty", "no fields", "text", "P-384", "secp256k1", "Ed25519", "RSA", "encrypted", "cut"],
)
def test_anything_but_a_p256_key_is_refused(encoded: bytes) -> None:
    with pytest.raises(DataIntegrityError) as refused:
        SoftwareSigner.from_pkcs8(encoded)

    assert refused.value.reason == "PRIVATE_KEY_FORM"
    assert refused.value.__cause__ is None


def test_a_signer_shows_no_private_key() -> None:
    signer = SoftwareSigner(ec.derive_private_key(RFC_6979_KEY, ec.SECP256R1()))

    assert repr(signer) == f"SoftwareSigner({signer.kid})"
    with pytest.raises(TypeError):
        pickle.dumps(signer)
