"""Observations with negative numbers in the sparse form that training reads."""

import numpy as np

from play.worlds.registry import make_world
from training.networks import SparseObserver


def test_sparse_observations_of_tag_hold_every_number() -> None:
    world = make_world("tag/two_runners", 5, autoreset=True)
    world.draw_starts(1.0)
    world.reset(1)
    observer = SparseObserver(world)
    assert not observer.native
    kept = observer.empty(3)
    draws, expected = np.random.default_rng(0), []
    for step in range(3):
        observer.write(kept, step)
        expected.append(world.observe("simple_tag").reshape(25, -1).copy())
        world.step(draws.integers(0, 5, (5, 5)))
    dense = kept.dense(np.arange(75), observer.num_rows).numpy()
    np.testing.assert_array_equal(dense, np.concatenate(expected))
    assert (dense < 0).mean() > 0.2
