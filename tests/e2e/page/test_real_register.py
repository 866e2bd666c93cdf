"""The page before the real server process: its samples, and a license's life as a citizen sees it."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page

from certsvc.domain.validity_dates import SHANGHAI
from certsvc.v1 import license_service_pb2
from tests.demo.register import Register, running
from tests.e2e.page.leaks import leaks

APPROVAL_BUREAU = "113702009999000113"
FOOD_PERMIT = "119900009999000119003"


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    """A register with samples, in a process of its own."""
    with running(tmp_path_factory.mktemp("register") / "data") as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose scripts must not fail and whose policy must hold."""
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def verdict(page: Page, text: str) -> str | None:
    page.goto("about:blank")
    page.goto(text)
    page.wait_for_selector("#verdict[aria-busy=false]")
    return page.locator("#verdict").get_attribute("data-verdict")


def eventually(page: Page, text: str, *, wanted: str) -> bool:
    """Whether the page comes to say so within ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if verdict(page, text) == wanted:
            return True
    return False


def code_hex(text: str) -> str:
    number = int(text.partition("#")[2])
    return number.to_bytes((number.bit_length() + 7) // 8, "big").hex()


def test_every_sample_is_valid_and_sent_to_nobody(register: Register, page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.headers} {request.post_data or ''}"))
    for sample in register.samples:
        sent.clear()
        assert verdict(page, sample["qr_text"]) == "VALID"
        results = {item.get_attribute("data-result") for item in page.locator("#checks li").all()}
        assert results == {"PASS"}
        shown = "".join(page.locator("#license").inner_text().split())
        assert sample["identifier"] in shown
        assert "没有法律效力" in page.locator(".note").inner_text(), "samples are signed with development keys"
        assert len(sent) > 5
        assert leaks([each for each in sent if "/q#" not in each], code_hex(sample["qr_text"])) == []


def test_a_license_through_its_life(register: Register, page: Page) -> None:
    """Each change is acknowledged over gRPC and then looked up at once; a clerk would wait at most 65 seconds."""
    sample = next(each for each in register.samples if f".{FOOD_PERMIT}." in each["identifier"])
    identifier, text = sample["identifier"], sample["qr_text"]
    today = datetime.now(SHANGHAI).date()
    cause = license_service_pb2.StateCause(reason="检查", legal_basis="示例依据")
    with register.agency(APPROVAL_BUREAU, officer="clerk-1") as agency:
        agency.licenses.suspend(license_service_pb2.SuspendLicenseRequest(identifier=identifier, cause=cause))
        assert verdict(page, text) == "SUSPENDED"
        agency.licenses.reinstate(license_service_pb2.ReinstateLicenseRequest(identifier=identifier, cause=cause))
        assert eventually(page, text, wanted="VALID"), "the status list is built anew once in a second at most"
        renewed = agency.licenses.renew(
            license_service_pb2.RenewLicenseRequest(
                identifier=identifier,
                cause=cause,
                valid_from=today.isoformat(),
                valid_until=(today + timedelta(days=1000)).isoformat(),
            )
        )
        assert verdict(page, text) == "SUPERSEDED"
        assert verdict(page, renewed.qr_text) == "VALID"
        agency.licenses.revoke(
            license_service_pb2.RevokeLicenseRequest(
                identifier=renewed.license.identifier,
                cause=cause,
                kind=license_service_pb2.REVOCATION_KIND_PENALTY,
            )
        )
        assert verdict(page, renewed.qr_text) == "REVOKED"
        assert verdict(page, text) == "REVOKED"
