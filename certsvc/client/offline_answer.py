"""An offline answer in the words of the API, for those who handle both kinds alike."""

from certsvc.client.offline_verifier import OfflineResult
from certsvc.client.shown_license import ShownLicense
from certsvc.domain.national_codes import national_code
from certsvc.domain.text import LocalizedText
from certsvc.v1 import common_pb2
from certsvc.v1 import verification_service_pb2 as pb


def to_result(answer: OfflineResult) -> pb.VerificationResult:
    """The same answer as the VerificationResult that the register would send; `message` is left empty."""
    judgement = answer.judgement
    result = pb.VerificationResult(
        verdict=pb.Verdict.Value(f"VERDICT_{judgement.verdict}"),
        national_code=national_code(judgement.verdict),
        superseded_by=judgement.superseded_by or "",
        foreign_host=answer.foreign_host,
    )
    for check in judgement.checks:
        added = result.checks.add(
            name=pb.CheckName.Value(f"CHECK_NAME_{check.name}"),
            result=pb.CheckResult.Value(f"CHECK_RESULT_{check.result}"),
            reason=check.reason,
        )
        added.age.FromMilliseconds(round(check.age_seconds * 1000))
    if answer.shown is not None:
        result.shown.CopyFrom(_shown(answer.shown))
    result.judged_time.FromDatetime(answer.judged_at)
    result.knowledge_age.FromTimedelta(answer.knowledge_age)
    return result


def _shown(shown: ShownLicense) -> pb.ShownLicense:
    message = pb.ShownLicense(
        identifier=shown.identifier,
        type_code=shown.type_code,
        type_name=_localized(shown.type_name),
        agency_id=shown.agency_id,
        agency_name=_localized(shown.agency_name),
        holders=[pb.ShownHolder(name=holder.name, number=holder.number or "") for holder in shown.holders],
        valid_from=shown.first_day.isoformat(),
        valid_until=shown.last_day.isoformat() if shown.last_day else "",
    )
    message.fields.update(shown.fields)
    message.issue_time.FromDatetime(shown.issued_at)
    return message


def _localized(text: LocalizedText) -> common_pb2.LocalizedText:
    return common_pb2.LocalizedText(zh=text.zh, en=text.en)
