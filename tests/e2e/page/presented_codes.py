"""Codes that a citizen may be shown, good and bad, each with the register in the state that belongs to it.

Every function takes the register, changes what it must there, and returns the digits of a code; its name says what is
wrong with it.
"""

from datetime import datetime, timedelta

from certsvc.credentials.qr_code import sign_code
from certsvc.domain.identifier import make_identifier
from certsvc.domain.validity_dates import SHANGHAI
from tests.e2e.page.register_stub import TYPE_CODE, RegisterStub, business_license
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


def development_key(stub: RegisterStub) -> str:
    stub.keys[stub.license_key.kid]["development"] = True
    return stub.code(business_license())


def development_key_with_a_bad_signature(stub: RegisterStub) -> str:
    stub.keys[stub.license_key.kid]["development"] = True
    return altered_name(stub)


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
