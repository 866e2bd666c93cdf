"""`/keyset/flags`: the signed list of keys that are no longer simply good, small enough to fetch often.

docs/formats/key-set.md is the contract. Invariants: only a key of purpose `key_set` speaks for the set; a key
that is not listed is as its record says; versions only rise, so that a reader can refuse an older list than
it has seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.credentials.jws import sign_jws, verify_jws
from certsvc.credentials.strict_json import member, time_member
from certsvc.credentials.verification_key import KeyLookup
from certsvc.domain.signing_key import KeyPurpose, KeyState, SigningKey
from certsvc.errors import MalformedError
from certsvc.ports import Signer

TYP = "keyflags+jwt"
MAX_SIZE = 256 * 1024

# What a verifier is told of a state. A destroyed private key leaves a public key that only verifies.
_FLAGS = {
    KeyState.COMPROMISED: KeyState.COMPROMISED,
    KeyState.SUSPENDED: KeyState.SUSPENDED,
    KeyState.WITHDRAWN: KeyState.WITHDRAWN,
    KeyState.DEACTIVATED: KeyState.DEACTIVATED,
    KeyState.DESTROYED: KeyState.DEACTIVATED,
}


@dataclass(frozen=True, slots=True)
class KeyFlag:
    """One flagged key: its state, and the moment from which on the state concerns its signatures."""

    state: KeyState
    since: datetime


@dataclass(frozen=True, slots=True)
class KeyFlags:
    """The flags of one version of the key set, by kid."""

    version: int
    issued_at: datetime
    expires_at: datetime
    flags: Mapping[str, KeyFlag]


def flags_of(keys: Iterable[SigningKey]) -> dict[str, KeyFlag]:
    """The flags that these keys need. Where nothing says since when, all that a key signed is concerned."""
    return {
        key.kid: KeyFlag(
            state=_FLAGS[key.state],
            since=key.compromised_since or key.deactivated_at or key.activated_at or key.published_at,
        )
        for key in keys
        if key.state in _FLAGS
    }


def sign_key_flags(flags: KeyFlags, *, issuer: str, signer: Signer) -> str:
    """The flags as a JWT of type `keyflags+jwt`."""
    claims = {
        "iss": issuer,
        "iat": int(flags.issued_at.timestamp()),
        "exp": int(flags.expires_at.timestamp()),
        "version": flags.version,
        "flags": {
            kid: {"state": flag.state.value, "since": int(flag.since.timestamp())} for kid, flag in flags.flags.items()
        },
    }
    return sign_jws(claims, typ=TYP, signer=signer)


def read_key_flags(token: str, *, find_key: KeyLookup, now: datetime, leeway: timedelta = timedelta(0)) -> KeyFlags:
    """Read and check a flags token. MalformedError and SignatureError both mean that nothing is known."""
    verified = verify_jws(
        token,
        typ=TYP,
        purpose=KeyPurpose.KEY_SET,
        find_key=find_key,
        now=now,
        required=("iat", "exp", "version", "flags"),
        leeway=leeway,
        max_size=MAX_SIZE,
    )
    claims = verified.claims
    return KeyFlags(
        version=member(claims, "version", int),
        issued_at=time_member(claims, "iat"),
        expires_at=time_member(claims, "exp"),
        flags={kid: _flag(value) for kid, value in member(claims, "flags", dict).items()},
    )


def _flag(value: object) -> KeyFlag:
    state = member(value, "state", str)
    if state not in _FLAGS.values():
        raise MalformedError(reason="KEY_FLAGS", message="not a flag of this format")
    return KeyFlag(state=KeyState(state), since=time_member(value, "since"))
