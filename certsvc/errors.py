"""Every kind of trouble that certsvc reports, one class a kind.

A class is a kind (what the caller can do about it); `reason` is the stable, upper-case name of the exact case, listed
in docs/errors.md. The edges translate kinds, never reasons: `rpc/status.py` to gRPC codes, `web/problems.py` to HTTP.
Messages are for people and never hold a name, a number, a token or key bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One refused input field: `field` is its path (`holders[0].number`), `reason` stable, `description` for people."""

    field: str
    reason: str
    description: str


@dataclass(eq=False)
class CertsvcError(Exception):
    """Base of all errors of this project; never raised itself."""

    reason: str
    message: str
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(eq=False)
class InvalidInputError(CertsvcError):
    """Input breaks a rule; `violations` lists all of them at once. Nothing was changed."""

    violations: Sequence[FieldViolation] = ()

    @classmethod
    def of(cls, *violations: FieldViolation) -> "InvalidInputError":
        """One error for these violations, worded from them."""
        text = "; ".join(f"{v.field}: {v.description}" for v in violations)
        return cls(reason="INVALID_INPUT", message=text, violations=tuple(violations))


@dataclass(eq=False)
class UnauthenticatedError(CertsvcError):
    """Who calls could not be established."""


@dataclass(eq=False)
class PermissionDeniedError(CertsvcError):
    """The caller may not do this; says nothing about whether the thing exists."""


@dataclass(eq=False)
class NotFoundError(CertsvcError):
    """No such thing, asked for by someone who may know that."""


@dataclass(eq=False)
class AlreadyExistsError(CertsvcError):
    """Something with this key is there already, or a request_id was used for another payload."""


@dataclass(eq=False)
class FailedPreconditionError(CertsvcError):
    """The thing's present state does not allow this; `details["state"]` names that state."""


@dataclass(eq=False)
class ConflictError(CertsvcError):
    """Somebody else changed it meanwhile (stale etag, lost race): read again, then retry."""


@dataclass(eq=False)
class ExhaustedError(CertsvcError):
    """A quota or limit is used up."""


@dataclass(eq=False)
class UnavailableError(CertsvcError):
    """Could not be found out or done now; a retry may succeed. Never a verdict."""


@dataclass(eq=False)
class DeadlineError(CertsvcError):
    """The caller's deadline passed before the work was done."""


@dataclass(eq=False)
class DataIntegrityError(CertsvcError):
    """Stored data was changed behind the register's back; nothing that depends on it is answered."""


class MalformedError(CertsvcError):
    """A presented credential is not of the form that docs/formats/ describes; becomes the verdict MALFORMED."""


class SignatureError(CertsvcError):
    """A signature does not verify; raised inside, becomes the verdict BAD_SIGNATURE at the edge."""
