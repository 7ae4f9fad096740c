"""A headless Chromium that may talk to nobody but the server under test."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.cook import Cook, Press, Wiretap, by_keyboard

ARTIFACTS = Path(__file__).resolve().parent.parent / "artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 60_000
"""How long a page may take before a test gives up: nothing waits for it on a machine with time."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """One person's browser: a page, everything it asked for, and everything that went wrong."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page = self.open()
        self.wire = Wiretap(self.page)

    def open(self) -> Page:
        """Opens a further tab."""
        page = self.context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        return page

    def cook(self, way: Callable[[Page], Press] = by_keyboard) -> Cook:
        """Somebody who cooks in the game that runs on the page."""
        return Cook(self.page, self.wire, way(self.page))

    def places(self) -> set[str]:
        """The hosts and ports that anything was asked of."""
        urls = [urlsplit(url) for url in self.requests]
        return {url.netloc for url in urls if url.scheme not in ("blob", "data")}

    def shot(self, name: str, page: Page | None = None) -> None:
        """Keeps a picture of the page for people to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        (page or self.page).screenshot(path=ARTIFACTS / f"{name}.png")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors with browsers of their own; no page may ask anything of another server."""
    visitors: list[Visitor] = []

    def make(width: int = 1280, height: int = 800, **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        visitors.append(Visitor(context))
        return visitors[-1]

    yield make
    places = [visitor.places() for visitor in visitors]
    for visitor in visitors:
        visitor.context.close()
    assert all(len(of_one) <= 1 for of_one in places), f"requests left the origin: {places}"
