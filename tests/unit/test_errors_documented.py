"""docs/errors.md lists every reason that the code can give, and none that it cannot.

Reasons are found without knowing the shapes of the functions that make errors: any literal in capitals is one, unless
it is known to be something else. So a new reason fails here until it is documented, however it is raised.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from certsvc.domain.signing_key import KeyState
from certsvc.domain.verdict import CheckName, CheckResult, Verdict
from certsvc.errors import CertsvcError
from certsvc.rpc.status import CODES
from certsvc.web.problems import STATUS
from tests.require import ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text("utf-8")
PACKAGE = ROOT / "certsvc"
GENERATED = ("v1/", "store/migrations/")

NAME = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*")
PREFIXES = {"credentials/cbor.py": "CBOR_", "credentials/disclosures.py": "SD_"}
"""Modules that put a prefix before every reason of theirs."""

CALLERS_WORDS = frozenset({code.name for code in grpc.StatusCode} | {verdict.value for verdict in Verdict})
"""Names of codes and verdicts, which the client and the command line read and do not make."""
STATES = {"NONE", "NO_KEY", "NO_TYPE", "OPEN_ENDED", "DESTROYED", "UNKNOWN"}
"""What `details["state"]` may say beside the states of licenses and keys."""
NO_REASONS = frozenset(
    {
        *STATES,
        *("INTERNAL", "INVALID_INPUT", "UNSPECIFIED", "STALE", "PRESENTATION"),
        *("ACTIVE", "PENALTY", "ANNULMENT", "CREDIT_CODE", "OFFICER", "AGENCY"),
        *("ES256", "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "RGBA", "RIFF", "BM", "MM", "II"),
        *("AUTOCOMMIT", "BEGIN", "XX001", "XX002", "UTF8", "LANG", "LC_ALL", "LC_MESSAGES"),
        *("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "RLIMIT_CORE", "PR_SET_DUMPABLE", "MAX_CALLER_TOKEN"),
        *("CERTSVC_CREDENTIAL", "CERTSVC_OFFICER", "CERTSVC_DATA_DIR"),
    }
)
SQLITE = re.compile(r"SQLITE_[A-Z_]+")

SCHEMA_KEYWORDS = frozenset(
    {
        *("CONST", "ENUM", "MIN_LENGTH", "MAX_LENGTH", "MINIMUM", "MAXIMUM", "EXCLUSIVE_MINIMUM", "EXCLUSIVE_MAXIMUM"),
        *("MULTIPLE_OF", "MIN_ITEMS", "MAX_ITEMS", "UNIQUE_ITEMS"),
    }
)
"""Made from JSON Schema's keywords (services/fields.py)."""


def test_every_reason_is_documented() -> None:
    found = {reason: where for where, reason in sorted(reasons_in_python() | reasons_in_scripts())}
    missing = {reason: where for reason, where in found.items() if reason not in documented()}
    assert missing == {}


def test_every_documented_reason_exists() -> None:
    known = {reason for _, reason in reasons_in_python() | reasons_in_scripts()}
    other_words = {*SCHEMA_KEYWORDS, "INTERNAL", "INVALID_INPUT", "MALFORMED", "STALE"}
    assert documented() - known - other_words == set()


@pytest.mark.parametrize("kind", CODES)
def test_every_kind_has_its_codes_on_the_page(kind: type[CertsvcError]) -> None:
    http = STATUS.get(kind, 500)
    row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{kind.__name__}`" in line)
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2:4] == [CODES[kind].name, str(http)]


@functools.cache
def documented() -> set[str]:
    """Every name in capitals that stands in backticks on the page."""
    return {name for quoted in re.findall(r"`([^`]+)`", PAGE) for name in NAME.findall(quoted) if name == quoted}


@functools.cache
def reasons_in_python() -> set[tuple[str, str]]:
    """(module, reason) of every literal that looks like one."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if not module.startswith(GENERATED):
            prefix = PREFIXES.get(module, "")
            found |= {(module, prefix + name) for name in literals(path) if not is_something_else(module, name)}
    return found


def literals(path: Path) -> Iterator[str]:
    """Literals in capitals outside of enumerations, keys of tables and names of arguments on the command line."""
    tree = ast.parse(path.read_text("utf-8"))
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            left_out.update(map(id, ast.walk(node)))
        if isinstance(node, ast.Dict):
            left_out.update(id(key) for key in node.keys if key is not None)
        if isinstance(node, ast.keyword) and node.arg == "metavar":
            left_out.add(id(node.value))
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in left_out else None
        if isinstance(text, str) and len(text) > 2 and NAME.fullmatch(text):
            yield text


def is_something_else(module: str, name: str) -> bool:
    if (module, name) == ("domain/identifier.py", "AGENCY"):
        return False
    if module.startswith(("cli/", "client/")) and name in CALLERS_WORDS:
        return True
    return name in NO_REASONS or SQLITE.fullmatch(name) is not None


@functools.cache
def reasons_in_scripts() -> set[tuple[str, str]]:
    """(script, reason) of every literal of the page's scripts that looks like one."""
    known = {name.value for kind in (Verdict, CheckName, CheckResult, KeyState) for name in kind}
    known |= {"STATUS_LIST", "TYPE", "CANNOT_CHECK"}
    found = set()
    for path in sorted((PACKAGE / "web" / "static").glob("*.js")):
        if not path.name.startswith("words"):
            text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
            names = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', text)) - known
            found |= {(f"web/static/{path.name}", name) for name in names}
    return found
