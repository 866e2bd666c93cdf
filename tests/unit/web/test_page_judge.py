"""The page judges as the domain does, and what it could not find out never becomes VALID."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certsvc.domain.identifier import parse_identifier
from certsvc.domain.judging import CredentialFacts, Knowledge, Registration, VerifierPolicy, judge
from certsvc.domain.license import LicenseState
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.verdict import Judgement
from tests.unit.web.page_modules import ask_page
from tests.vectors.samples import AGENCY_ID, IDENTIFIER, TYPE_CODE

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ISSUED = NOW - timedelta(days=100)
KID = "0123456789abcdef"
UNKNOWN = {"known": False, "reason": "NO_ANSWER"}

# What a key may be: for the domain a record, for the page a record and perhaps a flag.
KEYS: Mapping[str, dict[str, Any] | None] = {
    "good": {},
    "unknown": None,
    "of development": {"development": True},
    "of another purpose": {"purpose": KeyPurpose.VC},
    "of another agency": {"agency_id": "11110000000000019K"},
    "for another type": {"type_codes": ("119900009999000119014",)},
    "for this type": {"type_codes": ("119900009999000119014", TYPE_CODE)},
    "of no agency": {"agency_id": None},
    "activated afterwards": {"activated_at": ISSUED + timedelta(minutes=5, seconds=1)},
    "activated within the skew": {"activated_at": ISSUED + timedelta(minutes=5)},
    "compromised": {"state": KeyState.COMPROMISED},
    "withdrawn": {"state": KeyState.WITHDRAWN},
    "suspended": {"state": KeyState.SUSPENDED},
    "deactivated before": {"state": KeyState.DEACTIVATED, "deactivated_at": ISSUED - timedelta(seconds=1)},
    "deactivated afterwards": {"state": KeyState.DEACTIVATED, "deactivated_at": ISSUED},
}
# The register's answer to the digest, and what its status list then says.
ANSWERS = {"ACTIVE": 0, "SUSPENDED": 2, "REVOKED": 1, "CANCELLED": 1, "SUPERSEDED": 3, None: 0}
DATES = {
    "open-ended": (-1, None),
    "first second": (0, None),
    "one second early": (1, None),
    "last second": (-1, 1),
    "one second late": (-1, 0),
}


def key_record(**changes: Any) -> SigningKey:
    defaults: dict[str, Any] = {
        "kid": KID,
        "purpose": KeyPurpose.LICENSE,
        "algorithm": "ES256",
        "public_key": b"\x04" + bytes(64),
        "agency_id": AGENCY_ID,
        "type_codes": (),
        "state": KeyState.ACTIVE,
        "development": False,
        "created_at": ISSUED - timedelta(days=9),
        "published_at": ISSUED - timedelta(days=9),
        "activated_at": ISSUED - timedelta(days=1),
        "signing_until": NOW + timedelta(days=300),
    }
    return SigningKey(**{**defaults, **changes})


def known(value: object) -> dict[str, Any]:
    return {"known": True, "value": value}


def page_facts(
    *,
    key: SigningKey | None,
    signature: bool = True,
    answer: str | None = "ACTIVE",
    status: int = 0,
    dates: tuple[int, int | None] = (-1, None),
    development: bool = False,
) -> dict[str, Any]:
    """The facts as the page finds them when everything answers."""
    _, _, type_code, agency_id, *_ = IDENTIFIER.replace("1.2.156.3005.2.", "..").split(".")
    first, end = dates
    code = {
        "kid": KID,
        "issuedAt": int(ISSUED.timestamp()),
        "notBefore": int(NOW.timestamp()) + first,
        "expires": None if end is None else int(NOW.timestamp()) + end,
        "identifier": {"typeCode": type_code, "agencyId": agency_id},
    }
    flags: dict[str, Any] = {}
    record = None
    if key is not None:
        assert key.activated_at is not None
        record = {
            "purpose": key.purpose.value,
            "agency": None if key.agency_id is None else {"id": key.agency_id},
            "types": list(key.type_codes),
            "not_before": int(key.activated_at.timestamp()),
            "development": key.development,
        }
        if key.state is not KeyState.ACTIVE:
            since = key.deactivated_at or ISSUED
            flags[KID] = {"state": key.state.value, "since": int(since.timestamp())}
    return {
        "form": known(code),
        "key": known(record),
        "development": known(development),
        # Without a key there is no signature to check.
        "signature": {"known": False, "reason": "NOT_REACHED"} if key is None else known(signature),
        "flags": known(flags),
        "registration": known(answer),
        "status": known(status),
        "type": known({}),
    }


def question(facts: dict[str, Any], **clock: Any) -> dict[str, Any]:
    now = int(NOW.timestamp())
    return {"ask": "judge", "facts": facts, "clock": {"phone": now, "register": now, "isOff": False, **clock}}


def verdicts(*facts: dict[str, Any]) -> list[str]:
    return [answer["value"]["verdict"] for answer in ask_page([question(each) for each in facts])]


def domain_judgement(
    key: SigningKey | None, signature: bool, answer: str | None, dates: tuple[int, int | None]
) -> Judgement:
    first, end = dates
    state = None if answer is None else LicenseState("ACTIVE" if answer == "SUPERSEDED" else answer)
    return judge(
        CredentialFacts(
            identifier=parse_identifier(IDENTIFIER),
            issued_at=ISSUED,
            not_before=NOW + timedelta(seconds=first),
            expires=None if end is None else NOW + timedelta(seconds=end),
        ),
        key=key,
        signature_ok=signature,
        registration=Registration(known=answer is not None, state=state, superseded=answer == "SUPERSEDED"),
        now=NOW,
        knowledge=Knowledge(),
        policy=VerifierPolicy(),
    )


def combinations() -> Iterator[tuple[SigningKey | None, bool, str | None, tuple[int, int | None]]]:
    keys = [None if changes is None else key_record(**changes) for changes in KEYS.values()]
    yield from itertools.product(keys, (True, False), ANSWERS, DATES.values())


def test_every_combination_is_judged_as_the_domain_judges_it() -> None:
    cases = list(combinations())
    questions = [
        question(page_facts(key=key, signature=signature, answer=answer, status=ANSWERS[answer], dates=dates))
        for key, signature, answer, dates in cases
    ]
    seen = set()
    for case, answered in zip(cases, ask_page(questions), strict=True):
        wanted = domain_judgement(*case)
        said = answered["value"]
        seen.add(wanted.verdict.value)
        assert said["verdict"] == wanted.verdict, case
        own = {"STATUS_LIST", "TYPE"}
        checks = [(check["name"], check["result"]) for check in said["checks"] if check["name"] not in own]
        assert checks == [(check.name, check.result) for check in wanted.checks], case
    assert len(seen) == 12, "every verdict but MALFORMED, which is settled before"


def test_a_development_key_counts_only_where_the_register_says_so() -> None:
    key = key_record(development=True)
    facts = [page_facts(key=key, development=development) for development in (True, False)]
    assert verdicts(*facts, {**facts[0], "development": UNKNOWN}) == ["VALID", "UNKNOWN_SIGNER", "UNCONFIRMED"]
    assert verdicts({**page_facts(key=key_record()), "development": UNKNOWN}) == ["VALID"]


@pytest.mark.parametrize("missing", ["key", "signature", "flags", "registration", "status", "type"])
def test_what_was_not_found_out_is_never_valid(missing: str) -> None:
    facts = page_facts(key=key_record())
    assert verdicts(facts, {**facts, missing: UNKNOWN}) == ["VALID", "UNCONFIRMED"]


def test_no_combination_with_something_missing_is_valid() -> None:
    asked = []
    names = ["key", "signature", "flags", "registration", "status", "type"]
    for key, signature, answer, dates in combinations():
        whole = page_facts(key=key, signature=signature, answer=answer, status=ANSWERS[answer], dates=dates)
        asked += [{**whole, name: UNKNOWN} for name in names]
    assert "VALID" not in verdicts(*asked)


@pytest.mark.parametrize(
    ("answer", "status", "verdict"),
    [
        ("ACTIVE", 1, "REVOKED"),
        ("ACTIVE", 2, "SUSPENDED"),
        ("ACTIVE", 3, "SUPERSEDED"),
        ("REVOKED", 0, "REVOKED"),
        ("CANCELLED", 0, "CANCELLED"),
        ("CANCELLED", 1, "CANCELLED"),
        ("SUSPENDED", 0, "SUSPENDED"),
        ("SUSPENDED", 3, "SUPERSEDED"),
        ("SUPERSEDED", 2, "SUPERSEDED"),
        ("SUPERSEDED", 1, "REVOKED"),
        (None, 1, "NOT_REGISTERED"),
        ("SOMETHING_NEW", 0, "UNCONFIRMED"),
    ],
)
def test_of_two_sources_the_worse_one_wins(answer: str | None, status: int, verdict: str) -> None:
    assert verdicts(page_facts(key=key_record(), answer=answer, status=status)) == [verdict]


@pytest.mark.parametrize(
    ("status", "verdict"), [(0, "UNCONFIRMED"), (1, "REVOKED"), (2, "SUSPENDED"), (3, "SUPERSEDED")]
)
def test_the_status_list_alone_can_say_no_but_not_yes(status: int, verdict: str) -> None:
    facts = page_facts(key=key_record(), status=status)
    assert verdicts({**facts, "registration": UNKNOWN}) == [verdict]


def test_a_flag_that_this_page_does_not_know_is_not_good() -> None:
    facts = page_facts(key=key_record())
    assert verdicts({**facts, "flags": known({KID: {"state": "SOMETHING_NEW", "since": 0}})}) == ["UNCONFIRMED"]


def test_nothing_in_a_code_counts_before_its_signature() -> None:
    """An end date in the past is no finding as long as nobody knows who wrote it."""
    late = page_facts(key=key_record(), dates=(-1, 0))
    assert verdicts({**late, "signature": UNKNOWN, "key": UNKNOWN}) == ["UNCONFIRMED"]
    foreign = page_facts(key=key_record(agency_id="11110000000000019K"), signature=False)
    (answer,) = ask_page([question(foreign)])
    failed = [check["name"] for check in answer["value"]["checks"] if check["result"] == "FAIL"]
    assert failed == ["SIGNATURE"]


@pytest.mark.parametrize(
    ("register", "dates", "verdict"),
    [
        (86_400, (-1, None), "VALID"),
        (86_400, (-1, 3600), "UNCONFIRMED"),
        (-86_400, (-1, 0), "UNCONFIRMED"),
        (86_400, (-1, -90_000), "EXPIRED"),
        (-86_400, (-3600, None), "UNCONFIRMED"),
    ],
)
def test_a_wrong_clock_decides_nothing_alone(register: int, dates: tuple[int, int | None], verdict: str) -> None:
    facts = page_facts(key=key_record(), dates=dates)
    clock = {"register": int(NOW.timestamp()) + register, "isOff": True}
    (answer,) = ask_page([question(facts, **clock)])
    assert answer["value"]["verdict"] == verdict


def test_the_clock_compares_with_what_the_register_says() -> None:
    noon = int(datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp())
    date = "Sun, 22 Nov 2026 12:00:00 GMT"
    answers = ask_page(
        [
            {"ask": "clock", "phone": noon + 600, "date": date},
            {"ask": "clock", "phone": noon + 601, "date": date},
            {"ask": "clock", "phone": noon - 601, "date": date},
            {"ask": "clock", "phone": noon + 640, "date": date, "age": "60"},
            {"ask": "clock", "phone": noon - 601, "signed": noon},
            {"ask": "clock", "phone": noon + 10_000, "signed": noon},
            {"ask": "clock", "phone": noon - 601, "signed": noon, "date": "Sun, 22 Nov 2026 11:49:59 GMT"},
        ]
    )
    off = [answer["value"]["isOff"] for answer in answers]
    assert off == [False, True, True, False, True, False, False]
    assert answers[1]["value"]["register"] == noon
    assert answers[5]["value"]["register"] == noon + 10_000
