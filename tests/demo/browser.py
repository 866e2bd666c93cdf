"""Opens a code in a real Chromium, as a citizen's camera would."""

from playwright.sync_api import sync_playwright

from tests.require import chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def verdict_on_page(qr_text: str, *, expected: str) -> str:
    """What the page says of the code; it must come to `expected`."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            page = browser.new_page(locale="zh-CN")
            page.goto(qr_text)
            page.wait_for_selector(f'[data-verdict="{expected}"]', timeout=20_000)
            return page.title()
        finally:
            browser.close()
