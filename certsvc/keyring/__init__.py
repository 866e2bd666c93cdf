"""Signing keys and the keys of personal data: wrapped on disk, used here, never handed out.

The only package that sees private key bytes of the register. What leaves it are the ports KeyVault, Signer,
Cipher, BlindIndex and KeyedDigest; another place for keys (a PKCS#11 module) is another KeyVault.
"""
