"""Games written out as text, so that a change of the rules shows as a difference one can read.

``python -m tests.worlds.playthroughs`` plays the recorded actions again and writes down what
happens now. A playthrough that isn't there yet is played by the cooks of `drivers`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from play.worlds.kitchen.layouts import CLASSICS
from play.worlds.kitchen.world import Kitchen, make
from play.worlds.spec import World
from play.worlds.tag.world import Tag
from play.worlds.tag.world import make as make_tag
from tests.worlds.drivers import CookingDriver
from tests.worlds.kitchens import OWN
from tests.worlds.tag_oracle import ChasingDriver

FOLDER = Path(__file__).resolve().parents[1] / "playthroughs"
COMMAND = "python -m tests.worlds.playthroughs"
TRIES = 400  # games, until a soup is delivered in one
FACINGS = "^v><"
KITCHEN_LEGEND = """\
Cells: X counter, O onions, T tomatoes, D dishes, P pot, S serving counter.
Players: their number, where they look (^v><) and what they hold. Things: o onion, t tomato,
d dish, s soup. Coordinates are (column, row) from (0, 0) at the top left.
"""


class Playthrough(Protocol):
    """One game.

    Attributes:
        name: Name of its file.
        steps: Number of steps.
        words: What must be in it.
    """

    name: str
    steps: int
    words: tuple[str, ...]

    @property
    def path(self) -> Path: ...

    def world(self) -> World: ...

    def head(self, world: Any) -> str:
        """What is said before the first state."""
        ...

    def draw(self, world: Any) -> str:
        """A state as text, with its hash."""
        ...

    def driver(self, world: Any, seed: int) -> Callable[[Any], list[int]]:
        """Chooses joint actions by the state row."""
        ...


@dataclass(frozen=True)
class InKitchen:
    """A game in a kitchen.

    Attributes:
        layout: Layout name, one of overcooked-ai's or of `kitchens`.
        dynamics: "old" or "new".
    """

    name: str
    layout: str
    dynamics: str
    steps: int = 60
    words = ("soup_delivery", "earns", "potting_", "the end", "ready", "cooking, ")

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

    def head(self, world: Kitchen) -> str:
        first = f"{self.name}: {self.layout}, {self.dynamics} dynamics, {self.steps} steps\n"
        return "\n".join([first, KITCHEN_LEGEND, describe_orders(world)])

    def draw(self, world: Kitchen) -> str:
        return draw_kitchen(world)

    def driver(self, world: Kitchen, seed: int) -> Callable[[Any], list[int]]:
        drive = CookingDriver(world.layout, world.tables, seed, noise=0.05)
        return lambda row: drive(row.tolist())


@dataclass(frozen=True)
class OfTag:
    """A game of tag.

    Attributes:
        instance: Name of its size.
    """

    name: str
    instance: str
    steps: int = 60
    words = ("touch", "touched", "earns", "closed_in", "blocked", "moved", "the end")

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"

    def world(self) -> Tag:
        return make_tag(self.instance, horizon=self.steps, starts="apart", compiled=False)

    def head(self, world: Tag) -> str:
        legend = "Numbers: position x, y; velocity x, y."
        return f"{self.name}: tag/{self.instance}, {self.steps} steps\n\n{legend}\n"

    def draw(self, world: Tag) -> str:
        scene = world.scene(0)
        lines = [
            f"    {number} {role:<8}"
            + "".join(f"{player[key]:>9.4f}" for key in ("x", "y", "vx", "vy"))
            for number, (role, player) in enumerate(
                zip(world.facts.roles, scene["players"], strict=True), start=1
            )
        ]
        lines += [f"    obstacle  {o['x']:>9.4f}{o['y']:>9.4f}" for o in scene["obstacles"]]
        return "\n".join([*lines, f"    hash {world.state_hash(0)}"]) + "\n"

    def driver(self, world: Tag, seed: int) -> Callable[[Any], list[int]]:
        return ChasingDriver(world.tables, seed, noise=0.2)


PLAYTHROUGHS: tuple[Playthrough, ...] = (
    *(InKitchen(name, name, "old", 80) for name in CLASSICS),
    InKitchen("cramped_room_new_dynamics", "cramped_room", "new"),
    InKitchen("two_orders_with_tomatoes", "simple_o_t", "new", 40),
    InKitchen("bonus_orders", "soup_coordination", "new", 80),
    InKitchen("begins_with_a_soup", "tutorial_1", "new", 80),
    InKitchen("one_player", "cramped_room_single", "new"),
    InKitchen("three_players", "three_players", "new", 80),
    InKitchen("four_players", "multiplayer_schelling", "old", 80),
    InKitchen("large_pots", "large_pots", "new", 80),
    OfTag("tag", "simple"),
    OfTag("tag_two_runners", "two_runners", 40),
)


def write_out(game: Playthrough, actions: list[list[int]]) -> str:
    """What happens when these joint actions are taken."""
    world = game.world()
    parts = [game.head(world), game.draw(world)]
    parts += [describe_step(world, joint) + game.draw(world) for joint in actions]
    score = sum(float(number) for part in parts for number in re.findall(r"earns (-?[\d.]+)", part))
    return "\n".join([*parts, f"total score {score:g}\n"])


def describe_orders(world: Kitchen) -> str:
    orders = [
        f"{soup_name(order)} for {order['value']:g} in {order['time']} steps"
        + (" (bonus)" if order["bonus"] else "")
        for order in world.static_scene()["orders"]
    ]
    return "".join(f"order: {order}\n" for order in orders)


def describe_step(world: World, joint: list[int]) -> str:
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
        events = [world.facts.events[e] for e in np.flatnonzero(world.events[0, player])]
        lines.append(", ".join(words) + (": " + " ".join(events) if events else ""))
    if world.done[0]:
        lines.append("  the end")
    return "\n".join(lines) + "\n"


def draw_kitchen(world: Kitchen) -> str:
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
    """The joint actions of the first seed for which the file says all that it must."""
    for seed in range(TRIES):
        actions = list(play(game, seed))
        text = write_out(game, actions)
        if all(word in text for word in game.words):
            return actions
    raise RuntimeError(f"too little happens in {game}; let it last longer")


def play(game: Playthrough, seed: int) -> Iterator[list[int]]:
    world: Any = game.world()
    drive = game.driver(world, seed)
    for _ in range(game.steps):
        joint = drive(world.state[0])
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
