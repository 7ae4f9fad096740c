"""A person at the page who plays tag: reads the scenes that arrive there and chases."""

from collections.abc import Callable
from typing import Any

import numpy as np
from playwright.sync_api import Page

from agents.policy import SeatView
from agents.tag import Pursuer
from play.worlds.tag.state import AGENT_SIZE, AGENTS
from play.worlds.tag.world import Tag, make
from tests.browser.conftest import Visitor

KEYS = (None, "ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp")


class HeldKey:
    """A hand that holds at most one key."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: str | None = None

    def hold(self, key: str | None) -> None:
        """Lets go of another key and presses this one."""
        if key == self._held:
            return
        if self._held:
            self._page.keyboard.up(self._held)
        if key:
            self._page.keyboard.down(key)
        self._held = key


class Chaser:
    """Chases in the game that runs on a page; decides as the rule-based chaser does."""

    def __init__(self, visitor: Visitor) -> None:
        self.page, self.wire = visitor.page, visitor.wire
        self.game: dict[str, Any] = self.wire.of("game")[-1]
        self.world: Tag = make(self.game["world"].partition("/")[2])
        self.policy = Pursuer("pursue")
        self.seen = -1

    def play(self, act: Callable[[dict[str, Any]], None], until: Callable[[], bool]) -> None:
        """Acts once on every new state until something is true."""
        while not until():
            found = self.wire.last("tick", "game")
            assert found is not None
            scene = found[1]["scene"]
            if scene["t"] == self.seen:
                self.page.wait_for_timeout(4)  # lets the page's messages through
                continue
            self.seen = scene["t"]
            act(scene)

    def best_key(self, scene: dict[str, Any]) -> str | None:
        row = self.world.get_states()
        for p, player in enumerate(scene["players"]):
            at = AGENTS + AGENT_SIZE * p
            row[0, at : at + AGENT_SIZE] = [player[name] for name in ("x", "y", "vx", "vy")]
        bushes = [[bush["x"], bush["y"]] for bush in scene["obstacles"]]
        row[0, AGENTS + AGENT_SIZE * len(scene["players"]) :] = np.array(bushes).reshape(-1)
        self.world.set_states(row)
        view = SeatView(self.world, 0, self.game["seat"])
        made = self.policy.act(None, [view], None, np.array([0.5]))
        return KEYS[int(made.actions[0])]

    def ended(self) -> bool:
        return self.wire.last("end") is not None
