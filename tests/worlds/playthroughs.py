"""Games written out as text, so that a change of the rules shows as a difference one can read.

``python -m tests.worlds.playthroughs`` plays the recorded actions again and writes down what
happens now. A playthrough that isn't there yet is played by the cooks of `drivers`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from play.worlds.kitchen.layouts import CLASSICS
from play.worlds.kitchen.state import EVENTS
from play.worlds.kitchen.world import Kitchen, make
from tests.worlds.drivers import CookingDriver
from tests.worlds.kitchens import OWN

FOLDER = Path(__file__).resolve().parents[1] / "playthroughs"
COMMAND = "python -m tests.worlds.playthroughs"
TRIES = 400  # games, until a soup is delivered in one
FACINGS = "^v><"
LEGEND = """\
Cells: X counter, O onions, T tomatoes, D dishes, P pot, S serving counter.
Players: their number, where they look (^v><) and what they hold. Things: o onion, t tomato,
d dish, s soup. Coordinates are (column, row) from (0, 0) at the top left.
"""


@dataclass(frozen=True)
class Playthrough:
    """One game.

    Attributes:
        name: Name of its file.
        layout: Layout name, one of overcooked-ai's or of `kitchens`.
        dynamics: "old" or "new".
        steps: Number of steps.
    """

    name: str
    layout: str
    dynamics: str
    steps: int = 60

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"

    def world(self) -> Kitchen:
        return make(
            self.layout,
            dynamics=self.dynamics,
            horizon=self.steps,
            layout_text=OWN.get(self.layout),
            compiled=False,
        )


PLAYTHROUGHS = (
    *(Playthrough(name, name, "old", 80) for name in CLASSICS),
    Playthrough("cramped_room_new_dynamics", "cramped_room", "new"),
    Playthrough("two_orders_with_tomatoes", "simple_o_t", "new", 40),
    Playthrough("bonus_orders", "soup_coordination", "new", 80),
    Playthrough("begins_with_a_soup", "tutorial_1", "new", 80),
    Playthrough("one_player", "cramped_room_single", "new"),
    Playthrough("three_players", "three_players", "new", 80),
    Playthrough("four_players", "multiplayer_schelling", "old", 80),
    Playthrough("large_pots", "large_pots", "new", 80),
)


def write_out(game: Playthrough, actions: list[list[int]]) -> str:
    """What happens when these joint actions are taken."""
    world = game.world()
    parts = [f"{game.name}: {game.layout}, {game.dynamics} dynamics, {game.steps} steps\n", LEGEND]
    parts += [describe_orders(world), draw(world)]
    parts += [describe_step(world, joint) + draw(world) for joint in actions]
    score = sum(float(number) for part in parts for number in re.findall(r"earns ([\d.]+)", part))
    return "\n".join([*parts, f"total score {score:g}\n"])


def describe_orders(world: Kitchen) -> str:
    orders = [
        f"{soup_name(order)} for {order['value']:g} in {order['time']} steps"
        + (" (bonus)" if order["bonus"] else "")
        for order in world.static_scene()["orders"]
    ]
    return "".join(f"order: {order}\n" for order in orders)


def describe_step(world: Kitchen, joint: list[int]) -> str:
    """Takes a joint action; who did what, and what came of it."""
    step = world.scene(0)["t"] + 1
    world.step(np.array([joint]))
    lines = [f"step {step}"]
    for player, action in enumerate(joint):
        words = [f"  {player + 1} {world.facts.actions[action]}"]
        if world.rewards[0, player]:
            words.append(f"earns {world.rewards[0, player]:g}")
        if world.shaped_rewards[0, player]:
            words.append(f"shaped {world.shaped_rewards[0, player]:g}")
        events = [EVENTS[e] for e in np.flatnonzero(world.events[0, player])]
        lines.append(", ".join(words) + (": " + " ".join(events) if events else ""))
    if world.done[0]:
        lines.append("  the end")
    return "\n".join(lines) + "\n"


def draw(world: Kitchen) -> str:
    """The kitchen as a picture, then what the picture can't show, and the state's hash."""
    scene = world.scene(0)
    cells = [[cell + "   " for cell in row] for row in world.static_scene()["terrain"]]
    notes = []
    for thing in scene["objects"]:
        cells[thing["y"]][thing["x"]] = f"X{thing['kind'][0]}  "
        notes += [note_soup(thing, thing)]
    for number, player in enumerate(scene["players"], start=1):
        held = player["held"]
        letter = held["kind"][0] if held else " "
        cells[player["y"]][player["x"]] = f"{number}{FACINGS[player['dir']]}{letter} "
        notes += [note_soup(held, player)] if held else []
    notes += [note_pot(pot) for pot in scene["pots"]]
    picture = ["    " + "".join(row).rstrip() for row in cells]
    lines = [
        *picture,
        *(f"    {note}" for note in notes if note),
        f"    hash {world.state_hash(0)}",
    ]
    return "\n".join(lines) + "\n"


def note_soup(item: dict[str, Any], place: dict[str, Any]) -> str:
    if item["kind"] != "soup":
        return ""
    return f"soup at ({place['x']}, {place['y']}): {soup_name(item)}"


def note_pot(pot: dict[str, Any]) -> str:
    if not soup_name(pot):
        return ""
    state = "ready" if pot["ready"] else f"cooking, {pot['tick']} of {pot['time']}"
    if pot["tick"] < 0:
        state = "not cooking"
    return f"pot at ({pot['x']}, {pot['y']}): {soup_name(pot)}, {state}"


def soup_name(soup: dict[str, Any]) -> str:
    return "o" * soup["onions"] + "t" * soup["tomatoes"]


def read_actions(game: Playthrough) -> list[list[int]]:
    """The joint actions in the game's file."""
    names = game.world().facts.actions
    steps = re.split(r"^step \d+$", game.path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        [names.index(word) for word in re.findall(r"^  \d (\w+)", step, flags=re.MULTILINE)]
        for step in steps[1:]
    ]


def play_new(game: Playthrough) -> list[list[int]]:
    """The joint actions of the first seed whose cooks deliver a soup."""
    for seed in range(TRIES):
        actions = list(cook(game, seed))
        world, score = game.world(), 0.0
        for joint in actions:
            world.step(np.array([joint]))
            score += float(world.rewards.sum())
        if score > 0:
            return actions
    raise RuntimeError(f"nobody delivers a soup in {game}; let it last longer")


def cook(game: Playthrough, seed: int) -> Iterator[list[int]]:
    world = game.world()
    driver = CookingDriver(world.layout, world.tables, seed, noise=0.05)
    for _ in range(game.steps):
        joint = driver(world.state[0].tolist())
        world.step(np.array([joint]))
        yield joint


def main() -> None:
    """Writes all playthroughs."""
    FOLDER.mkdir(exist_ok=True)
    for game in PLAYTHROUGHS:
        actions = read_actions(game) if game.path.exists() else play_new(game)
        game.path.write_text(write_out(game, actions), encoding="utf-8")
        print(game.path.name)


if __name__ == "__main__":
    main()
