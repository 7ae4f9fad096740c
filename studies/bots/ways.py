"""The two ways in for a simulated participant: over HTTP and the socket, or with a real browser."""

import json
import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

import requests
import socketio

from play.worlds.errors import UserError
from studies.bots.reading import Fields, kind_of

TIMEOUT_S = 60.0
NEWEST = ("tick", "game", "end", "over", "wait", "lobby", "lost", "replaced", "refused")
"""Events that say how things stand in a round."""
Event = tuple[str, Any]


class BotError(Exception):
    """The study did something that a participant could not have gone on from."""


class Way(Protocol):
    """How somebody takes part.

    Attributes:
        game: The game that they were shown in this round; None before there is one. Steps may
            follow it before anybody looks at `newest`.
    """

    game: dict[str, Any] | None

    def enter(self, query: str, language: str) -> None:
        """Follows the link and begins."""
        ...

    def participant(self) -> str:
        """Who the server took them for."""
        ...

    def page(self) -> str:
        """The page that is open, as HTML."""
        ...

    def hand_in(self, fields: Mapping[str, Any]) -> None:
        """Fills the form in and goes on."""
        ...

    def sit_down(self) -> None:
        """Opens the round that the page is about."""
        ...

    def newest(self) -> Event | None:
        """The newest of the `NEWEST` events."""
        ...

    def ready(self) -> None:
        """Presses the start button."""
        ...

    def press(self, action: int) -> None:
        """Presses and releases a key."""
        ...

    def rest(self, seconds: float) -> None:
        """Lets time pass."""
        ...

    def blink(self) -> None:
        """Loses the connection, and comes back."""
        ...

    def get_up(self) -> None:
        """Goes on from a round that is over."""
        ...

    def close(self) -> None:
        """Goes away."""
        ...


class SocketWay:
    """HTTP and a WebSocket, without a browser.

    Args:
        url: The server, without a slash at its end.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._page = ""
        self._socket: Any = None
        self._newest: Event | None = None
        self.game: dict[str, Any] | None = None
        self._arrived = threading.Condition()

    def enter(self, query: str, language: str) -> None:
        """See `Way`."""
        self._http.headers["Accept-Language"] = language
        self._keep(self._http.get(f"{self._url}/?{query}", timeout=TIMEOUT_S))
        self.hand_in({}, "/begin")

    def participant(self) -> str:
        """See `Way`."""
        return (self._http.cookies.get("participant") or "").rpartition(".")[0]

    def page(self) -> str:
        """See `Way`."""
        return self._page

    def hand_in(self, fields: Mapping[str, Any], path: str = "/study") -> None:
        """See `Way`."""
        device = {"input": "keyboard", "ping": "20", "width": "1280", "full_screen": "yes"}
        own = device if kind_of(self._page) == "screening" else {}
        hidden = Fields(self._page).filled
        data = {**hidden, **own, **fields}
        self._keep(self._http.post(self._url + path, data=data, timeout=TIMEOUT_S))

    def _keep(self, answer: requests.Response) -> None:
        if answer.status_code != 200:
            raise BotError(f"the server answered {answer.status_code}")
        self._page = answer.text

    def sit_down(self) -> None:
        """See `Way`."""
        self._newest = self.game = None
        # A deadline of its own for everything: nothing here waits for ever.
        self._socket = socketio.Client(reconnection=False, http_session=self._http)
        self._socket.on("*", self._hear)
        self._socket.on("disconnect", lambda *_: self._hear("lost"))
        self._socket.connect(self._url, transports=["websocket"], wait_timeout=TIMEOUT_S)

    def _hear(self, event: str, data: Any = None) -> None:
        if event in NEWEST:
            with self._arrived:
                if event == "game":
                    self.game = data
                self._newest = event, data
                self._arrived.notify_all()

    def newest(self) -> Event | None:
        """See `Way`."""
        with self._arrived:
            return self._newest

    def ready(self) -> None:
        """See `Way`."""
        self._newest = None
        self._socket.emit("ready", {})

    def press(self, action: int) -> None:
        """See `Way`."""
        for down in (True, False):
            key = {"action": action, "down": down, "at": time.time() * 1000}
            self._socket.emit("key", key)

    def rest(self, seconds: float) -> None:
        """See `Way`; wakes up early when something new arrives."""
        with self._arrived:
            before = self._newest
            self._arrived.wait_for(lambda: self._newest is not before, seconds)

    def blink(self) -> None:
        """See `Way`; a server that is gone for a moment is waited for, as a page would."""
        until = time.monotonic() + TIMEOUT_S
        self._socket.disconnect()
        while True:
            try:
                self.sit_down()
                return
            except socketio.exceptions.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)

    def get_up(self) -> None:
        """See `Way`."""
        self.close()
        self._keep(self._http.get(f"{self._url}/study", timeout=TIMEOUT_S))

    def close(self) -> None:
        """See `Way`."""
        if self._socket is not None:
            self._socket.disconnect()
            self._socket = None


class BrowserWay:
    """A headless Chromium of its own, driven by Playwright.

    Args:
        url: The server, without a slash at its end.

    Raises:
        UserError: Playwright or Chromium is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError as error:
            raise UserError(
                "--browser needs Playwright: install it with `pip install playwright`, and "
                "Chromium with `playwright install chromium`"
            ) from error
        self._url = url
        self._stack = sync_playwright().start()
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            self._browser = self._stack.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
        except Error as error:
            self._stack.stop()
            raise UserError(
                "--browser needs Chromium: install it with `playwright install chromium`"
            ) from error
        self._newest: Event | None = None
        self.game: dict[str, Any] | None = None

    def enter(self, query: str, language: str) -> None:
        """See `Way`."""
        self._context = self._browser.new_context(locale=language)
        self._tab = self._context.new_page()
        self._tab.set_default_timeout(TIMEOUT_S * 1000)
        self._tab.on("websocket", lambda s: s.on("framereceived", self._hear))
        self._tab.goto(f"{self._url}/?{query}")
        with self._tab.expect_navigation():
            self._tab.locator("main button.primary").click()

    def _hear(self, frame: str | bytes) -> None:
        if isinstance(frame, str) and frame.startswith("42["):
            event, *rest = json.loads(frame[2:])
            if event in NEWEST:
                data = rest[0] if rest else None
                if event == "game":
                    self.game = data
                self._newest = event, data

    def participant(self) -> str:
        """See `Way`."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self._context.cookies()}
        return str(cookies.get("participant", "")).rpartition(".")[0]

    def page(self) -> str:
        """See `Way`."""
        self._tab.wait_for_load_state()
        return str(self._tab.content())

    def hand_in(self, fields: Mapping[str, Any]) -> None:
        """See `Way`; a button with a name is the one that is pressed."""
        button = self._tab.locator("main button.primary")
        for name, value in fields.items():
            place = self._tab.locator(f'[name="{name}"], [data-name="{name}"]')
            kind = place.first.evaluate("e => e.localName === 'input' ? e.type : e.localName")
            if kind in ("radio", "checkbox"):
                for one in value if isinstance(value, list) else [value]:
                    place.and_(self._tab.locator(f'[value="{one}"]')).check()
            elif kind in ("submit", "button"):
                button = place.and_(self._tab.locator(f'[value="{value}"]'))
            elif kind == "select":
                place.select_option(str(value))
            else:
                place.fill(str(value))
        with self._tab.expect_navigation():
            button.click()  # waits until the connection has been measured

    def sit_down(self) -> None:
        """See `Way`; the page has opened its socket by itself."""

    def newest(self) -> Event | None:
        """See `Way`."""
        return self._newest

    def ready(self) -> None:
        """See `Way`."""
        self._newest = None
        self._tab.locator("#start").click()

    def press(self, action: int) -> None:
        """See `Way`."""
        keys = self.game["keys"] if self.game else {}
        code = next((code for code, meant in keys.items() if meant == action), None)
        if code is not None:
            self._tab.keyboard.press(code)

    def rest(self, seconds: float) -> None:
        """See `Way`."""
        before, until = self._newest, time.monotonic() + seconds
        while self._newest is before and time.monotonic() < until:
            self._tab.wait_for_timeout(4)  # lets the page's messages through

    def blink(self) -> None:
        """See `Way`."""
        self._newest = None
        self._tab.reload()

    def get_up(self) -> None:
        """See `Way`."""
        ended = self._newest is not None and self._newest[0] == "end"
        self._newest = self.game = None
        if ended:
            self._tab.locator("#next").click()
        self._tab.wait_for_load_state()

    def close(self) -> None:
        """See `Way`."""
        self._browser.close()
        self._stack.stop()
