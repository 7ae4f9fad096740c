"""The trainers on games of one state: what they reach is compared with the equilibria.

A trainer divides advantages by their standard deviation, which would rescale tau and epsilon from
update to update. A floor above any deviation makes the divisor a constant c: then the fixed point
is the game's equilibrium for tau as given and for epsilon = c times the weight of the entropy. Here
c is 1, since these games' payoffs differ by less.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from play.worlds.matrix.games import CONTRIBUTE
from training.config import VARIANTS, IppoConfig, SrpoConfig, TrainConfig
from training.runs import make_trainer

UPDATES = 300
SETTINGS: dict[str, Any] = {
    "num_envs": 128, "rollout_length": 32, "epochs": 2, "minibatches": 1, "hidden": 16,
    "learning_rate": 1e-2, "min_deviation": 1.0, "exploring_starts": 0.0,
    "steps": UPDATES * 128 * 32,
}  # fmt: skip


def configuration(game: str, tau: float, epsilon: float, **settings: Any) -> TrainConfig:
    """Settings whose fixed point is the equilibrium: SRPO's paper variant, or IPPO for tau 0.

    Args:
        game: Name of a matrix game.
        tau: Degree of risk aversion.
        epsilon: Weight of the entropy.
        **settings: Settings to replace, such as ``kl_direction="partner"``.
    """
    own = SETTINGS | {"world": f"matrix/{game}", "entropy": epsilon} | settings
    if tau == 0:
        return IppoConfig(**own)
    return SrpoConfig(**(VARIANTS["paper"] | {"tau": tau} | own))


def learn(config: TrainConfig, seeds: Sequence[int]) -> Iterator[tuple[float, ...]]:
    """Trains; yields for each seed the probability of contributing that each seat has learnt."""
    method = "srpo" if isinstance(config, SrpoConfig) else "ippo"
    trainer = make_trainer(method, config, seeds)
    while trainer.steps < config.steps:
        trainer.iterate()
    observations = trainer.rollout.observations
    for member in range(len(seeds)):
        learnt = {}
        for policy in trainer.exports(member).values():
            for seat in policy.seats:  # a rollout's first slots are the seats of environment 0
                row = np.array([seat])
                logits = sum(
                    network.evaluate(observations, row)[0][0] for network in policy.networks
                )
                odds = np.exp(logits - logits.max())
                learnt[seat] = float(odds[CONTRIBUTE] / odds.sum())
        yield tuple(learnt[seat] for seat in sorted(learnt))
