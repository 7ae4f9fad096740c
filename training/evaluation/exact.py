"""Exact figures of policies in the private-cost kitchen: no episodes, no intervals.

A policy is asked for its probabilities in every state at every time; what it earns, what it leaves
on the table and what a partner could do to it then follow by dynamic programming (see
`play.worlds.private_kitchen.solve`), without any error of their own.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agents.policy import Policy, SeatView
from play.worlds.errors import UserError
from play.worlds.private_kitchen.solve import Game, tabulate
from play.worlds.private_kitchen.state import Options, all_rows
from play.worlds.private_kitchen.world import PrivateKitchen


@dataclass(frozen=True)
class ExactPair:
    """What two policies do together, in points per episode.

    Attributes:
        returns: Return of each seat.
        gains: What each seat would gain by the best response to the other: both 0 in a Nash
            equilibrium.
        optimum: The greatest sum of returns that any two policies reach.
        unhelped: Return of each seat when the other one stops helping and stands still.
    """

    returns: tuple[float, float]
    gains: tuple[float, float]
    optimum: float
    unhelped: tuple[float, float]

    @property
    def share(self) -> float:
        """The sum of the returns as a share of the optimum."""
        return sum(self.returns) / self.optimum


@lru_cache(maxsize=8)
def game_of(options: Options) -> Game:
    """The solved game of a setting."""
    return Game(options)


@lru_cache(maxsize=8)
def optimum_of(options: Options) -> float:
    """The greatest sum of returns in a setting."""
    return game_of(options).team_optimum().start


def table_of(policy: Policy, options: Options, seat: int) -> NDArray[np.float64]:
    """[T, S, 5] a policy's probabilities in every state at every time, as `Game` takes them.

    Args:
        policy: A policy without memory, rule-based or by observation.
        options: The setting.
        seat: The seat that it takes.

    Raises:
        UserError: The policy remembers what it saw, so that states do not determine it.
    """
    if policy.initial_state(1) is not None:
        raise UserError(
            f"{policy.name} has a memory, but exact figures need a policy that looks at the "
            "present state only: evaluate it by episodes instead"
        )
    rows = all_rows()
    world = PrivateKitchen("released", options, len(rows))
    views = [SeatView(world, env, seat) for env in range(len(rows))]
    uniforms = np.full(len(rows), 0.5)

    def probabilities(states: NDArray[np.int32]) -> NDArray[np.float64]:
        world.set_states(states)
        seen = None
        if policy.encoding is not None:
            seen = np.ascontiguousarray(world.observe(policy.encoding)[:, seat])
        weights = policy.act(seen, views, None, uniforms).probabilities.astype(np.float64)
        normal: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
        return normal

    return tabulate(probabilities, int(options.horizon))


def exact_pair(first: Policy, second: Policy, options: Options) -> ExactPair:
    """What two policies do together, `first` in seat 0."""
    return exact_tables(table_of(first, options, 0), table_of(second, options, 1), options)


def exact_tables(
    first: NDArray[np.float64], second: NDArray[np.float64], options: Options
) -> ExactPair:
    """The same for policies as arrays, such as `table_of` returns."""
    game = game_of(options)
    one, other = game.evaluate(first, second)
    return ExactPair(
        returns=(one, other),
        gains=(
            game.best_response(0, second).start - one,
            game.best_response(1, first).start - other,
        ),
        optimum=optimum_of(options),
        unhelped=(game.evaluate(first, game.idle())[0], game.evaluate(game.idle(), second)[1]),
    )
