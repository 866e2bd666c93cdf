"""VerificationService: messages to questions, answers to messages; the rules are in services/."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

import grpc

from certsvc.domain.national_codes import national_code
from certsvc.domain.principal import Caller
from certsvc.domain.verdict_words import words_for, words_for_national_code
from certsvc.errors import FieldViolation, InvalidInputError
from certsvc.rpc.call import caller_of
from certsvc.rpc.convert import Violations, read_struct, write_instant, write_text
from certsvc.rpc.exchange import Exchange
from certsvc.rpc.license_messages import read_holder
from certsvc.rpc.messages import UnreadableMessage, readable
from certsvc.rpc.metrics import VerdictMetrics
from certsvc.rpc.status import item_status
from certsvc.rpc.verification_messages import (
    VERDICTS,
    read_context,
    read_moment,
    read_seconds,
    write_result,
)
from certsvc.services.matching import MatchCommand, MatchingService
from certsvc.services.offline_bundles import MAX_LIFETIME, OfflineBundles
from certsvc.services.status_queries import StatusQueries
from certsvc.services.verification import DEFAULT_MAX_AGE, Verification, VerificationService
from certsvc.v1 import verification_service_pb2, verification_service_pb2_grpc

MAX_ITEM_ID = 64
CHUNK = 64 * 1024
MOST_AGE = 300.0
"""Older knowledge is never called an answer, whatever a caller would put up with."""


@dataclass(frozen=True, slots=True)
class VerificationUseCases:
    """What the servicer calls."""

    verification: VerificationService
    matching: MatchingService
    status: StatusQueries
    bundles: OfflineBundles


class VerificationServicer(verification_service_pb2_grpc.VerificationServiceServicer):
    """See proto/certsvc/v1/verification_service.proto."""

    def __init__(self, use_cases: VerificationUseCases, *, executor: Executor, metrics: VerdictMetrics) -> None:
        self._use = use_cases
        self._executor = executor
        self._metrics = metrics

    def VerifyCredential(
        self, request: verification_service_pb2.VerifyCredentialRequest, context: grpc.ServicerContext
    ) -> verification_service_pb2.VerifyCredentialResponse:
        result = write_result(self._verify(caller_of(context), request))
        return verification_service_pb2.VerifyCredentialResponse(result=result)

    def VerifyCredentials(
        self,
        request_iterator: Iterator[verification_service_pb2.VerifyCredentialsRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[verification_service_pb2.VerifyCredentialsResponse]:
        caller = caller_of(context)

        def answer(
            index: int, item: verification_service_pb2.VerifyCredentialsRequest | UnreadableMessage
        ) -> verification_service_pb2.VerifyCredentialsResponse:
            response = verification_service_pb2.VerifyCredentialsResponse(index=index)
            try:
                request = readable(item)
                response.item_id = request.item_id[:MAX_ITEM_ID]
                if len(request.item_id) > MAX_ITEM_ID:
                    description = f"has more than {MAX_ITEM_ID} characters"
                    raise InvalidInputError.of(FieldViolation("item_id", "TOO_LONG", description))
                response.result.CopyFrom(write_result(self._verify(caller, request.item)))
            except Exception as error:  # noqa: BLE001 - the edge: one item's trouble never stops the others
                response.error.CopyFrom(item_status(error, method="VerifyCredentials", index=index))
            return response

        yield from Exchange(request_iterator, answer, executor=self._executor).answers()

    def MatchLicense(
        self, request: verification_service_pb2.MatchLicenseRequest, context: grpc.ServicerContext
    ) -> verification_service_pb2.MatchLicenseResponse:
        violations = Violations()
        command = MatchCommand(
            type_code=request.type_code,
            license_number=request.license_number,
            holder=read_holder(request.holder, field="holder", violations=violations)
            if request.HasField("holder")
            else None,
            fields=read_struct(request.fields, field="fields", violations=violations),
            valid_from=request.valid_from,
            valid_until=request.valid_until,
            context=read_context(request.access_context),
        )
        violations.check()
        answer = self._use.matching.match(caller_of(context), command)
        return verification_service_pb2.MatchLicenseResponse(
            national_code=answer.national_code,
            matches=[
                verification_service_pb2.FieldMatch(field=field, matches=right) for field, right in answer.matches
            ],
            message=write_text(words_for_national_code(answer.national_code)),
        )

    def GetStatus(
        self, request: verification_service_pb2.GetStatusRequest, context: grpc.ServicerContext
    ) -> verification_service_pb2.GetStatusResponse:
        violations = Violations()
        moment = read_moment(request, violations=violations)
        violations.check()
        standing = self._use.status.status(caller_of(context), request.identifier, moment)
        verdict = standing.judgement.verdict
        return verification_service_pb2.GetStatusResponse(
            verdict=VERDICTS.write(verdict),
            national_code=national_code(verdict),
            superseded_by=standing.judgement.superseded_by or "",
            judged_time=write_instant(standing.judged_at),
            message=write_text(words_for(verdict)),
        )

    def ExportOfflineBundle(
        self, request: verification_service_pb2.ExportOfflineBundleRequest, context: grpc.ServicerContext
    ) -> Iterator[verification_service_pb2.ExportOfflineBundleResponse]:
        violations = Violations()
        seconds = read_seconds(
            request, "lifetime", default=0.0, most=MAX_LIFETIME.total_seconds(), violations=violations
        )
        violations.check()
        bundle = self._use.bundles.export(timedelta(seconds=seconds) if seconds else None)
        for start in range(0, len(bundle), CHUNK):
            yield verification_service_pb2.ExportOfflineBundleResponse(chunk=bundle[start : start + CHUNK])

    def _verify(self, caller: Caller, request: verification_service_pb2.VerifyCredentialRequest) -> Verification:
        violations = Violations()
        moment = read_moment(request, violations=violations)
        max_age = read_seconds(request, "max_age", default=DEFAULT_MAX_AGE, most=MOST_AGE, violations=violations)
        presented = request.WhichOneof("credential")
        if presented is None:
            violations.add("credential", "REQUIRED", "qr_text or sd_jwt_vc must be set")
        violations.check()
        if presented == "qr_text":
            answer = self._use.verification.verify_code(caller, request.qr_text, moment, max_age=max_age)
        else:
            answer = self._use.verification.verify_vc(
                caller,
                request.sd_jwt_vc,
                moment,
                max_age=max_age,
                nonce=request.nonce,
                audience=request.audience,
            )
        self._metrics.found(answer.judgement.verdict)
        return answer
