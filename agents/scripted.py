"""Rule-based partners for the kitchen."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.kitchen_view import DISPENSERS, Pot, Scene
from agents.policy import Decisions, SeatView, sample
from play.worlds.kitchen.state import ACTIONS, DISH, INTERACT, NOTHING, ONION, SOUP, STAY, TOMATO

AT, FROM, STUCK, RETREAT, CUT, RESIGN = range(6)
"""The memory of a chef: the cell that its last move leads to and the one where it began (-1 for no
move), how many moves in a row were blocked or undo the one before, for how many more steps it makes
way, for how many steps others stood between it and what it wants, and for how many more steps it
wants nothing for that reason."""
PATIENCE = 2
RETREAT_STEPS = 4
CUT_PATIENCE = 12
RESIGN_STEPS = 20
NOISE = 0.25
Wish = Callable[[Scene], list[int]]
"""The stations one of which a chef should use next."""


class GreedyChef:
    """Does the most useful thing next, by itself, and makes way.

    It brings ingredients to the pot that is closest to a valuable soup, starts pots where that
    is needed, fetches a dish when a soup is about to be ready, plates and serves; it passes
    things over counters to rooms that it cannot enter, and takes from there what is meant for
    its own. It counts on nobody: only what others hold already counts as done.
    """

    encoding: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def initial_state(self, batch: int) -> NDArray[np.int64]:
        """[batch, 6] nobody has moved yet."""
        return np.tile(np.array([-1, -1, 0, 0, 0, 0]), (batch, 1))

    def act(
        self,
        observations: NDArray[Any] | None,
        views: Sequence[SeatView],
        state: Any,
        uniforms: NDArray[np.float64],
    ) -> Decisions:
        """Decides for B seats; see `agents.policy.Policy`."""
        memory = np.array(state)
        scenes = [Scene(view) for view in views]
        chosen = [self.choose(scene, row) for scene, row in zip(scenes, memory, strict=True)]
        probabilities = np.array(chosen, np.float32)
        actions = sample(probabilities, uniforms)
        for scene, row, action in zip(scenes, memory, actions, strict=True):
            row[AT] = scene.moved(int(action))
            row[FROM] = scene.cell if row[AT] >= 0 else -1
        return Decisions(actions, probabilities, memory)

    def choose(self, scene: Scene, memory: NDArray[np.int64]) -> NDArray[np.float32]:
        """[actions] what it does next; brings its memory up to date but for the move itself."""
        return decide(scene, memory)


def decide(
    scene: Scene, memory: NDArray[np.int64], wish: Wish | None = None
) -> NDArray[np.float32]:
    """[actions] what a chef does next; brings its memory up to date but for the move itself.

    Args:
        scene: What it sees.
        memory: [6] its memory.
        wish: The stations that it wants to use; those of `goals` if None.
    """
    if memory[RETREAT] > 0:
        memory[RETREAT] -= 1
        return certainly(retreat(scene))
    action = step_towards(scene, desires(scene, memory, wish or goals))
    blocked = memory[AT] >= 0 and memory[AT] != scene.cell
    undone = memory[FROM] >= 0 and memory[FROM] == scene.moved(action)
    memory[STUCK] = memory[STUCK] + 1 if scene.others and (blocked or undone) else 0
    if memory[STUCK] == 0:
        return certainly(action)
    if _impatient(scene, memory[STUCK], PATIENCE):
        memory[RETREAT], memory[STUCK] = RETREAT_STEPS, 0
        return certainly(retreat(scene))
    moves = scene.map.free_moves(scene.cell, scene.others_cells)
    weights = certainly(action)
    if moves:
        weights *= 1 - NOISE
        weights[moves] += NOISE / len(moves)
    return weights


def desires(scene: Scene, memory: NDArray[np.int64], wish: Wish) -> list[int]:
    """What it wishes, unless others have stood in the way for too long: then only free hands."""
    if memory[RESIGN] > 0:
        memory[RESIGN] -= 1
        return free_counters(scene) if scene.held != NOTHING else []
    wanted = wish(scene)
    places = [place for station in wanted for place in scene.map.spots.get(station, ())]
    cut_off = bool(places) and not any(place in scene.ways for place in places)
    memory[CUT] = memory[CUT] + 1 if cut_off else 0
    if _impatient(scene, memory[CUT], CUT_PATIENCE):
        memory[CUT], memory[RESIGN] = 0, RESIGN_STEPS
    return wanted


def _impatient(scene: Scene, steps: int, patience: int) -> bool:
    return bool(steps >= patience) and (_yields(scene) or bool(steps >= 3 * patience))


def certainly(action: int) -> NDArray[np.float32]:
    """[actions] all weight on one action."""
    weights = np.zeros(len(ACTIONS), np.float32)
    weights[action] = 1
    return weights


def _yields(scene: Scene) -> bool:
    """Whether the player makes way for the nearest other: the fuller hand goes first."""
    rank = {NOTHING: 0, ONION: 1, TOMATO: 1, DISH: 2}
    mine = rank.get(scene.held, 3)
    nearest = min(range(len(scene.others)), key=lambda i: _apart(scene, scene.others[i][0]))
    theirs = rank.get(scene.others[nearest][2], 3)
    return mine < theirs or (mine == theirs and nearest < scene.seat)


def _apart(scene: Scene, cell: int) -> int:
    (x, y), (a, b) = divmod(scene.cell, scene.map.height), divmod(cell, scene.map.height)
    return abs(x - a) + abs(y - b)


def retreat(scene: Scene) -> int:
    """A step away from the others, to where there is most room."""
    reach: dict[int, tuple[int, int]] = {}
    for (cell, _), (steps, first) in scene.ways.items():
        if cell not in reach and steps <= RETREAT_STEPS:
            reach[cell] = (steps, first)
    theirs = [scene.map.ways((cell, facing)) for cell, facing, _ in scene.others]

    def distance(cell: int) -> int:
        steps = [ways[cell, d][0] for ways in theirs for d in range(4) if (cell, d) in ways]
        return min(steps, default=0)

    best: int = max(reach, key=lambda cell: (distance(cell), -reach[cell][0]))
    return STAY if best == scene.cell else reach[best][1]


def step_towards(scene: Scene, stations: Iterable[int]) -> int:
    """The next action on the way to use the nearest of some stations."""
    places = [place for station in stations for place in scene.map.spots.get(station, ())]
    for ways in (scene.ways, scene.open_ways):
        near = [place for place in places if place in ways]
        if near:
            steps, first = min(ways[place] for place in near)
            return INTERACT if steps == 0 else first
    return make_room(scene)


def make_room(scene: Scene) -> int:
    """Nothing to do: a step to where one stands in nobody's way."""
    if not scene.others:
        return STAY
    if any(scene.map.faced(cell, facing) == scene.cell for cell, facing, _ in scene.others):
        return retreat(scene)
    if scene.cell in scene.map.asides:
        return STAY
    for ways in (scene.ways, scene.open_ways):
        free = [place for place in ways if place[0] in scene.map.asides - {*scene.others_cells}]
        if free:
            return min(ways[place] for place in free)[1]
    return STAY


# What to do next: each answer is a list of stations, of which the nearest is used.


def goals(scene: Scene) -> list[int]:
    """The stations one of which the player should use next; none if there is nothing to do."""
    if scene.held == NOTHING:
        return fetch(scene)
    if scene.held >= SOUP:
        return use_or_pass(scene, scene.map.stations["S"])
    if scene.held == DISH:
        return bring_dish(scene)
    return bring_ingredient(scene)


def use_or_pass(scene: Scene, stations: list[int]) -> list[int]:
    """The stations, if the room has such; else counters towards a room that has."""
    passes = scene.passes(scene.held)
    here = passes.get(scene.room, len(passes))
    if here == 0:
        return [cell for cell in stations if scene.room in scene.map.rooms_at.get(cell, ())]
    onwards = counters_onwards(scene, scene.room, scene.held)
    free = [cell for cell in onwards if scene.counters[cell] == NOTHING]
    last = len(free) == 1 < len(onwards)
    if last and scene.held in (ONION, TOMATO) and _soups_come_here(scene, onwards):
        return []  # the last place is for a soup, or the dish that it waits for
    if not free and to_clear(scene, scene.room, scene.held):
        return [cell for cell in free_counters(scene) if len(rooms(scene, cell)) == 1]
    return free


def counters_onwards(scene: Scene, room: int, item: int) -> list[int]:
    """Counters over which an item gets from a room to one that is nearer to where it is of use."""
    passes = scene.passes(item)
    here = passes.get(room, len(passes))
    return [
        cell
        for cell in scene.counters
        if room in rooms(scene, cell)
        and any(passes.get(there, here) < here for there in rooms(scene, cell))
    ]


def _soups_come_here(scene: Scene, counters: list[int]) -> bool:
    """Whether soups are passed on to the player's room over some counters."""
    passes = scene.passes(SOUP)
    here = passes.get(scene.room, len(passes))
    return any(passes.get(room, here) > here for c in counters for room in rooms(scene, c))


def rooms(scene: Scene, cell: int) -> frozenset[int]:
    """The rooms with a player from which a station is used."""
    return scene.map.rooms_at.get(cell, frozenset()) & scene.manned


def free_counters(scene: Scene) -> list[int]:
    """Empty counters of the player's room."""
    return [
        cell
        for cell, item in scene.counters.items()
        if item == NOTHING and scene.room in scene.map.rooms_at.get(cell, ())
    ]


def takeable(scene: Scene, item: int) -> list[int]:
    """Counters where an item lies that no room can put to use sooner than the player's."""
    passes = scene.passes(item)
    here = passes.get(scene.room)
    if here is None:
        return []
    return [
        cell
        for cell, there in scene.counters.items()
        if (there >= SOUP if item >= SOUP else there == item)
        and scene.room in rooms(scene, cell)
        and all(here <= passes.get(room, 99) for room in rooms(scene, cell))
    ]


def on_its_way(scene: Scene, item: int) -> int:
    """How many of an item others find on counters that are theirs to clear, or hold.

    What is held where it would have to be passed on to the player does not count: whoever holds
    it may wait for a free counter, or for the player.
    """
    mine, passes = takeable(scene, item), scene.passes(item)
    lying = sum(there == item and cell not in mine for cell, there in scene.counters.items())
    here = passes.get(scene.room, len(passes))
    return lying + sum(
        held == item and passes.get(scene.map.room[cell], len(passes)) <= here
        for cell, _, held in scene.others
    )


def sources(scene: Scene, item: int) -> list[int]:
    """Where the player can get an item."""
    dispensers = [
        cell
        for cell in scene.map.stations[DISPENSERS[item]]
        if scene.room in scene.map.rooms_at.get(cell, ())
    ]
    useful = scene.room in scene.passes(item)
    return takeable(scene, item) + (dispensers if useful else [])


def fetch(scene: Scene) -> list[int]:
    """What empty hands do."""
    soups = takeable(scene, SOUP)
    if soups:
        return to_clear(scene, scene.room, SOUP) or soups
    ready = to_start(scene)
    if ready:
        return ready
    dishes = sources(scene, DISH) if dishes_short(scene) > 0 else []
    ingredients = wanted_ingredients(scene)
    if dishes and (not ingredients or _soon(scene, dishes)):
        return to_clear(scene, scene.room, DISH) or dishes
    return ingredients or dishes or in_the_way(scene)


def in_the_way(scene: Scene) -> list[int]:
    """Counters to clear, as somebody waits there to hand over a soup or what a pot needs."""
    needed = {DISH} if any(not pot.idle for pot in scene.pots) else set()
    needed |= {item for pot in scene.pots for item, count in scene.missing(pot).items() if count}
    return [
        place
        for cell, _, held in scene.others
        if held >= SOUP or held in needed
        for place in to_clear(scene, scene.map.room[cell], held)
    ]


def to_clear(scene: Scene, room: int, item: int) -> list[int]:
    """What the player can take away if the counters are full where an item leaves a room."""
    places = counters_onwards(scene, room, item)
    if any(scene.counters[place] == NOTHING for place in places):
        return []
    return [place for place in places if place in takeable(scene, scene.counters[place])]


def _soon(scene: Scene, dishes: list[int]) -> bool:
    """Whether a soup is ready by the time that a dish gets there."""
    places = [place for cell in dishes for place in scene.map.spots[cell]]
    steps = min((scene.open_ways[p][0] for p in places if p in scene.open_ways), default=0)
    return any(not pot.idle and pot.left <= 2 * steps + 4 for pot in scene.pots)


def to_start(scene: Scene) -> list[int]:
    """Pots of the room that wait for somebody to start them; under the new dynamics only."""
    if scene.old:
        return []
    return [
        pot.cell
        for pot in scene.pots
        if scene.complete(pot) and scene.room in scene.map.rooms_at.get(pot.cell, ())
    ]


def dishes_short(scene: Scene) -> int:
    """Dishes that are needed and that nobody brings yet."""
    cooking = sum(not pot.idle for pot in scene.pots)
    return cooking - on_its_way(scene, DISH)


def wanted_ingredients(scene: Scene) -> list[int]:
    """Where to get an ingredient that some pot lacks and nobody brings yet."""
    for pot in fullest_first(scene):
        missing = scene.missing(pot)
        found = [
            source
            for item in (ONION, TOMATO)
            if missing[item] > 0
            for source in sources(scene, item)
        ]
        coming = sum(on_its_way(scene, item) for item in (ONION, TOMATO) if missing[item])
        if found and missing.total() > coming:
            return found
    return []


def fullest_first(scene: Scene) -> list[Pot]:
    """The idle pots, in the order in which to fill them."""
    return sorted(
        (pot for pot in scene.pots if pot.idle), key=lambda pot: -(pot.onions + pot.tomatoes)
    )


def bring_ingredient(scene: Scene) -> list[int]:
    """What to do with an onion or tomato in hand."""
    lacking = own_first(
        scene, [pot for pot in fullest_first(scene) if scene.missing(pot)[scene.held]]
    )
    fullest = [
        pot.cell for pot in lacking
        if pot.onions + pot.tomatoes == lacking[0].onions + lacking[0].tomatoes
    ]  # fmt: skip
    found = use_or_pass(scene, fullest)
    if found or lacking:
        return found or put_down_for(scene, bool(takeable(scene, SOUP)))
    return put_down_for(scene, bool(to_start(scene)) or dishes_short(scene) > 0)


def bring_dish(scene: Scene) -> list[int]:
    """What to do with a dish in hand."""
    cooking = own_first(
        scene, sorted((pot for pot in scene.pots if not pot.idle), key=lambda pot: pot.left)
    )
    if cooking or scene.passes(DISH).get(scene.room) != 0:
        return use_or_pass(scene, [pot.cell for pot in cooking if pot.left <= cooking[0].left + 5])
    return put_down_for(scene, True)


def own_first(scene: Scene, pots: list[Pot]) -> list[Pot]:
    """Those of some pots that the player's room can use; all if it can use none."""
    own = [pot for pot in pots if scene.room in scene.map.rooms_at.get(pot.cell, ())]
    return own or pots


def put_down_for(scene: Scene, needed: bool) -> list[int]:
    """A counter for what is in hand, if empty hands are needed; one of the room's own if any."""
    free = free_counters(scene) if needed else []
    return [cell for cell in free if len(rooms(scene, cell)) == 1] or free
