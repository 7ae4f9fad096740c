"""Policies as files, read back, against what the runtime says of the same states."""

import numpy as np
import pytest

from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from training import runs
from training.config import METHODS
from training.export import TOLERANCE, export_run
from training.published import read_actor

KITCHEN = {"world": "kitchen/cramped_room", "num_envs": 8, "rollout_length": 20, "hidden": 16}


def started(folder, method="self-play", **changes):
    config = METHODS[method].from_json(KITCHEN | {"steps": 320} | changes)
    (run,), finished = runs.start(method, config, folder / "run")
    assert finished
    return run, runs.make_trainer(method, config)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("memory", ["none", "gru"])
@pytest.mark.parametrize("encoding", ["lossless", "egocentric"])
def test_a_policy_read_back_says_what_the_runtime_says(encoding, memory, compact, tmp_path):
    """Also of the urgency of the last steps, which the kitchen's sparse form has in one entry."""
    run, trainer = started(
        tmp_path, encoding=encoding, memory=memory, activation="tanh", options="horizon=70"
    )
    (folder,) = export_run(run, "kitchen/cramped_room/mine", tmp_path / "out", compact=compact)
    actor = read_actor(folder, trainer.world, trainer.observer, trainer.team)
    policy, slots = OnnxPolicy(folder), trainer.rollout.slots
    theirs, ours = policy.initial_state(slots), None
    states = 0
    trainer.iterate()
    for dense, rows in trainer.recorded_states(encoding):
        seen = trainer.rollout.observations.dense(rows, trainer.observer.num_rows)
        expected, theirs = policy.logits(dense, theirs)
        logits, _, ours = actor(seen, ours)
        np.testing.assert_allclose(logits.numpy(), expected, atol=TOLERANCE)
        states += len(rows)
    assert states >= slots
    assert np.ptp(expected, axis=0).min() > 10 * TOLERANCE  # else everything would say the same


def test_a_policy_that_sees_or_plays_otherwise_is_refused(tmp_path):
    run, trainer = started(tmp_path, encoding="egocentric")
    (folder,) = export_run(run, "kitchen/cramped_room/mine", tmp_path / "out")
    other = METHODS["self-play"].from_json(KITCHEN | {"encoding": "lossless"})
    blind = runs.make_trainer("self-play", other)
    with pytest.raises(UserError, match="sees egocentric, but this training lossless: give --enc"):
        read_actor(folder, blind.world, blind.observer, blind.team)
    settings = {
        "against": str(folder),
        "hero": "kitchen/cramped_room/mine",
        "encoding": "egocentric",
    }
    against, _ = started(tmp_path / "against", "exploiter", **settings)
    export_run(against, "kitchen/cramped_room/exploiter", tmp_path / "out")
    made = tmp_path / "out" / "kitchen" / "cramped_room" / "exploiter-seat0"
    with pytest.raises(UserError, match="is not one network"):
        read_actor(made, trainer.world, trainer.observer, [0])
    with pytest.raises(UserError, match="seat 1"):
        read_actor(made, trainer.world, trainer.observer, [1])
