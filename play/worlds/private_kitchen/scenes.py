"""States for people: drawings as JSON values."""

from collections.abc import Sequence
from typing import Any

from play.worlds.private_kitchen.state import (
    CELL,
    FACING,
    HOLDS,
    ONION_CELLS,
    ONIONS,
    PLAYERS,
    POT,
    SIDE,
    TIME,
    Options,
)  # fmt: skip


def static_scene(options: Options) -> dict[str, Any]:
    """The part of the drawing that never changes: where things are and what they are worth."""
    return {
        "renderer": "private-kitchen",
        "horizon": int(options.horizon),
        "width": SIDE,
        "height": SIDE,
        "num_players": 2,
        "pot": position(POT),
        "onions": [position(cell) for cell in ONION_CELLS],
        "pot_reward": options.pot_reward,
        "pickup_reward": options.pickup_reward,
        "move_cost": options.move_cost,
        "collision": options.collision,
    }


def scene(row: Sequence[int]) -> dict[str, Any]:
    """The part of the drawing that changes, from one state row."""
    return {
        "t": row[TIME],
        "players": [player_scene(row, PLAYERS + 3 * player) for player in range(2)],
        "onions": [bool(there) for there in row[ONIONS:]],
    }


def player_scene(row: Sequence[int], begin: int) -> dict[str, Any]:
    """A player: where, facing which way, holding what."""
    return {
        **position(row[begin + CELL]),
        "dir": row[begin + FACING],
        "held": {"kind": "onion"} if row[begin + HOLDS] else None,
    }


def position(cell: int) -> dict[str, int]:
    """Coordinates of a cell: column and row."""
    return {"x": cell % SIDE, "y": cell // SIDE}
