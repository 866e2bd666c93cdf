"""Judging: every step alone, every pair of failures in order, and what the checks then say."""

import itertools
from typing import Any

import pytest

from certsvc.domain.judging import (
    Knowledge,
    Registration,
    VerifierPolicy,
    judge,
    judge_standing,
    malformed,
    registration_at,
)
from certsvc.domain.license import LicenseAction, LicenseState
from certsvc.domain.national_codes import matching_code, national_code
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.domain.transitions import HistoricalState
from certsvc.domain.verdict import CheckName, CheckResult, Judgement, Verdict
from certsvc.errors import UnavailableError
from tests.unit.domain.builders import DEFINING, NOW, a_key, an_event, days, facts

REGISTERED = Registration(known=True, state=LicenseState.ACTIVE)
OFFLINE = Registration(known=None, state=LicenseState.ACTIVE)
OTHER_COMPANY = "91440300123456788M"


def judged(**overrides: Any) -> Judgement:
    sound: dict[str, Any] = {
        "facts": facts(),
        "key": a_key(),
        "signature_ok": True,
        "registration": REGISTERED,
        "now": NOW,
        "knowledge": Knowledge(age_seconds=0.25),
        "policy": VerifierPolicy(),
    }
    arguments = sound | overrides
    return judge(arguments.pop("facts"), **arguments)


def checks(judgement: Judgement) -> dict[CheckName, tuple[CheckResult, str]]:
    return {check.name: (check.result, check.reason) for check in judgement.checks}


# Each row makes one step fail, through one argument or one field of one, so that rows can be combined.
FAILURES: list[tuple[Verdict, CheckName, dict[str, Any]]] = [
    (Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, {"key": None}),
    (Verdict.BAD_SIGNATURE, CheckName.SIGNATURE, {"signature_ok": False}),
    (Verdict.KEY_COMPROMISED, CheckName.KEY_STATE, {"key.state": KeyState.COMPROMISED}),
    (Verdict.WRONG_SIGNER, CheckName.KEY_SCOPE, {"key.agency_id": OTHER_COMPANY}),
    (Verdict.NOT_REGISTERED, CheckName.REGISTRATION, {"registration.known": False}),
    (Verdict.REVOKED, CheckName.STATE, {"registration.state": LicenseState.REVOKED}),
    (Verdict.CANCELLED, CheckName.STATE, {"registration.state": LicenseState.CANCELLED}),
    (Verdict.SUPERSEDED, CheckName.VERSION, {"registration.superseded": True}),
    (Verdict.SUSPENDED, CheckName.STATE, {"registration.state": LicenseState.SUSPENDED}),
    (Verdict.NOT_YET_VALID, CheckName.DATES, {"facts.not_before": NOW + days(1)}),
    (Verdict.EXPIRED, CheckName.DATES, {"facts.expires": NOW - days(1)}),
]


def with_failures(*failures: dict[str, Any]) -> Judgement:
    merged: dict[str, Any] = {}
    for failure in failures:
        merged |= failure
    parts: dict[str, dict[str, Any]] = {"key": {}, "registration": {}, "facts": {}}
    arguments: dict[str, Any] = {}
    for path, value in merged.items():
        head, _, name = path.partition(".")
        if name:
            parts[head][name] = value
        else:
            arguments[head] = value
    registration: dict[str, Any] = {"known": True, "state": LicenseState.ACTIVE} | parts["registration"]
    built = {
        "key": a_key(**parts["key"]),
        "registration": Registration(**registration),
        "facts": facts(**parts["facts"]),
    }
    return judged(**(built | arguments))


def test_a_sound_credential_is_valid_with_every_check_passed() -> None:
    judgement = judged()
    assert judgement.verdict is Verdict.VALID
    assert [check.name for check in judgement.checks] == list(CheckName)
    assert all(check.result is CheckResult.PASS and not check.reason for check in judgement.checks)
    assert {check.age_seconds for check in judgement.checks} == {0.25}


def test_an_open_ended_credential_is_valid() -> None:
    assert judged(facts=facts(expires=None)).verdict is Verdict.VALID


@pytest.mark.parametrize(("verdict", "check", "failure"), FAILURES, ids=[row[0] for row in FAILURES])
def test_each_step_fails_alone(verdict: Verdict, check: CheckName, failure: dict[str, Any]) -> None:
    judgement = with_failures(failure)
    assert judgement.verdict is verdict
    found = checks(judgement)
    assert found[check][0] is CheckResult.FAIL
    assert found[check][1]
    assert [name for name in CheckName if found[name][0] is CheckResult.FAIL] == [check]
    later = list(CheckName)[list(CheckName).index(check) + 1 :]
    if verdict is not Verdict.SUSPENDED:  # the version is tested before a suspension counts
        assert all(found[name][0] is CheckResult.NOT_CHECKED for name in later)


# One license has one state: of REVOKED, CANCELLED and SUSPENDED no two can be true together.
PAIRS = [(a, b) for a, b in itertools.combinations(FAILURES, 2) if not set(a[2]) & set(b[2])]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{a[0]} before {b[0]}" for a, b in PAIRS])
def test_of_two_failures_the_earlier_is_the_verdict(first: Any, second: Any) -> None:
    assert with_failures(second[2], first[2]).verdict is first[0]


def test_malformed_comes_first_and_nothing_else_was_checked() -> None:
    judgement = malformed("TRAILING_BYTES")
    assert judgement.verdict is Verdict.MALFORMED
    found = checks(judgement)
    assert found.pop(CheckName.FORM) == (CheckResult.FAIL, "TRAILING_BYTES")
    assert set(found.values()) == {(CheckResult.NOT_CHECKED, "NOT_REACHED")}


@pytest.mark.parametrize(
    ("overrides", "verdict", "reason"),
    [
        ({"state": KeyState.WITHDRAWN}, Verdict.UNKNOWN_SIGNER, "KEY_WITHDRAWN"),
        ({"development": True}, Verdict.UNKNOWN_SIGNER, "DEVELOPMENT_KEY"),
        ({"state": KeyState.DESTROYED, "compromised_since": NOW}, Verdict.KEY_COMPROMISED, "KEY_COMPROMISED"),
        ({"state": KeyState.PRE_ACTIVE, "activated_at": None}, Verdict.WRONG_SIGNER, "KEY_NOT_ACTIVATED"),
        ({"purpose": KeyPurpose.STATUS}, Verdict.WRONG_SIGNER, "KEY_PURPOSE"),
        ({"purpose": KeyPurpose.VC}, Verdict.WRONG_SIGNER, "KEY_PURPOSE"),
        ({"agency_id": OTHER_COMPANY}, Verdict.WRONG_SIGNER, "KEY_SCOPE"),
        ({"type_codes": (f"{DEFINING}002",)}, Verdict.WRONG_SIGNER, "KEY_SCOPE"),
        ({"activated_at": NOW - days(9)}, Verdict.WRONG_SIGNER, "OUTSIDE_SIGNING_WINDOW"),
        ({"signing_until": NOW - days(11)}, Verdict.WRONG_SIGNER, "OUTSIDE_SIGNING_WINDOW"),
        ({"deactivated_at": NOW - days(11)}, Verdict.WRONG_SIGNER, "OUTSIDE_SIGNING_WINDOW"),
    ],
)
def test_keys_that_may_not_have_signed_this(overrides: dict[str, Any], verdict: Verdict, reason: str) -> None:
    judgement = judged(key=a_key(**overrides))
    assert judgement.verdict is verdict
    assert reason in [check.reason for check in judgement.checks if check.result is CheckResult.FAIL]


@pytest.mark.parametrize(
    "overrides",
    [
        {"state": KeyState.DEACTIVATED, "deactivated_at": NOW - days(1)},
        # Signed with its first breath, by a clock a little behind, and replaced soon after.
        {
            "state": KeyState.DEACTIVATED,
            "activated_at": NOW - days(10) + days(1 / 86400),
            "deactivated_at": NOW - days(10) + days(2 / 86400),
        },
        {"state": KeyState.DESTROYED, "deactivated_at": NOW - days(1)},
        {"type_codes": (f"{DEFINING}002", f"{DEFINING}001")},
        {"activated_at": NOW - days(10) + days(4 / 1440)},
    ],
    ids=[
        "deactivated since",
        "replaced in its first seconds",
        "private part destroyed",
        "scope of several types",
        "clock 4 minutes behind",
    ],
)
def test_keys_that_may_have_signed_this(overrides: dict[str, Any]) -> None:
    assert judged(key=a_key(**overrides)).verdict is Verdict.VALID


def test_more_than_five_minutes_before_activation_is_too_early() -> None:
    activated = NOW - days(10) + days(6 / 1440)
    assert judged(key=a_key(activated_at=activated)).verdict is Verdict.WRONG_SIGNER


def test_development_keys_count_only_where_they_are_allowed() -> None:
    allowed = VerifierPolicy(allow_development=True)
    assert judged(key=a_key(development=True), policy=allowed).verdict is Verdict.VALID


def test_dates_are_inclusive_days_and_the_end_is_past_the_last() -> None:
    period = {"not_before": NOW - days(1), "expires": NOW + days(1)}
    moment = days(1 / 86400)
    for now, verdict in [
        (period["not_before"] - moment, Verdict.NOT_YET_VALID),
        (period["not_before"], Verdict.VALID),
        (period["expires"] - moment, Verdict.VALID),
        (period["expires"], Verdict.EXPIRED),
    ]:
        assert judged(facts=facts(**period), now=now).verdict is verdict


def test_superseded_says_by_which_and_nothing_else_does() -> None:
    newer = "1.2.156.3005.2.119900009999000119001.1299010099990002X3.2026000000001.002.Z"
    registration = Registration(True, LicenseState.SUSPENDED, superseded=True, superseded_by=newer)
    judgement = judged(registration=registration)
    assert (judgement.verdict, judgement.superseded_by) == (Verdict.SUPERSEDED, newer)
    assert checks(judgement)[CheckName.STATE] == (CheckResult.FAIL, "SUSPENDED")
    revoked = judged(registration=Registration(True, LicenseState.REVOKED, True, newer))
    assert (revoked.verdict, revoked.superseded_by) == (Verdict.REVOKED, None)


def test_the_reason_of_an_unregistered_credential_is_kept() -> None:
    judgement = judged(registration=Registration(known=False, mismatch="OTHER_CONTENT"))
    assert checks(judgement)[CheckName.REGISTRATION] == (CheckResult.FAIL, "OTHER_CONTENT")


def test_a_registered_license_has_a_state() -> None:
    with pytest.raises(ValueError, match="state"):
        Registration(known=True)


class TestOffline:
    def test_a_good_one_is_valid_with_registration_not_checked(self) -> None:
        judgement = judged(registration=OFFLINE)
        assert judgement.verdict is Verdict.VALID
        found = checks(judgement)
        assert found.pop(CheckName.REGISTRATION) == (CheckResult.NOT_CHECKED, "OFFLINE")
        assert set(found.values()) == {(CheckResult.PASS, "")}

    def test_without_a_status_list_it_is_unconfirmed(self) -> None:
        judgement = judged(registration=Registration(known=None))
        assert judgement.verdict is Verdict.UNCONFIRMED
        assert checks(judgement)[CheckName.STATE] == (CheckResult.NOT_CHECKED, "STATE_UNKNOWN")

    def test_with_old_data_it_is_unconfirmed(self) -> None:
        assert judged(registration=OFFLINE, knowledge=Knowledge(60, 60)).verdict is Verdict.VALID
        assert judged(registration=OFFLINE, knowledge=Knowledge(61, 60)).verdict is Verdict.UNCONFIRMED

    def test_a_suspended_key_needs_the_register_to_confirm(self) -> None:
        suspended = a_key(state=KeyState.SUSPENDED)
        offline = judged(registration=OFFLINE, key=suspended)
        assert offline.verdict is Verdict.UNCONFIRMED
        assert checks(offline)[CheckName.KEY_STATE] == (CheckResult.NOT_CHECKED, "KEY_SUSPENDED")
        online = judged(key=suspended)
        assert online.verdict is Verdict.VALID
        assert checks(online)[CheckName.KEY_STATE] == (CheckResult.PASS, "KEY_SUSPENDED")

    def test_a_key_that_was_not_activated_when_the_data_was_made_needs_the_register_to_confirm(self) -> None:
        prepared = a_key(state=KeyState.PRE_ACTIVE, activated_at=None)
        offline = judged(registration=OFFLINE, key=prepared)
        assert offline.verdict is Verdict.UNCONFIRMED
        assert checks(offline)[CheckName.KEY_STATE] == (CheckResult.NOT_CHECKED, "KEY_NOT_ACTIVATED_YET")
        assert checks(offline)[CheckName.KEY_SCOPE] == (CheckResult.PASS, "")
        revoked = Registration(known=None, state=LicenseState.REVOKED)
        assert judged(registration=revoked, key=prepared).verdict is Verdict.REVOKED
        online = judged(key=prepared)
        assert (online.verdict, checks(online)[CheckName.KEY_STATE][0]) == (Verdict.WRONG_SIGNER, CheckResult.PASS)
        elsewhere = a_key(state=KeyState.PRE_ACTIVE, activated_at=None, agency_id=OTHER_COMPANY)
        assert judged(registration=OFFLINE, key=elsewhere).verdict is Verdict.WRONG_SIGNER

    @pytest.mark.parametrize("knowledge", [Knowledge(0, 60), Knowledge(600, 60)])
    @pytest.mark.parametrize(
        ("state", "superseded", "verdict"),
        [
            (LicenseState.REVOKED, False, Verdict.REVOKED),
            (LicenseState.SUSPENDED, False, Verdict.SUSPENDED),
            (LicenseState.ACTIVE, True, Verdict.SUPERSEDED),
        ],
    )
    def test_what_the_status_list_says_against_it_counts_even_when_old(
        self, knowledge: Knowledge, state: LicenseState, superseded: bool, verdict: Verdict
    ) -> None:
        registration = Registration(None, state, superseded)
        assert judged(registration=registration, knowledge=knowledge).verdict is verdict


@pytest.mark.parametrize("known", [True, False])
def test_a_verifier_that_can_ask_never_answers_from_old_knowledge(known: bool) -> None:
    registration = Registration(known, LicenseState.ACTIVE)
    with pytest.raises(UnavailableError, match="KNOWLEDGE_TOO_OLD"):
        judged(registration=registration, knowledge=Knowledge(2.0, 1.0), signature_ok=False)


@pytest.mark.parametrize(("verdict", "check", "failure"), FAILURES[4:9], ids=[r[0] for r in FAILURES[4:9]])
def test_the_standing_alone_gives_the_same_verdict_without_a_credential(
    verdict: Verdict, check: CheckName, failure: dict[str, Any]
) -> None:
    parts: dict[str, Any] = {"known": True, "state": LicenseState.ACTIVE}
    registration = Registration(**parts | {path.partition(".")[2]: value for path, value in failure.items()})
    judgement = judge_standing(registration, not_before=NOW - days(1), expires=None, now=NOW, age_seconds=1.0)
    assert judgement.verdict is verdict
    found = checks(judgement)
    assert found[check][0] is CheckResult.FAIL
    for untested in (CheckName.FORM, CheckName.SIGNER, CheckName.SIGNATURE, CheckName.KEY_STATE):
        assert found[untested][0] is CheckResult.NOT_CHECKED


def test_standing_by_dates_and_only_of_the_register() -> None:
    ends: dict[str, Any] = {"not_before": NOW - days(2), "expires": NOW - days(1), "age_seconds": 0.0}
    assert judge_standing(REGISTERED, now=NOW, **ends).verdict is Verdict.EXPIRED
    assert judge_standing(REGISTERED, now=NOW - days(1.5), **ends).verdict is Verdict.VALID
    assert judge_standing(REGISTERED, now=NOW - days(3), **ends).verdict is Verdict.NOT_YET_VALID
    with pytest.raises(ValueError, match="register"):
        judge_standing(OFFLINE, now=NOW, **ends)


def test_registration_as_of_a_moment() -> None:
    event = an_event(LicenseAction.SUSPEND, LicenseState.SUSPENDED, effective=NOW, version=2)
    history = HistoricalState(LicenseState.SUSPENDED, 2, event)
    assert registration_at(None, version=1).known is False
    assert registration_at(history, version=3).mismatch == "NOT_YET_REGISTERED"
    assert registration_at(history, version=2, superseded_by="x") == Registration(True, LicenseState.SUSPENDED)
    older = registration_at(history, version=1, superseded_by="x")
    assert older == Registration(True, LicenseState.SUSPENDED, True, "x")


def test_national_codes() -> None:
    codes = {verdict: national_code(verdict) for verdict in Verdict}
    assert {verdict: code for verdict, code in codes.items() if code is not None} == {
        Verdict.VALID: 0,
        Verdict.NOT_YET_VALID: 1,
        Verdict.SUSPENDED: 2,
        Verdict.REVOKED: 3,
        Verdict.CANCELLED: 3,
        Verdict.SUPERSEDED: 3,
        Verdict.EXPIRED: 3,
        Verdict.NOT_REGISTERED: 5,
    }


@pytest.mark.parametrize(
    ("found", "fields_given", "all_right", "verdict", "code"),
    [
        (1, 2, True, Verdict.VALID, 0),
        (1, 2, True, Verdict.NOT_YET_VALID, 1),
        (1, 2, True, Verdict.SUSPENDED, 2),
        (1, 2, True, Verdict.EXPIRED, 3),
        (3, 2, True, Verdict.VALID, 4),
        (0, 2, False, Verdict.NOT_REGISTERED, 5),
        (1, 0, True, Verdict.VALID, 6),
        (0, 0, True, Verdict.NOT_REGISTERED, 6),
        (1, 2, False, Verdict.REVOKED, 7),
    ],
)
def test_matching_codes(found: int, fields_given: int, all_right: bool, verdict: Verdict, code: int) -> None:
    answered = matching_code(found=found, fields_given=fields_given, all_right=all_right, verdict=verdict)
    assert answered == code
