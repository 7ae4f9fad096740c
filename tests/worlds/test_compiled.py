"""One source of the rules run in two ways, by numba and as plain Python: not a bit differs."""

from typing import Any

import numpy as np
import pytest

from play.worlds.compilation import compiled_anyway
from play.worlds.kitchen.layouts import DYNAMICS
from play.worlds.kitchen.world import Kitchen, make
from tests.worlds.drivers import CookingDriver
from tests.worlds.kitchens import OWN

STEPS, ENVS, HORIZON = 200, 3, 70
LAYOUTS = (
    "cramped_room",
    "counter_circuit_o_1order",
    "soup_coordination",  # both ingredients, five values and times
    "tutorial_1",  # begins with a soup
    "cramped_room_single",  # one player
    "multiplayer_schelling",  # four players
    *OWN,
)


def kitchen(name: str, compiled: bool, num_envs: int = ENVS, **options: Any) -> Kitchen:
    return make(name, num_envs, compiled=compiled, layout_text=OWN.get(name), **options)


def everything(world: Kitchen) -> dict[str, np.ndarray]:
    """All that a world shows after a step."""
    shape = (*world.rewards.shape, world.sparse_width)
    index, value = np.full(shape, -1, np.int32), np.full(shape, -1, np.float32)
    count = np.full(shape[:2], -1, np.int32)
    world.observe_sparse(index, value, count)
    return {
        "state": world.state,
        "rewards": world.rewards,
        "shaped_rewards": world.shaped_rewards,
        "events": world.events,
        "done": world.done,
        "lossless": world.observe("lossless"),
        "lossless into an array": world.observe("lossless", np.empty_like(world.observe())),
        "featurize": world.observe("featurize"),
        "sparse index": index,
        "sparse value": value,
        "sparse count": count,
    }


@pytest.mark.parametrize("dynamics", DYNAMICS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_compiled_and_plain_are_the_same(name: str, dynamics: str) -> None:
    options = {"dynamics": dynamics, "horizon": HORIZON, "random_start": 0.5, "autoreset": True}
    compiled, plain = (kitchen(name, way, **options) for way in (True, False))
    assert compiled.compiled
    assert not plain.compiled
    drivers = [CookingDriver(plain.layout, plain.tables, seed) for seed in range(ENVS)]
    compiled.reset(5)
    plain.reset(5)
    earned = 0.0
    for t in range(STEPS):
        ours, theirs = everything(compiled), everything(plain)
        for what, array in ours.items():
            assert array.dtype == theirs[what].dtype
            np.testing.assert_array_equal(array, theirs[what], f"{what} at step {t}")
        for i in range(ENVS):
            assert compiled.state_hash(i) == plain.state_hash(i)
        rows = plain.state.tolist()
        actions = np.array([drive(row) for drive, row in zip(drivers, rows, strict=True)])
        compiled.step(actions)
        plain.step(actions)
        earned += float(plain.rewards.sum())
    assert earned > 0


def test_threads_do_not_matter() -> None:
    size = 4096  # enough for four threads
    generator = np.random.default_rng(0)
    worlds = [
        kitchen("cramped_room", True, size, threads=threads, random_start=1.0) for threads in (1, 4)
    ]
    for world in worlds:
        world.reset(11)
    for _ in range(20):
        actions = generator.integers(6, size=(size, 2))
        for world in worlds:
            world.step(actions)
        one, four = (everything(world) for world in worlds)
        for what, array in one.items():
            np.testing.assert_array_equal(array, four[what], what)


@pytest.mark.parametrize(
    ("switch", "num_envs", "compiled"),
    [("0", 1, False), ("0", 64, False), ("1", 1, True), ("", 1, False), ("", 64, True)],
)
def test_the_way_of_running_follows_the_environment_variable(
    monkeypatch: pytest.MonkeyPatch, switch: str, num_envs: int, compiled: bool
) -> None:
    monkeypatch.setenv("UNDERSTUDY_COMPILED", switch)
    assert make("cramped_room", num_envs).compiled == compiled
    assert make("cramped_room", num_envs, compiled=not compiled).compiled != compiled


def test_small_batches_are_compiled_for_work_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("UNDERSTUDY_COMPILED", raising=False)
    with compiled_anyway():
        assert make("cramped_room", 1).compiled
    assert not make("cramped_room", 1).compiled
    monkeypatch.setenv("UNDERSTUDY_COMPILED", "0")
    with compiled_anyway():
        assert not make("cramped_room", 1).compiled
    assert not make("cramped_room", 1).compiled
