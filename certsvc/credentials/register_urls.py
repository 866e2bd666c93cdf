"""Where a register publishes what (docs/formats/): every URL that stands in a signed form comes from here."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class RegisterURLs:
    """The addresses of one register; `public_url` has no slash at its end."""

    public_url: str

    @property
    def verify(self) -> str:
        """The page that a license's code opens."""
        return f"{self.public_url}/q"

    @property
    def host(self) -> str:
        """The register's own host, as a code's URL names it."""
        return urlsplit(self.public_url).hostname or ""

    def vct(self, type_code: str, version: int) -> str:
        """The type metadata of one version of a license type."""
        return f"{self.public_url}/types/{type_code}/{version}"

    def status_list(self, number: int) -> str:
        """The status list with this number."""
        return f"{self.public_url}/statuslists/{number}"
