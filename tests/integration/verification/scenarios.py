"""One table of what can be presented and what every verifier says of it (DESIGN §4); tests are made from it.

Checks are written in the order of CheckName, a letter each: P passed, F failed, - not checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from certsvc.domain.signing_key import KeyState
from tests.builders import today
from tests.integration.verification import codes
from tests.integration.verification.stage import Stage
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

    present: Callable[[Stage], str]
    register: Said
    offline: Said


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
