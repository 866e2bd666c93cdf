"""Digests that need a key."""

import hashlib

from certsvc.keyring.keyed_digest import Fingerprint, PayloadDigest
from certsvc.ports import KeyedDigest


def test_payload_digests_are_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    digest: KeyedDigest = PayloadDigest(b"Jefe")

    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert digest.of(b"what do ya want for nothing?").hex() == expected


def test_fingerprints_are_keyed_blake2b_of_64_bits() -> None:
    digest = hashlib.sha256(b"what was signed").digest()

    expected = hashlib.blake2b(digest, digest_size=8, key=b"f" * 32).hexdigest()
    assert Fingerprint(b"f" * 32).of(digest) == int(expected, 16)
    assert Fingerprint(b"g" * 32).of(digest) != int(expected, 16)


def test_fingerprints_fill_64_bits() -> None:
    fingerprint = Fingerprint(b"f" * 32)
    seen = {fingerprint.of(number.to_bytes(32, "big")) for number in range(2000)}

    assert len(seen) == 2000
    assert max(seen) < 2**64
    assert max(seen) > 2**63
