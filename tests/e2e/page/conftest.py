"""The verify page in a real Chromium, before a stub of the register; every visit is watched."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, sync_playwright

from tests.e2e.page.leaks import leaks
from tests.e2e.page.register_stub import RegisterStub, serving
from tests.require import chromium

# A name that is not loopback: http pages there are no secure context, as on a phone in the same network.
PLAIN_HOST = "register.test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a worker."""
    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def stub() -> RegisterStub:
    """The register, with nothing in it yet."""
    return RegisterStub()


@pytest.fixture
def address(stub: RegisterStub) -> Iterator[str]:
    """Where the register is served."""
    with serving(stub) as url:
        yield url


@dataclass
class Visit:
    """A browser context before the register; what happens in it is kept."""

    context: BrowserContext
    page: Page
    address: str
    console: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def keep_console(self, message: ConsoleMessage) -> None:
        """Keep what scripts and policies complain of; the browser itself notes every answer of 400 and above."""
        if not message.text.startswith("Failed to load resource"):
            self.console.append(f"{message.type}: {message.text}")

    def keep_error(self, error: WebError) -> None:
        """Keep what a script did not catch."""
        self.console.append(str(error.error))

    def keep_request(self, request: Request) -> None:
        """Keep what was asked, of whomever."""
        self.requests.append(request)

    def open(self, digits: str = "") -> "Visit":
        """Open a code's URL and wait for the answer."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/q#{digits}" if digits else f"{self.address}/q")
        return self.settled()

    def settled(self) -> "Visit":
        """Wait until no check is under way."""
        self.page.wait_for_selector("#verdict[aria-busy=false]", state="attached")
        return self

    @property
    def verdict(self) -> str | None:
        """The stable name of the verdict shown."""
        return self.page.locator("#verdict").get_attribute("data-verdict")

    def checks(self) -> dict[str, tuple[str | None, str | None]]:
        """Result and reason of each check, by name."""
        return {
            str(item.get_attribute("data-check")): (
                item.get_attribute("data-result"),
                item.get_attribute("data-reason"),
            )
            for item in self.page.locator("#checks li").all()
        }

    def asked(self) -> list[str]:
        """The paths of the register that were asked for, without the page's own files."""
        paths = [request.url.removeprefix(self.address) for request in self.requests]
        return [path for path in paths if not path.startswith(("/q", "/static/", "about:"))]


@pytest.fixture
def visit(browser: Browser, stub: RegisterStub, address: str) -> Iterator[Visit]:
    """A visit by a Chinese phone of 390 by 844 points.

    At its end no script may have failed, no policy been violated, no other origin been asked, and nothing that a code
    says been sent.
    """
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    visiting = Visit(context=context, page=context.new_page(), address=address)
    context.on("console", visiting.keep_console)
    context.on("weberror", visiting.keep_error)
    context.on("request", visiting.keep_request)
    yield visiting
    sent = [f"{each.method} {each.url} {each.headers} {each.post_data or ''}" for each in visiting.requests]
    received = [f"{each.method} {each.path} {dict(each.headers)} {each.body!r}" for each in stub.requests]
    context.close()
    assert visiting.console == []
    assert {each.method for each in visiting.requests} <= {"GET"}
    assert all(each.url.startswith(f"{visiting.address}/") for each in visiting.requests)
    for secret in stub.secrets:
        # The address that a person opens holds the code behind the '#', which the browser keeps to itself.
        assert leaks([each for each in sent if "/q#" not in each], secret) == []
        assert leaks(received, secret) == []
