"""Calls about the register's signing keys."""

from collections.abc import Iterator, Sequence

from certsvc.client.connection import Connection
from certsvc.v1 import signing_key_service_pb2 as pb
from certsvc.v1.signing_key_service_pb2_grpc import SigningKeyServiceStub


class SigningKeyCalls:
    """SigningKeyService; operators only, but for `fetch_key_set`. Every method raises CallError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = SigningKeyServiceStub(connection.channel)

    def list(self, *, purpose: pb.KeyPurpose.ValueType = pb.KEY_PURPOSE_UNSPECIFIED) -> Iterator[pb.SigningKey]:
        """Signing keys, newest first; of one purpose where it is given."""

        def fetch(token: str) -> tuple[Sequence[pb.SigningKey], str]:
            request = pb.ListSigningKeysRequest(purpose=purpose, page_token=token)
            response = self._connection.call(self._stub.ListSigningKeys, request)
            return response.signing_keys, response.next_page_token

        return self._connection.pages(fetch)

    def get(self, kid: str) -> pb.SigningKey:
        """One signing key."""
        return self._connection.call(self._stub.GetSigningKey, pb.GetSigningKeyRequest(kid=kid)).signing_key

    def prepare(self, request: pb.PrepareSigningKeyRequest) -> pb.SigningKey:
        """Make and publish a key that does not sign yet."""
        return self._connection.call(self._stub.PrepareSigningKey, request).signing_key

    def activate(self, request: pb.ActivateSigningKeyRequest) -> pb.SigningKey:
        """Let a prepared key sign, in place of the one that did."""
        return self._connection.call(self._stub.ActivateSigningKey, request).signing_key

    def retire(self, request: pb.RetireSigningKeyRequest) -> pb.SigningKey:
        """End signing with a key."""
        return self._connection.call(self._stub.RetireSigningKey, request).signing_key

    def fetch_key_set(self) -> pb.FetchKeySetResponse:
        """The published keys, in their published forms."""
        return self._connection.call(self._stub.FetchKeySet, pb.FetchKeySetRequest())
