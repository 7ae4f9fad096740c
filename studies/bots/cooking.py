"""What a simulated participant does in a game: it sees only what the page would show."""

from typing import Any

import numpy as np

from agents.policy import SeatView
from agents.scripted import GreedyChef
from play.worlds.kitchen.convert import from_overcooked
from play.worlds.kitchen.layouts import DIRECTIONS
from play.worlds.kitchen.world import Kitchen
from play.worlds.registry import make_world


class Player:
    """Chooses actions: in kitchens as the rule-based cook does, elsewhere by chance.

    Args:
        game: The server's message that opened the game.

    Attributes:
        seat: The participant's seat.
    """

    def __init__(self, game: dict[str, Any]) -> None:
        self.seat = int(game["seat"])
        self._actions = len(game["actions"])
        options = {"dynamics": game["static"]["dynamics"]} if "dynamics" in game["static"] else {}
        self._world = make_world(game["world"], **options)
        self._chef = GreedyChef("greedy")
        self._memory = self._chef.initial_state(1)

    def decide(self, scene: dict[str, Any], uniform: float, slips: bool) -> int:
        """The action in a scene; any action for one who slips.

        Args:
            scene: What the server shows.
            uniform: A random number in [0, 1).
            slips: Whether this is a mistake.
        """
        if slips or not isinstance(self._world, Kitchen):
            return int(uniform * self._actions)
        row = from_overcooked(self._world.layout, self._world.tables, overcooked(scene))
        self._world.set_states(row[None])
        view = SeatView(self._world, 0, self.seat)
        made = self._chef.act(None, [view], self._memory, np.array([uniform]))
        self._memory = made.state
        return int(made.actions[0])


def overcooked(scene: dict[str, Any]) -> dict[str, Any]:
    """A drawn scene of a kitchen as a state dictionary of overcooked-ai."""
    pots = [
        {**_soup(pot), "position": (pot["x"], pot["y"]), "cooking_tick": pot["tick"]}
        for pot in scene["pots"]
        if pot["onions"] + pot["tomatoes"]
    ]
    players = [
        {
            "position": (chef["x"], chef["y"]),
            "orientation": DIRECTIONS[chef["dir"]],
            "held_object": _thing(chef["held"], chef) if chef["held"] else None,
        }
        for chef in scene["players"]
    ]
    things = [_thing(item, item) for item in scene["objects"]]
    return {"players": players, "objects": [*pots, *things], "timestep": scene["t"]}


def _thing(item: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    """An item as it lies on a counter or in a hand."""
    position = (place["x"], place["y"])
    if item["kind"] != "soup":
        return {"name": item["kind"], "position": position}
    return {**_soup(item), "position": position, "cooking_tick": 99, "is_ready": True}


def _soup(item: dict[str, Any]) -> dict[str, Any]:
    names = ["onion"] * item.get("onions", 0) + ["tomato"] * item.get("tomatoes", 0)
    return {"name": "soup", "_ingredients": [{"name": name} for name in names]}
