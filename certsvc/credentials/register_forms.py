"""The signed forms as the services need them: the ports CodeFormat, VCFormat and StatusListFormat.

Owns no format of its own; it joins the modules of this package with domain objects and the register's URLs.
Invariant: a signature is only checked with a key of the purpose that the form asks for.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from certsvc.credentials import qr_code
from certsvc.credentials.jwk import sec1_of
from certsvc.credentials.license_vc import LicenseVc, VcHolder, issue_license_vc
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.credentials.sd_jwt import ExpectedBinding, ParsedSdJwt, parse_sd_jwt, present, verify_sd_jwt
from certsvc.credentials.status_list import (
    StatusList,
    StatusListToken,
    sign_status_list_cwt,
    sign_status_list_jwt,
)
from certsvc.credentials.strict_json import load_object, member, time_member
from certsvc.credentials.verification_key import VerificationKey
from certsvc.domain import validity_dates
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.license import ValidityPeriod
from certsvc.domain.license_code import LicenseCode
from certsvc.domain.license_type import HOLDER_NAME, HOLDER_NUMBER
from certsvc.domain.permutation import STATUS_LIST_BITS
from certsvc.domain.signing_key import SigningKey
from certsvc.errors import FieldViolation, InvalidInputError, MalformedError, SignatureError
from certsvc.ports import PresentedCode, PresentedVC, Signer, VCContent

LIST_LIFETIME = timedelta(days=1)
LIST_TTL = timedelta(seconds=60)
MAX_QR_BITS = 8000
"""What a QR code of version 25 at level M holds: 1,000 data codewords (ISO/IEC 18004, table 7)."""


@lru_cache(maxsize=4096)
def verification_key(key: SigningKey) -> VerificationKey:
    """The key object of a record; parsing a point costs more than half a check, so it is kept."""
    return VerificationKey.from_record(key)


class QRCodeForm:
    """Port CodeFormat, by qr_code.py."""

    def __init__(self, urls: RegisterURLs) -> None:
        self._urls = urls

    def sign(self, code: LicenseCode, *, signer: Signer) -> tuple[bytes, bytes]:
        """See CodeFormat."""
        raw = qr_code.sign_code(code, signer=signer)
        if qr_code.qr_bits(self.text(raw)) > MAX_QR_BITS:
            description = "would need a QR code larger than version 25 at level M: shorten what the code shows"
            raise InvalidInputError.of(FieldViolation("code", "CODE_TOO_LARGE", description))
        return raw, qr_code.digest_of(qr_code.parse_code(raw).signed_bytes)

    def text(self, raw: bytes) -> str:
        """See CodeFormat."""
        return qr_code.text_of(raw, verify_url=self._urls.verify)

    def read(self, text: str) -> PresentedCode:
        """See CodeFormat."""
        parsed = qr_code.parse_text(text)
        digest = qr_code.digest_of(parsed.signed_bytes)
        return PresentedCode(parsed.host, parsed.kid, parsed.code, digest, parsed)

    def verify(self, presented: PresentedCode, key: SigningKey) -> bool:
        """See CodeFormat."""
        assert isinstance(presented.handle, qr_code.ParsedCode)  # noqa: S101 - made by `read`
        try:
            qr_code.verify_code(presented.handle, verification_key(key))
        except SignatureError:
            return False
        return True

    def is_own_host(self, host: str) -> bool:
        """See CodeFormat."""
        return host == self._urls.host


class SDJWTForm:
    """Port VCFormat, by license_vc.py and sd_jwt.py."""

    def __init__(self, urls: RegisterURLs, *, random_bytes: Callable[[int], bytes]) -> None:
        self._urls = urls
        self._random_bytes = random_bytes

    def issue(
        self,
        content: VCContent,
        *,
        signer: Signer,
        now: datetime,
        expires: datetime,
        disclose: Collection[str] | None,
        holder_key: str,
    ) -> tuple[str, bytes]:
        """See VCFormat."""
        version, license_type, agency = content.version, content.license_type, content.agency
        vc = LicenseVc(
            issuer=self._urls.public_url,
            vct=self._urls.vct(license_type.code, license_type.version),
            issued_at=now,
            expires_at=expires,
            identifier=version.identifier,
            type_code=license_type.code,
            type_name=license_type.name.zh,
            agency_id=agency.agency_id,
            agency_name=agency.name.zh,
            valid_from=version.validity.first,
            valid_until=version.validity.last,
            trust_grade=content.trust_grade,
            status_uri=self._urls.status_list(version.status_slot >> STATUS_LIST_BITS),
            status_index=version.status_slot & ((1 << STATUS_LIST_BITS) - 1),
            holders=tuple(VcHolder(h.name, h.number.value, h.number.kind) for h in version.holders),
            fields=version.fields,
            holder_key=_holder_key(holder_key),
        )
        token = issue_license_vc(vc, signer=signer, random_bytes=self._random_bytes)
        parsed = parse_sd_jwt(token)
        if disclose is not None:
            wanted = [path for path in parsed.disclosed.paths if _name_of(path) in disclose]
            token = present(token, paths=wanted)
        return token, parsed.digest

    def read(self, text: str) -> PresentedVC:
        """See VCFormat."""
        parsed = parse_sd_jwt(text)
        claims = parsed.claims
        if parsed.token.kid is None:
            raise MalformedError(reason="TOKEN_HEADER", message="the token names no key")
        try:
            identifier = parse_identifier(member(claims, "identifier", str)).text
        except InvalidInputError as error:
            raise MalformedError(reason="VC_IDENTIFIER", message="identifier is no license identifier") from error
        period = _period(claims)
        expires = time_member(claims, "exp")
        ends = validity_dates.expires(period)
        return PresentedVC(
            kid=parsed.token.kid,
            identifier=identifier,
            issued_at=time_member(claims, "iat"),
            not_before=validity_dates.not_before(period),
            expires=min(expires, ends) if ends else expires,
            license_not_before=validity_dates.not_before(period),
            license_expires=ends,
            holders=tuple(
                (str(holder.get("name", "")), str(holder.get("number", "")))
                for holder in member(claims, "holders", list)
                if isinstance(holder, dict)
            ),
            fields=member(claims, "fields", dict),
            digest=parsed.digest,
            handle=parsed,
        )

    def verify(self, presented: PresentedVC, key: SigningKey, *, now: datetime, nonce: str, audience: str) -> bool:
        """See VCFormat."""
        assert isinstance(presented.handle, ParsedSdJwt)  # noqa: S101 - made by `read`
        binding = ExpectedBinding(audience=audience, nonce=nonce) if nonce or audience else None
        try:
            verify_sd_jwt(
                presented.handle,
                verification_key(key),
                now=now,
                binding=binding,
                issuer=self._urls.public_url,
                check_times=False,
            )
        except SignatureError:
            return False
        return True


class StatusListForm:
    """Port StatusListFormat, by status_list.py."""

    def __init__(self, urls: RegisterURLs) -> None:
        self._urls = urls

    def jwt(self, list_number: int, statuses: Mapping[int, int], *, signer: Signer, now: datetime) -> bytes:
        """See StatusListFormat."""
        return sign_status_list_jwt(self._token(list_number, statuses, now), signer=signer).encode()

    def cwt(self, list_number: int, statuses: Mapping[int, int], *, signer: Signer, now: datetime) -> bytes:
        """See StatusListFormat."""
        return sign_status_list_cwt(self._token(list_number, statuses, now), signer=signer)

    def _token(self, list_number: int, statuses: Mapping[int, int], now: datetime) -> StatusListToken:
        return StatusListToken(
            uri=self._urls.status_list(list_number),
            statuses=StatusList.of(statuses),
            issued_at=now,
            expires_at=now + LIST_LIFETIME,
            ttl=LIST_TTL,
        )


def key_id_of(public_key: bytes) -> str:
    """The key_id of a caller's P-256 key. Raises InvalidInputError (PUBLIC_KEY) if it is no point of the curve."""
    try:
        return VerificationKey.from_sec1(public_key, purpose="caller").kid
    except MalformedError as error:
        raise InvalidInputError.of(FieldViolation("public_key", error.reason, error.message)) from error


def _holder_key(jwk: str) -> bytes | None:
    """The SEC1 point of a holder's key, None for none. Raises InvalidInputError."""
    if not jwk:
        return None
    try:
        return sec1_of(load_object(jwk.encode()))
    except MalformedError as error:
        description = f"is no P-256 public key as a JWK: {error.message}"
        raise InvalidInputError.of(FieldViolation("holder_key", "HOLDER_KEY", description)) from error


def _name_of(path: tuple[Any, ...]) -> str:
    """What purposes call the claim at this path; a number's kind goes with the number."""
    match path:
        case ("fields", str() as name, *_):
            return name
        case ("holders", _, "name"):
            return HOLDER_NAME
        case ("holders", _, "number" | "kind"):
            return HOLDER_NUMBER
    return ""


def _period(claims: Mapping[str, Any]) -> ValidityPeriod:
    """The days of a VC, which nobody has vouched for yet: only such as a license can have are instants, too."""
    try:
        first = validity_dates.parse_day(member(claims, "valid_from", str))
        last = validity_dates.parse_day(member(claims, "valid_until", str)) if "valid_until" in claims else None
    except ValueError as error:
        raise MalformedError(reason="VC_DATES", message="valid_from or valid_until is no day") from error
    if not all(validity_dates.EARLIEST_DAY <= day <= validity_dates.LATEST_DAY for day in (first, last or first)):
        raise MalformedError(reason="VC_DATES", message="valid_from or valid_until is outside the years 1900 to 9998")
    return ValidityPeriod(first, last)
