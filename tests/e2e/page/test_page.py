"""How the page behaves in people's hands: languages, sizes, pasting, hostile content, and what never leaves it."""

import base64
from typing import Any

import pytest
from playwright.sync_api import Browser

from certsvc.domain.license_code import CodeHolder
from tests.e2e.page.conftest import Visit
from tests.e2e.page.leaks import leaks
from tests.e2e.page.register_stub import RegisterStub, business_license

STATES = ["VALID", "UNCONFIRMED", "NOT_REGISTERED", "EMPTY"]


def open_state(state: str, stub: RegisterStub, visit: Visit) -> None:
    if state == "EMPTY":
        visit.open()
        return
    if state == "UNCONFIRMED":
        stub.statuses.clear()
    visit.open(stub.code(business_license(), state=None if state == "NOT_REGISTERED" else "ACTIVE"))
    assert visit.verdict == state


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_small_phone_shows_it_large_and_whole(state: str, language: str, stub: RegisterStub, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 568})
    open_state(state, stub, visit)
    if language == "en":
        visit.page.locator("#language").click()
    for summary in visit.page.locator("summary").all():
        if summary.locator("..").get_attribute("open") is None:
            summary.click()
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    # Every text at 18px or more, the verdict at 30 or more, everything that is tapped 60 high or more.
    sizes = visit.page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
          .filter((node) => node.checkVisibility())
          .map((node) => [node.textContent, parseFloat(getComputedStyle(node).fontSize)])"""
    )
    assert len(sizes) > 5
    assert [text for text, size in sizes if size < 18] == []
    for name in visit.page.locator(".verdict-name").all():
        assert float(name.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")) >= 30
    targets = [box(target) for target in visit.page.locator("button, summary, textarea").all()]
    assert len(targets) >= 2
    assert all(target["height"] >= 60 and target["width"] >= 60 for target in targets)
    assert all(target["x"] >= 0 and target["x"] + target["width"] <= 320 for target in targets)


def box(locator: Any) -> dict[str, float]:
    found: dict[str, float] | None = locator.bounding_box()
    assert found is not None
    return found


def test_the_language_follows_the_phone_and_the_button(browser: Browser, stub: RegisterStub, visit: Visit) -> None:
    digits = stub.code(business_license())
    visit.open(digits)
    page = visit.page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("#license h2").inner_text() == "营业执照"
    before = len(visit.asked())
    page.locator("#language").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title() == "Valid · Business license · License check"
    assert page.locator("#license h2").inner_text() == "Business license"
    assert "Legal representative\n张建国" in page.locator("#license").inner_text()
    assert len(visit.asked()) == before, "another language needs no other answer"
    page.locator("#language").click()
    assert page.title() == "有效 · 营业执照 · 电子证照核验"

    context = browser.new_context(locale="en-GB")
    abroad = context.new_page()
    abroad.goto(f"{visit.address}/q#{digits}")
    abroad.wait_for_selector("#verdict[data-verdict=VALID]")
    assert abroad.locator(".verdict-name").inner_text() == "Valid"
    context.close()


def test_the_verdict_is_announced(stub: RegisterStub, visit: Visit) -> None:
    visit.open(stub.code(business_license()))
    snapshot = visit.page.locator("#verdict").aria_snapshot()
    assert snapshot.startswith("- status:")
    assert "paragraph: 有效" in snapshot
    assert "img" not in snapshot, "the words say what the icon shows"


def test_without_a_code_it_explains_itself(visit: Visit) -> None:
    visit.open()
    assert visit.verdict == ""
    assert visit.page.title() == "电子证照核验"
    text = visit.page.locator("main").inner_text()
    assert "用手机自带的相机扫描" in text
    assert "证照内容不会发送给任何人" in text
    assert visit.address.removeprefix("http://") in visit.page.locator("footer").inner_text()
    assert visit.asked() == []


def test_a_pasted_text_is_checked_and_kept_out_of_the_address(stub: RegisterStub, visit: Visit) -> None:
    digits = stub.code(business_license())
    visit.open()
    visit.page.locator("#paste").fill(f"  {visit.address}/q#{digits[:300]}\n{digits[300:]}\n")
    visit.page.locator("#language").click()
    visit.page.locator("#paste-check").click()
    visit.page.wait_for_selector("#verdict[data-verdict=VALID]")
    assert visit.page.locator(".note").count() == 0
    assert visit.page.url == f"{visit.address}/q"
    visit.page.locator("#scan summary").click()
    visit.page.locator("#paste").fill("hello")
    visit.page.locator("#paste-check").click()
    visit.page.wait_for_selector("#verdict[data-verdict=MALFORMED]")


def test_a_code_that_names_another_host_is_judged_with_a_warning(stub: RegisterStub, visit: Visit) -> None:
    digits = stub.code(business_license())
    visit.open()
    visit.page.locator("#paste").fill(f"https://register.example.evil.test/q#{digits}")
    visit.page.locator("#paste-check").click()
    visit.page.wait_for_selector("#verdict[data-verdict=VALID]")
    assert "register.example.evil.test" in visit.page.locator(".note").inner_text()


def test_another_code_in_the_address_is_checked_at_once(stub: RegisterStub, visit: Visit) -> None:
    visit.open(stub.code(business_license()))
    other = stub.code(business_license(serial="OTHER"), state="SUSPENDED")
    visit.page.evaluate("digits => { location.hash = digits; }", other)
    visit.page.wait_for_selector("#verdict[data-verdict=SUSPENDED]")
    visit.page.go_back()
    visit.page.wait_for_selector("#verdict[data-verdict=VALID]")


HOSTILE_NAMES = {
    "markup": "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "direction": "\u202e司公限有\u202c有限公司",
    "endless": "长" * 160,
    "unbroken": "W" * 200,
}


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_what_a_code_says_stays_text_in_its_place(name: str, stub: RegisterStub, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 568})
    visit.open(stub.code(business_license(holders=(CodeHolder(name),), fields={1: name[:40], 9: True, 10: -5})))
    assert visit.verdict == "VALID"
    assert visit.page.locator("#license bdi", has_text=name).first.evaluate("node => node.textContent") == name
    assert visit.page.locator("#license img, #license script").count() == 0
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    rows = visit.page.locator("#license").inner_text()
    assert "第 9 项\n是" in rows
    assert "第 10 项\n-5" in rows


def test_of_several_holders_each_shows_what_the_code_has(stub: RegisterStub, visit: Visit) -> None:
    holders = (CodeHolder("张*三", "***************1234"), CodeHolder("李*"), CodeHolder("", "****5678"))
    visit.open(stub.code(business_license(holders=holders, fields={})))
    card = visit.page.locator("#license .row")
    assert card.filter(has_text="持证主体").locator("dd").all_inner_texts() == ["张*三", "李*"]
    assert card.filter(has_text="号码").locator("dd").all_inner_texts() == ["***************1234", "****5678"]


def test_a_test_key_is_named_as_one(stub: RegisterStub, visit: Visit) -> None:
    stub.keys[stub.license_key.kid]["development"] = stub.development = True
    visit.open(stub.code(business_license()))
    assert visit.verdict == "VALID"
    assert "没有法律效力" in visit.page.locator(".note").inner_text()


def test_a_key_for_all_agencies_leaves_the_agencys_number(stub: RegisterStub, visit: Visit) -> None:
    stub.keys[stub.license_key.kid]["agency"] = None
    visit.open(stub.code(business_license()))
    assert visit.verdict == "VALID"
    assert "签发机关\n1299010099990002X3" in visit.page.locator("#license").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_verdict_is_a_shape_and_a_word_and_only_then_a_color(scheme: str, stub: RegisterStub, visit: Visit) -> None:
    """Seen without color, a good, a doubtful and a bad verdict still differ."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", forced_colors="active")
    shapes = set()
    for serial, state in (("A1", "ACTIVE"), ("B1", "SUSPENDED"), ("C1", "REVOKED")):
        visit.open(stub.code(business_license(serial=serial), state=state))
        shapes.add(visit.page.locator(".banner svg path").first.get_attribute("d"))
    stub.statuses.clear()
    visit.open(stub.code(business_license(serial="D1")))
    shapes.add(visit.page.locator(".banner svg path").last.get_attribute("d"))
    assert len(shapes) == 4


def test_leaks_would_be_found(stub: RegisterStub) -> None:
    """The search behind every visit's end finds a piece of a code in any of its forms."""
    digits = stub.code(business_license())
    (secret,) = stub.secrets
    raw = bytes.fromhex(secret)
    said = ["GET /keys/" + stub.license_key.kid, "GET /types/119900009999000119001/1", "GET /registered/ab12"]
    assert leaks(said, secret) == []
    for leak in (
        digits[200:220],
        secret[60:80],
        base64.urlsafe_b64encode(raw[31:91]).decode()[8:40],
        "91440300123456788M",
        "2026000000001.001",
        stub.digest(digits)[:12],
        "张建国",
    ):
        assert leaks([*said, f"GET /x?y={leak}"], secret) != [], leak
