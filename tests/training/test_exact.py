"""Exact figures of policies in the private-cost kitchen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from agents.builtin import RandomPolicy, StayPolicy
from agents.policy import Decisions, SeatView, sample
from agents.private_kitchen import solo_worker, teammate, worker
from play.worlds.errors import UserError
from play.worlds.private_kitchen.encode import CHANNELS
from play.worlds.private_kitchen.world import INSTANCES
from training.evaluation.crossplay import Seating, returns_of
from training.evaluation.exact import exact_pair, exact_tables, game_of, table_of

RELEASED, SCARCE = INSTANCES["released"], INSTANCES["scarce"]


class Weighted:
    """A stochastic policy by observation: random weights, the same for both seats."""

    encoding: str | None = "relative"

    def __init__(self, memory: Any = None) -> None:
        self.name = "weighted"
        self._memory = memory
        self._weights = np.random.default_rng(4).normal(size=(len(CHANNELS), 5))

    def initial_state(self, batch: int) -> Any:
        return self._memory

    def act(
        self, observations: Any, views: Sequence[SeatView], state: Any, uniforms: Any
    ) -> Decisions:
        logits = observations @ self._weights
        weights = np.exp(logits - logits.max(1, keepdims=True))
        weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
        return Decisions(sample(weights, uniforms), weights, None)


def test_tables_say_what_rule_based_policies_do() -> None:
    game = game_of(RELEASED)
    np.testing.assert_array_equal(table_of(worker("w"), RELEASED, 1), solo_worker(RELEASED, 1))
    assert (table_of(StayPolicy("stay"), RELEASED, 0) == game.idle()).all()
    np.testing.assert_allclose(table_of(RandomPolicy("r"), RELEASED, 0)[3], game.uniform())


def test_a_policy_by_observation_earns_in_games_what_is_computed() -> None:
    policies = (Weighted(), Weighted())
    found = exact_pair(*policies, RELEASED)
    played = returns_of(Seating(policies), "private-kitchen/released", {}, 4000, seed=2)
    error = played.std(ddof=1) / len(played) ** 0.5
    assert abs(played.mean() - sum(found.returns)) < 4 * error
    assert min(found.gains) > 10, "there is much to gain over chance"


def test_an_equilibrium_has_no_gains_and_the_team_no_rest() -> None:
    for options, gain, share in ((SCARCE, 0.0, 0.797), (RELEASED, 50.3, 0.605)):
        idle = game_of(options).idle()
        free_riding = exact_tables(solo_worker(options, 0), idle, options)
        assert free_riding.gains == pytest.approx((0, gain), abs=0.05)
        assert free_riding.share == pytest.approx(share, abs=1e-3)
        assert free_riding.unhelped[0] == pytest.approx(free_riding.returns[0], abs=1e-9)
    best = exact_pair(teammate("t"), teammate("t"), RELEASED)
    assert best.share == pytest.approx(1, abs=1e-9)
    assert best.unhelped[0] < best.returns[0]


def test_a_policy_with_a_memory_is_refused() -> None:
    with pytest.raises(UserError, match="weighted has a memory, but exact figures need"):
        table_of(Weighted(memory=np.zeros(3)), RELEASED, 0)
