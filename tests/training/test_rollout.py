"""What a rollout keeps of the rewards."""

import numpy as np

from play.worlds.registry import make_world
from training.networks import SparseObserver
from training.rollout import Rollout, collect


def shaped(shared):
    """[T, N, A] shaping rewards of random play, half of it use of hands."""
    world = make_world("kitchen/cramped_room", 32, autoreset=True, random_start=1.0)
    world.reset(3)
    observer = SparseObserver(world)
    rollout = Rollout(world, observer, 60, shared)
    draws = np.random.default_rng(1)

    def act(step, uniforms):
        rollout.actions[step] = draws.choice(6, 64, p=[0.12, 0.12, 0.12, 0.12, 0.02, 0.5])

    collect(world, observer, rollout, (0, 1), act, draws.random((61, 64)))
    return rollout.shaped.reshape(60, 32, 2)


def test_shaped_rewards_are_ones_own_or_those_of_both():
    own, both = shaped(False), shaped(True)
    assert (own[..., 0] != own[..., 1]).any()
    np.testing.assert_allclose(both, np.repeat(own.sum(2, keepdims=True), 2, axis=2), rtol=1e-6)
