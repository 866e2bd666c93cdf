"""What workers and watchers are told: one change a row of the feed, in an order that never skips a commit.

Nothing in a change is personal: it is stored in clear and sent to other agencies.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class FeedPosition:
    """A place in the feed. Order of sequence is not order of commit, so both parts count (DESIGN §6)."""

    transaction: int
    sequence: int

    def token(self) -> str:
        """The resume token of this position."""
        return f"{self.transaction}.{self.sequence}"

    @classmethod
    def of(cls, token: str) -> "FeedPosition":
        """The position of a token. Raises ValueError if it is none."""
        transaction, dot, sequence = token.partition(".")
        if not dot or not token.isascii() or not (transaction.isdigit() and sequence.isdigit()) or len(token) > 40:
            raise ValueError("not a resume token")
        return cls(int(transaction), int(sequence))


START = FeedPosition(0, 0)


class ChangeKind(enum.StrEnum):
    """What changed; `ref` of a change names it."""

    LICENSE = "LICENSE"
    AGENCY = "AGENCY"
    LICENSE_TYPE = "LICENSE_TYPE"
    SIGNING_KEY = "SIGNING_KEY"
    CLIENT_KEY = "CLIENT_KEY"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. For a LICENSE, `data` holds the keys of `license_change_data`; for others it is empty."""

    position: FeedPosition
    kind: ChangeKind
    ref: str
    recorded_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
