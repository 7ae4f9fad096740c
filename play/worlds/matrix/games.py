"""Games of one simultaneous move: a shared reward, and a cost that each seat pays alone.

All are of one kind: every seat contributes or does not, and the team is rewarded if enough seats
contribute. If one is enough, the others may ride free (the volunteer's dilemma); if all are
needed, whoever contributes depends on the others (the stag hunt).

Source: Qu, Zhang, Lanzetti, Mazumdar 2026 (arXiv 2602.21515), whose example is `free-riding` for
two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError

CONTRIBUTE, ABSTAIN = 0, 1
ACTIONS = ("contribute", "abstain")
MOST_PLAYERS = 8  # the arrays grow with 2 ** players


@dataclass(frozen=True)
class MatrixGame:
    """A game of one simultaneous move.

    Attributes:
        name: Name within the family.
        shared: [2] * A reward that every seat gets, by joint action.
        costs: [A, 2] what each seat pays for its own action.
    """

    name: str
    shared: NDArray[np.float64]
    costs: NDArray[np.float64]

    @property
    def players(self) -> int:
        """Number of seats A."""
        return self.shared.ndim

    @property
    def payoffs(self) -> tuple[NDArray[np.float64], ...]:
        """Each seat's own utility, the shared reward less its cost, [2] * A, by joint action."""
        return tuple(
            self.shared - cost.reshape([-1 if axis == seat else 1 for axis in range(self.players)])
            for seat, cost in enumerate(self.costs)
        )


def threshold_game(name: str, players: int, needed: int, cost: float) -> MatrixGame:
    """The team earns 1 if at least `needed` of the seats contribute, each of which pays `cost`."""
    contributes = 1 - np.indices((2,) * players)  # [A, 2, ..., 2]; action 0 contributes
    shared = (contributes.sum(0) >= needed).astype(np.float64)
    return MatrixGame(name, shared, np.tile([cost, 0.0], (players, 1)))


GAMES: dict[str, Callable[[int], int]] = {
    "free-riding": lambda players: 1,
    "stag-hunt": lambda players: players,
}
"""Name -> how many contributions are needed, given the number of seats."""


def make_game(name: str, cost: Any = 0.4, players: Any = 2) -> MatrixGame:
    """Builds a game by its name.

    Args:
        name: "free-riding", where one contribution is enough, or "stag-hunt", which needs all.
        cost: What a seat pays for contributing; the team's reward is 1 for every seat.
        players: Number of seats A.

    Raises:
        UserError: No such game, or a number outside its range.
    """
    if name not in GAMES:
        raise UserError(
            f"There is no game called 'matrix/{name}': choose one of "
            f"{', '.join(f'matrix/{known}' for known in GAMES)}"
        )
    if not isinstance(cost, int | float) or not 0 <= cost <= 1:
        raise UserError(f"cost is {cost}, but in a matrix game it must be between 0 and 1")
    if not isinstance(players, int) or not 2 <= players <= MOST_PLAYERS:
        raise UserError(
            f"players is {players}, but a matrix game has between 2 and {MOST_PLAYERS} seats"
        )
    return threshold_game(name, players, GAMES[name](players), float(cost))
