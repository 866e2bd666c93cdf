"""What an agency installs: the typed client of a register, and the verifier that needs no network.

Needs nothing of the server. Reading codes from pictures (`certsvc.client.pictures`) needs the extra `certsvc[cli]`.
"""

from certsvc.client.call_error import CallError
from certsvc.client.client import Client
from certsvc.client.licenses import IssueAnswer
from certsvc.client.offline_verifier import OfflineResult, OfflineVerifier
from certsvc.client.retries import RetryPolicy
from certsvc.client.shown_license import ShownLicense
from certsvc.client.system_clock import SystemClock
from certsvc.client.verification import VerifyAnswer
from certsvc.credentials.client_credential import ClientCredential, load_credential

__all__ = [
    "CallError",
    "Client",
    "ClientCredential",
    "IssueAnswer",
    "OfflineResult",
    "OfflineVerifier",
    "RetryPolicy",
    "ShownLicense",
    "SystemClock",
    "VerifyAnswer",
    "load_credential",
]
