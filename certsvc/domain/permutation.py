"""Keyed permutations: a counter becomes a serial or a status index that tells nothing about its neighbours.

Invariants: for one key and width `permute` is a bijection, so two counters never meet; without the key the
order of the results says nothing about the order of the counters. Serials are not secrets and this is no
cipher for data.
"""

import hashlib
import hmac
from dataclasses import dataclass

STATUS_LIST_BITS = 17
SERIAL_BITS = 60
SERIAL_LENGTH = 12
MIN_KEY_BYTES = 16

_ROUNDS = 8
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class StatusSlot:
    """Place of a license version's status: which list, and which of its 2^17 entries."""

    status_list: int
    index: int


def permute(value: int, *, bits: int, key: bytes) -> int:
    """The image of `value` under the permutation of 0 … 2^bits - 1 that `key` names.

    An alternating Feistel network of 8 rounds with HMAC-SHA256 (the shape of NIST SP 800-38G, with a binary
    radix), also for odd widths. `bits` is 2 to 128, the key has at least 16 bytes; ValueError otherwise.
    """
    if not 2 <= bits <= 128 or not 0 <= value < 1 << bits:
        raise ValueError(f"value does not fit {bits} bits")
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"a permutation key has at least {MIN_KEY_BYTES} bytes")
    low_bits = bits // 2
    high_bits = bits - low_bits
    high, low = value >> low_bits, value & ((1 << low_bits) - 1)
    for round_number in range(0, _ROUNDS, 2):
        high ^= _round(low, round_number=round_number, width=bits, bits=high_bits, key=key)
        low ^= _round(high, round_number=round_number + 1, width=bits, bits=low_bits, key=key)
    return high << low_bits | low


def serial_text(counter: int, *, key: bytes) -> str:
    """The serial of the `counter`-th license: 12 characters of 0-9 and A-Z; counters up to 2^60 - 1."""
    value = permute(counter, bits=SERIAL_BITS, key=key)
    digits = []
    for _ in range(SERIAL_LENGTH):
        value, digit = divmod(value, 36)
        digits.append(_BASE36[digit])
    return "".join(reversed(digits))


def status_slot(counter: int, *, key: bytes) -> StatusSlot:
    """List and index of the `counter`-th license version.

    Lists fill one after the other, so that few are half empty; inside a list the order is the key's, and
    another one in every list.
    """
    status_list, place = divmod(counter, 1 << STATUS_LIST_BITS)
    list_key = hmac.digest(key, b"status-list" + status_list.to_bytes(8), hashlib.sha256)
    return StatusSlot(status_list, permute(place, bits=STATUS_LIST_BITS, key=list_key))


def _round(half: int, *, round_number: int, width: int, bits: int, key: bytes) -> int:
    message = bytes([width, round_number]) + half.to_bytes(8)
    return int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8]) >> (64 - bits)
