"""The tour itself: one license from its issue to its revocation, seen by everyone who may look."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import zxingcpp
from google.protobuf.json_format import ParseDict
from PIL import Image

from certsvc.client import OfflineVerifier, SystemClock
from certsvc.client.anchor import anchor_of
from certsvc.domain.validity_dates import day_in_shanghai
from certsvc.v1 import common_pb2, license_service_pb2, verification_service_pb2
from tests.demo.browser import verdict_on_page
from tests.demo.register import Register

APPROVAL_BUREAU = "113702009999000113"
TRAFFIC_POLICE = "1137020099990002XT"
FOOD_PERMIT = "119900009999000119003"
CLERK = "clerk-1"

Step = tuple[str, Callable[[], Any]]


def verdict_name(result: verification_service_pb2.VerificationResult) -> str:
    """The verdict's name without its prefix."""
    return verification_service_pb2.Verdict.Name(result.verdict).removeprefix("VERDICT_")


def cause(reason: str) -> license_service_pb2.StateCause:
    """Why something happens, in the demo."""
    return license_service_pb2.StateCause(reason=reason, legal_basis="示例依据 (demo)")


class Tour:
    """Carries what one step found to the next."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._issuer = register.agency(APPROVAL_BUREAU, officer=CLERK)
        self._other = register.agency(TRAFFIC_POLICE)
        self._old_text = ""
        self._issued_at = self._revoked_at = datetime.now(UTC)
        self.identifier = self.qr_text = self.anchor = ""
        self.png = self.bundle = b""

    def steps(self) -> Iterator[Step]:
        """Every step by name; each asserts what it claims."""
        yield "issue a food business permit", self._issue
        yield "draw its QR code, read it with zxing-cpp", self._scan
        yield "another agency verifies it over gRPC", lambda: self._expect("VALID")
        yield "a clerk verifies it offline, from a signed bundle", self._offline
        yield "a citizen's browser opens the code and checks it", lambda: self._page("VALID")
        yield "suspend it", lambda: self._change("suspend", license_service_pb2.SuspendLicenseRequest)
        yield "verify: suspended", lambda: self._expect("SUSPENDED")
        yield "the browser sees it too", lambda: self._page("SUSPENDED")
        yield "reinstate it", lambda: self._change("reinstate", license_service_pb2.ReinstateLicenseRequest)
        yield "verify: valid again", lambda: self._expect("VALID")
        yield "renew it: a new version, the same serial", self._renew
        yield "the old code says superseded, and by which", self._superseded
        yield "the new code is valid", lambda: self._expect("VALID")
        yield "revoke it", self._revoke
        yield "verify: revoked", lambda: self._expect("REVOKED")
        yield "the old code is revoked too", lambda: self._expect("REVOKED", text=self._old_text)
        yield "verify as of just before the revocation: valid", self._before_revocation
        yield "verify as of before the issue: not registered", self._before_issue
        yield "one digit changed: refused", self._tampered

    def _issue(self) -> str:
        today = day_in_shanghai(datetime.now(UTC))
        change = self._issuer.licenses.issue(
            ParseDict(
                {
                    "type_code": FOOD_PERMIT,
                    "license_number": "JY13702020009999",
                    "holders": [{"number": {"value": "91370202MA9999013Y"}, "name": "示例市海风茶业有限公司"}],
                    "fields": {
                        "legal_representative": "林示例",
                        "business_form": "食品销售经营者",
                        "business_site": "示例市示例区海风路1号",
                        "business_items": "预包装食品销售",
                    },
                    "valid_from": (today - timedelta(days=1000)).isoformat(),
                    "valid_until": (today + timedelta(days=20)).isoformat(),
                    "legal_basis": "示例决定〔2026〕1号",
                },
                license_service_pb2.IssueLicenseRequest(),
            )
        )
        assert change.disposition == license_service_pb2.DISPOSITION_ISSUED, change
        self.identifier, self.qr_text = change.license.identifier, change.qr_text
        self._issued_at = change.license.issue_time.ToDatetime(tzinfo=UTC)
        return self.identifier

    def _scan(self) -> str:
        drawn = self._issuer.licenses.render_qr_code(
            license_service_pb2.RenderQrCodeRequest(identifier=self.identifier)
        )
        self.png = drawn.image
        found = zxingcpp.read_barcodes(Image.open(BytesIO(drawn.image)))
        assert [code.text for code in found] == [self.qr_text]
        return f"version {drawn.qr_version}, {len(self.qr_text)} characters"

    def _verify(self, text: str, at: datetime | None = None) -> verification_service_pb2.VerificationResult:
        request = verification_service_pb2.VerifyCredentialRequest(qr_text=text)
        if at is not None:
            request.as_of_time.FromDatetime(at)
        return self._other.verification.verify(request)

    def _expect(self, verdict: str, *, text: str = "", at: datetime | None = None) -> str:
        result = self._verify(text or self.qr_text, at)
        assert verdict_name(result) == verdict, result
        return result.message.zh

    def _offline(self) -> str:
        self.bundle = b"".join(self._other.verification.export_offline_bundle())
        jwks = self._other.signing_keys.fetch_key_set().jwks.encode()
        self.anchor = json.dumps(anchor_of(self.bundle, jwks=jwks))
        verifier = OfflineVerifier(
            self.bundle, anchor=self.anchor.encode(), clock=SystemClock(), allow_development=True
        )
        verified = verifier.verify(self.qr_text)
        assert verified.judgement.verdict == "VALID", verified
        return "registration: not checked, as it should be"

    def _page(self, verdict: str) -> str:
        return verdict_on_page(self.qr_text, expected=verdict)

    def _change(self, method: str, request: Any) -> None:
        change = getattr(self._issuer.licenses, method)(
            request(identifier=self.identifier, cause=cause(f"demo: {method}"))
        )
        assert change.disposition == license_service_pb2.DISPOSITION_CHANGED, change

    def _renew(self) -> str:
        today = day_in_shanghai(datetime.now(UTC))
        change = self._issuer.licenses.renew(
            license_service_pb2.RenewLicenseRequest(
                identifier=self.identifier,
                cause=cause("延续"),
                valid_from=today.isoformat(),
                valid_until=(today + timedelta(days=1500)).isoformat(),
            )
        )
        assert change.license.version == 2, change
        self._old_text, self.qr_text = self.qr_text, change.qr_text
        self.identifier = change.license.identifier
        return self.identifier

    def _superseded(self) -> str:
        result = self._verify(self._old_text)
        assert verdict_name(result) == "SUPERSEDED", result
        assert result.superseded_by == self.identifier, result
        return result.message.zh

    def _revoke(self) -> None:
        change = self._issuer.licenses.revoke(
            license_service_pb2.RevokeLicenseRequest(
                identifier=self.identifier,
                cause=cause("吊销"),
                kind=license_service_pb2.REVOCATION_KIND_PENALTY,
            )
        )
        assert change.license.state == common_pb2.LICENSE_STATE_REVOKED, change
        self._revoked_at = change.license.update_time.ToDatetime(tzinfo=UTC)

    def _before_revocation(self) -> str:
        return self._expect("VALID", at=self._revoked_at - timedelta(microseconds=1))

    def _before_issue(self) -> str:
        return self._expect("NOT_REGISTERED", at=self._issued_at - timedelta(seconds=1))

    def _tampered(self) -> str:
        digit = self.qr_text[-30]
        forged = f"{self.qr_text[:-30]}{(int(digit) + 1) % 10}{self.qr_text[-29:]}"
        result = self._verify(forged)
        assert verdict_name(result) == "BAD_SIGNATURE", result
        return result.message.zh
