"""A real browser, looked into by the tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium here: `apt-get install chromium` (pages are not looked at)"
)


@contextmanager
def browser_page(width: int = 1280) -> Iterator[Page]:
    """Open a page that fails its test on a script error, or on a request to another host."""
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: None if is_local(request.url) else troubles.append(request.url),
        )
        yield page
        browser.close()
    assert not troubles, troubles


def is_local(url: str) -> bool:
    """Tell whether a page asks for something of this machine."""
    return url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:"))
