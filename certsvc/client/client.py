"""The client that an agency's system installs: one object, a noun for each service of the register."""

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from certsvc.client.agencies import AgencyCalls
from certsvc.client.channel import open_channel
from certsvc.client.connection import Connection
from certsvc.client.license_types import LicenseTypeCalls
from certsvc.client.licenses import LicenseCalls
from certsvc.client.retries import RetryPolicy
from certsvc.client.signing_keys import SigningKeyCalls
from certsvc.client.tokens import TokenSource
from certsvc.client.verification import VerificationCalls
from certsvc.credentials.client_credential import ClientCredential, load_credential


class Client:
    """A connection to a register, opened once, used from many threads; a context manager that closes it.

    `agencies`, `license_types`, `licenses`, `verification` and `signing_keys` are the register's services. A
    call that fails raises CallError; one that may succeed on a second try was tried again, until its timeout.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.agencies = AgencyCalls(connection)
        self.license_types = LicenseTypeCalls(connection)
        self.licenses = LicenseCalls(connection)
        self.verification = VerificationCalls(connection)
        self.signing_keys = SigningKeyCalls(connection)

    @classmethod
    def connect(
        cls,
        credential: ClientCredential | Path | str,
        *,
        officer: str = "",
        timeout: float = 10.0,
        policy: RetryPolicy | None = None,
    ) -> Self:
        """A client for the register that the credential names; nothing is sent before the first call.

        `credential` is one, or the path of its file; `officer` the staff code of who acts, where somebody
        does; `timeout` the seconds that a call may take with all its tries. Raises what `load_credential` and
        `open_channel` raise.
        """
        if not isinstance(credential, ClientCredential):
            credential = load_credential(Path(credential))
        ca_pem = credential.ca_pem.encode() if credential.ca_pem is not None else None
        tokens = TokenSource(credential, officer_id=officer, now=lambda: datetime.now(UTC))
        return cls(
            Connection(
                open_channel(credential.endpoint, ca_pem=ca_pem),
                authorization=tokens.authorization,
                timeout=timeout,
                policy=policy or RetryPolicy(),
            )
        )

    def close(self) -> None:
        """Close the connection; calls that still run end with CANCELLED."""
        self._connection.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
