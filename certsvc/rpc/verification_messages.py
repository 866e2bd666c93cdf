"""Between the messages of VerificationService and the domain."""

from datetime import timedelta
from typing import Any

from google.protobuf import duration_pb2

from certsvc.domain.access import AccessContext
from certsvc.domain.national_codes import national_code
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.domain.verdict import Check, CheckName, CheckResult, Verdict
from certsvc.domain.verdict_words import words_for
from certsvc.rpc.convert import EnumNames, Violations, read_instant, write_instant, write_struct, write_text
from certsvc.services.registrations import Moment
from certsvc.services.verification import Shown, Verification
from certsvc.v1 import common_pb2, verification_service_pb2

VERDICTS = EnumNames(verification_service_pb2.Verdict, Verdict, "VERDICT_")
CHECKS = EnumNames(verification_service_pb2.CheckName, CheckName, "CHECK_NAME_")
RESULTS = EnumNames(verification_service_pb2.CheckResult, CheckResult, "CHECK_RESULT_")


def read_context(context: common_pb2.AccessContext) -> AccessContext:
    """The access context as stated; the service checks it."""
    return AccessContext(
        matter=context.matter,
        case_number=context.case_number,
        cause=context.cause,
        legal_basis=context.legal_basis,
    )


def read_moment(request: Any, *, violations: Violations) -> Moment:
    """For when to judge; a known_at_time needs an as_of_time (violation AS_OF_TIME)."""
    as_of = read_instant(request, "as_of_time", violations=violations)
    known_at = read_instant(request, "known_at_time", violations=violations)
    if known_at is not None and as_of is None:
        violations.add("known_at_time", "AS_OF_TIME", "needs an as_of_time")
    return Moment(as_of, known_at)


def read_seconds(request: Any, field: str, *, default: float, most: float, violations: Violations) -> float:
    """A duration in seconds, positive and at most `most` (violation DURATION)."""
    if not request.HasField(field):
        return default
    try:
        seconds: float = getattr(request, field).ToTimedelta().total_seconds()
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 < seconds <= most:
        violations.add(field, "DURATION", f"must be a positive duration of at most {most:.0f} s")
    return seconds


def write_result(verification: Verification) -> verification_service_pb2.VerificationResult:
    """The answer of a verification."""
    judgement = verification.judgement
    return verification_service_pb2.VerificationResult(
        verdict=VERDICTS.write(judgement.verdict),
        national_code=national_code(judgement.verdict),
        checks=[_write_check(check) for check in judgement.checks],
        shown=_write_shown(verification.shown) if verification.shown else None,
        superseded_by=judgement.superseded_by or "",
        message=write_text(words_for(judgement.verdict)),
        judged_time=write_instant(verification.judged_at),
        knowledge_age=_duration(verification.age_seconds),
        foreign_host=verification.foreign_host,
    )


def _write_check(check: Check) -> verification_service_pb2.Check:
    return verification_service_pb2.Check(
        name=CHECKS.write(check.name),
        result=RESULTS.write(check.result),
        reason=check.reason,
        age=_duration(check.age_seconds),
    )


def _write_shown(shown: Shown) -> verification_service_pb2.ShownLicense:
    last = shown.expires and day_in_shanghai(shown.expires) - timedelta(days=1)
    return verification_service_pb2.ShownLicense(
        identifier=shown.identifier,
        type_code=shown.type_code,
        type_name=write_text(shown.type_name),
        agency_id=shown.agency_id,
        agency_name=write_text(shown.agency_name),
        holders=[verification_service_pb2.ShownHolder(name=name, number=number) for name, number in shown.holders],
        fields=write_struct(shown.fields),
        valid_from=day_in_shanghai(shown.not_before).isoformat(),
        valid_until=last.isoformat() if last else "",
        issue_time=write_instant(shown.issued_at),
    )


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration
