"""The egocentric observation, against the map of the rule-based cooks, which searches otherwise."""

from itertools import product

import numpy as np
import pytest

from agents.kitchen_view import Scene
from agents.policy import SeatView
from play.worlds.kitchen import egocentric
from play.worlds.kitchen.egocentric import BRIDGE, KINDS, ORDERS, RADIUS, SIZE, STEPS, near
from play.worlds.kitchen.generator import kitchen_text
from play.worlds.kitchen.recipes import STRIDE
from play.worlds.kitchen.state import DISH, NOTHING, ONION, SOUP, TOMATO
from play.worlds.kitchen.world import Kitchen, make
from play.worlds.registry import make_world
from tests.worlds.drivers import CookingDriver
from tests.worlds.kitchens import OWN

NAMES = np.array(egocentric.channel_names())
DIRECTIONS = ("north", "south", "east", "west")
HANDS = {NOTHING: "empty", ONION: "onion", TOMATO: "tomato", DISH: "dish"}
KITCHENS = {
    "forced_coordination": None,
    "counter_circuit_o_1order": None,
    "soup_coordination": None,  # both ingredients, several orders
    "multiplayer_schelling": None,  # four cooks
    "cramped_room_single": None,  # one cook
    "generated-4": kitchen_text(4),
    **OWN,
}


def kinds_of(scene: Scene) -> dict[int, set[str]]:
    """Station cell -> what it is good for, from the cooks' map."""
    found: dict[int, set[str]] = {}
    fixed = {"O": "onion_dispenser", "T": "tomato_dispenser", "D": "dish_dispenser", "S": "serving"}
    for terrain, name in fixed.items():
        found |= {cell: {name} for cell in scene.map.stations[terrain]}
    items = {NOTHING: "empty_counter", ONION: "onion", TOMATO: "tomato", DISH: "dish"}
    for cell, item in scene.counters.items():
        found[cell] = {"soup" if item >= SOUP else items[item]}
    for pot in scene.pots:
        found[pot.cell] = set(pot_kinds(scene, pot))
    return found


def pot_kinds(scene, pot):
    book, at = scene.book, pot.onions * STRIDE + pot.tomatoes
    if pot.tick >= 0:
        return ["pot_cooking" if pot.left else "pot_ready"]
    if pot.onions + pot.tomatoes == book.max_ingredients:
        return ["pot_waits"]
    if not scene.old and book.values[at] > 0 and book.values[at] == book.best[at]:
        return ["pot_waits"]
    wants = [book.best[at + STRIDE] == book.best[at], book.best[at + 1] == book.best[at]]
    both = wants if any(wants) else [True, True]
    return [
        name for name, w in zip(("pot_wants_onion", "pot_wants_tomato"), both, strict=True) if w
    ]


def told(world: Kitchen, env: int, seat: int) -> set[str]:
    return set(NAMES[:SIZE][world.observe("egocentric")[env, seat] == 1])


@pytest.mark.parametrize("name", KITCHENS)
@pytest.mark.parametrize("dynamics", ["old", "new"])
def test_ways_are_those_of_another_search(name: str, dynamics: str) -> None:
    world = make(name, 1, dynamics=dynamics, layout_text=KITCHENS[name], horizon=90, random_start=1)
    world.reset(3)
    driver = CookingDriver(world.layout, world.tables, 5)
    for step in range(80):
        if step % 8 == 0:
            for seat in range(world.facts.num_players):
                check_ways(world, seat)
        world.step(np.array([driver(world.state[0].tolist())]))


def check_ways(world: Kitchen, seat: int) -> None:
    scene, seen = Scene(SeatView(world, 0, seat)), told(world, 0, seat)
    hand = HANDS.get(scene.held, "soup")
    kinds = kinds_of(scene)
    prefix = f"{hand}_"
    mine = {c for c, _ in scene.open_ways}
    theirs: dict[int, int] = {}
    for start, facing, _ in scene.others:
        for (cell, _), (steps, _) in scene.map.ways((start, facing)).items():
            theirs[cell] = min(steps, theirs.get(cell, steps))
    for kind in KINDS:
        stations = [
            cell for cell, own in kinds.items()
            if (kind in own if kind != "bridge" else "empty_counter" in own)
        ]  # fmt: skip
        if kind == "bridge":
            stations = [
                cell for cell in stations
                if {c for c, _ in scene.map.spots.get(cell, ())} & mine
                and {c for c, _ in scene.map.spots.get(cell, ())} & (theirs.keys() - mine)
            ]  # fmt: skip
        places = [place for cell in stations for place in scene.map.spots.get(cell, ())]
        free = [place for place in places if place in scene.ways]
        ways = scene.ways if free else scene.open_ways
        reached = [place for place in places if place in ways]
        tag = f"{prefix}{kind}_"
        mine_told = {n.removeprefix(tag) for n in seen if n.startswith(tag)}
        first = {n for n in mine_told if n.startswith("first_")}
        others = [theirs[cell] for cell, _ in places if cell in theirs]
        told_of_others = {n for n in mine_told if n.startswith("others_")}
        assert told_of_others == {f"others_steps_{STEPS[near(min(others))]}" for _ in others[:1]}
        if not reached:
            assert not first
            assert not any(n.startswith("steps_") for n in mine_told)
            continue
        least = min(ways[place][0] for place in reached)
        assert f"steps_{STEPS[near(least)]}" in mine_told, (kind, least, mine_told)
        assert ("past_others" in mine_told) == (not free)
        (action,) = (n.removeprefix("first_") for n in first)
        assert (action == "interact") == (least == 0)
        if least and free:
            after = step(scene, DIRECTIONS.index(action))
            onwards = scene.map.ways(after, scene.others_cells)
            assert min(onwards[p][0] for p in reached if p in onwards) == least - 1
        number = len(stations) if kind != "bridge" else 0
        assert ("two" in mine_told, "three" in mine_told) == (number >= 2, number >= 3)


def test_soups_that_nobody_ordered_are_told_from_others() -> None:
    """Whatever is told without orders is told as before; the rest is asked of the cooks' map."""
    met: set[str] = set()
    names = ("cramped_room", "soup_coordination", "multiplayer_schelling")
    for name, dynamics in product(names, ("old", "new")):
        world = make(name, 1, dynamics=dynamics, random_start=1, layout_text=KITCHENS.get(name))
        driver = CookingDriver(world.layout, world.tables, 5, noise=0.4)
        for seed in range(3):
            world.reset(seed)
            for _ in range(200):
                seen = world.observe("egocentric_orders")[0]
                np.testing.assert_array_equal(seen[:, :SIZE], world.observe("egocentric")[0])
                for seat in range(world.facts.num_players):
                    found = set(NAMES[SIZE:][seen[seat, SIZE:] == 1])
                    assert found == of_orders(Scene(SeatView(world, 0, seat)))
                    met |= found
                world.step(np.array([driver(world.state[0].tolist())]))
    assert met == set(ORDERS)


def of_orders(scene: Scene) -> set[str]:
    def unordered(item: int) -> bool:
        return item >= SOUP and scene.book.values[item - SOUP] == 0

    found = {"own_soup_unordered"} if unordered(scene.held) else set()
    found |= {"others_soup_unordered" for _, _, held in scene.others if unordered(held)}
    found |= {"lying_unordered" for item in scene.counters.values() if unordered(item)}
    found |= set() if scene.old else {"pots_are_started"}
    for pot in scene.pots:
        if pot.onions + pot.tomatoes == 0:
            continue
        if scene.book.values[pot.onions * STRIDE + pot.tomatoes]:
            continue
        faced = scene.map.faced(scene.cell, scene.facing) == pot.cell
        if pot.tick >= 0:
            found.add("cooking_unordered" if pot.left else "ready_unordered")
            found |= {"faced_unordered"} if faced else set()
        elif faced and not scene.old:
            found.add("faced_too_early")
    return found


def step(scene: Scene, direction: int) -> tuple[int, int]:
    """Where a cook stands and faces after an action."""
    there = scene.map.faced(scene.cell, direction)
    free = direction in scene.map.free_moves(scene.cell, scene.others_cells)
    return (there if free else scene.cell), direction


def test_cells_around_the_cook_are_what_is_there() -> None:
    world = make("forced_coordination", 1)
    world.reset(0)
    height, (x, y) = world.layout.height, world.layout.starts[0]
    counter = world.layout.cells("X").index((x - 1, y - 1))
    world.state[0, -world.tables.counters + counter] = DISH
    seen = told(world, 0, 0)
    around = {name for name in seen if name.startswith("x")}
    assert "x-1_y-1_dish" in around
    assert "x+0_y+0_other" not in around
    other = world.layout.starts[1]
    assert f"x{other[0] - x:+d}_y{other[1] - y:+d}_other" in around
    for dx in range(-RADIUS, RADIUS + 1):
        outside = not 0 <= x + dx < world.layout.width
        assert (f"x{dx:+d}_y+0_outside" in around) == outside
    assert height == 5


def test_what_is_held_and_timed_is_told_from_each_seat() -> None:
    world = make("cramped_room", 1, dynamics="old", horizon=60)
    world.reset(0)
    tables, row = world.tables, world.state[0]
    row[1 + 2], row[4 + 2] = ONION, DISH
    pot = 1 + 3 * tables.players
    row[pot : pot + 3] = (3, 0, 13)
    assert {"own_onion", "others_dish", "time_left_6_8"} <= told(world, 0, 0)
    assert {"own_dish", "others_onion", "time_left_6_8"} <= told(world, 0, 1)
    assert "urgent" not in told(world, 0, 0)
    row[pot : pot + 3] = (2, 0, -1)
    row[0] = 25
    assert {"filled_2", "urgent"} <= told(world, 0, 0)


@pytest.mark.parametrize("name", ["forced_coordination", "multiplayer_schelling"])
def test_compiled_and_plain_are_the_same(name: str) -> None:
    worlds = [make(name, 3, compiled=way, random_start=1, autoreset=True) for way in (True, False)]
    generator = np.random.default_rng(0)
    for world in worlds:
        world.reset(4)
    for _ in range(60):
        for encoding in ("egocentric", "egocentric_orders"):
            ours, theirs = (world.observe(encoding) for world in worlds)
            np.testing.assert_array_equal(ours, theirs)
        actions = generator.integers(0, 6, worlds[0].rewards.shape)
        for world in worlds:
            world.step(actions)


def test_the_shape_is_the_same_for_every_kitchen() -> None:
    for name in ("cramped_room", "multiplayer_schelling", "cramped_room_single"):
        encodings = make_world(f"kitchen/{name}").facts.encodings
        assert encodings["egocentric"].shape == (SIZE,)
        assert encodings["egocentric"].channels == tuple(NAMES[:SIZE])
        assert encodings["egocentric_orders"].channels == tuple(NAMES)
    assert len(set(NAMES)) == len(NAMES) == SIZE + len(ORDERS)
    assert KINDS[BRIDGE] == "bridge"
