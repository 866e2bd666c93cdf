"""The command as people and scripts run it, in a process of its own, against the real register."""

import csv
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from certsvc.domain.identifier import ROOT, check_character
from certsvc.v1 import license_service_pb2
from tests.e2e.permits import (
    APPROVAL_BUREAU,
    BUSINESS_LICENSE,
    CIVIL_AFFAIRS,
    CLERK,
    FOOD_PERMIT,
    TRAFFIC_POLICE,
    write_companies,
)
from tests.e2e.server_process import ServerProcess, run_command
from tests.require import shared

CAUSE = ("--reason", "检查", "--legal-basis", "示例依据")


class Caller:
    """Runs commands as one caller."""

    def __init__(self, credential: Path, officer: str = "") -> None:
        self._environment = {"CERTSVC_CREDENTIAL": str(credential), "CERTSVC_OFFICER": officer, "LC_ALL": "C.UTF-8"}

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command(*arguments, **self._environment)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.start(*arguments)
        assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def bureau(shared_server: ServerProcess) -> Caller:
    return Caller(shared_server.credential(APPROVAL_BUREAU), CLERK)


@pytest.fixture
def police(shared_server: ServerProcess) -> Caller:
    return Caller(shared_server.credential(TRAFFIC_POLICE))


@pytest.fixture
def operator(shared_server: ServerProcess) -> Caller:
    return Caller(shared_server.data_dir / "operator.json")


def _issue(bureau: Caller, number: str) -> Any:
    return bureau.json(
        *("licenses", "issue", "--type", FOOD_PERMIT, "--number", number, "--legal-basis", "示例决定"),
        *("--holder", "91370202MA9999013Y=示例市海风茶业有限公司", "--valid-from", "2026-01-01"),
        *("--valid-until", "2030-12-31", "--field", "business_form=食品销售经营者"),
        *("--field", "business_site=海风路1号", "--field", "business_items=预包装食品"),
    )


def _verdict(caller: Caller, text: str, *more: str) -> str:
    """The verdict, which the exit code must agree with."""
    done = caller.start("verify", text, *more, "--json")
    verdict = str(json.loads(done.stdout)["verdict"]).removeprefix("VERDICT_")
    assert done.returncode == (0 if verdict == "VALID" else 1), done.stderr
    return verdict


def test_a_licenses_life_in_commands(bureau: Caller, police: Caller, tmp_path: Path) -> None:
    issued = _issue(bureau, "cli-life")
    identifier, text = issued["license"]["identifier"], issued["qr_text"]
    assert issued["disposition"] == "DISPOSITION_ISSUED"
    assert _verdict(police, text) == "VALID"

    picture = tmp_path / "license.png"
    bureau.run("licenses", "qr", identifier, "--out", str(picture))
    with Image.open(picture) as image:
        assert [code.text for code in zxingcpp.read_barcodes(image)] == [text]
    assert _verdict(police, str(picture)) == "VALID"
    assert bureau.run("licenses", "qr", identifier).stdout.strip() == text
    assert "<svg" in _drawn(bureau, identifier, tmp_path / "license.svg")

    credential = tmp_path / "credential.txt"
    credential.write_text(bureau.run("licenses", "credential", identifier).stdout)
    assert _verdict(police, str(credential)) == "VALID"

    bureau.run("licenses", "suspend", identifier, *CAUSE)
    assert _verdict(police, text) == "SUSPENDED"
    bureau.run("licenses", "reinstate", identifier, *CAUSE)
    amended = bureau.json("licenses", "amend", identifier, "--field", "business_site=海风路2号", *CAUSE)
    assert amended["license"]["fields"]["business_items"] == "预包装食品"
    assert amended["license"]["fields"]["business_site"] == "海风路2号"
    assert _verdict(police, text) == "SUPERSEDED"
    bureau.run("licenses", "revoke", identifier, "--kind", "penalty", *CAUSE)
    assert _verdict(police, amended["qr_text"]) == "REVOKED"
    assert police.json("licenses", "status", identifier)["verdict"] == "VERDICT_REVOKED"
    refused = bureau.run("licenses", "reinstate", identifier, *CAUSE, code=3)
    assert "ILLEGAL_TRANSITION" in refused.stderr
    events = bureau.json("licenses", "events", identifier)["events"]
    assert [event["action"].removeprefix("LICENSE_ACTION_") for event in events] == [
        "ISSUE", "SUSPEND", "REINSTATE", "AMEND", "REVOKE",
    ]  # fmt: skip
    listed = bureau.json("licenses", "list", "--number", "cli-life")["licenses"]
    assert [license_["state"] for license_ in listed] == ["LICENSE_STATE_REVOKED"]


def _drawn(bureau: Caller, identifier: str, path: Path) -> str:
    bureau.run("licenses", "qr", identifier, "--out", str(path), "--level", "q")
    return path.read_text()


def test_offline_with_nothing_but_two_files(bureau: Caller, tmp_path: Path) -> None:
    issued = _issue(bureau, "cli-offline")
    bundle = tmp_path / "register.bundle"
    facts = bureau.json("bundle", "export", str(bundle), "--hours", "2")
    assert facts["anchor"] == f"{bundle}.anchor.json"
    nobody = Caller(tmp_path / "none.json")
    offline = ("--offline", str(bundle), "--anchor", facts["anchor"])
    assert _verdict(nobody, issued["qr_text"], *offline, "--allow-development") == "VALID"
    assert _verdict(nobody, issued["qr_text"], *offline) == "UNKNOWN_SIGNER"
    bureau.run("licenses", "cancel", issued["license"]["identifier"], *CAUSE)
    assert _verdict(nobody, issued["qr_text"], *offline, "--allow-development") == "VALID"


def test_an_operator_adds_an_agency_that_then_calls(
    operator: Caller, shared_server: ServerProcess, tmp_path: Path
) -> None:
    agency = "11110000000000019K"
    operator.run("agencies", "create", agency, "--name", "新机关", "--region", "370202", "--level", "county")
    operator.run("agencies", "add-officer", agency, "zhang", "--name", "张", "--role", "issuer", "--role", "verifier")
    operator.run("agencies", "grant", agency, "--kind", "verify", "--type", "*")
    credential, public_key = tmp_path / "new.json", tmp_path / "new.pem"
    like = shared_server.data_dir / "operator.json"
    operator.run(
        *("agencies", "new-credential", agency, "--out", str(credential), "--public-key", str(public_key)),
        *("--like", str(like)),
    )
    new = Caller(credential, "zhang")
    assert "KEY_UNKNOWN" in new.run("agencies", "show", agency, code=4).stderr
    operator.run("agencies", "register-key", agency, "--public-key", str(public_key))
    assert new.json("agencies", "show", agency)["name"]["zh"] == "新机关"
    keys = operator.json("agencies", "keys", agency)["client_keys"]
    assert len(keys) == 1
    operator.run("agencies", "revoke-key", agency, keys[0]["key_id"])
    assert "KEY_REVOKED" in new.run("agencies", "show", agency, code=4).stderr
    officers = operator.json("agencies", "officers", agency)["officers"]
    assert officers[0]["roles"] == ["OFFICER_ROLE_ISSUER", "OFFICER_ROLE_VERIFIER"]
    assert [grant["type_code"] for grant in operator.json("agencies", "grants", agency)["grants"]] == ["*"]
    changed = operator.json("agencies", "update", agency, "--english-name", "New agency")
    assert changed["name"] == {"zh": "新机关", "en": "New agency"}
    gone = operator.json("agencies", "deactivate", agency, "--reason", "撤并", "--successor", APPROVAL_BUREAU)
    assert (gone["state"], gone["successor_id"]) == ("AGENCY_STATE_DEACTIVATED", APPROVAL_BUREAU)


def test_types_and_keys(operator: Caller, bureau: Caller, tmp_path: Path) -> None:
    license_type = operator.json("types", "show", FOOD_PERMIT)
    license_type["name"]["en"] = "Food permit"
    file = tmp_path / "type.json"
    file.write_text(json.dumps(license_type))
    published = operator.json("types", "publish", str(file))
    assert (published["license_type"]["version"], published["license_type"]["name"]["en"]) == (2, "Food permit")
    assert "STALE_VERSION" in operator.run("types", "publish", str(file), code=3).stderr
    assert "CALLER_KIND" in bureau.run("types", "publish", str(file), code=4).stderr

    prepared = operator.json("keys", "prepare", "--purpose", "license", "--agency", TRAFFIC_POLICE)
    assert prepared["state"] == "KEY_STATE_PRE_ACTIVE"
    assert operator.json("keys", "activate", prepared["kid"])["state"] == "KEY_STATE_ACTIVE"
    assert operator.json("keys", "retire", prepared["kid"])["state"] == "KEY_STATE_DEACTIVATED"
    kids = [key["kid"] for key in operator.json("keys", "list", "--purpose", "license")["signing_keys"]]
    assert prepared["kid"] in kids
    bureau.run("keys", "export", str(tmp_path / "keys"))
    published_kids = {key["kid"] for key in json.loads((tmp_path / "keys" / "jwks.json").read_text())["keys"]}
    assert published_kids
    assert (tmp_path / "keys" / "keyset.cbor").stat().st_size > 0


def test_a_change_that_waits_for_a_second_officer(shared_server: ServerProcess) -> None:
    credential = shared_server.credential(CIVIL_AFFAIRS)
    clerk, approver = Caller(credential, CLERK), Caller(credential, "clerk-2")

    def ask(number: str) -> str:
        asked = clerk.json(
            *("licenses", "issue", "--type", "119900009999000119005", "--number", number),
            *("--holder", "11010119900307002X=周示例", "--valid-from", "2026-01-01", "--valid-until", "2035-12-31"),
            *("--field", "disability_class=肢体", "--field", "grade=三级", "--legal-basis", "示例决定"),
        )
        assert asked["disposition"] == "DISPOSITION_PENDING"
        return str(asked["pending_change"]["change_id"])

    wanted, unwanted = ask("11010119900307002X43"), ask("11010119900307002X44")
    assert "ROLE_REQUIRED" in clerk.run("pending", "approve", wanted, code=4).stderr
    waiting = {change["change_id"] for change in approver.json("pending", "list")["changes"]}
    assert {wanted, unwanted} <= waiting
    assert approver.json("pending", "approve", wanted)["disposition"] == "DISPOSITION_ISSUED"
    approver.run("pending", "reject", unwanted, "--reason", "材料不全")
    left = {change["change_id"] for change in approver.json("pending", "list")["changes"]}
    assert left.isdisjoint({wanted, unwanted})


def test_watch_prints_a_line_an_event_and_goes_on_from_a_token(shared_server: ServerProcess, bureau: Caller) -> None:
    watching = shared_server.agency(APPROVAL_BUREAU).licenses.watch(
        license_service_pb2.WatchLicenseEventsRequest(own_issues=True), heartbeats=True
    )
    token = next(watching).resume_token
    issued = [_issue(bureau, f"cli-watch-{number}")["license"]["identifier"] for number in range(2)]
    output = bureau.run("licenses", "watch", "--resume", token, "--count", "2", "--json").stdout
    first, second = (json.loads(line) for line in output.splitlines())
    assert [first["event"]["identifier"], second["event"]["identifier"]] == issued
    rest = bureau.run("licenses", "watch", "--resume", first["resume_token"], "--count", "1").stdout
    assert issued[1] in rest
    assert "ISSUE" in rest


def _import(bureau: Caller, file: Path, *more: str, code: int) -> Any:
    rejects = file.with_suffix(".rejects")
    return bureau.json(
        *("licenses", "import", str(file), "--type", BUSINESS_LICENSE, "--reject-file", str(rejects)), *more, code=code
    )


def test_the_real_file_becomes_licenses(bureau: Caller, police: Caller, tmp_path: Path) -> None:
    """4,000 companies, and 59 rows with the defects that such registers really have."""
    file = tmp_path / "companies.csv"
    content = shared("data/qingdao_enterprises.csv").read_text("utf-8-sig")
    rows = list(csv.reader(content.splitlines(keepends=True)))
    with file.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows([rows[0], *rows[1:301], *rows[4001:]])
    summary = _import(bureau, file, code=6)
    assert (summary["rows"], summary["issued"], summary["rejected"]) == (359, 300, 59)
    with Path(summary["reject_file"]).open(encoding="utf-8-sig", newline="") as rejected:
        lines = list(csv.DictReader(rejected))
    assert len({line["row"] for line in lines}) == 59
    assert {line["field"] for line in lines} == {"holders[0].number"}
    reasons = Counter(line["reason"] for line in lines)
    assert reasons["LENGTH"] == 47
    assert reasons["CHECK_CHARACTER"] == 12
    assert [line["row"] for line in lines if line["unified_social_credit_code"] == "无"] == ["359", "360"]

    licenses = bureau.json("licenses", "list", "--number", rows[1][0])["licenses"]
    assert [license_["holders"][0]["name"] for license_ in licenses] == [rows[1][1]]
    assert licenses[0]["fields"]["founding_date"] == licenses[0]["valid_from"] == rows[1][2]
    text = bureau.run("licenses", "qr", licenses[0]["identifier"]).stdout.strip()
    assert _verdict(police, text) == "VALID"

    again = _import(bureau, file, code=6)
    assert (again["issued"], again["skipped"], again["rejected"]) == (0, 300, 59)


def test_a_daily_delta(bureau: Caller, tmp_path: Path) -> None:
    file = tmp_path / "companies.csv"
    codes = write_companies(file, 5)
    assert _import(bureau, file, code=0)["issued"] == 5
    original = file.read_text("utf-8")
    changed = original.replace("示例市第3商贸有限公司", "示例市第三商贸有限公司")
    file.write_text(changed, "utf-8")
    refused = _import(bureau, file, code=6)
    assert (refused["skipped"], refused["rejected"]) == (4, 1)
    line = file.with_suffix(".rejects").read_text("utf-8-sig").splitlines()[1]
    assert line.startswith("5,license_number,LICENSE_DIFFERS,")

    # There and back again: every run is compared with what the register has now, not with what it once answered.
    versions = []
    for content, name in ((changed, "示例市第三商贸有限公司"), (original, "示例市第3商贸有限公司")) * 2:
        file.write_text(content, "utf-8")
        amended = _import(bureau, file, "--amend", code=0)
        assert (amended["amended"], amended["skipped"]) == (1, 4)
        (license_,) = bureau.json("licenses", "list", "--number", codes[3])["licenses"]
        assert license_["holders"][0]["name"] == name
        versions.append(license_["version"])
    assert versions == [2, 3, 4, 5]


def test_existing_identifiers_states_and_grades_are_kept(bureau: Caller, police: Caller, tmp_path: Path) -> None:
    file, mapping = tmp_path / "old.csv", tmp_path / "map.toml"
    identifier = f"1.2.156.3005.2.{BUSINESS_LICENSE}.{APPROVAL_BUREAU}.OLD2019000001.003."
    identifier += _check_character(identifier)
    file.write_text(
        "证照标识,证照编号,统一社会信用代码,企业名称,成立日期,有效期起,证照状态,状态日期,可信等级\n"
        f"{identifier},OLD-1,91440300123456788M,旧公司,2019年5月1日,2019/5/1,吊销,2024-03-01,B\n"
        ",OLD-2,91440300123456788M,旧公司,2019年5月1日,2019/5/1,暂扣,2024-03-01,B\n",
        "utf-8",
    )
    mapping.write_text(
        '[columns]\nlicense_number = "证照编号"\n"holders[0].number" = "统一社会信用代码"\n'
        '"holders[0].name" = "企业名称"\n"fields.founding_date" = "成立日期"\nvalid_from = "有效期起"\n'
        '"imported.identifier" = "证照标识"\n"imported.state" = "证照状态"\n"imported.state_time" = "状态日期"\n'
        'trust_grade = "可信等级"\n[constants]\nlegal_basis = "条例"\n"imported.issue_time" = "2019-05-01"\n',
        "utf-8",
    )
    assert _import(bureau, file, "--mapping", str(mapping), code=0)["issued"] == 2
    license_ = bureau.json("licenses", "show", identifier)
    assert (license_["version"], license_["state"]) == (3, "LICENSE_STATE_REVOKED")
    assert license_["trust_grade"] == "TRUST_GRADE_B"
    assert police.json("licenses", "status", identifier)["verdict"] == "VERDICT_REVOKED"
    (suspended,) = bureau.json("licenses", "list", "--number", "OLD-2")["licenses"]
    assert suspended["state"] == "LICENSE_STATE_SUSPENDED"
    assert _import(bureau, file, "--mapping", str(mapping), code=0)["skipped"] == 2


def _check_character(identifier: str) -> str:
    return check_character(identifier.removeprefix(ROOT).replace(".", ""))
