"""The pages say what is so: links lead somewhere, names exist, tables repeat what the code has."""

import json
import re
import subprocess
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from certsvc.config import Settings
from certsvc.credentials.caller_token import read_token
from certsvc.credentials.client_credential import create_credential
from certsvc.domain.agency import CallerKind, ClientKey, OfficerRole
from certsvc.domain.national_codes import NATIONAL_CODES
from certsvc.domain.signing_key import KeyPurpose, KeyState
from certsvc.domain.transitions import TRANSITIONS
from certsvc.domain.verdict import CheckName, Verdict
from certsvc.domain.verdict_words import words_for_national_code
from certsvc.rpc.metrics import RPCMetrics, VerdictMetrics
from certsvc.rpc.permissions import RULES, Rule
from certsvc.v1 import (
    agency_service_pb2,
    license_service_pb2,
    license_type_service_pb2,
    signing_key_service_pb2,
    verification_service_pb2,
)
from tests.require import ROOT, tool

DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *(ROOT / "keys").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "vectors" / "README.md"]
)
SERVICES = [
    service
    for module in (
        agency_service_pb2,
        license_type_service_pb2,
        license_service_pb2,
        verification_service_pb2,
        signing_key_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
]
OTHER_VERDICTS = {Verdict.UNSPECIFIED, Verdict.REPLAYED, Verdict.UNCONFIRMED}
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:certsvc|tests|proto|docs|keys|bench|requirements)/[\w./-]*)`")

by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(without_code(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@by_name
def test_named_files_exist(page: Path) -> None:
    assert [path for path in PATH.findall(page.read_text("utf-8")) if not (ROOT / path).exists()] == []


@by_name
def test_one_spelling(page: Path) -> None:
    british = r"\b(?:[Ll]icenc|[Cc]olour|[Bb]ehaviour|[Nn]eighbour|[Oo]rganis|[Nn]ormalis|[Ss]erialis)\w*"
    assert re.findall(british, page.read_text("utf-8")) == []


def test_every_page_is_reached_from_the_index() -> None:
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            links = (target.partition("#")[0] for target in LINK.findall(page.read_text("utf-8")))
            ahead += [(page.parent / name).resolve() for name in links if name and ":" not in name]
    assert set(DOCS.rglob("*.md")) - reached == set()


@pytest.mark.parametrize("name", [service.name for service in SERVICES])
def test_the_api_page_has_every_rpc_with_who_may_call_it(name: str) -> None:
    stated = {row[0].strip("`"): row[1] for row in table("api.md", f"### {name}")}
    prefix = f"/certsvc.v1.{name}/"
    assert stated == {rpc.removeprefix(prefix): who(rule) for rpc, rule in RULES.items() if rpc.startswith(prefix)}
    assert set(stated) == {method.name for service in SERVICES if service.name == name for method in service.methods}


@by_name
def test_no_rpc_is_named_that_is_not_there(page: Path) -> None:
    rpcs = {method.name for service in SERVICES for method in service.methods}
    verbs = "|".join(sorted({re.findall("[A-Z][a-z]+", rpc)[0] for rpc in rpcs}))
    named = set(re.findall(rf"`((?:{verbs})[A-Z]\w+)`", page.read_text("utf-8")))
    assert named - rpcs == set()


def test_the_operations_page_has_every_setting_with_its_default() -> None:
    stated = {row[0].strip("`"): json.loads(row[1].strip("`")) for row in table("operations.md", "## Settings")}
    assert stated == {field.name: field.default for field in fields(Settings) if field.name != "data_dir"}


def test_the_operations_page_has_every_metric() -> None:
    registry = CollectorRegistry()
    RPCMetrics(registry)
    VerdictMetrics(registry)
    made = {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}
    assert set(re.findall(r"^\| `(certsvc_\w+)` \|", text_of("operations.md"), re.MULTILINE)) == made


def test_the_operations_page_has_every_event_of_the_log() -> None:
    calls = re.compile(r'\b_?log\.(?:debug|info|warning|error|exception)\(\s*"(\w+)"')
    events = {event for file in (ROOT / "certsvc").rglob("*.py") for event in calls.findall(file.read_text("utf-8"))}
    assert {event for event in events if f"`{event}`" not in text_of("operations.md")} == set()


def test_verdicts_stand_in_the_order_of_testing() -> None:
    tested = [verdict.value for verdict in Verdict if verdict not in OTHER_VERDICTS]
    rows = table("how-verifying-works.md", "## The order of testing")
    assert [row[2] or "VALID" for row in rows] == tested
    assert {row[1] for row in rows} == {"", *CheckName}
    rows = table("how-verifying-works.md", "## What each verifier can say")
    assert [row[0] for row in rows] == [*tested, "UNCONFIRMED"]


def test_national_codes_are_those_of_the_code() -> None:
    rows = table("how-verifying-works.md", "## National result codes")
    numbered = {int(row[0]): row for row in rows if row[0] != "none"}
    stated = {verdict: code for code, row in numbered.items() for verdict in row[1].split(", ") if verdict.isupper()}
    assert stated == {verdict.value: code for verdict, code in NATIONAL_CODES.items()}
    assert {code: row[2] for code, row in numbered.items()} == {n: words_for_national_code(n).zh for n in range(8)}


def test_transitions_are_those_of_the_code() -> None:
    head, *rows = table("how-issuing-works.md", "## Changing a license", head=True)
    stated = {
        (state, action): cell.partition(",")[0]
        for row in rows
        for state in row[0].split(", ")
        for actions, cell in zip(head[1:], row[1:], strict=True)
        for action in actions.split(", ")
    }
    actions = {action for _, action in stated}
    assert stated == {
        (state, action): {each.value: after.value for each, after in allowed.items()}.get(action, "refused")
        for state, allowed in TRANSITIONS.items()
        for action in actions
    }


def test_key_states_and_purposes_are_all_there() -> None:
    assert {row[0] for row in table("key-rotation.md", "## States")} == set(KeyState)
    purposes = {name for row in table("key-rotation.md", "## What a key is") for name in re.findall(r"`(\w+)`", row[0])}
    assert purposes == set(KeyPurpose)


def test_the_security_page_answers_every_threat() -> None:
    rows = table("security.md", "## Threats")
    assert [row[0] for row in rows] == [f"T{number}" for number in range(1, 24)]
    assert {row[2] for row in rows} <= {"yes", "partly", "not yet", "not applicable"}


def test_the_token_of_another_language_is_taken(tmp_path: Path) -> None:
    script = tmp_path / "token.mjs"
    script.write_text(block("api.md", "javascript"), "utf-8")
    credential = create_credential(
        tmp_path / "credential.json",
        owner_kind=CallerKind.AGENCY,
        owner_id="113702009999000113",
        endpoint="127.0.0.1:50051",
        audience="certsvc",
    )
    now = datetime.now(UTC)
    ends = now + timedelta(days=1)
    key = ClientKey(credential.kid, CallerKind.AGENCY, credential.owner_id, credential.public_key, now, ends)
    for officer, expected in ((["clerk-1"], "clerk-1"), ([], "")):
        command = [str(tool("node")), str(script), str(tmp_path / "credential.json"), *officer]
        token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        claims = read_token(token, find_key={key.key_id: key}.get, audience="certsvc", now=datetime.now(UTC))
        assert (claims.issuer, claims.officer_id) == (credential.owner_id, expected)


def who(rule: Rule) -> str:
    """A rule in the words of the API page."""
    callers = ", ".join(kind.value.lower() for kind in (CallerKind.OPERATOR, CallerKind.AGENCY) if kind in rule.callers)
    roles = ", ".join(sorted(rule.roles))
    if rule.officer:
        return f"{callers} with {roles}"
    return f"{callers} ({roles})" if CallerKind.AGENCY in rule.callers and rule.roles != set(OfficerRole) else callers


def without_code(page: Path) -> str:
    """A page without its blocks of code, where brackets mean something else."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What can be linked to on a page: its headings, as the usual renderers name them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def table(page: str, heading: str, *, head: bool = False) -> list[list[str]]:
    """The cells of the first table behind a heading, row by row."""
    behind = text_of(page).partition(f"{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", behind, re.MULTILINE)
    assert lines is not None, f"{page} has no table under {heading}"
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[0].splitlines()]
    return [*([cells[0]] if head else []), *cells[2:]]


def block(page: str, language: str) -> str:
    """The first block of code in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]
