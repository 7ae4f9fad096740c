"""How a state of the private-cost kitchen lies in memory, and what the rules look up.

A state is one row of int32 numbers:

    [0]              time step
    [1 + 3p ...]     player p: cell, facing, whether it holds an onion
    [7], [8]         whether the onion is there, at (3, 4) and at (4, 3)

A cell (row, column) is numbered ``row * SIDE + column``. The facing, the direction chosen last, is
for the drawing alone: no rule and no observation depends on it.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from play.worlds.errors import UserError

SIDE = 5
CELLS = SIDE * SIDE
POT = 2 * SIDE + 2
ONION_CELLS = (3 * SIDE + 4, 4 * SIDE + 3)
STARTS = (1 * SIDE, 1)  # (1, 0) and (0, 1)

TIME = 0
PLAYERS = 1  # where the players begin in a state row
CELL, FACING, HOLDS = 0, 1, 2  # within a player
ONIONS = 7  # where the onions begin
ROW_SIZE = 9

ACTIONS = ("north", "south", "east", "west", "stay")
DIRECTIONS = ((-1, 0), (1, 0), (0, 1), (0, -1))  # row, column
SOUTH, STAY = 1, 4
EVENTS = ("idle", "move", "bump", "collision", "onion_pickup", "potting_onion")
"""Stayed; chose a direction and paid for it; which led nowhere; because of the other one."""


@dataclass(frozen=True)
class Options:
    """What can be chosen about the kitchen; JSON values. The defaults are the released ones.

    Attributes:
        move_cost: Points that every action but staying costs its player, also when blocked.
        respawn: Probability that a missing onion is back at the end of a step.
        collision: Points that walking into the other player costs besides.
        pot_reward: Points that each player gets for an onion in the pot.
        pickup_reward: Points that each player gets when an onion is picked up.
        horizon: Steps in an episode.
    """

    move_cost: float = 0.2
    respawn: float = 0.2
    collision: float = 2.0
    pot_reward: float = 10.0
    pickup_reward: float = 1.0
    horizon: int = 50

    def check(self) -> None:
        """Refuses a kitchen that cannot be.

        Raises:
            UserError: A number is out of its range or not a number.
        """
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError(f"{name} is {value!r}, but it must be a number")
            if not 0 <= value <= 1e6:  # also refuses what is not a number at all
                raise UserError(f"{name} is {value}, but it must be from 0 to 1000000")
        if self.respawn > 1:
            raise UserError(f"respawn is {self.respawn}, but a probability is between 0 and 1")
        if self.pot_reward <= 0:
            raise UserError(f"pot_reward is {self.pot_reward}, but it must be more than 0")
        if self.horizon < 1 or self.horizon != int(self.horizon):
            raise UserError(
                f"The horizon is {self.horizon}, but an episode has one or more whole steps"
            )


class Tables(NamedTuple):
    """A kitchen as the rules use it; arrays when compiled, lists in plain Python.

    Attributes:
        horizon: Steps in an episode.
        move_cost: See `Options`, also for the next four.
        respawn: Probability.
        collision: Points.
        pot_reward: Points.
        pickup_reward: Points.
        ahead: [4 * CELLS] the neighbour of a cell in a direction, or the cell itself at the border.
        onion: [CELLS] number of the onion there, or -1.
    """

    horizon: int
    move_cost: float
    respawn: float
    collision: float
    pot_reward: float
    pickup_reward: float
    ahead: Any
    onion: Any


def make_tables(options: Options) -> Tables:
    """Numbers the cells' neighbours and the onions."""
    ahead = np.zeros((CELLS, 4), np.int32)
    for cell in range(CELLS):
        row, column = divmod(cell, SIDE)
        for direction, (down, right) in enumerate(DIRECTIONS):
            there = (row + down, column + right)
            inside = 0 <= there[0] < SIDE and 0 <= there[1] < SIDE
            ahead[cell, direction] = there[0] * SIDE + there[1] if inside else cell
    onion = np.full(CELLS, -1, np.int32)
    for number, cell in enumerate(ONION_CELLS):
        onion[cell] = number
    return Tables(
        horizon=int(options.horizon),
        move_cost=float(options.move_cost),
        respawn=float(options.respawn),
        collision=float(options.collision),
        pot_reward=float(options.pot_reward),
        pickup_reward=float(options.pickup_reward),
        ahead=ahead.reshape(-1),
        onion=onion,
    )


def first_rows() -> NDArray[np.int32]:
    """[2, size] the usual first states: player 0 at the first start, and at the second."""
    rows = np.zeros((2, ROW_SIZE), np.int32)
    rows[:, ONIONS:] = 1
    for player in range(2):
        rows[:, PLAYERS + 3 * player + FACING] = SOUTH
    rows[:, PLAYERS + CELL] = STARTS
    rows[:, PLAYERS + 3 + CELL] = STARTS[::-1]
    return rows


def all_rows() -> NDArray[np.int32]:
    """[8832, size] every state at time 0, whether or not it can be reached; always in this order.

    The order is that of (cell of player 0, cell of player 1, holds 0, holds 1, onion 0, onion 1).
    """
    free = [cell for cell in range(CELLS) if cell != POT]
    rows = [
        (0, a, SOUTH, bits >> 3, b, SOUTH, bits >> 2 & 1, bits >> 1 & 1, bits & 1)
        for a in free
        for b in free
        if a != b
        for bits in range(16)
    ]
    return np.array(rows, np.int32)
