"""How several texts become the one byte string that a MAC or an AAD covers, so that no two lists collide."""


def length_prefixed(*parts: bytes) -> bytes:
    """Each part after its length (4 bytes, big-endian): ("ab", "c") and ("a", "bc") differ."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
