"""Cross-play: the return of every policy with every other, on ONNX policies, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy, SeatView
from play.worlds.registry import make_world


@dataclass(frozen=True)
class Seating:
    """Who sits where: one policy per seat."""

    policies: tuple[Policy, ...]


def returns_of(
    seating: Seating, world: str, options: Mapping[str, Any], episodes: int, seed: int
) -> NDArray[np.float64]:
    """Team return, in points, of each of some whole episodes.

    Args:
        seating: One policy per seat; actions are sampled.
        world: Name of the world.
        options: Its options.
        episodes: Number of episodes; all are played side by side.
        seed: Root of the random streams of the world and of the actions.

    Returns:
        [episodes] undiscounted sums of the rewards of all seats.
    """
    games = make_world(world, episodes, **options)
    games.reset(seed=seed)
    streams = np.random.SeedSequence(seed).spawn(len(seating.policies))
    generators = [np.random.default_rng(stream) for stream in streams]
    states = [policy.initial_state(episodes) for policy in seating.policies]
    actions = np.zeros((episodes, len(seating.policies)), np.int64)
    returns = np.zeros(episodes)
    for _ in range(games.facts.horizon):
        seen: dict[str, NDArray[Any]] = {}
        for seat, policy in enumerate(seating.policies):
            observations = None
            if policy.encoding is not None:
                if policy.encoding not in seen:
                    seen[policy.encoding] = games.observe(policy.encoding)
                observations = np.ascontiguousarray(seen[policy.encoding][:, seat])
            views = [SeatView(games, env, seat) for env in range(episodes)]
            decided = policy.act(
                observations, views, states[seat], generators[seat].random(episodes)
            )
            actions[:, seat], states[seat] = decided.actions, decided.state
        games.step(actions)
        returns += games.rewards.sum(1)
    return returns


def interval(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over independent units (training seeds, episodes)."""
    array = np.asarray(values, np.float64)
    generator = np.random.default_rng(seed)
    means = array[generator.integers(0, len(array), (10_000, len(array)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
