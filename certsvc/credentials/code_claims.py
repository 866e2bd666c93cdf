"""What a license code says: the CWT claims (RFC 8392) of a license, written and strictly read.

docs/formats/qr-code.cddl is the contract. Invariants: one license version has one sequence of payload bytes;
what `encode_payload` writes, `read_payload` takes and gives back equal; what `read_payload` takes, encodes to
the same bytes.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from certsvc.credentials import cbor
from certsvc.domain.identifier import parse_identifier, parse_without_root
from certsvc.domain.license_code import CodeHolder, FieldValue, LicenseCode
from certsvc.errors import FieldViolation, InvalidInputError, MalformedError

STATUS_LIST_SIZE = 2**17
MAX_STATUS_LIST = 2**31 - 1
MAX_TYPE_VERSION = 2**16 - 1
MAX_FIELD_KEY = 255
MAX_INTEGER = 2**53 - 1
"""Integers in fields stay where a JavaScript number is exact."""
EARLIEST_TIME = -2_209_017_600
"""1900-01-01T00:00+08:00; licenses older than 1970 exist, so times may be negative."""
LATEST_TIME = 253_402_300_799
"""9999-12-31T23:59:59Z."""

_EXP, _NBF, _IAT, _CTI, _BODY = 4, 5, 6, 7, -65537
_STATUS, _HOLDERS, _FIELDS, _TYPE_VERSION = range(4)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_payload(code: LicenseCode) -> bytes:
    """The deterministic claims of a code. Raises InvalidInputError when `read_payload` would refuse them."""
    body: dict[int, cbor.Encodable] = {
        _STATUS: (code.status_list, code.status_index),
        _TYPE_VERSION: code.type_version,
    }
    if code.holders:
        body[_HOLDERS] = [(name,) if number is None else (name, number) for name, number in code.holders]
    if code.fields:
        body[_FIELDS] = code.fields
    claims: dict[int, cbor.Encodable] = {
        _NBF: _seconds(code.not_before),
        _IAT: _seconds(code.issued_at),
        _CTI: parse_identifier(code.identifier).without_root.encode("ascii"),
        _BODY: body,
    }
    if code.expires is not None:
        claims[_EXP] = _seconds(code.expires)
    try:
        payload = cbor.encode(claims)
        readable = read_payload(payload) == code
    except (MalformedError, TypeError, ValueError) as error:
        raise _unsignable(str(error)) from error
    if not readable:
        raise _unsignable("the code does not read back as it was written")
    return payload


def read_payload(payload: bytes) -> LicenseCode:
    """Read the claims of a license code.

    Raises MalformedError (CODE_CLAIMS, CODE_IDENTIFIER, CBOR_…) for anything out of bounds.
    """
    claims = _map(cbor.decode(payload), required=(_NBF, _IAT, _CTI, _BODY), optional=(_EXP,))
    body = _map(claims[_BODY], required=(_STATUS, _TYPE_VERSION), optional=(_HOLDERS, _FIELDS))
    status_list, status_index = _status_entry(body[_STATUS])
    not_before = _integer(claims[_NBF], EARLIEST_TIME, LATEST_TIME)
    expires = _integer(claims[_EXP], not_before + 1, LATEST_TIME) if _EXP in claims else None
    return LicenseCode(
        issued_at=_moment(_integer(claims[_IAT], 0, LATEST_TIME)),
        not_before=_moment(not_before),
        expires=None if expires is None else _moment(expires),
        identifier=_identifier(claims[_CTI]),
        type_version=_integer(body[_TYPE_VERSION], 1, MAX_TYPE_VERSION),
        status_list=status_list,
        status_index=status_index,
        holders=_holders(body[_HOLDERS]) if _HOLDERS in body else (),
        fields=_fields(body[_FIELDS]) if _FIELDS in body else {},
    )


def _refuse(message: str) -> MalformedError:
    return MalformedError(reason="CODE_CLAIMS", message=message)


def _map(item: cbor.Item, *, required: Collection[int], optional: Collection[int]) -> dict[int | str, cbor.Item]:
    """`item` when it is a map with all the required keys and no others but optional ones."""
    if not isinstance(item, dict):
        raise _refuse("a map is expected")
    if not all(key in item for key in required):
        raise _refuse("a claim is missing")
    if len(item) != len(required) + sum(key in item for key in optional):
        raise _refuse("there is a claim that this format does not have")
    return item


def _integer(item: cbor.Item, least: int, most: int) -> int:
    if isinstance(item, int) and not isinstance(item, bool) and least <= item <= most:
        return item
    raise _refuse(f"an integer from {least} to {most} is expected")


def _text(item: cbor.Item) -> str:
    if isinstance(item, str):
        return item
    raise _refuse("text is expected")


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _status_entry(item: cbor.Item) -> tuple[int, int]:
    match item:
        case [status_list, index]:
            return _integer(status_list, 0, MAX_STATUS_LIST), _integer(index, 0, STATUS_LIST_SIZE - 1)
    raise _refuse("a status entry is [list, index]")


def _identifier(item: cbor.Item) -> str:
    """The dotted form of a cti: ASCII, without the root, with a right check character."""
    if not isinstance(item, bytes):
        raise _refuse("cti is a byte string")
    try:
        identifier = parse_without_root(item.decode("ascii"))
    except (UnicodeDecodeError, InvalidInputError) as error:
        raise MalformedError(reason="CODE_IDENTIFIER", message="cti is no license identifier") from error
    return identifier.text


def _holders(item: cbor.Item) -> tuple[CodeHolder, ...]:
    if not isinstance(item, list) or not item:
        raise _refuse("holders are a list of at least one")
    return tuple(_holder(entry) for entry in item)


def _holder(item: cbor.Item) -> CodeHolder:
    match item:
        case [name]:
            return CodeHolder(_text(name))
        case [name, number]:
            return CodeHolder(_text(name), _text(number))
    raise _refuse("a holder is [name] or [name, number]")


def _fields(item: cbor.Item) -> dict[int, FieldValue]:
    if not isinstance(item, dict) or not item:
        raise _refuse("fields are a map of at least one")
    return {_integer(key, 1, MAX_FIELD_KEY): _field_value(value) for key, value in item.items()}


def _field_value(item: cbor.Item) -> FieldValue:
    if isinstance(item, str | bool):
        return item
    return _integer(item, -MAX_INTEGER, MAX_INTEGER)


def _unsignable(description: str) -> InvalidInputError:
    return InvalidInputError.of(FieldViolation("code", "CODE_CLAIMS", description))


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None or moment.microsecond:
        raise _unsignable("times are aware and in whole seconds")
    return int(moment.timestamp())
