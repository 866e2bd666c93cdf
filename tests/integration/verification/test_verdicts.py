"""Every verdict at every verifier, made from one table (scenarios.py): gRPC, its stream, and the SDK offline."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from certsvc.client import OfflineVerifier
from certsvc.client.anchor import anchor_of
from certsvc.client.offline_answer import to_result
from certsvc.credentials.strict_json import dump_json
from certsvc.domain.verdict import Verdict
from certsvc.domain.verdict_words import words_for
from certsvc.v1 import verification_service_pb2 as pb
from tests.builders import TRAFFIC_POLICE
from tests.integration.register import Register
from tests.integration.verification.scenarios import CODES, VCS, Said, Scenario
from tests.integration.verification.stage import Stage

LETTERS = {pb.CHECK_RESULT_PASS: "P", pb.CHECK_RESULT_FAIL: "F", pb.CHECK_RESULT_NOT_CHECKED: "-"}
BOTH: Mapping[str, Mapping[str, Scenario]] = {"code": CODES, "vc": VCS}
CASES = [(form, name) for form, scenarios in BOTH.items() for name in scenarios]


@dataclass(frozen=True, slots=True)
class Presented:
    """Everything of the table, and an offline verifier whose bundle was made after all of it."""

    texts: Mapping[tuple[str, str], str]
    offline: OfflineVerifier


@pytest.fixture(scope="module")
def presented(register: Register) -> Presented:
    stage = Stage(register)
    texts = {(form, name): BOTH[form][name].present(stage) for form, name in CASES}
    register.catch_up()
    client = register.agency()
    bundle = b"".join(client.verification.export_offline_bundle())
    anchor = anchor_of(bundle, jwks=client.signing_keys.fetch_key_set().jwks.encode())
    return Presented(
        texts, OfflineVerifier(bundle, anchor=dump_json(anchor), clock=register.clock, allow_development=True)
    )


def said(result: pb.VerificationResult) -> Said:
    """What a result says; of several checks that did not pass, the last one decided."""
    assert [check.name for check in result.checks] == list(pb.CheckName.values())[1:]
    decided = [check.reason for check in result.checks if check.reason not in ("", "NOT_REACHED", "OFFLINE")]
    return Said(
        pb.Verdict.Name(result.verdict).removeprefix("VERDICT_"),
        "".join(LETTERS[check.result] for check in result.checks),
        decided[-1] if decided else "",
    )


def check(result: pb.VerificationResult, expected: Said) -> None:
    found = said(result)
    assert (found.verdict, found.checks) == (expected.verdict, expected.checks)
    if expected.reason:
        assert found.reason == expected.reason
    code = result.national_code if result.HasField("national_code") else None
    assert code == expected.national_code
    # Nothing is shown that no good signature vouches for.
    assert result.HasField("shown") == expected.checks.startswith("PPP")


@pytest.mark.parametrize(("form", "name"), CASES)
def test_over_grpc(register: Register, presented: Presented, form: str, name: str) -> None:
    result = register.agency(TRAFFIC_POLICE).verification.verify(request_of(form, presented.texts[form, name]))
    expected = BOTH[form][name].register
    check(result, expected)
    words = words_for(Verdict(expected.verdict))
    assert (result.message.zh, result.message.en) == (words.zh, words.en)
    assert (result.superseded_by != "") == (expected.verdict == "SUPERSEDED")
    # Asked again it is the same: what was remembered of it changes nothing.
    again = register.agency(TRAFFIC_POLICE).verification.verify(request_of(form, presented.texts[form, name]))
    check(again, expected)


def test_over_a_stream(register: Register, presented: Presented) -> None:
    """All at once: neighbors of every kind leave each other alone."""
    requests = [request_of(form, presented.texts[form, name]) for form, name in CASES]
    answers = {
        answer.position: answer.result for answer in register.agency(TRAFFIC_POLICE).verification.verify_many(requests)
    }
    assert len(answers) == len(CASES)
    for place, (form, name) in enumerate(CASES):
        result = answers[place]
        assert result is not None
        check(result, BOTH[form][name].register)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_offline(presented: Presented, form: str, name: str) -> None:
    check(to_result(presented.offline.verify(presented.texts[form, name])), BOTH[form][name].offline)


def test_the_table_has_every_verdict() -> None:
    """But for a presentation code's REPLAYED, which does not exist yet."""
    reached = {
        said.verdict for form in BOTH.values() for each in form.values() for said in (each.register, each.offline)
    }
    assert reached == {verdict.name for verdict in Verdict} - {"UNSPECIFIED", "REPLAYED"}


def request_of(form: str, text: str) -> pb.VerifyCredentialRequest:
    if form == "code":
        return pb.VerifyCredentialRequest(qr_text=text)
    return pb.VerifyCredentialRequest(sd_jwt_vc=text)
