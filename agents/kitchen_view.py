"""What a rule-based cook sees: a kitchen's rooms, stations and ways, and what is where now."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from agents.policy import SeatView
from play.worlds.kitchen.layouts import DIRECTIONS, FLOOR, TERRAIN
from play.worlds.kitchen.recipes import STRIDE, RecipeBook
from play.worlds.kitchen.state import (
    DISH,
    ONION,
    PLAYERS,
    SOUP,
    TOMATO,
    counters_offset,
    pots_offset,
)
from play.worlds.kitchen.world import Kitchen

DISPENSERS = {ONION: "O", TOMATO: "T", DISH: "D"}
Place = tuple[int, int]
"""(cell, facing)."""
Ways = Mapping[Place, tuple[int, int]]
"""Where one can get to: (cell, facing) -> (steps, first action; -1 for none)."""
KEPT_WAYS = 4096
"""Answers that a map remembers; a small kitchen for two has fewer questions."""


class KitchenMap:
    """The geometry of a grid, in cell numbers (``x * height + y``).

    Attributes:
        stations: Terrain character -> its cells, row by row.
        spots: Station cell -> the (cell, facing) pairs from which it is used.
        room: Floor cell -> number of its room, a connected piece of floor.
        rooms_at: Station cell -> the rooms from which it is used.
    """

    def __init__(self, rows: Sequence[str]) -> None:
        width, self.height = len(rows[0]), len(rows)
        self.stations = {
            kind: [x * self.height + y for y, row in enumerate(rows) for x in range(width)
                   if row[x] == kind] for kind in TERRAIN
        }  # fmt: skip
        # cooks ask for the same ways over and over, above all those of many games at once
        self._ways = lru_cache(maxsize=KEPT_WAYS)(self._search)
        self._passes = lru_cache(maxsize=KEPT_WAYS)(self._count_passes)
        floor = set(self.stations[FLOOR])
        self._walk = {(cell, d): self.faced(cell, d) for cell in floor for d in range(4)}
        self.spots: dict[int, list[Place]] = {}
        for (cell, direction), there in list(self._walk.items()):
            if there not in floor:
                self.spots.setdefault(there, []).append((cell, direction))
                self._walk[cell, direction] = cell
        self.room = self._rooms(floor)
        self.rooms_at = {
            station: frozenset(self.room[cell] for cell, _ in spots)
            for station, spots in self.spots.items()
        }

    def faced(self, cell: int, facing: int) -> int:
        """The neighbour of a floor cell."""
        dx, dy = DIRECTIONS[facing]
        return cell + dx * self.height + dy

    def free_moves(self, cell: int, blocked: Iterable[int]) -> list[int]:
        """Directions in which a step leads to another cell."""
        closed = {cell, *blocked}
        return [d for d in range(4) if self._walk[cell, d] not in closed]

    def ways(self, start: Place, blocked: Iterable[int] = ()) -> Ways:
        """Everything within reach when some cells cannot be entered, by breadth-first search."""
        return self._ways(start, frozenset(blocked))

    def _search(self, start: Place, closed: frozenset[int]) -> Ways:
        found: dict[Place, tuple[int, int]] = {start: (0, -1)}
        queue = deque(found)
        while queue:
            cell, _ = here = queue.popleft()
            steps, first = found[here]
            for direction in range(4):
                there = self._walk[cell, direction]
                after = (cell if there in closed else there, direction)
                if after not in found:
                    found[after] = (steps + 1, direction if first < 0 else first)
                    queue.append(after)
        return found

    @cached_property
    def asides(self) -> frozenset[int]:
        """Floor cells to wait on: standing there cuts nobody off from a kind of station."""
        return frozenset(cell for cell in self.room if self._is_aside(cell))

    def _is_aside(self, cell: int) -> bool:
        rest = {c for c, room in self.room.items() if room == self.room[cell]} - {cell}
        if not rest or {c for c, _ in self.ways((min(rest), 0), [cell])} != rest:
            return False
        return all(
            {c for c, _ in self.spots[station]} & rest
            for station in self.spots
            if station in self.stations["P"] and self.room[cell] in self.rooms_at[station]
        ) and all(
            any({c for c, _ in self.spots.get(station, ())} & rest for station in stations)
            for kind, cells in self.stations.items()
            if kind in "OTDS"
            if (stations := [c for c in cells if self.room[cell] in self.rooms_at.get(c, ())])
        )

    def passes(self, stations: frozenset[int], manned: frozenset[int]) -> Mapping[int, int]:
        """Room -> how often a thing must be passed on over a counter to reach one of some stations.

        Args:
            stations: Their cells.
            manned: Rooms with a player in them.
        """
        return self._passes(stations, manned)

    def _count_passes(self, stations: frozenset[int], manned: frozenset[int]) -> dict[int, int]:
        used = {room for cell in stations for room in self.rooms_at.get(cell, ())}
        found = dict.fromkeys(used & manned, 0)
        queue = deque(found)
        while queue:
            here = queue.popleft()
            for counter in self.stations["X"]:
                rooms = self.rooms_at.get(counter, frozenset())
                for there in (rooms & manned) - found.keys() if here in rooms else ():
                    found[there] = found[here] + 1
                    queue.append(there)
        return found

    def _rooms(self, floor: set[int]) -> dict[int, int]:
        room: dict[int, int] = {}
        for number, start in enumerate(sorted(floor)):
            stack = [start]
            while stack:
                cell = stack.pop()
                if cell not in room:
                    room[cell] = number
                    stack += [self._walk[cell, d] for d in range(4)]
        return room


@lru_cache(maxsize=64)
def kitchen_map(rows: tuple[str, ...]) -> KitchenMap:
    """The map of a grid, kept for the next time."""
    return KitchenMap(rows)


@dataclass(frozen=True)
class Pot:
    """One pot now: `tick` is -1 while it does not cook, `left` the steps until it is ready."""

    cell: int
    onions: int
    tomatoes: int
    tick: int
    left: int

    @property
    def idle(self) -> bool:
        """Whether it takes ingredients."""
        return self.tick < 0


class Scene:
    """One state of a kitchen, from the seat of one player.

    Attributes:
        map: The geometry.
        book: The recipes.
        old: Whether full pots start by themselves and no others cook.
        seat: Who looks.
        cell, facing, held: Where the player is and what it holds.
        others: (cell, facing, held) of the other players.
        pots: The pots.
        counters: Counter cell -> item on it, also NOTHING.
    """

    def __init__(self, view: SeatView) -> None:
        world = view.world
        assert isinstance(world, Kitchen)
        tables, row = world.tables, world.state[view.env].tolist()
        self.map = kitchen_map(world.layout.rows)
        self.book: RecipeBook = world.layout.book
        self.old = bool(tables.old)
        self.seat = view.seat
        self.others: list[tuple[int, int, int]] = [
            (row[at], row[at + 1], row[at + 2]) for at in range(PLAYERS, pots_offset(tables), 3)
        ]
        self.cell, self.facing, self.held = self.others.pop(view.seat)
        at = pots_offset(tables)
        self.pots = [
            self._pot(cell, *row[at + 3 * i : at + 3 * i + 3])
            for i, cell in enumerate(self.map.stations["P"])
        ]
        items: list[int] = row[counters_offset(tables) :]
        self.counters: dict[int, int] = dict(zip(self.map.stations["X"], items, strict=True))

    def _pot(self, cell: int, onions: int, tomatoes: int, tick: int) -> Pot:
        time = self.book.times[onions * STRIDE + tomatoes]
        return Pot(cell, onions, tomatoes, tick, max(time - tick, 0))

    @property
    def room(self) -> int:
        """The room that the player is in."""
        return self.map.room[self.cell]

    @cached_property
    def manned(self) -> frozenset[int]:
        """Rooms with a player in them."""
        return frozenset(self.map.room[cell] for cell in (self.cell, *self.others_cells))

    @property
    def others_cells(self) -> list[int]:
        """Where the others are."""
        return [cell for cell, _, _ in self.others]

    def moved(self, action: int) -> int:
        """The cell that a move leads to if nobody is in the way; -1 if it leads nowhere."""
        moves = self.map.free_moves(self.cell, ())
        return self.map.faced(self.cell, action) if action in moves else -1

    @cached_property
    def ways(self) -> Ways:
        """Where the player can get to now, the others being in the way."""
        return self.map.ways((self.cell, self.facing), self.others_cells)

    @cached_property
    def open_ways(self) -> Ways:
        """Where the player could get to if nobody were in the way."""
        return self.map.ways((self.cell, self.facing))

    def passes(self, item: int) -> Mapping[int, int]:
        """Room -> how often an item must be passed on from there until it is of use now."""
        if item >= SOUP:
            return self.map.passes(frozenset(self.map.stations["S"]), self.manned)
        wanting = [
            pot.cell for pot in self.pots
            if (not pot.idle if item == DISH else self.missing(pot)[item] > 0)
        ]  # fmt: skip
        return self.map.passes(frozenset(wanting or self.map.stations["P"]), self.manned)

    def target(self, pot: Pot) -> tuple[int, int]:
        """The recipe to make of a pot's contents: most points in the time that it costs.

        Contents that can no longer become an order are completed in the quickest way, so that
        the pot can be emptied.
        """
        most = self.book.max_ingredients
        sizes = [3] if self.old else range(1, most + 1)
        recipes = [
            (onions, size - onions)
            for size in sizes
            for onions in range(size + 1)
            if onions >= pot.onions and size - onions >= pot.tomatoes
            and (onions == pot.onions or self.supplied[ONION])
            and (size - onions == pot.tomatoes or self.supplied[TOMATO])
        ]  # fmt: skip
        return max(recipes, key=lambda recipe: self._rate(pot, recipe), default=(0, 0))

    def _rate(self, pot: Pot, recipe: tuple[int, int]) -> tuple[float, int]:
        missing = sum(recipe) - pot.onions - pot.tomatoes
        at = recipe[0] * STRIDE + recipe[1]
        return self.book.values[at] / (20 + 10 * missing + self.book.times[at]), -missing

    @cached_property
    def supplied(self) -> dict[int, bool]:
        """Whether somebody can get an ingredient to where it is of use."""
        useful = self.map.passes(frozenset(self.map.stations["P"]), self.manned).keys()
        everywhere = [*self.counters.values(), self.held, *(held for _, _, held in self.others)]
        return {
            item: item in everywhere
            or any(self.map.rooms_at.get(c, frozenset()) & useful for c in self.map.stations[kind])
            for item, kind in ((ONION, "O"), (TOMATO, "T"))
        }

    def complete(self, pot: Pot) -> bool:
        """Whether an idle pot has all its ingredients and waits to be started."""
        return pot.idle and pot.onions + pot.tomatoes > 0 and not self.missing(pot).total()

    def missing(self, pot: Pot) -> Counter[int]:
        """Ingredients that an idle pot lacks."""
        if not pot.idle:
            return Counter()
        onions, tomatoes = self.target(pot)
        return Counter(
            {ONION: max(onions - pot.onions, 0), TOMATO: max(tomatoes - pot.tomatoes, 0)}
        )
