"""Verifying without a network: from a signed bundle, an anchor and a clock, to a judgement.

Invariants: nothing is fetched and nothing is stored; the judgement is the domain's own, with registration
NOT_CHECKED; VALID is only said while the bundle is in time and knows the license's status, else UNCONFIRMED;
development keys count only where the caller says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.client.anchor import bundle_text, load_anchor
from certsvc.client.shown_license import BundleNames, ShownLicense
from certsvc.credentials.offline_bundle import MAX_SKEW, OfflineBundle, open_bundle
from certsvc.credentials.register_forms import QRCodeForm, SDJWTForm
from certsvc.credentials.register_urls import RegisterURLs
from certsvc.credentials.sd_jwt import ParsedSdJwt
from certsvc.credentials.status_list import INVALID, SUPERSEDED, SUSPENDED, VALID
from certsvc.domain.identifier import parse_identifier
from certsvc.domain.judging import (
    CredentialFacts,
    Knowledge,
    Registration,
    VerifierPolicy,
    judge,
    malformed,
)
from certsvc.domain.license import LicenseState
from certsvc.domain.signing_key import KeyPurpose
from certsvc.domain.verdict import Judgement
from certsvc.errors import MalformedError
from certsvc.ports import Clock

_REGISTRATIONS: Mapping[int | None, Registration] = {
    None: Registration(known=None),
    VALID: Registration(known=None, state=LicenseState.ACTIVE),
    # The list has one value for both ends of a license; CANCELLED cannot be told from REVOKED without asking.
    INVALID: Registration(known=None, state=LicenseState.REVOKED),
    SUSPENDED: Registration(known=None, state=LicenseState.SUSPENDED),
    # Of a version that was replaced the list says nothing else, and not which one replaced it.
    SUPERSEDED: Registration(known=None, superseded=True),
}


@dataclass(frozen=True, slots=True)
class OfflineResult:
    """An answer without the register: `shown` is only there when a trusted signer vouches for it.

    `knowledge_age` is how old the license's status list was, or the bundle where it has no list of it.
    `foreign_host` is the host of the code's URL where that is not the register's own: a warning, no verdict.
    """

    judgement: Judgement
    shown: ShownLicense | None
    judged_at: datetime
    knowledge_age: timedelta
    foreign_host: str = ""


@dataclass(frozen=True, slots=True)
class _Status:
    """What the bundle knows of one status entry; None where it has no such entry, `since` when it was so."""

    value: int | None
    since: datetime


class OfflineVerifier:
    """Verifies QR codes and SD-JWT VCs by one bundle; immutable, safe to use from many threads."""

    def __init__(
        self,
        bundle: bytes,
        *,
        anchor: bytes,
        clock: Clock,
        allow_development: bool = False,
        max_age: timedelta | None = None,
    ) -> None:
        """Check `bundle` by `anchor` (a JWK in JSON) and read it.

        `max_age` makes the bundle too old earlier than the register does. Raises InvalidInputError for the
        anchor, SignatureError when another key signed the bundle, MalformedError when it is no bundle or from
        the future.
        """
        self._clock = clock
        self._allow_development = allow_development
        self._max_age = max_age
        self._bundle = open_bundle(bundle_text(bundle), anchor=load_anchor(anchor), now=clock.now())
        self._keys = {published.key.kid: published.key for published in self._bundle.keys}
        self._urls = RegisterURLs(self._bundle.issuer)
        self._codes = QRCodeForm(self._urls)
        self._vcs = SDJWTForm(self._urls, random_bytes=_no_randomness)
        self._names = BundleNames(self._bundle)

    @property
    def bundle(self) -> OfflineBundle:
        """What the bundle knows."""
        return self._bundle

    def verify(self, text: str, *, nonce: str = "", audience: str = "") -> OfflineResult:
        """Verify a scanned text, or an SD-JWT VC, which has tildes; whatever the text is, the answer is a verdict.

        `nonce` and `audience` are what the holder of an SD-JWT VC was given to sign.
        """
        now = self._clock.now()
        try:
            if "~" in text:
                return self._verify_vc(text, now, nonce=nonce, audience=audience)
            return self._verify_code(text, now)
        except MalformedError as error:
            age = now - self._bundle.issued_at
            return OfflineResult(malformed(error.reason), None, now, age)

    def _verify_code(self, text: str, now: datetime) -> OfflineResult:
        presented = self._codes.read(text)
        code = presented.code
        key = self._keys.get(presented.kid)
        signature_ok = key is not None and self._codes.verify(presented, key)
        status = self._status(code.status_list, code.status_index)
        judgement = judge(
            CredentialFacts(parse_identifier(code.identifier), code.issued_at, code.not_before, code.expires),
            key=key,
            signature_ok=signature_ok,
            registration=_REGISTRATIONS[status.value],
            now=now,
            knowledge=self._knowledge(now, since=status.since),
            policy=VerifierPolicy(KeyPurpose.LICENSE, self._allow_development),
        )
        host = presented.host
        return OfflineResult(
            judgement,
            self._names.shown_code(code) if judgement.vouched_for else None,
            now,
            now - status.since,
            foreign_host=host if host is not None and not self._codes.is_own_host(host) else "",
        )

    def _verify_vc(self, text: str, now: datetime, *, nonce: str, audience: str) -> OfflineResult:
        presented = self._vcs.read(text)
        key = self._keys.get(presented.kid)
        signature_ok = key is not None and self._vcs.verify(presented, key, now=now, nonce=nonce, audience=audience)
        assert isinstance(presented.handle, ParsedSdJwt)  # noqa: S101 - made by `read`
        status = self._vc_status(presented.handle.claims)
        judgement = judge(
            CredentialFacts(
                parse_identifier(presented.identifier),
                presented.issued_at,
                presented.not_before,
                presented.expires,
            ),
            key=key,
            signature_ok=signature_ok,
            registration=_REGISTRATIONS[status.value],
            now=now,
            knowledge=self._knowledge(now, since=status.since),
            policy=VerifierPolicy(KeyPurpose.VC, self._allow_development),
        )
        shown = self._names.shown_vc(presented) if judgement.vouched_for else None
        return OfflineResult(judgement, shown, now, now - status.since)

    def _vc_status(self, claims: Mapping[str, Any]) -> _Status:
        """The status entry that an SD-JWT VC names, where it names one of this register's."""
        match claims.get("status"):
            case {"status_list": {"idx": int() as index, "uri": str() as uri}}:
                for number in self._bundle.status_lists:
                    if uri == self._urls.status_list(number):
                        return self._status(number, index)
        return _Status(None, self._bundle.issued_at)

    def _status(self, list_number: int, index: int) -> _Status:
        entry = self._bundle.status_lists.get(list_number)
        if entry is None or not 0 <= index < len(entry.statuses):
            return _Status(None, self._bundle.issued_at)
        return _Status(entry.statuses.get(index), entry.issued_at)

    def _knowledge(self, now: datetime, *, since: datetime) -> Knowledge:
        """How old the knowledge is, and how old it may be: whichever of register and caller is stricter."""
        allowed = self._bundle.expires_at - since
        if self._max_age is not None:
            allowed = min(allowed, self._max_age)
        if now < self._bundle.issued_at - MAX_SKEW:
            allowed = timedelta.min  # the clock was set back, perhaps to make an old bundle look fresh
        return Knowledge((now - since).total_seconds(), allowed.total_seconds())


def _no_randomness(_count: int) -> bytes:
    raise NotImplementedError("a verifier issues nothing")
