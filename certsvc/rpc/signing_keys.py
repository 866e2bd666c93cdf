"""SigningKeyService: messages to commands, outcomes to messages; the rules are in services/signing_keys.py."""

import grpc

from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.rpc.call import caller_of
from certsvc.rpc.convert import EnumNames, Violations, write_instant
from certsvc.rpc.mutation_requests import mutation_of
from certsvc.rpc.paging import Paging
from certsvc.services.mutations import Mutation
from certsvc.services.public_keys import PublicKeys
from certsvc.services.signing_keys import NewSigningKey, SigningKeys
from certsvc.v1 import signing_key_service_pb2 as pb
from certsvc.v1 import signing_key_service_pb2_grpc

PURPOSES = EnumNames(pb.KeyPurpose, KeyPurpose, "KEY_PURPOSE_")
STATES = EnumNames(pb.KeyState, KeyState, "KEY_STATE_")


def write_signing_key(key: SigningKey) -> pb.SigningKey:
    """A key's record."""
    return pb.SigningKey(
        kid=key.kid,
        purpose=PURPOSES.write(key.purpose),
        algorithm=key.algorithm,
        public_key=key.public_key,
        agency_id=key.agency_id or "",
        type_codes=key.type_codes,
        state=STATES.write(key.state),
        development=key.development,
        create_time=write_instant(key.created_at),
        publish_time=write_instant(key.published_at),
        activate_time=write_instant(key.activated_at),
        signing_end_time=write_instant(key.signing_until),
        deactivate_time=write_instant(key.deactivated_at),
    )


class SigningKeyServicer(signing_key_service_pb2_grpc.SigningKeyServiceServicer):
    """See proto/certsvc/v1/signing_key_service.proto."""

    def __init__(self, signing_keys: SigningKeys, public_keys: PublicKeys, *, paging: Paging) -> None:
        self._signing_keys = signing_keys
        self._public_keys = public_keys
        self._paging = paging

    def ListSigningKeys(
        self, request: pb.ListSigningKeysRequest, context: grpc.ServicerContext
    ) -> pb.ListSigningKeysResponse:
        violations = Violations()
        purpose = PURPOSES.read_optional(request.purpose, field="purpose", violations=violations)
        violations.check()
        page = self._paging.open(request, caller_of(context))
        found = self._signing_keys.list(purpose=purpose, after=page.after, limit=page.fetch)
        rows, token = page.cut(found, lambda key: key.kid)
        return pb.ListSigningKeysResponse(signing_keys=map(write_signing_key, rows), next_page_token=token)

    def GetSigningKey(
        self, request: pb.GetSigningKeyRequest, context: grpc.ServicerContext
    ) -> pb.GetSigningKeyResponse:
        return pb.GetSigningKeyResponse(signing_key=write_signing_key(self._signing_keys.get(request.kid)))

    def PrepareSigningKey(
        self, request: pb.PrepareSigningKeyRequest, context: grpc.ServicerContext
    ) -> pb.PrepareSigningKeyResponse:
        violations = Violations()
        new = NewSigningKey(
            purpose=PURPOSES.read(request.purpose, field="purpose", violations=violations),
            agency_id=request.agency_id or None,
            type_codes=tuple(request.type_codes),
        )
        mutation: Mutation[SigningKey] = mutation_of(
            request, context, lambda key: pb.PrepareSigningKeyResponse(signing_key=write_signing_key(key))
        )
        answer = self._signing_keys.prepare(new, mutation, found=violations.found)
        return pb.PrepareSigningKeyResponse.FromString(answer)

    def ActivateSigningKey(
        self, request: pb.ActivateSigningKeyRequest, context: grpc.ServicerContext
    ) -> pb.ActivateSigningKeyResponse:
        mutation: Mutation[SigningKey] = mutation_of(
            request, context, lambda key: pb.ActivateSigningKeyResponse(signing_key=write_signing_key(key))
        )
        return pb.ActivateSigningKeyResponse.FromString(self._signing_keys.activate(request.kid, mutation))

    def RetireSigningKey(
        self, request: pb.RetireSigningKeyRequest, context: grpc.ServicerContext
    ) -> pb.RetireSigningKeyResponse:
        mutation: Mutation[SigningKey] = mutation_of(
            request, context, lambda key: pb.RetireSigningKeyResponse(signing_key=write_signing_key(key))
        )
        return pb.RetireSigningKeyResponse.FromString(self._signing_keys.retire(request.kid, mutation))

    def FetchKeySet(self, request: pb.FetchKeySetRequest, context: grpc.ServicerContext) -> pb.FetchKeySetResponse:
        return pb.FetchKeySetResponse(
            version=self._public_keys.version(),
            jwks=self._public_keys.jwks(),
            cose_key_set=self._public_keys.cose(),
            flags=self._public_keys.flags(),
        )
