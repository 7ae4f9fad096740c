"""Partners for the private-cost kitchen that are solved for, not trained."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy import Decisions, SeatView, sample
from play.worlds.private_kitchen.solve import Game, numbers_of
from play.worlds.private_kitchen.state import ACTIONS, TIME, Options
from play.worlds.private_kitchen.world import PrivateKitchen

Solve = Callable[[Options, int], NDArray[np.float32]]


class SolvedPolicy:
    """Plays one seat's part of an exact solution of whatever setting it finds itself in.

    Args:
        name: Name in the library.
        solve: Setting and seat -> probabilities [T, S, 5], see `play.worlds.private_kitchen.solve`.
    """

    encoding: str | None = None

    def __init__(self, name: str, solve: Solve) -> None:
        self.name = name
        self.solve = solve

    def initial_state(self, batch: int) -> None:
        """No memory."""

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        probabilities = np.zeros((len(views), len(ACTIONS)), np.float32)
        for seat in (0, 1):
            mine = [i for i, view in enumerate(views) if view.seat == seat]
            for world in {id(views[i].world): views[i].world for i in mine}.values():
                assert isinstance(world, PrivateKitchen)
                places = [i for i in mine if views[i].world is world]
                rows = world.state[[views[i].env for i in places]]
                policy = self.solve(world.options, seat)
                probabilities[places] = policy[rows[:, TIME], numbers_of(rows)]
        return Decisions(sample(probabilities, uniforms), probabilities, None)


def worker(name: str) -> SolvedPolicy:
    """Does the work of both: the best response to a partner that stands still."""
    return SolvedPolicy(name, solo_worker)


def teammate(name: str) -> SolvedPolicy:
    """Plays its part of the team's optimum, and counts on the other's."""
    return SolvedPolicy(name, team_part)


@lru_cache(maxsize=8)
def solo_worker(options: Options, seat: int) -> NDArray[np.float32]:
    """[T, S, 5] the best response to a partner that stands still."""
    game = Game(options)
    return game.best_response(seat, game.idle()).policy.astype(np.float32)


@lru_cache(maxsize=8)
def team_part(options: Options, seat: int) -> NDArray[np.float32]:
    """[T, S, 5] a seat's part of the team's optimum."""
    joint = Game(options).team_optimum().policy
    part: NDArray[np.float32] = joint.sum(3 if seat == 0 else 2, dtype=np.float32)
    return part
