"""Kitchen episodes as overcooked-ai's trajectories, without importing overcooked-ai.

Source of the format: `AgentEvaluator` and `OvercookedEnv.env_params` of overcooked-ai. The
registry's 1.1.0 reads the file too, once some layout was made in the same process; but its own
check of dynamics fails on every trajectory, its own included, for it hands `_variable_mdp` of the
`env_params` to a function that does not know it. Here are the `env_params` of later versions.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from play.episode import Episode, checked_states
from play.worlds.errors import UserError
from play.worlds.kitchen.convert import coordinates, to_overcooked
from play.worlds.kitchen.layouts import DIRECTIONS, Layout, parse_layout
from play.worlds.kitchen.state import CELL, EVENTS, FACING, PLAYERS
from play.worlds.kitchen.world import Kitchen

JOINT: tuple[Any, ...] = (*DIRECTIONS, (0, 0), "interact")
"""Our action indices in overcooked-ai's terms."""
STAND_IN = "cramped_room"
"""The shipped layout under whose name one that overcooked-ai does not ship is rebuilt."""

Cell = tuple[int, int]


def trajectories(episodes: Iterable[Episode]) -> dict[str, Any]:
    """The standard trajectory dictionary, in JSON values.

    `ep_states` has the states before each step, as in overcooked-ai's own rollouts; the last
    state is in the metadata.

    Raises:
        UserError: An episode is of another world, or does not replay.
    """
    found: dict[str, Any] = {
        key: []
        for key in (
            "ep_states", "ep_actions", "ep_rewards", "ep_dones", "ep_infos", "ep_returns",
            "ep_lengths", "mdp_params", "env_params",
        )
    }  # fmt: skip
    meta: dict[str, list[Any]] = {key: [] for key in ("episode", "world", "seats", "final_state")}
    for episode in episodes:
        one = _trajectory(episode)
        for key, value in one.pop("metadatas").items():
            meta[key].append(value)
        for key, value in one.items():
            found[key].append(value)
    return {**found, "metadatas": meta}


def _trajectory(episode: Episode) -> dict[str, Any]:
    states = checked_states(episode)
    world = next(states)
    if not isinstance(world, Kitchen):
        raise UserError(
            f"{episode.path} was played in {world.facts.world}, but overcooked-ai knows only "
            "kitchens: choose --to parquet"
        )
    soups = Soups(world)
    before = [soups.state()]
    rewards, dones, infos = [], [], []
    for line in episode.ticks:
        soups.look()
        next(states)
        soups.follow()
        before.append(soups.state())
        rewards.append(float(world.rewards[0].sum()))
        dones.append(bool(world.done[0]))
        infos.append(_info(world, line))
    return {
        "ep_states": before[:-1],
        "ep_actions": [[JOINT[a] for a in joint] for joint in episode.joint_actions],
        "ep_rewards": rewards,
        "ep_dones": dones,
        "ep_infos": infos,
        "ep_returns": sum(rewards),
        "ep_lengths": len(rewards),
        "mdp_params": mdp_params(world.layout),
        "env_params": {
            "start_state_fn": None,
            "horizon": world.facts.horizon,
            "info_level": 0,
            "num_mdp": 1,
        },
        "metadatas": {
            "episode": episode.id,
            "world": episode.header["world"],
            "seats": episode.header["seats"],
            "final_state": before[-1],
        },
    }


def _info(world: Kitchen, line: dict[str, Any]) -> dict[str, Any]:
    agents: list[dict[str, Any]] = [{} for _ in range(world.facts.num_players)]
    for decision in line.get("decisions", ()):
        if "probabilities" in decision:
            agents[decision["seat"]] = {"action_probs": decision["probabilities"]}
    return {
        "agent_infos": agents,
        "sparse_r_by_agent": [float(r) for r in world.rewards[0]],
        "shaped_r_by_agent": [float(r) for r in world.shaped_rewards[0]],
    }


def mdp_params(layout: Layout) -> dict[str, Any]:
    """Arguments of `OvercookedGridworld.from_layout_name`, in JSON values.

    The registry's overcooked-ai 1.1.0 ignores `old_dynamics`; later versions obey it.
    """
    params: dict[str, Any] = {"layout_name": layout.name}
    if layout.text is not None:
        settings = parse_layout(layout.text, Path(layout.name))
        params = {key: value for key, value in settings.items() if key not in ("grid",)}
        params |= {
            "layout_name": STAND_IN,
            "terrain": [list(row) for row in layout.rows],
            "start_player_positions": [list(cell) for cell in layout.starts],
        }
    params |= layout.overrides
    if layout.dynamics == "old":
        params["old_dynamics"] = True
    return params


class Soups:
    """States in overcooked-ai's form, with the ingredients of soups in the order of potting.

    The rules never look at that order and our states do not hold it, but overcooked-ai's do, and
    its comparisons of states see it.
    """

    def __init__(self, world: Kitchen) -> None:
        self._world = world
        self._lying: dict[Cell, list[str]] = {}
        self._held: dict[int, list[str]] = {}
        self._faced: list[Cell] = []
        state = self.state()
        for thing in state["objects"]:
            if thing["name"] == "soup":
                self._lying[thing["position"]] = _names(thing)
        for player, who in enumerate(state["players"]):
            if who["held_object"] and who["held_object"]["name"] == "soup":
                self._held[player] = _names(who["held_object"])

    def look(self) -> None:
        """Notes what everyone faces; called before each step."""
        row = self._world.state[0]
        self._faced = []
        for player in range(self._world.tables.players):
            at = PLAYERS + 3 * player
            x, y = coordinates(self._world.layout, int(row[at + CELL]))
            dx, dy = DIRECTIONS[int(row[at + FACING])]
            self._faced.append((x + dx, y + dy))

    def follow(self) -> None:
        """Takes the step's events over, player by player as the rules do."""
        for player, cell in enumerate(self._faced):
            happened = {EVENTS[i] for i in self._world.events[0, player].nonzero()[0]}
            for kind in ("onion", "tomato"):
                if f"potting_{kind}" in happened:
                    self._lying.setdefault(cell, []).append(kind)
            if "soup_pickup" in happened:
                self._held[player] = self._lying.pop(cell)
            elif "soup_drop" in happened:
                self._lying[cell] = self._held.pop(player)
            elif "soup_delivery" in happened:
                del self._held[player]

    def state(self) -> dict[str, Any]:
        """The state now, as `OvercookedState.to_dict` writes it."""
        world = self._world
        state = to_overcooked(world.layout, world.tables, world.state[0].tolist())
        for thing in state["objects"]:
            _reorder(thing, self._lying.get(thing["position"]))
        for player, who in enumerate(state["players"]):
            _reorder(who["held_object"], self._held.get(player))
        return state


def _names(soup: dict[str, Any]) -> list[str]:
    return [ingredient["name"] for ingredient in soup["_ingredients"]]


def _reorder(thing: dict[str, Any] | None, names: list[str] | None) -> None:
    if names is not None and thing is not None and thing["name"] == "soup":
        for ingredient, name in zip(thing["_ingredients"], names, strict=True):
            ingredient["name"] = name
