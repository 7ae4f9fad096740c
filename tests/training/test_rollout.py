"""What a rollout keeps of the rewards."""

import numpy as np
import pytest

from play.worlds.errors import UserError
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


@pytest.mark.parametrize(
    "encoding", ["lossless", "featurize", "featurize_front", "egocentric", "egocentric_orders"]
)
def test_an_observer_lists_what_the_world_shows(encoding):
    world = make_world("kitchen/cramped_room", 40, random_start=1.0)
    world.reset(5)
    observer = SparseObserver(world, encoding)
    assert observer.encoding.name == encoding
    assert observer.width <= np.prod(observer.encoding.shape)
    observations = observer.empty(1)
    observer.write(observations, 0)
    listed = observations.dense(np.arange(80), observer.num_rows).numpy()
    dense = world.observe(encoding).reshape(80, -1).astype(np.float32)
    if observer.native:  # without what never varies, and urgency once
        assert observer.num_rows == dense.shape[1] + 2
        entries = listed[:, :-2] > 0
        assert entries.any()
        np.testing.assert_array_equal(listed[:, :-2][entries], dense[entries])
    else:
        np.testing.assert_allclose(listed, dense, rtol=1e-6)


def test_a_world_without_the_encoding_says_which_it_has():
    with pytest.raises(UserError, match="has no encoding 'pixels': choose lossless, featurize"):
        SparseObserver(make_world("kitchen/cramped_room", 2), "pixels")


def test_shaped_rewards_are_ones_own_or_those_of_both():
    own, both = shaped(False), shaped(True)
    assert (own[..., 0] != own[..., 1]).any()
    np.testing.assert_allclose(both, np.repeat(own.sum(2, keepdims=True), 2, axis=2), rtol=1e-6)
