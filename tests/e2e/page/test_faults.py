"""What could not be found out is never called valid, nor invalid: the page says what is missing and offers to retry."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from certsvc.domain.validity_dates import SHANGHAI
from tests.e2e.page.conftest import PLAIN_HOST, Visit
from tests.e2e.page.register_stub import TYPE_CODE, Answer, Fault, RegisterStub, business_license
from tests.vectors.signers import VectorSigner


def hang_up(answer: Answer) -> Answer:
    raise ConnectionError


def status(code: int) -> Fault:
    return lambda answer: replace(answer, status=code)


def redirect(answer: Answer) -> Answer:
    return Answer(status=302, headers={"Location": "http://elsewhere.example/"})


def hotel_login(answer: Answer) -> Answer:
    return Answer(media_type="text/html", body=b"<!doctype html><title>Wi-Fi</title>")


def other_json(answer: Answer) -> Answer:
    return replace(answer, body=b'["nothing", "of", "use"]')


def nothing(answer: Answer) -> Answer:
    return replace(answer, body=b"")


def without_end(answer: Answer) -> Answer:
    return replace(answer, body=b" " * 5_000_000)


FAULTS: dict[Fault, str] = {
    hang_up: "NO_ANSWER",
    status(503): "NO_ANSWER",
    status(429): "NO_ANSWER",
    redirect: "NO_ANSWER",
    hotel_login: "UNEXPECTED_ANSWER",
    other_json: "UNEXPECTED_ANSWER",
    nothing: "UNEXPECTED_ANSWER",
    without_end: "UNEXPECTED_ANSWER",
}
FAULT_NAMES = ["hang-up", "503", "429", "redirect", "hotel login", "other JSON", "nothing", "without end"]

# What stays unchecked when one answer is missing.
MISSING = {
    "/keys": {
        "SIGNER",
        "SIGNATURE",
        "KEY_STATE",
        "KEY_SCOPE",
        "REGISTRATION",
        "STATUS_LIST",
        "STATE",
        "VERSION",
        "DATES",
        "TYPE",
    },
    "/keyset/flags": {"KEY_STATE", "STATUS_LIST"},
    "/registered": {"REGISTRATION", "STATE", "VERSION"},
    "/statuslists": {"STATUS_LIST"},
    "/types": {"TYPE"},
}


@pytest.mark.parametrize("path", MISSING)
@pytest.mark.parametrize(("fault", "reason"), FAULTS.items(), ids=FAULT_NAMES)
def test_one_missing_answer_leaves_it_open(
    path: str, fault: Fault, reason: str, stub: RegisterStub, visit: Visit
) -> None:
    stub.faults[path] = fault
    visit.open(stub.code(business_license()))
    assert visit.verdict == "UNCONFIRMED"
    assert visit.page.locator(".verdict-name").inner_text() == "无法核验"
    checks = visit.checks()
    assert {name for name, (result, _) in checks.items() if result == "NOT_CHECKED"} == MISSING[path]
    assert all(result != "FAIL" for result, _ in checks.values())
    assert {checks[name][1] for name in MISSING[path]} == {reason}
    assert visit.page.locator("#checks").get_attribute("open") is not None
    assert (visit.page.locator("#license").count() == 1) == (path != "/keys")

    stub.faults.clear()
    visit.page.locator("#retry").click()
    assert visit.settled().verdict == "VALID"


def test_without_a_network_it_says_so_and_retries(stub: RegisterStub, visit: Visit) -> None:
    digits = stub.code(business_license())
    visit.open()
    visit.context.set_offline(True)
    visit.page.evaluate("digits => { location.hash = digits; }", digits)
    visit.page.wait_for_selector("#verdict[data-verdict=UNCONFIRMED]")
    assert visit.checks()["SIGNER"] == ("NOT_CHECKED", "NO_ANSWER")
    visit.context.set_offline(False)
    visit.page.locator("#retry").click()
    visit.page.wait_for_selector("#verdict[data-verdict=VALID]")


def test_a_bad_answer_still_counts_where_another_is_missing(stub: RegisterStub, visit: Visit) -> None:
    stub.faults["/statuslists"] = hang_up
    visit.open(stub.code(business_license(), state="REVOKED"))
    assert visit.verdict == "REVOKED"
    assert visit.checks()["STATUS_LIST"] == ("NOT_CHECKED", "NO_ANSWER")
    stub.faults = {"/registered": hang_up}
    stub.statuses[0][business_license().status_index] = 1
    visit.page.locator("#retry").click()
    assert visit.settled().verdict == "REVOKED"
    assert visit.checks()["REGISTRATION"] == ("NOT_CHECKED", "NO_ANSWER")


def test_a_404_that_is_not_the_registers_says_nothing_of_the_key(stub: RegisterStub, visit: Visit) -> None:
    stub.faults[f"/keys/{stub.license_key.kid}"] = lambda _: Answer(status=404, media_type="text/html")
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"


def test_a_register_that_asks_for_too_much_of_the_digest_gets_nothing(stub: RegisterStub, visit: Visit) -> None:
    stub.prefix_digits = 7
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"
    assert visit.checks()["REGISTRATION"] == ("NOT_CHECKED", "PREFIX_TOO_LONG")
    assert not [path for path in visit.asked() if path.startswith("/registered/")]


def test_another_bucket_than_the_asked_one_is_no_answer(stub: RegisterStub, visit: Visit) -> None:
    stub.faults["/registered/"] = lambda _: Answer.json({"prefix": "zz", "entries": []})
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"


def test_a_silent_register_is_given_up_after_ten_seconds(stub: RegisterStub, visit: Visit) -> None:
    released = threading.Event()

    def never(answer: Answer) -> Answer:
        released.wait(60)
        return answer

    stub.faults["/registered"] = never
    visit.page.clock.install()
    visit.page.goto(f"{visit.address}/q#{stub.code(business_license())}")
    visit.page.wait_for_selector("#verdict[aria-busy=true]")
    with visit.page.expect_event("requestfailed", lambda request: request.url.endswith("/registered")):
        while "/registered" not in visit.asked():
            visit.page.wait_for_event("request")
        visit.page.clock.run_for(10_001)
    assert visit.settled().verdict == "UNCONFIRMED"
    assert visit.checks()["REGISTRATION"] == ("NOT_CHECKED", "NO_ANSWER")
    released.set()


def test_a_late_answer_for_an_earlier_code_changes_nothing(stub: RegisterStub, visit: Visit) -> None:
    released = threading.Event()

    def late(answer: Answer) -> Answer:
        released.wait(60)
        return answer

    earlier = stub.code(business_license(), state="REVOKED")
    other = VectorSigner("second license key")
    stub.publish(other, purpose="license", agency=True)
    later = stub.code(business_license(serial="LATER"), key=other)
    stub.faults[f"/keys/{stub.license_key.kid}"] = late
    visit.page.goto(f"{visit.address}/q#{earlier}")
    visit.page.wait_for_selector("#verdict[aria-busy=true]")
    visit.page.evaluate(
        """() => {
          const verdict = document.getElementById("verdict");
          window.shown = [];
          new MutationObserver(() => window.shown.push(verdict.dataset.verdict))
            .observe(verdict, { attributeFilter: ["data-verdict"] });
        }"""
    )
    # At once, and not because ten seconds are over.
    given_up = visit.page.expect_event(
        "requestfailed", lambda request: stub.license_key.kid in request.url, timeout=8_000
    )
    with given_up:
        visit.page.evaluate("digits => { location.hash = digits; }", later)
    visit.page.wait_for_selector("#verdict[data-verdict=VALID]")
    released.set()
    visit.page.wait_for_load_state("networkidle")
    assert set(visit.page.evaluate("window.shown")) == {"", "VALID"}
    assert visit.verdict == "VALID"
    assert "LATER" in visit.page.locator("#license").inner_text()


def test_a_phone_with_a_wrong_clock_is_told(stub: RegisterStub, visit: Visit) -> None:
    stub.clock_offset = timedelta(hours=3)
    stub.statuses[0][0] = 1
    visit.open(stub.code(business_license()))
    assert visit.verdict == "VALID", "an open-ended license is valid by either clock"
    assert "校准手机时间" in visit.page.locator(".note").inner_text()


def test_a_wrong_clock_does_not_decide_about_the_dates(stub: RegisterStub, visit: Visit) -> None:
    stub.clock_offset = timedelta(days=40)
    soon = stub.now().astimezone(SHANGHAI) - timedelta(days=20)
    visit.open(stub.code(business_license(expires=soon.replace(hour=0, minute=0, second=0))))
    assert visit.verdict == "UNCONFIRMED"
    assert visit.checks()["DATES"] == ("NOT_CHECKED", "CLOCK_UNCERTAIN")


def test_ten_minutes_are_nothing_to_speak_of(stub: RegisterStub, visit: Visit) -> None:
    stub.clock_offset = timedelta(minutes=9)
    assert visit.open(stub.code(business_license())).verdict == "VALID"
    assert visit.page.locator(".note").count() == 0


def test_a_plain_http_page_cannot_check_and_does_not_condemn(stub: RegisterStub, visit: Visit) -> None:
    """Not loopback and not https: the browser has no crypto.subtle there."""
    visit.address = visit.address.replace("127.0.0.1", PLAIN_HOST)
    good, bad = stub.code(business_license()), "123"
    for digits in (good, bad):
        assert visit.open(digits).verdict == "CANNOT_CHECK"
        assert visit.page.evaluate("typeof crypto.subtle") == "undefined"
        assert visit.page.locator(".verdict-name").inner_text() == "本机无法核验"
        assert "这不表示证照有问题" in visit.page.locator(".banner").inner_text()
        assert visit.page.locator("#license").count() == 0
    assert visit.asked() == []


def test_a_browser_without_webcrypto_cannot_check(stub: RegisterStub, visit: Visit) -> None:
    visit.context.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });")
    assert visit.open(stub.code(business_license(), state="REVOKED")).verdict == "CANNOT_CHECK"
    visit.page.locator("#language").click()
    assert visit.page.locator(".verdict-name").inner_text() == "Cannot check here"


def test_a_browser_that_cannot_inflate_leaves_the_list_open(stub: RegisterStub, visit: Visit) -> None:
    visit.context.add_init_script("delete globalThis.DecompressionStream;")
    assert visit.open(stub.code(business_license())).verdict == "UNCONFIRMED"
    assert visit.checks()["STATUS_LIST"] == ("NOT_CHECKED", "BROWSER_TOO_OLD")


def test_a_browser_without_scripts_says_that_it_cannot_check(stub: RegisterStub, visit: Visit, address: str) -> None:
    assert visit.context.browser is not None
    context = visit.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/q#{stub.code(business_license())}")
    fallback = page.locator("#fallback")
    fallback.wait_for(state="visible")
    assert "不表示证照有问题" in fallback.inner_text()
    assert "This browser cannot check here." in fallback.inner_text()
    context.close()


def test_the_name_of_the_type_is_part_of_the_answer(stub: RegisterStub, visit: Visit) -> None:
    """Without it nobody could tell what is valid: the fields stand there by number, and the verdict is open."""
    stub.faults[f"/types/{TYPE_CODE}"] = status(404)
    visit.open(stub.code(business_license()))
    assert visit.verdict == "UNCONFIRMED"
    assert visit.page.locator("#license h2").inner_text() == "证照"
    assert "第 1 项\n张建国" in visit.page.locator("#license").inner_text()
