"""Every registered world is what it declares, and the checker sees when one is not."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from play.worlds.checker import check_world
from play.worlds.kitchen import world as kitchen
from play.worlds.registry import world_names
from tests.worlds.kitchens import OWN

WORLD = "kitchen/cramped_room"


@pytest.mark.parametrize("name", world_names())
def test_worlds_are_what_they_declare(name: str) -> None:
    assert check_world(name) == []


@pytest.mark.parametrize(
    "options",
    [
        {"dynamics": "new", "horizon": 30, "cook_time": 3},
        {"random_start": 0.0, "compiled": True, "horizon": 50},
        {"layout_text": OWN["three_players"], "horizon": 50},
    ],
)
def test_options_keep_a_world_what_it_declares(options: dict[str, Any]) -> None:
    assert check_world(WORLD, **options) == []


def test_there_are_all_kitchens() -> None:
    assert len([name for name in world_names() if name.startswith("kitchen/")]) >= 45


class Changed(kitchen.Kitchen):
    """A kitchen, short to play, that breaks one promise."""

    facts_changes: tuple[tuple[str, Any], ...] = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "horizon": 12})
        self.facts = replace(self.facts, **dict(self.facts_changes))


class NoSuchIdleAction(Changed):
    facts_changes = (("idle_action", 6),)


class NoSuchEvent(Changed):
    facts_changes = (("contributions", {"help": ("helped",)}),)


class CostOfNoEvent(Changed):
    facts_changes = (("costs", {"helped": 1.0}),)


class LongerThanItSays(Changed):
    facts_changes = (("horizon", 11),)


class OneRoleForTwo(Changed):
    facts_changes = (("roles", ("cook",)),)


class RewardsOutOfRange(Changed):
    def step(self, actions: Any) -> None:
        super().step(actions)
        self.rewards[0] += 1000


class ForgetsEvents(Changed):
    def reset(self, seed: Any = None) -> None:
        super().reset(seed)
        self.events[0] = True


class OtherObservations(Changed):
    def observe(self, encoding: str = "lossless", out: Any = None) -> Any:
        return super().observe(encoding, out).astype(np.float64)


class LooksChangeIt(Changed):
    def scene(self, env: int) -> dict[str, Any]:
        self.state[env, 3] = 1
        return super().scene(env)


class NotJson(Changed):
    def scene(self, env: int) -> dict[str, Any]:
        return {**super().scene(env), "state": self.state[env]}


class ForgetsTheSeed(Changed):
    random = np.random.default_rng(0)

    def reset(self, seed: Any = None) -> None:
        super().reset(seed)
        self.state[:, 2] = self.random.integers(4)


class MindsItsNeighbours(Changed):
    def step(self, actions: Any) -> None:
        super().step(actions)
        self.state[:, 3] = self.num_envs % 3


class TakesAnything(Changed):
    def step(self, actions: Any) -> None:
        super().step(np.clip(actions, 0, 5))


class NeverEnds(Changed):
    def step(self, actions: Any) -> None:
        super().step(actions)
        self.done[:] = False


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (NoSuchIdleAction, "idle_action has 6, but the actions are 0 to 5"),
        (NoSuchEvent, "the contribution 'help' must be one or more of the events"),
        (CostOfNoEvent, "costs has 'helped': 1.0, which is no event or no cost"),
        (OneRoleForTwo, "roles must be one name for each of 2 seats"),
        (LongerThanItSays, "at step 11 of 11"),
        (RewardsOutOfRange, r"is outside of \(0.0, 40.0\)"),
        (ForgetsEvents, "events is not zero after a reset"),
        (OtherObservations, "lossless gives float64"),
        (LooksChangeIt, "looking at a world changes its state hash"),
        (NotJson, "a scene must be JSON values"),
        (ForgetsTheSeed, "two worlds with the same seed and actions differ"),
        (MindsItsNeighbours, "an environment in a batch differs from the same one alone"),
        (TakesAnything, "step must refuse action -1 with a ValueError"),
        (NeverEnds, "at step 12 of 12"),
    ],
)
def test_a_broken_promise_is_found(changed: Callable[..., Any], words: str) -> None:
    with mock.patch.object(kitchen, "Kitchen", changed):
        problems = check_world(WORLD)
    assert any(re.search(words, problem) for problem in problems), problems
