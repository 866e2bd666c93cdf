"""One table of what can be presented and what every verifier says of it (DESIGN §4); tests are made from it.

Checks are written in the order of CheckName, a letter each: P passed, F failed, - not checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.domain.identifier import make_identifier, parse_identifier
from certsvc.domain.license_code import CodeHolder
from certsvc.domain.signing_key import KeyState
from certsvc.v1 import license_service_pb2 as pb
from certsvc.v1 import signing_key_service_pb2
from tests.builders import FOOD_PERMIT, food_permit, small_permit, today
from tests.integration.register import Register
from tests.integration.transitions.changes import act
from tests.integration.verification import codes
from tests.vectors.signers import VectorSigner

STRANGER = VectorSigner("untrusted")
DAY = timedelta(days=1)

NATIONAL_CODES = {
    "VALID": 0,
    "NOT_YET_VALID": 1,
    "SUSPENDED": 2,
    "REVOKED": 3,
    "CANCELLED": 3,
    "SUPERSEDED": 3,
    "EXPIRED": 3,
    "NOT_REGISTERED": 5,
}
"""What goes along with a verdict (GB/T 36906); the others have none."""


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict, its checks, and the reason of the check that decided."""

    verdict: str
    checks: str
    reason: str = ""

    @property
    def national_code(self) -> int | None:
        return NATIONAL_CODES.get(self.verdict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something presented, what the register says of it, and what a verifier without the register says."""

    present: "Callable[[Stage], str]"
    register: Said
    offline: Said


class Stage:
    """A register on which licenses are issued, changed, stolen and forged."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.licenses = register.agency().licenses

    def issue(self, *actions: str, **changes: Any) -> pb.LicenseChange:
        """A food business permit that these actions were done to; the answer to its issue."""
        issued = self.licenses.issue(food_permit(**changes))
        for action in actions:
            act(self.licenses, action, issued.license.identifier)
        return issued

    def vc(self, *actions: str, **changes: Any) -> str:
        """Its SD-JWT VC, made before the actions."""
        issued = self.issue(**changes)
        request = pb.GetCredentialRequest(identifier=issued.license.identifier, format=pb.CREDENTIAL_FORMAT_SD_JWT_VC)
        credential = self.licenses.get_credential(request).credential
        for action in actions:
            act(self.licenses, action, issued.license.identifier)
        return credential

    def of_key(self, **changes: Any) -> str:
        """A code of a new agency whose key was then changed so."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.change_key(issued.license.kid, **changes)
        return issued.qr_text

    def vc_of_key(self, **changes: Any) -> str:
        """An SD-JWT VC of a key that was replaced and then changed so."""
        credential = self.vc()
        kid = self.vc_kid()
        self.register.new_signing_key("VC")
        self.register.change_key(kid, **changes)
        return credential

    def vc_kid(self) -> str:
        """The key that signs SD-JWT VCs now."""
        keys = self.register.operator.signing_keys.list(purpose=signing_key_service_pb2.KEY_PURPOSE_VC)
        return next(key.kid for key in keys if key.state == signing_key_service_pb2.KEY_STATE_ACTIVE)

    def forged(self, issued: pb.LicenseChange, **changes: Any) -> str:
        """The code changed and signed with the real key that signed it."""
        return codes.forged(issued.qr_text, self.register.signer(issued.license.kid), **changes)

    def other_name(self) -> str:
        """The real key, a registered identifier and status entry, another holder."""
        issued = self.issue()
        holder = codes.code_of(issued.qr_text).holders[0]
        return self.forged(issued, holders=(CodeHolder("示例市顶替他人有限公司", holder.number),))

    def never_issued(self) -> str:
        """The real key, an identifier that was never given."""
        issued = self.issue()
        parts = parse_identifier(issued.license.identifier)
        made = make_identifier(type_code=parts.type_code, agency_id=parts.agency_id, serial="STOLENKEY", version=1)
        return self.forged(issued, identifier=made.text, status_index=131_071)

    def other_agencys_key(self) -> str:
        """A real license key of another agency."""
        kid = self.register.new_signing_key("LICENSE", agency_id=self.register.new_agency())
        return codes.forged(self.issue().qr_text, self.register.signer(kid))

    def other_types_key(self) -> str:
        """A real license key of the agency that is for another type."""
        issued = self.issue()
        other = self.register.new_type()
        kid = self.register.new_signing_key("LICENSE", agency_id=issued.license.agency_id, type_codes=[other])
        return codes.forged(issued.qr_text, self.register.signer(kid))

    def prepared_key(self) -> str:
        """A real license key that was not activated."""
        issued = self.issue()
        key = self.register.operator.signing_keys.prepare(
            signing_key_service_pb2.PrepareSigningKeyRequest(
                purpose=signing_key_service_pb2.KEY_PURPOSE_LICENSE, agency_id=issued.license.agency_id
            )
        )
        return codes.forged(issued.qr_text, self.register.signer(key.kid))

    def key_of_another_purpose(self) -> str:
        """The register's real VC key under a license code: not its purpose, so its signature counts for nothing."""
        return codes.forged(self.issue().qr_text, self.register.signer(self.vc_kid()))

    def signed_late(self) -> str:
        """Signed with the real key, after its end."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.operator.signing_keys.retire(
            signing_key_service_pb2.RetireSigningKeyRequest(kid=issued.license.kid)
        )
        late = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        return codes.forged(issued.qr_text, self.register.signer(issued.license.kid), issued_at=late)

    def retired_key(self) -> str:
        """Signed before its key's end."""
        agency = self.register.new_agency()
        issued = self.register.agency(agency).licenses.issue(small_permit(self.register.new_type(issuer=agency)))
        self.register.operator.signing_keys.retire(
            signing_key_service_pb2.RetireSigningKeyRequest(kid=issued.license.kid)
        )
        return issued.qr_text


def days(first: int, last: int) -> dict[str, str]:
    """Dates so many days from today."""
    return {"valid_from": (today() + first * DAY).isoformat(), "valid_until": (today() + last * DAY).isoformat()}


def same(verdict: str, checks: str, reason: str) -> tuple[Said, Said]:
    """Both kinds of verifiers say the same."""
    return Said(verdict, checks, reason), Said(verdict, checks, reason)


COMPROMISED = {"state": KeyState.COMPROMISED, "compromised_since": datetime.now(UTC)}
VALID_OFFLINE = Said("VALID", "PPPPP-PPP")

CODES: dict[str, Scenario] = {
    "valid": Scenario(lambda s: s.issue().qr_text, Said("VALID", "PPPPPPPPP"), VALID_OFFLINE),
    "valid, suspended and reinstated": Scenario(
        lambda s: s.issue("suspend", "reinstate").qr_text, Said("VALID", "PPPPPPPPP"), VALID_OFFLINE
    ),
    "valid, of a retired key": Scenario(Stage.retired_key, Said("VALID", "PPPPPPPPP"), VALID_OFFLINE),
    "valid, of a suspended key": Scenario(
        lambda s: s.of_key(state=KeyState.SUSPENDED),
        Said("VALID", "PPPPPPPPP"),
        Said("UNCONFIRMED", "PPP-P-PPP", "KEY_SUSPENDED"),
    ),
    "malformed: no code": Scenario(lambda _: "hello", *same("MALFORMED", "F--------", "TEXT_FORM")),
    "malformed: a digit more": Scenario(
        lambda s: s.issue().qr_text + "7", *same("MALFORMED", "F--------", "CODE_VERSION")
    ),
    "malformed: the alg of another algorithm": Scenario(
        lambda s: codes.with_alg(s.issue().qr_text, -47), *same("MALFORMED", "F--------", "ALG_MISMATCH")
    ),
    "unknown signer": Scenario(
        lambda s: codes.forged(s.issue().qr_text, STRANGER), *same("UNKNOWN_SIGNER", "PF-------", "UNKNOWN_KEY")
    ),
    "unknown signer: the key was withdrawn": Scenario(
        lambda s: s.of_key(state=KeyState.WITHDRAWN),
        Said("UNKNOWN_SIGNER", "PF-------", "KEY_WITHDRAWN"),
        Said("UNKNOWN_SIGNER", "PF-------", "UNKNOWN_KEY"),
    ),
    "bad signature: another name": Scenario(
        lambda s: codes.renamed(s.issue().qr_text, "示例市海风茶业有限公厮"),
        *same("BAD_SIGNATURE", "PPF------", "BAD_SIGNATURE"),
    ),
    "bad signature: a bit of it": Scenario(
        lambda s: codes.with_bytes_changed(s.issue().qr_text, -1),
        *same("BAD_SIGNATURE", "PPF------", "BAD_SIGNATURE"),
    ),
    "bad signature: a key of another purpose": Scenario(
        Stage.key_of_another_purpose, *same("BAD_SIGNATURE", "PPF------", "BAD_SIGNATURE")
    ),
    "key compromised": Scenario(
        lambda s: s.of_key(**COMPROMISED), *same("KEY_COMPROMISED", "PPPF-----", "KEY_COMPROMISED")
    ),
    "key compromised and destroyed": Scenario(
        lambda s: s.of_key(**COMPROMISED | {"state": KeyState.DESTROYED}),
        *same("KEY_COMPROMISED", "PPPF-----", "KEY_COMPROMISED"),
    ),
    "wrong signer: another agency's key": Scenario(
        Stage.other_agencys_key, *same("WRONG_SIGNER", "PPPPF----", "KEY_SCOPE")
    ),
    "wrong signer: the key of another type": Scenario(
        Stage.other_types_key, *same("WRONG_SIGNER", "PPPPF----", "KEY_SCOPE")
    ),
    "wrong signer: a key that was only prepared": Scenario(
        Stage.prepared_key,
        Said("WRONG_SIGNER", "PPPPF----", "KEY_NOT_ACTIVATED"),
        Said("UNCONFIRMED", "PPP-P-PPP", "KEY_NOT_ACTIVATED_YET"),
    ),
    "wrong signer: signed after the key's end": Scenario(
        Stage.signed_late, *same("WRONG_SIGNER", "PPPPF----", "OUTSIDE_SIGNING_WINDOW")
    ),
    "not registered: the real key, another name": Scenario(
        Stage.other_name, Said("NOT_REGISTERED", "PPPPPF---", "OTHER_CONTENT"), VALID_OFFLINE
    ),
    "not registered: the real key, a longer term": Scenario(
        lambda s: s.forged(s.issue(), expires=datetime(2099, 1, 1, tzinfo=UTC)),
        Said("NOT_REGISTERED", "PPPPPF---", "OTHER_CONTENT"),
        VALID_OFFLINE,
    ),
    "not registered: the real key, another status entry": Scenario(
        lambda s: s.forged(s.issue(), status_index=131_070),
        Said("NOT_REGISTERED", "PPPPPF---", "OTHER_CONTENT"),
        VALID_OFFLINE,
    ),
    "not registered: the real key, no such license": Scenario(
        Stage.never_issued, Said("NOT_REGISTERED", "PPPPPF---", "NOT_IN_REGISTER"), VALID_OFFLINE
    ),
    "revoked": Scenario(
        lambda s: s.issue("revoke").qr_text,
        Said("REVOKED", "PPPPPPF--", "REVOKED"),
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "revoked while suspended": Scenario(
        lambda s: s.issue("suspend", "revoke").qr_text,
        Said("REVOKED", "PPPPPPF--", "REVOKED"),
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "revoked: the code of the first version": Scenario(
        lambda s: s.issue("renew", "revoke").qr_text,
        Said("REVOKED", "PPPPPPF--", "REVOKED"),
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "revoked and past its end": Scenario(
        lambda s: s.issue("revoke", **days(-40, -1)).qr_text,
        Said("REVOKED", "PPPPPPF--", "REVOKED"),
        # The status list forgets what is past its end; the dates say enough.
        Said("EXPIRED", "PPPPP-PPF", "EXPIRED"),
    ),
    "cancelled": Scenario(
        lambda s: s.issue("cancel").qr_text,
        Said("CANCELLED", "PPPPPPF--", "CANCELLED"),
        # The status list has one value for both ends of a license.
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "superseded": Scenario(
        lambda s: s.issue("amend").qr_text,
        Said("SUPERSEDED", "PPPPPPPF-", "SUPERSEDED"),
        Said("SUPERSEDED", "PPPPP--F-", "SUPERSEDED"),
    ),
    "superseded, and the new version suspended": Scenario(
        lambda s: s.issue("renew", "suspend").qr_text,
        Said("SUPERSEDED", "PPPPPPFF-", "SUPERSEDED"),
        Said("SUPERSEDED", "PPPPP--F-", "SUPERSEDED"),
    ),
    "suspended": Scenario(
        lambda s: s.issue("suspend").qr_text,
        Said("SUSPENDED", "PPPPPPFP-", "SUSPENDED"),
        Said("SUSPENDED", "PPPPP-FP-", "SUSPENDED"),
    ),
    "not yet valid": Scenario(
        lambda s: s.issue(**days(2, 100)).qr_text,
        Said("NOT_YET_VALID", "PPPPPPPPF", "NOT_YET_VALID"),
        Said("NOT_YET_VALID", "PPPPP-PPF", "NOT_YET_VALID"),
    ),
    "expired": Scenario(
        lambda s: s.issue(**days(-40, -1)).qr_text,
        Said("EXPIRED", "PPPPPPPPF", "EXPIRED"),
        Said("EXPIRED", "PPPPP-PPF", "EXPIRED"),
    ),
}

VCS: dict[str, Scenario] = {
    # First, because the key that is compromised signed everything before.
    "key compromised": Scenario(
        lambda s: s.vc_of_key(**COMPROMISED), *same("KEY_COMPROMISED", "PPPF-----", "KEY_COMPROMISED")
    ),
    "valid": Scenario(lambda s: s.vc(), Said("VALID", "PPPPPPPPP"), VALID_OFFLINE),
    "malformed": Scenario(lambda _: "a.b.c~", *same("MALFORMED", "F--------", "")),
    "malformed: alg none": Scenario(
        lambda s: codes.vc_with_header(s.vc(), alg="none"), *same("MALFORMED", "F--------", "ALG_MISMATCH")
    ),
    "unknown signer": Scenario(
        lambda s: codes.vc_signed_again(s.vc(), STRANGER), *same("UNKNOWN_SIGNER", "PF-------", "UNKNOWN_KEY")
    ),
    "bad signature": Scenario(
        lambda s: codes.vc_with_bit_turned(s.vc()), *same("BAD_SIGNATURE", "PPF------", "BAD_SIGNATURE")
    ),
    "bad signature: a license key": Scenario(
        lambda s: codes.vc_signed_again(s.vc(), s.register.signer(s.issue().license.kid)),
        *same("BAD_SIGNATURE", "PPF------", "BAD_SIGNATURE"),
    ),
    "not registered: the real key, made by nobody here": Scenario(
        lambda s: codes.vc_signed_again(
            vc := s.vc(), s.register.signer(s.vc_kid()), iat=codes.vc_claims(vc)["iat"] - 1
        ),
        Said("NOT_REGISTERED", "PPPPPF---", "OTHER_CONTENT"),
        VALID_OFFLINE,
    ),
    "revoked": Scenario(
        lambda s: s.vc("revoke"),
        Said("REVOKED", "PPPPPPF--", "REVOKED"),
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "cancelled": Scenario(
        lambda s: s.vc("cancel"),
        Said("CANCELLED", "PPPPPPF--", "CANCELLED"),
        Said("REVOKED", "PPPPP-F--", "REVOKED"),
    ),
    "superseded": Scenario(
        lambda s: s.vc("amend"),
        Said("SUPERSEDED", "PPPPPPPF-", "SUPERSEDED"),
        Said("SUPERSEDED", "PPPPP--F-", "SUPERSEDED"),
    ),
    "suspended": Scenario(
        lambda s: s.vc("suspend"),
        Said("SUSPENDED", "PPPPPPFP-", "SUSPENDED"),
        Said("SUSPENDED", "PPPPP-FP-", "SUSPENDED"),
    ),
    "not yet valid": Scenario(
        lambda s: s.vc(**days(2, 100)),
        Said("NOT_YET_VALID", "PPPPPPPPF", "NOT_YET_VALID"),
        Said("NOT_YET_VALID", "PPPPP-PPF", "NOT_YET_VALID"),
    ),
}
"""Its own end comes with a clock that moves: test_dates.py."""

TYPE_CODE = FOOD_PERMIT
"""Of what most scenarios are about."""
