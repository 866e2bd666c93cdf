"""`certsvc verify`: what is verified, and how the command ends."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certsvc.cli.exit_codes import ExitCode
from certsvc.cli.verify import read_credential
from certsvc.credentials import qr_code
from certsvc.credentials.jwk import jwk_of
from certsvc.credentials.key_set import PublishedKey
from certsvc.credentials.offline_bundle import BundledStatusList, OfflineBundle, seal_bundle
from certsvc.credentials.qr_image import draw
from certsvc.credentials.status_list import StatusList
from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import InvalidInputError
from certsvc.v1 import verification_service_pb2 as pb
from tests.unit.cli.runner import credential, run
from tests.unit.client.scripted_register import ScriptedRegister, served
from tests.vectors.samples import VERIFY_URL, license_code
from tests.vectors.signers import VectorSigner

LICENSE, BUNDLE = VectorSigner("verify license"), VectorSigner("verify bundle")
SD_JWT = "eyJ0eXAiOiJkYytzZC1qd3QifQ.e30.AAAA~WyJhIl0~"


def _text() -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    code = license_code(issued_at=now, not_before=now - timedelta(days=1), expires=None)
    return qr_code.text_of(qr_code.sign_code(code, signer=LICENSE), verify_url=VERIFY_URL)


@pytest.mark.parametrize("text", ["https://example.org/q#123", "http://x#1", "1" * 20, SD_JWT, "a.b.c~"])
def test_a_credential_is_taken_as_it_is(text: str) -> None:
    assert read_credential(text) == text


def test_a_picture_is_decoded_and_a_text_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _text()
    picture, file = tmp_path / "picture", tmp_path / "text"
    picture.write_bytes(draw(text, error_correction="M").png(module_size=4))
    file.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\n")
    assert read_credential(str(picture)) == read_credential(str(file)) == text


@pytest.mark.parametrize("max_age", ["0", "-1", "0.0001", "nan", "inf"])
def test_an_age_that_nothing_can_have_is_a_mistake_of_usage(max_age: str) -> None:
    refused = run("verify", "1" * 20, "--max-age", max_age)
    assert refused.exit_code == ExitCode.USAGE
    assert "must be positive" in refused.stderr


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "FILE_UNREADABLE"), (b"1" * 70_000, "FILE_SIZE"), (b"\xff\xfe\x00", "FILE_FORM")]
)
def test_what_is_no_credential_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInputError) as raised:
        read_credential(str(path))
    assert raised.value.violations[0].reason == reason


@pytest.fixture
def register(tmp_path: Path) -> Iterator[tuple[ScriptedRegister, str]]:
    scripted = ScriptedRegister()
    with served(scripted) as endpoint:
        yield scripted, credential(tmp_path, endpoint)


def _answer(verdict: pb.Verdict.ValueType, **more: Any) -> Any:
    return lambda request, context: pb.VerifyCredentialResponse(result=pb.VerificationResult(verdict=verdict, **more))


@pytest.mark.parametrize("verdict", [value for value in pb.Verdict.values() if value])
def test_only_valid_ends_with_0(register: tuple[ScriptedRegister, str], verdict: Any) -> None:
    scripted, path = register
    scripted.steps = [_answer(verdict)]
    result = run("verify", "1" * 30, "--credential", path, "--lang", "en")
    assert result.exit_code == (ExitCode.OK if verdict == pb.VERDICT_VALID else ExitCode.NOT_VALID)
    assert result.stdout.startswith(pb.Verdict.Name(verdict).removeprefix("VERDICT_"))


def test_what_the_options_say_is_asked(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    scripted.steps = [_answer(pb.VERDICT_VALID)]
    run(
        *("verify", SD_JWT, "--credential", path, "--as-of", "2026-01-02T08:00", "--known-at", "2026-01-03T08:00"),
        *("--max-age", "2.5", "--nonce", "n", "--audience", "a"),
    )
    (request,) = scripted.requests
    assert (request.sd_jwt_vc, request.nonce, request.audience) == (SD_JWT, "n", "a")
    assert request.as_of_time.ToDatetime() == datetime(2026, 1, 2)  # noqa: DTZ001 - UTC by definition
    assert request.known_at_time.ToDatetime() == datetime(2026, 1, 3)  # noqa: DTZ001
    assert request.max_age.ToMilliseconds() == 2500


def test_what_cannot_be_relied_on_is_said_to_be_so(register: tuple[ScriptedRegister, str]) -> None:
    scripted, path = register
    shown = pb.ShownLicense(identifier="1.2.3")
    scripted.steps = [_answer(pb.VERDICT_NOT_REGISTERED, shown=shown), _answer(pb.VERDICT_REVOKED, shown=shown)]
    stolen = run("verify", "1" * 30, "--credential", path, "--lang", "en").stdout
    revoked = run("verify", "1" * 30, "--credential", path, "--lang", "en").stdout
    assert "not to be relied on" in stolen
    assert "not to be relied on" not in revoked
    assert "identifier: 1.2.3" in stolen
    assert "identifier: 1.2.3" in revoked


class Carried:
    """A bundle and its anchor, as files."""

    def __init__(self, folder: Path, *, status: int = 0, hours: float = 1) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        key = LICENSE.record(KeyPurpose.LICENSE)
        key = type(key)(
            **{name: getattr(key, name) for name in key.__slots__}
            | {"activated_at": now - timedelta(days=1), "signing_until": now + timedelta(days=1), "development": True}
        )
        bundle = OfflineBundle(
            issuer="https://zz.example.gov.cn",
            issued_at=now - timedelta(hours=2),
            expires_at=now - timedelta(hours=2) + timedelta(hours=2 + hours),
            version=1,
            keys=(PublishedKey(key, None),),
            types=(),
            agencies={},
            status_lists={0: BundledStatusList(StatusList.of({77_777: status}), now - timedelta(hours=2))},
        )
        self.bundle, self.anchor = folder / "register.bundle", folder / "anchor.json"
        self.bundle.write_text(seal_bundle(bundle, signer=BUNDLE))
        self.anchor.write_text(json.dumps(jwk_of(BUNDLE.sec1)))

    def verify(self, *more: str) -> Any:
        return run("verify", _text(), "--offline", str(self.bundle), "--anchor", str(self.anchor), *more)


def test_offline_a_good_code_is_valid_and_says_what_was_not_checked(tmp_path: Path) -> None:
    result = Carried(tmp_path).verify("--allow-development", "--json")
    assert result.exit_code == ExitCode.OK, result.output
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["national_code"]) == ("VERDICT_VALID", 0)
    checks = {check["name"]: check["result"] for check in answer["checks"]}
    assert checks["CHECK_NAME_REGISTRATION"] == "CHECK_RESULT_NOT_CHECKED"
    assert answer["shown"]["holders"][0]["number"] == "91440300123456788M"
    assert answer["shown"]["valid_until"] == ""
    assert answer["shown"]["fields"] == {"1": "李四光", "2": "2015-06-30"}
    assert answer["knowledge_age"].startswith("720")


@pytest.mark.parametrize(
    ("changes", "options", "verdict"),
    [
        ({}, [], "UNKNOWN_SIGNER"),
        ({"status": 1}, ["--allow-development"], "REVOKED"),
        ({"hours": -1}, ["--allow-development"], "UNCONFIRMED"),
        ({}, ["--allow-development", "--max-age", "60"], "UNCONFIRMED"),
    ],
)
def test_offline_anything_else_ends_with_1(
    tmp_path: Path, changes: dict[str, Any], options: list[str], verdict: str
) -> None:
    result = Carried(tmp_path, **changes).verify(*options)
    assert result.exit_code == ExitCode.NOT_VALID
    assert result.stdout.startswith(f"{verdict}: ")


def test_offline_needs_an_anchor_and_no_past(tmp_path: Path) -> None:
    carried = Carried(tmp_path)
    assert run("verify", _text(), "--offline", str(carried.bundle)).exit_code == ExitCode.USAGE
    assert carried.verify("--as-of", "2026-01-01").exit_code == ExitCode.USAGE


def test_a_bundle_that_the_anchor_did_not_sign_is_refused(tmp_path: Path) -> None:
    carried = Carried(tmp_path)
    carried.anchor.write_text(json.dumps(jwk_of(LICENSE.sec1)))
    result = carried.verify("--allow-development")
    assert result.exit_code == ExitCode.REFUSED
    assert result.stdout == ""


def test_bundle_show_says_what_it_holds(tmp_path: Path) -> None:
    carried = Carried(tmp_path)
    result = run("bundle", "show", str(carried.bundle), "--anchor", str(carried.anchor), "--json")
    facts = json.loads(result.stdout)
    assert (facts["issuer"], facts["keys"], facts["status_lists"]) == ("https://zz.example.gov.cn", 1, 1)
