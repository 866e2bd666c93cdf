"""Every verdict in a real browser: what is opened, what is said, and what of the code is shown."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from certsvc.credentials.qr_code import sign_code
from certsvc.domain.identifier import make_identifier
from certsvc.domain.validity_dates import SHANGHAI
from tests.e2e.page.conftest import Visit
from tests.e2e.page.register_stub import AGENCY_ID, TYPE_CODE, RegisterStub, business_license
from tests.vectors.signers import VectorSigner

SLOT = business_license().status_index


def today() -> datetime:
    return datetime.now(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def changed(digits: str, *, old: bytes, new: bytes) -> str:
    """The code with one value in its payload replaced and the signature left as it is."""
    number = int(digits)
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    assert raw.count(old) == 1
    assert len(old) == len(new)
    return str(int.from_bytes(raw.replace(old, new), "big"))


def valid(stub: RegisterStub) -> str:
    return stub.code(business_license())


def valid_on_its_last_day(stub: RegisterStub) -> str:
    return stub.code(business_license(expires=today() + timedelta(days=1)))


def valid_on_its_first_day(stub: RegisterStub) -> str:
    return stub.code(business_license(not_before=today()))


def altered_name(stub: RegisterStub) -> str:
    return changed(valid(stub), old="张建国".encode(), new="李建国".encode())


def altered_signature(stub: RegisterStub) -> str:
    digits = valid(stub)
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


def field_of_another_license(stub: RegisterStub) -> str:
    other = stub.code(business_license(serial="OTHER", fields={1: "王小明", 2: "2015-06-18"}))
    return changed(other, old="王小明".encode(), new="张建国".encode())


def foreign_key_under_our_name(stub: RegisterStub) -> str:
    foreign = VectorSigner("foreign")
    foreign.kid = stub.license_key.kid
    return stub.code(business_license(), key=foreign)


def foreign_key(stub: RegisterStub) -> str:
    return stub.code(business_license(), key=VectorSigner("foreign"))


def real_key_over_another_name(stub: RegisterStub) -> str:
    """The sign of a stolen key: a registered identifier and index, one field changed, and a good signature."""
    valid(stub)
    return stub.code(business_license(fields={1: "李建国", 2: "2015-06-18"}), state=None)


def revoked(stub: RegisterStub) -> str:
    stub.statuses[0][SLOT] = 1
    return stub.code(business_license(), state="REVOKED")


def cancelled(stub: RegisterStub) -> str:
    stub.statuses[0][SLOT] = 1
    return stub.code(business_license(), state="CANCELLED")


def superseded(stub: RegisterStub) -> str:
    stub.statuses[0][SLOT] = 3
    return stub.code(business_license(), state="SUPERSEDED")


def suspended(stub: RegisterStub) -> str:
    stub.statuses[0][SLOT] = 2
    return stub.code(business_license(), state="SUSPENDED")


def revoked_in_the_list_alone(stub: RegisterStub) -> str:
    stub.statuses[0][SLOT] = 1
    return stub.code(business_license())


def revoked_in_the_register_alone(stub: RegisterStub) -> str:
    return stub.code(business_license(), state="REVOKED")


def expired(stub: RegisterStub) -> str:
    return stub.code(business_license(expires=today()))


def not_yet_valid(stub: RegisterStub) -> str:
    return stub.code(business_license(not_before=today() + timedelta(days=1)))


def key_of_another_agency(stub: RegisterStub) -> str:
    other = make_identifier(type_code=TYPE_CODE, agency_id="11110000000000019K", serial="1", version=1)
    return stub.code(business_license(identifier=other.text))


def key_for_another_type(stub: RegisterStub) -> str:
    stub.keys[stub.license_key.kid]["types"] = ["119900009999000119014"]
    return valid(stub)


def key_for_status_lists(stub: RegisterStub) -> str:
    return stub.code(business_license(), key=stub.status_key)


def signed_before_the_key_was_in_use(stub: RegisterStub) -> str:
    stub.keys[stub.license_key.kid]["not_before"] = int(stub.now().timestamp())
    return valid(stub)


def signed_after_the_key_was_in_use(stub: RegisterStub) -> str:
    before = stub.now() - timedelta(days=2)
    stub.flags[stub.license_key.kid] = {"state": "DEACTIVATED", "since": int(before.timestamp())}
    return valid(stub)


def deactivated_key(stub: RegisterStub) -> str:
    stub.flags[stub.license_key.kid] = {"state": "DEACTIVATED", "since": int(stub.now().timestamp())}
    return valid(stub)


def suspended_key(stub: RegisterStub) -> str:
    stub.flags[stub.license_key.kid] = {"state": "SUSPENDED", "since": 0}
    return valid(stub)


def compromised_key(stub: RegisterStub) -> str:
    stub.flags[stub.license_key.kid] = {"state": "COMPROMISED", "since": int(stub.now().timestamp())}
    return valid(stub)


def withdrawn_key(stub: RegisterStub) -> str:
    stub.flags[stub.license_key.kid] = {"state": "WITHDRAWN", "since": 0}
    return valid(stub)


def cut_off(stub: RegisterStub) -> str:
    return valid(stub)[:-30]


def no_number(stub: RegisterStub) -> str:
    return "javascript:alert(1)"


def bytes_behind_the_end(stub: RegisterStub) -> str:
    raw = sign_code(business_license(), signer=stub.license_key)
    return str(int.from_bytes(raw + b"\x00", "big"))


def too_long(stub: RegisterStub) -> str:
    return "9" * 2468


VERDICTS: dict[Callable[[RegisterStub], str], str] = {
    valid: "VALID",
    valid_on_its_first_day: "VALID",
    valid_on_its_last_day: "VALID",
    deactivated_key: "VALID",
    suspended_key: "VALID",
    altered_name: "BAD_SIGNATURE",
    altered_signature: "BAD_SIGNATURE",
    field_of_another_license: "BAD_SIGNATURE",
    foreign_key_under_our_name: "BAD_SIGNATURE",
    foreign_key: "UNKNOWN_SIGNER",
    withdrawn_key: "UNKNOWN_SIGNER",
    compromised_key: "KEY_COMPROMISED",
    key_of_another_agency: "WRONG_SIGNER",
    key_for_another_type: "WRONG_SIGNER",
    key_for_status_lists: "WRONG_SIGNER",
    signed_before_the_key_was_in_use: "WRONG_SIGNER",
    signed_after_the_key_was_in_use: "WRONG_SIGNER",
    real_key_over_another_name: "NOT_REGISTERED",
    revoked: "REVOKED",
    revoked_in_the_list_alone: "REVOKED",
    revoked_in_the_register_alone: "REVOKED",
    cancelled: "CANCELLED",
    superseded: "SUPERSEDED",
    suspended: "SUSPENDED",
    not_yet_valid: "NOT_YET_VALID",
    expired: "EXPIRED",
    cut_off: "MALFORMED",
    no_number: "MALFORMED",
    bytes_behind_the_end: "MALFORMED",
    too_long: "MALFORMED",
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
    if make is withdrawn_key:
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
    stub.statuses[0][SLOT] = 1
    visit.page.reload()
    assert visit.settled().verdict == "REVOKED"
    stub.statuses[0][SLOT] = 0
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
    visit.open(altered_name(stub))
    asked = set(visit.asked())
    assert asked == {f"/keys/{stub.license_key.kid}", f"/keys/{stub.key_set_key.kid}", "/keyset/flags"}
    visit.requests.clear()
    visit.open(cut_off(stub))
    assert visit.asked() == []
