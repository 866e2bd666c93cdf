"""Every verdict in a real browser: what is opened, what is said, and what of the code is shown."""

from collections.abc import Callable
from datetime import datetime

import pytest

from certsvc.domain.validity_dates import SHANGHAI
from tests.e2e.page import presented_codes
from tests.e2e.page.conftest import Visit
from tests.e2e.page.register_stub import AGENCY_ID, TYPE_CODE, RegisterStub, business_license

VERDICTS: dict[Callable[[RegisterStub], str], str] = {
    presented_codes.valid: "VALID",
    presented_codes.valid_on_its_first_day: "VALID",
    presented_codes.valid_on_its_last_day: "VALID",
    presented_codes.deactivated_key: "VALID",
    presented_codes.suspended_key: "VALID",
    presented_codes.altered_name: "BAD_SIGNATURE",
    presented_codes.altered_signature: "BAD_SIGNATURE",
    presented_codes.field_of_another_license: "BAD_SIGNATURE",
    presented_codes.foreign_key_under_our_name: "BAD_SIGNATURE",
    presented_codes.foreign_key: "UNKNOWN_SIGNER",
    presented_codes.withdrawn_key: "UNKNOWN_SIGNER",
    presented_codes.development_key: "UNKNOWN_SIGNER",
    presented_codes.development_key_with_a_bad_signature: "UNKNOWN_SIGNER",
    presented_codes.compromised_key: "KEY_COMPROMISED",
    presented_codes.key_of_another_agency: "WRONG_SIGNER",
    presented_codes.key_for_another_type: "WRONG_SIGNER",
    presented_codes.key_for_status_lists: "WRONG_SIGNER",
    presented_codes.signed_before_the_key_was_in_use: "WRONG_SIGNER",
    presented_codes.signed_after_the_key_was_in_use: "WRONG_SIGNER",
    presented_codes.real_key_over_another_name: "NOT_REGISTERED",
    presented_codes.revoked: "REVOKED",
    presented_codes.revoked_in_the_list_alone: "REVOKED",
    presented_codes.revoked_in_the_register_alone: "REVOKED",
    presented_codes.cancelled: "CANCELLED",
    presented_codes.superseded: "SUPERSEDED",
    presented_codes.suspended: "SUSPENDED",
    presented_codes.not_yet_valid: "NOT_YET_VALID",
    presented_codes.expired: "EXPIRED",
    presented_codes.cut_off: "MALFORMED",
    presented_codes.no_number: "MALFORMED",
    presented_codes.bytes_behind_the_end: "MALFORMED",
    presented_codes.too_long: "MALFORMED",
}

# What the words begin with, and whether the code's content stands openly, behind a warning, or not at all.
SHOWN = {
    "VALID": ("有效", "good", "open"),
    "NOT_YET_VALID": ("尚未生效", "caution", "open"),
    "EXPIRED": ("已过期", "caution", "open"),
    "SUSPENDED": ("已暂停", "caution", "open"),
    "SUPERSEDED": ("已有新版本", "caution", "open"),
    "CANCELLED": ("已注销", "bad", "open"),
    "REVOKED": ("已吊销或撤销", "bad", "open"),
    "NOT_REGISTERED": ("登记簿中没有", "bad", "closed"),
    "WRONG_SIGNER": ("签发者无权签发", "bad", "closed"),
    "KEY_COMPROMISED": ("签名密钥已失效", "bad", "closed"),
    "BAD_SIGNATURE": ("伪造或被改动", "bad", "absent"),
    "UNKNOWN_SIGNER": ("签发者不明", "bad", "absent"),
    "MALFORMED": ("不是证照码", "bad", "absent"),
}


@pytest.mark.parametrize("make", VERDICTS, ids=lambda make: make.__name__)
def test_verdict(make: Callable[[RegisterStub], str], stub: RegisterStub, visit: Visit) -> None:
    wanted = VERDICTS[make]
    title, tone, content = SHOWN[wanted]
    visit.open(make(stub))
    assert visit.verdict == wanted
    assert visit.page.locator(".verdict-name").inner_text() == title
    assert visit.page.title().startswith(title)
    assert visit.page.locator(f".banner.{tone} svg").count() == 1
    license_card = visit.page.locator("#license")
    if make in (presented_codes.withdrawn_key, presented_codes.development_key):
        content = "closed"
    match content:
        case "absent":
            assert license_card.count() == 0
            assert "张建国" not in visit.page.content()
        case "closed":
            assert license_card.evaluate("card => card.tagName") == "DETAILS"
            assert license_card.locator("dl").is_hidden()
            assert "不可采信" in license_card.locator("summary").inner_text()
        case _:
            assert license_card.locator("dl").is_visible()
    results = {result for result, _ in visit.checks().values()}
    assert (results == {"PASS"}) == (wanted == "VALID")


def test_a_valid_license_is_shown_whole(stub: RegisterStub, visit: Visit) -> None:
    code = business_license(
        not_before=datetime(2026, 3, 1, tzinfo=SHANGHAI), expires=datetime(2099, 3, 1, tzinfo=SHANGHAI)
    )
    visit.open(stub.code(code))
    rows = dict(
        zip(
            visit.page.locator("#license dt").all_inner_texts(),
            visit.page.locator("#license dd").all_inner_texts(),
            strict=True,
        )
    )
    signed = rows.pop("二维码签发时间")
    assert signed
    assert "".join(rows.pop("证照标识").split()) == code.identifier
    assert rows == {
        "签发机关": "示例市市场监督管理局",
        "持证主体": "示例市青山绿水生态农业科技发展有限责任公司",
        "号码": "91440300123456788M",
        "法定代表人": "张建国",
        "成立日期": "2015-06-18",
        "有效期自": "2026年3月1日",
        "有效期至": "2099年2月28日",
    }
    assert visit.page.locator("#license h2").inner_text() == "营业执照"
    assert AGENCY_ID in code.identifier


def test_an_open_ended_license_says_so(stub: RegisterStub, visit: Visit) -> None:
    visit.open(stub.code(business_license()))
    assert "有效期至\n长期" in visit.page.locator("#license").inner_text()
    visit.page.locator("#language").click()
    assert "Valid until\nNo end date" in visit.page.locator("#license").inner_text()


def test_a_revocation_shows_on_the_next_look(stub: RegisterStub, visit: Visit) -> None:
    """Whatever the browser keeps: the list says max-age=60, the page asks anew all the same."""
    digits = stub.code(business_license())
    assert visit.open(digits).verdict == "VALID"
    stub.statuses[0][presented_codes.SLOT] = 1
    visit.page.reload()
    assert visit.settled().verdict == "REVOKED"
    stub.statuses[0][presented_codes.SLOT] = 0
    stub.registered[stub.digest(digits)] = "CANCELLED"
    visit.page.locator("#retry").click()
    assert visit.settled().verdict == "CANCELLED"


def test_the_bucket_of_the_digest_is_all_that_is_asked(stub: RegisterStub, visit: Visit) -> None:
    digits = stub.code(business_license())
    visit.open(digits)
    assert f"/registered/{stub.digest(digits)[:2]}" in visit.asked()
    assert sorted(visit.asked()) == sorted(
        [
            f"/keys/{stub.license_key.kid}",
            f"/keys/{stub.status_key.kid}",
            f"/keys/{stub.key_set_key.kid}",
            "/keyset/flags",
            "/statuslists/0",
            f"/types/{TYPE_CODE}/1",
            "/registered",
            f"/registered/{stub.digest(digits)[:2]}",
        ]
    )


def test_a_small_register_is_asked_for_all_its_digests(stub: RegisterStub, visit: Visit) -> None:
    stub.prefix_digits = 0
    assert visit.open(stub.code(business_license())).verdict == "VALID"
    assert "/registered/" in visit.asked()


def test_nothing_is_asked_in_the_name_of_a_code_that_is_not_signed(stub: RegisterStub, visit: Visit) -> None:
    visit.open(presented_codes.altered_name(stub))
    asked = set(visit.asked())
    assert asked == {f"/keys/{stub.license_key.kid}", f"/keys/{stub.key_set_key.kid}", "/keyset/flags"}
    visit.requests.clear()
    visit.open(presented_codes.cut_off(stub))
    assert visit.asked() == []
