"""The clock of this machine, for verifiers that nobody hands another."""

from datetime import UTC, datetime


class SystemClock:
    """The port Clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)
