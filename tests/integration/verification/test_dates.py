"""The days of a license are inclusive calendar days in Asia/Shanghai: both edges, at every verifier."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from certsvc.client import OfflineVerifier
from certsvc.client.anchor import anchor_of
from certsvc.credentials.strict_json import dump_json
from certsvc.v1 import license_service_pb2
from certsvc.v1 import verification_service_pb2 as pb
from tests.builders import TRAFFIC_POLICE, business_license, food_permit, match_of, today
from tests.integration.register import Register

FIRST, LAST = today() + timedelta(days=1), today() + timedelta(days=2)
"""Tomorrow and the day after: within the life of a bundle and of an SD-JWT VC."""

BEGINS = datetime.fromisoformat(f"{FIRST}T00:00:00+08:00").astimezone(UTC)
ENDS = datetime.fromisoformat(f"{LAST + timedelta(days=1)}T00:00:00+08:00").astimezone(UTC)
INSTANT = timedelta(microseconds=1)

EDGES = [
    pytest.param(BEGINS - INSTANT, "NOT_YET_VALID", id="the last instant before the first day"),
    pytest.param(BEGINS, "VALID", id="the first instant of the first day"),
    pytest.param(ENDS - INSTANT, "VALID", id="the last instant of the last day"),
    pytest.param(ENDS, "EXPIRED", id="the first instant after the last day"),
]


@dataclass(frozen=True, slots=True)
class Printed:
    """A license in all its forms, and who verifies it."""

    request: license_service_pb2.IssueLicenseRequest
    identifier: str
    qr_text: str
    vc: str
    offline: OfflineVerifier


@pytest.fixture(scope="module")
def printed(register: Register) -> Printed:
    client = register.agency()
    request = food_permit(valid_from=FIRST.isoformat(), valid_until=LAST.isoformat())
    issued = client.licenses.issue(request)
    credential = client.licenses.get_credential(
        license_service_pb2.GetCredentialRequest(
            identifier=issued.license.identifier, format=license_service_pb2.CREDENTIAL_FORMAT_SD_JWT_VC
        )
    )
    bundle = b"".join(client.verification.export_offline_bundle(lifetime=timedelta(days=7)))
    anchor = dump_json(anchor_of(bundle, jwks=client.signing_keys.fetch_key_set().jwks.encode()))
    offline = OfflineVerifier(bundle, anchor=anchor, clock=register.clock, allow_development=True)
    return Printed(request, issued.license.identifier, issued.qr_text, credential.credential, offline)


def over_grpc(register: Register, text: str) -> str:
    result = register.agency(TRAFFIC_POLICE).verification.verify(text)
    return pb.Verdict.Name(result.verdict).removeprefix("VERDICT_")


def of_identifier(register: Register, identifier: str) -> str:
    status = register.agency(TRAFFIC_POLICE).verification.get_status(identifier)
    return pb.Verdict.Name(status.verdict).removeprefix("VERDICT_")


def by_matching(register: Register, printed: Printed) -> str:
    answer = register.agency(TRAFFIC_POLICE).verification.match(match_of(printed.request))
    return {0: "VALID", 1: "NOT_YET_VALID", 3: "EXPIRED"}[answer.national_code]


VERIFIERS: dict[str, Callable[[Register, Printed], str]] = {
    "code over gRPC": lambda register, printed: over_grpc(register, printed.qr_text),
    "SD-JWT VC over gRPC": lambda register, printed: over_grpc(register, printed.vc),
    "identifier": lambda register, printed: of_identifier(register, printed.identifier),
    "matching": by_matching,
    "code offline": lambda _, printed: str(printed.offline.verify(printed.qr_text).judgement.verdict),
    "SD-JWT VC offline": lambda _, printed: str(printed.offline.verify(printed.vc).judgement.verdict),
}


@pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
@pytest.mark.parametrize(("moment", "verdict"), EDGES)
def test_both_edges(
    register: Register, printed: Printed, verifier: Callable[[Register, Printed], str], moment: datetime, verdict: str
) -> None:
    with register.clock.stopped_at(moment):
        assert verifier(register, printed) == verdict


@pytest.mark.parametrize(("moment", "verdict"), EDGES)
def test_both_edges_of_another_moment(register: Register, printed: Printed, moment: datetime, verdict: str) -> None:
    """Asked later, for then."""
    request = pb.VerifyCredentialRequest(qr_text=printed.qr_text)
    request.as_of_time.FromDatetime(moment)
    with register.clock.stopped_at(ENDS + timedelta(days=30)):
        result = register.agency(TRAFFIC_POLICE).verification.verify(request)
    assert pb.Verdict.Name(result.verdict) == f"VERDICT_{verdict}"
    assert result.judged_time == request.as_of_time


def test_the_days_are_shown_as_they_were_given(register: Register, printed: Printed) -> None:
    shown = register.agency(TRAFFIC_POLICE).verification.verify(printed.qr_text).shown
    assert (shown.valid_from, shown.valid_until) == (FIRST.isoformat(), LAST.isoformat())


def test_an_open_ended_license_never_ends(register: Register) -> None:
    issued = register.agency().licenses.issue(business_license())
    with register.clock.stopped_at(datetime.now(UTC) + timedelta(days=300)):
        result = register.agency(TRAFFIC_POLICE).verification.verify(issued.qr_text)
    assert result.verdict == pb.VERDICT_VALID
    assert result.shown.valid_until == ""


def test_an_sd_jwt_vc_ends_before_its_license(register: Register) -> None:
    """It lives 30 days; then another is made."""
    issued = register.agency().licenses.issue(food_permit())
    answer = register.agency().licenses.get_credential(
        license_service_pb2.GetCredentialRequest(
            identifier=issued.license.identifier, format=license_service_pb2.CREDENTIAL_FORMAT_SD_JWT_VC
        )
    )
    end = answer.expire_time.ToDatetime(tzinfo=UTC)
    assert timedelta(days=29.9) < end - datetime.now(UTC) <= timedelta(days=30)
    end = end.replace(microsecond=0)
    with register.clock.stopped_at(end - timedelta(seconds=1)):
        assert over_grpc(register, answer.credential) == "VALID"
    with register.clock.stopped_at(end):
        assert over_grpc(register, answer.credential) == "EXPIRED"
        assert over_grpc(register, issued.qr_text) == "VALID"
