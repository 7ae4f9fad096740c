"""A person at the page: reads the scenes that arrive there and cooks by key or by touch.

What to do next is decided as the rule-based cook decides; what it looks at is nothing but what the
server told the page over its socket.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, WebSocket

from agents.policy import SeatView
from agents.scripted import GreedyChef
from play.worlds.kitchen.convert import from_overcooked
from play.worlds.registry import make_world
from studies.bots.cooking import overcooked

KEYS = ("ArrowUp", "ArrowDown", "ArrowRight", "ArrowLeft", None, "Space")
PADS = (".pad-up", ".pad-down", ".pad-right", ".pad-left", None, ".pad-act")
Press = Callable[[int], None]


class Wiretap:
    """Everything that the server says to a page from here on."""

    def __init__(self, page: Page) -> None:
        self.messages: list[tuple[str, Any]] = []
        page.on("websocket", self._listen)

    def of(self, name: str) -> list[Any]:
        """The messages with a name, oldest first."""
        return [message for what, message in self.messages if what == name]

    def scenes(self) -> list[dict[str, Any]]:
        """The states of the games so far, oldest first."""
        return [message["scene"] for what, message in self.messages if what in ("game", "tick")]

    def last(self, *names: str) -> tuple[str, Any] | None:
        """The newest message with one of these names."""
        return next((pair for pair in reversed(self.messages) if pair[0] in names), None)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._hear)

    def _hear(self, frame: str | bytes) -> None:
        if isinstance(frame, str) and frame.startswith("42["):
            name, *rest = json.loads(frame[2:])
            self.messages.append((name, rest[0] if rest else None))


def by_keyboard(page: Page) -> Press:
    """Short presses of the arrow keys and the space bar."""

    def press(action: int) -> None:
        if (key := KEYS[action]) is not None:
            page.keyboard.press(key)

    return press


def by_touch(page: Page) -> Press:
    """Taps on the pad at the foot of the page."""
    places = [middle(page.locator(pad)) if pad else None for pad in PADS]

    def press(action: int) -> None:
        if (place := places[action]) is not None:
            page.touchscreen.tap(*place)

    return press


def middle(target: Locator) -> tuple[float, float]:
    """Where a thumb meets it."""
    box = target.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Cook:
    """Plays the game that runs on a page, one short press at a time."""

    def __init__(self, page: Page, wire: Wiretap, press: Press) -> None:
        self.page, self.wire, self.press = page, wire, press
        self.chance = np.random.default_rng(5)
        game = wire.of("game")[-1]
        self.seat = int(game["seat"])
        self.world: Any = make_world(game["world"], dynamics=game["static"]["dynamics"])
        self.chef = GreedyChef("greedy")
        self.memory = self.chef.initial_state(1)
        self.seen = -1

    def play(self, until: Callable[[], bool]) -> None:
        """Cooks until something is true."""
        while not until():
            found = self.wire.last("tick", "game")
            assert found is not None
            scene = found[1]["scene"]
            if scene["t"] == self.seen:
                self.page.wait_for_timeout(4)  # lets the page's messages through
                continue
            self.seen = scene["t"]
            self.press(self._decide(scene))

    def play_to_the_end(self) -> None:
        """Cooks until the server ends the game."""
        self.play(lambda: self.wire.last("end") is not None)

    def _decide(self, scene: dict[str, Any]) -> int:
        layout, tables = self.world.layout, self.world.tables
        row = from_overcooked(layout, tables, overcooked(scene))
        self.world.set_states(row[None])
        view = SeatView(self.world, 0, self.seat)
        decision = self.chef.act(None, [view], self.memory, self.chance.random(1))
        self.memory = decision.state
        return int(decision.actions[0])
