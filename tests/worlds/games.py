"""Games for property tests: which kitchen, whose play, and what happened step by step."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st

from play.worlds.kitchen.layouts import CLASSICS, DYNAMICS, Layout, load_layout
from play.worlds.kitchen.world import Kitchen
from tests.worlds.drivers import CookingDriver
from tests.worlds.kitchens import OWN

NAMES = (
    *CLASSICS,
    "counter_circuit",  # two pots, three recipes
    "cramped_room_single",  # one player
    "forced_coordination_tomato",
    "multiplayer_schelling",  # four players
    "soup_coordination",  # five orders, most of them bonus orders
    "tutorial_1",  # begins with a soup
    *OWN,
)
STEPS = 120
LONG = 10_000  # so that episodes which begin late go on for long enough

properties = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)
"""The same examples at every run, so that nobody's change fails for somebody else's kitchen."""


@cache
def layout_of(name: str, dynamics: str) -> Layout:
    return load_layout(name, dynamics, OWN.get(name))


@cache
def driver_of(name: str, dynamics: str) -> CookingDriver:
    layout = layout_of(name, dynamics)
    return CookingDriver(layout, Kitchen(layout).tables, 0)


@dataclass(frozen=True)
class Game:
    """A kitchen, and a seed and a share of random actions for those who play in it."""

    name: str
    dynamics: str
    seed: int
    noise: float

    @property
    def layout(self) -> Layout:
        return layout_of(self.name, self.dynamics)

    def world(self, num_envs: int = 1, **options: Any) -> Kitchen:
        """The kitchen at the start of episodes that begin in random states half of the time."""
        options = {"random_start": 0.5, "compiled": False, "horizon": LONG, **options}
        world = Kitchen(self.layout, num_envs, **options)
        world.reset(self.seed)
        return world

    def driver(self, number: int = 0) -> CookingDriver:
        driver = copy(driver_of(self.name, self.dynamics))
        driver.restart(self.seed + number, self.noise)
        return driver


@dataclass(frozen=True)
class Step:
    before: list[int]
    actions: list[int]
    after: list[int]
    rewards: list[float]
    events: np.ndarray
    """[A, E]"""


def steps_of(game: Game, world: Kitchen, steps: int = STEPS) -> Iterator[Step]:
    """Plays in the world's only environment, at most to the end of its episode."""
    driver = game.driver()
    for _ in range(steps):
        if world.done[0]:
            return
        before = world.state[0].tolist()
        actions = driver(before)
        world.step(np.array([actions]))
        yield Step(
            before,
            actions,
            world.state[0].tolist(),
            world.rewards[0].tolist(),
            world.events[0].copy(),
        )


games = st.builds(
    Game,
    name=st.sampled_from(NAMES),
    dynamics=st.sampled_from(DYNAMICS),
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from([0.05, 0.3, 1.0]),
)
