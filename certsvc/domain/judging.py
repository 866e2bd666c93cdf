"""The judgement over one credential: facts in, verdict and checks out.

Invariants: the steps run in the order of `Verdict`, and the first that fails is the verdict; nothing is VALID
that was not tested or that the register does not know; offline, what cannot be confirmed is UNCONFIRMED,
never VALID.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.domain.identifier import LicenseIdentifier
from certsvc.domain.license import LicenseState
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.domain.transitions import HistoricalState
from certsvc.domain.verdict import Check, CheckName, CheckResult, Judgement, Verdict
from certsvc.errors import UnavailableError

ACTIVATION_SKEW = timedelta(minutes=5)
"""A signer's clock may be this far behind the one that recorded the key's activation."""


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What the credential itself says. `issued_at` is when it was signed; `expires` None is open-ended."""

    identifier: LicenseIdentifier
    issued_at: datetime
    not_before: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Registration:
    """What is known of these signed bytes and their license.

    `known` says whether the register signed exactly this; None: could not be asked, as offline. `state` is
    the license's; None: not known, which offline means that no status list had it. `mismatch` is the reason
    of an unknown one. Raises ValueError for a known one without a state.
    """

    known: bool | None
    state: LicenseState | None = None
    superseded: bool = False
    superseded_by: str | None = None
    mismatch: str = "NOT_IN_REGISTER"

    def __post_init__(self) -> None:
        if self.known and self.state is None:
            raise ValueError("a registered license has a state")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """How old is what the verifier knows, and how old it may be (None: any age), in seconds."""

    age_seconds: float = 0.0
    max_age_seconds: float | None = None

    @property
    def is_stale(self) -> bool:
        """Whether it is older than it may be."""
        return self.max_age_seconds is not None and self.age_seconds > self.max_age_seconds


@dataclass(frozen=True, slots=True)
class VerifierPolicy:
    """What this verifier accepts: credentials of one purpose, and development keys only where it says so."""

    purpose: KeyPurpose = KeyPurpose.LICENSE
    allow_development: bool = False


def malformed(reason: str) -> Judgement:
    """The judgement over something that is no credential; `reason` names what is wrong with its form."""
    findings = _Findings(0.0)
    return findings.end(Verdict.MALFORMED, CheckName.FORM, reason)


def judge(
    facts: CredentialFacts,
    *,
    key: SigningKey | None,
    signature_ok: bool,
    registration: Registration,
    now: datetime,
    knowledge: Knowledge,
    policy: VerifierPolicy,
) -> Judgement:
    """The verdict over a well-formed credential at `now`.

    `key` is the register's own record for the credential's kid, `signature_ok` whether it verified under that
    record's algorithm and public key. Raises UnavailableError (KNOWLEDGE_TOO_OLD) when a verifier that can
    ask the register knows only what is older than the caller allows; offline, the answer is UNCONFIRMED
    instead.

    One function, because the order of the steps is the safety argument (DESIGN §4): who signs is settled
    before the signature counts, the signature before anything it covers, and the dates come last.
    """
    online = registration.known is not None
    if online and knowledge.is_stale:
        message = f"what is known is {knowledge.age_seconds:.1f} s old"
        raise UnavailableError("KNOWLEDGE_TOO_OLD", message, {"age_seconds": f"{knowledge.age_seconds:.1f}"})
    found = _Findings(knowledge.age_seconds)

    # 1. MALFORMED: settled before, see `malformed`.
    found.passed(CheckName.FORM)

    # 2. UNKNOWN_SIGNER: only keys that the register vouches for.
    if key is None:
        return found.end(Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, "UNKNOWN_KEY")
    if key.state is KeyState.WITHDRAWN:
        return found.end(Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, "KEY_WITHDRAWN")
    if key.development and not policy.allow_development:
        return found.end(Verdict.UNKNOWN_SIGNER, CheckName.SIGNER, "DEVELOPMENT_KEY")
    found.passed(CheckName.SIGNER)

    # 3. BAD_SIGNATURE.
    if not signature_ok:
        return found.end(Verdict.BAD_SIGNATURE, CheckName.SIGNATURE, "BAD_SIGNATURE")
    found.passed(CheckName.SIGNATURE)

    # 4. KEY_COMPROMISED, also of a key whose private part was destroyed afterwards. A suspended key convinces
    # only together with the register's word that it signed exactly this. A key that an offline verifier knows as
    # not yet activated may have been activated since its data was made: there it is not known who signed.
    if key.state is KeyState.COMPROMISED or key.compromised_since is not None:
        return found.end(Verdict.KEY_COMPROMISED, CheckName.KEY_STATE, "KEY_COMPROMISED")
    doubt = _key_doubt(key, online=online)
    if doubt:
        found.note(CheckName.KEY_STATE, CheckResult.PASS if online else CheckResult.NOT_CHECKED, doubt)
    else:
        found.passed(CheckName.KEY_STATE)

    # 5. WRONG_SIGNER: this key may not sign this purpose, time, agency or type.
    trespass = _trespass(key, facts, policy.purpose, online=online)
    if trespass:
        return found.end(Verdict.WRONG_SIGNER, CheckName.KEY_SCOPE, trespass)
    found.passed(CheckName.KEY_SCOPE)

    # 6. to 12. What the register says, and the dates.
    standing = _judge_standing(found, registration, not_before=facts.not_before, expires=facts.expires, now=now)
    if standing is not None:
        return standing

    # 13. VALID, or offline UNCONFIRMED where the data does not suffice to say so.
    confirmed = registration.state is not None and (online or not (knowledge.is_stale or doubt))
    return found.verdict(Verdict.VALID if confirmed else Verdict.UNCONFIRMED)


def judge_standing(
    registration: Registration,
    *,
    not_before: datetime,
    expires: datetime | None,
    now: datetime,
    age_seconds: float,
) -> Judgement:
    """Steps 6 to 13 alone, for a license that is named and not shown (GetStatus, MatchLicense).

    `registration.known` must not be None (ValueError); no credential was tested, so the checks of form,
    signer, signature and key are NOT_CHECKED.
    """
    if registration.known is None:
        raise ValueError("the standing of a license is the register's to say")
    found = _Findings(age_seconds)
    return _judge_standing(found, registration, not_before=not_before, expires=expires, now=now) or found.verdict(
        Verdict.VALID
    )


def registration_at(history: HistoricalState | None, *, version: int, superseded_by: str | None = None) -> Registration:
    """The registration, as of the moment of `history`, of bytes that the register did sign as `version`.

    None, and a version newer than the one then in force, were not registered yet. `superseded_by` names the
    version then in force.
    """
    if history is None or version > history.version:
        return Registration(known=False, mismatch="NOT_YET_REGISTERED")
    superseded = version < history.version
    return Registration(True, history.state, superseded, superseded_by if superseded else None)


class _Findings:
    """Collects checks while a judgement runs; what was not reached is NOT_CHECKED."""

    def __init__(self, age_seconds: float) -> None:
        self._age_seconds = age_seconds
        self._checks: dict[CheckName, Check] = {}

    def note(self, name: CheckName, result: CheckResult, reason: str) -> None:
        self._checks[name] = Check(name, result, reason, self._age_seconds)

    def passed(self, name: CheckName) -> None:
        self.note(name, CheckResult.PASS, "")

    def end(self, verdict: Verdict, name: CheckName, reason: str) -> Judgement:
        self.note(name, CheckResult.FAIL, reason)
        return self.verdict(verdict)

    def verdict(self, verdict: Verdict, superseded_by: str | None = None) -> Judgement:
        unreached = CheckResult.NOT_CHECKED
        checks = tuple(self._checks.get(name, Check(name, unreached, "NOT_REACHED")) for name in CheckName)
        return Judgement(verdict, checks, superseded_by)


def _key_doubt(key: SigningKey, *, online: bool) -> str:
    """Why a key's word alone is not enough, empty if it is."""
    if key.state is KeyState.SUSPENDED:
        return "KEY_SUSPENDED"
    return "KEY_NOT_ACTIVATED_YET" if key.state is KeyState.PRE_ACTIVE and not online else ""


def _trespass(key: SigningKey, facts: CredentialFacts, purpose: KeyPurpose, *, online: bool) -> str:
    """The reason why `key` may not have signed this, empty if it may.

    Offline nothing is known of the signing window of a key that was not activated yet: `_key_doubt` tells of it.
    """
    if key.purpose is not purpose:
        return "KEY_PURPOSE"
    pending = key.state is KeyState.PRE_ACTIVE
    if pending and online:
        return "KEY_NOT_ACTIVATED"
    signed_at = facts.issued_at
    if key.activated_at is not None and key.activated_at - ACTIVATION_SKEW <= signed_at:
        # Codes carry whole seconds, too: what was signed right after the activation says a moment before it.
        signed_at = max(signed_at, key.activated_at)
    if not pending and not key.may_sign_at(signed_at):
        return "OUTSIDE_SIGNING_WINDOW"
    if not key.covers(agency_id=facts.identifier.agency_id, type_code=facts.identifier.type_code):
        return "KEY_SCOPE"
    return ""


def _judge_standing(
    found: _Findings,
    registration: Registration,
    *,
    not_before: datetime,
    expires: datetime | None,
    now: datetime,
) -> Judgement | None:
    """Steps 6 to 12; None when nothing stands against the license."""
    # 6. NOT_REGISTERED: a good signature over something that the register never signed.
    if registration.known is False:
        return found.end(Verdict.NOT_REGISTERED, CheckName.REGISTRATION, registration.mismatch)
    if registration.known:
        found.passed(CheckName.REGISTRATION)
    else:
        found.note(CheckName.REGISTRATION, CheckResult.NOT_CHECKED, "OFFLINE")

    return _judge_state(found, registration) or _judge_dates(found, not_before, expires, now)


def _judge_state(found: _Findings, registration: Registration) -> Judgement | None:
    """Steps 7 to 10."""
    # 7. REVOKED, 8. CANCELLED: final, for all versions.
    if registration.state is LicenseState.REVOKED:
        return found.end(Verdict.REVOKED, CheckName.STATE, "REVOKED")
    if registration.state is LicenseState.CANCELLED:
        return found.end(Verdict.CANCELLED, CheckName.STATE, "CANCELLED")
    suspended = registration.state is LicenseState.SUSPENDED
    if registration.state is None:
        found.note(CheckName.STATE, CheckResult.NOT_CHECKED, "STATE_UNKNOWN")
    elif suspended:
        found.note(CheckName.STATE, CheckResult.FAIL, "SUSPENDED")
    else:
        found.passed(CheckName.STATE)

    # 9. SUPERSEDED before 10. SUSPENDED: whoever holds an old version is told so, whatever the new one's
    # state.
    if registration.superseded:
        found.note(CheckName.VERSION, CheckResult.FAIL, "SUPERSEDED")
        return found.verdict(Verdict.SUPERSEDED, registration.superseded_by)
    if registration.state is not None:
        found.passed(CheckName.VERSION)
    else:
        found.note(CheckName.VERSION, CheckResult.NOT_CHECKED, "STATE_UNKNOWN")
    if suspended:
        return found.verdict(Verdict.SUSPENDED)

    return None


def _judge_dates(found: _Findings, not_before: datetime, expires: datetime | None, now: datetime) -> Judgement | None:
    """Steps 11 and 12."""
    # 11. NOT_YET_VALID, 12. EXPIRED: the days are inclusive, so `expires` itself is already past the end.
    if now < not_before:
        return found.end(Verdict.NOT_YET_VALID, CheckName.DATES, "NOT_YET_VALID")
    if expires is not None and now >= expires:
        return found.end(Verdict.EXPIRED, CheckName.DATES, "EXPIRED")
    found.passed(CheckName.DATES)
    return None
