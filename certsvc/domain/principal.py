"""Who calls: an operator, or an agency's system, on behalf of an officer where one acts.

Invariant: a Caller was authenticated; nothing else makes one but the authentication service and tests.
"""

from dataclasses import dataclass

from certsvc.domain.agency import CallerKind, OfficerRole


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller: `owner_id` is a credit code or an operator's name; no officer is ``""``."""

    kind: CallerKind
    owner_id: str
    officer_id: str
    roles: frozenset[OfficerRole]
    key_id: str

    @property
    def is_operator(self) -> bool:
        """Whether this is an operator of the register."""
        return self.kind is CallerKind.OPERATOR

    @property
    def name(self) -> str:
        """How audit rows and request_ids know the caller."""
        return f"{self.kind.lower()}:{self.owner_id}"

    def is_agency(self, agency_id: str) -> bool:
        """Whether the caller is this agency."""
        return self.kind is CallerKind.AGENCY and self.owner_id == agency_id
