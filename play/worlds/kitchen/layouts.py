"""Kitchens: reading, checking and finding `.layout` files.

A layout file is a Python dictionary literal with a ``grid`` of characters and the recipes. The
layouts of overcooked-ai are read from its installed package; own ones lie in ``assets/layouts``
or anywhere else. Files are parsed, never evaluated.
"""

import ast
import difflib
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from play.worlds.errors import UserError
from play.worlds.kitchen.recipes import RecipeBook, make_recipe_book

TERRAIN = " XOTDPS"
FLOOR, COUNTER, ONIONS, TOMATOES, DISHES, POT, SERVING = tuple(TERRAIN)
MOST_PLAYERS = 4
CLASSICS = (
    "cramped_room",
    "asymmetric_advantages",
    "coordination_ring",
    "forced_coordination",
    "counter_circuit_o_1order",
)
ALIASES = {
    "simple": "cramped_room",
    "unident_s": "asymmetric_advantages",
    "random1": "coordination_ring",
    "random0": "forced_coordination",
    "random3": "counter_circuit_o_1order",
}
DYNAMICS = ("old", "new")
DEFAULT_SHAPING = {"PLACEMENT_IN_POT_REW": 3, "DISH_PICKUP_REWARD": 3, "SOUP_PICKUP_REWARD": 5}
UNUSED_SHAPING = {"DISH_DISP_DISTANCE_REW", "POT_DISTANCE_REW", "SOUP_DISTANCE_REW"}
LAYOUT_KEYS = {
    "grid",
    "start_all_orders",
    "start_bonus_orders",
    "order_bonus",
    "rew_shaping_params",
    "recipe_values",
    "recipe_times",
    "onion_value",
    "tomato_value",
    "onion_time",
    "tomato_time",
    "cook_time",
    "delivery_reward",
    "max_num_ingredients",
    "num_items_for_soup",  # accepted and without effect, as in the reference
    "start_state",
}
ASSETS = Path(__file__).resolve().parents[3] / "assets" / "layouts"
DIRECTIONS = ((0, -1), (0, 1), (1, 0), (-1, 0))  # north, south, east, west as (dx, dy)

Cell = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """One kitchen. Coordinates are (x, y) with y growing downwards.

    Attributes:
        name: Name without folder and suffix, or the path of a custom file.
        rows: Terrain by row, one character per cell, without the players.
        starts: Where each player starts.
        dynamics: "old" (a pot with three ingredients starts by itself and no other cooks) or
            "new" (a player starts a pot, with any number of ingredients).
        book: The recipes.
        shaping: Shaped reward for potting an ingredient, for taking a useful dish and for
            taking a soup from a pot.
        start_state: The first state in overcooked-ai's form, if it isn't the usual one.
        overrides: What was changed with respect to the file (JSON values).
        text: Contents of the file, unless overcooked-ai ships it: what a record of a game must
            keep, since the file may change.
    """

    name: str
    rows: tuple[str, ...]
    starts: tuple[Cell, ...]
    dynamics: str
    book: RecipeBook
    shaping: tuple[float, float, float]
    start_state: Mapping[str, Any] | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.rows, self.starts, self.dynamics))  # equality sees the rest

    @property
    def shape(self) -> tuple[int, int]:
        """(width, height)."""
        return self.width, self.height

    @property
    def width(self) -> int:
        """Cells in a row."""
        return len(self.rows[0])

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def terrain_at(self, cell: Cell) -> str:
        """The terrain character of a cell."""
        return self.rows[cell[1]][cell[0]]

    def cells(self, terrain: str) -> list[Cell]:
        """All cells of one kind, row by row."""
        return [
            (x, y)
            for y, row in enumerate(self.rows)
            for x, character in enumerate(row)
            if character == terrain
        ]

    def digest(self) -> bytes:
        """Eight bytes that change whenever anything about the kitchen's rules changes."""
        book = self.book
        content = [
            self.rows, self.starts, self.dynamics, book.max_ingredients, book.values, book.times,
            self.shaping,
        ]  # fmt: skip
        return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).digest()


def layout_names() -> list[str]:
    """All layouts that are found by name: the classic five first, then the rest in order."""
    names = {path.stem for folder in layout_folders() for path in folder.glob("*.layout")}
    rest = sorted(names - set(CLASSICS))
    return [name for name in CLASSICS if name in names] + rest


def load_layout(
    name_or_path: str, dynamics: str | None = None, text: str | None = None, **overrides: Any
) -> Layout:
    """Reads a layout by name, by 2019 name, or from a `.layout` file.

    Args:
        name_or_path: ``"cramped_room"``, ``"random3"`` or ``"my/kitchen.layout"``.
        dynamics: "old" or "new"; by default old for the classic five, as in the human trials
            and the literature, and new for all others.
        text: Contents of the file, which then isn't opened; the name is only a name.
        **overrides: Keys of the layout file to replace, such as ``cook_time=5``.

    Raises:
        UserError: No such layout, or something is wrong with it.
    """
    name = ALIASES.get(name_or_path, name_or_path)
    where = Path(name)
    if text is None:
        where = find_layout(name)
        text = read_text(where)
    config = {**parse_layout(text, where), **overrides}
    shipped = where.parent == package_folder()
    return make_layout(name, config, dynamics, overrides, None if shipped else text)


def make_layout(
    name: str,
    config: Mapping[str, Any],
    dynamics: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> Layout:
    """Checks a layout's dictionary and turns it into a `Layout`.

    Args:
        name: Name for messages and records.
        config: The dictionary of a layout file.
        dynamics: "old", "new" or None for the layout's default.
        overrides: What to remember as changed.
        text: Contents of the file to remember.
    """
    where = f"layout {name!r}"
    unknown = sorted(set(config) - LAYOUT_KEYS)
    if unknown:
        raise UserError(
            f"{where} has an unknown setting {unknown[0]!r}; known are "
            f"{', '.join(sorted(LAYOUT_KEYS))}"
        )
    rows, starts = read_grid(config.get("grid"), where)
    check_reachable(rows, starts, where)
    return Layout(
        name=name,
        rows=rows,
        starts=starts,
        dynamics=choose_dynamics(name, dynamics),
        book=make_recipe_book(config, where),
        shaping=read_shaping(config.get("rew_shaping_params"), where),
        start_state=config.get("start_state"),
        overrides=dict(overrides or {}),
        text=text,
    )


def choose_dynamics(name: str, dynamics: str | None) -> str:
    """The dynamics asked for, or the layout's default."""
    if dynamics is None:
        return "old" if name in CLASSICS else "new"
    if dynamics not in DYNAMICS:
        raise UserError(f"The dynamics {dynamics!r} do not exist: use 'old' or 'new'")
    return dynamics


def read_shaping(params: Any, where: str) -> tuple[float, float, float]:
    """The three shaped rewards that the rules use; the distance keys have no effect."""
    if params is None:
        params = DEFAULT_SHAPING
    if not isinstance(params, Mapping):
        raise UserError(f"{where}: rew_shaping_params must be a dictionary or None")
    missing = sorted(set(DEFAULT_SHAPING) - set(params))
    unknown = sorted(set(params) - set(DEFAULT_SHAPING) - UNUSED_SHAPING)
    if missing or unknown:
        raise UserError(
            f"{where}: rew_shaping_params must have exactly the keys "
            f"{', '.join(DEFAULT_SHAPING)}; check {(missing + unknown)[0]!r}"
        )
    placement, dish, soup = (float(params[key]) for key in DEFAULT_SHAPING)
    return placement, dish, soup


# Files.


@lru_cache(maxsize=1)
def package_folder() -> Path:
    """The layouts that overcooked-ai ships, found without importing the package."""
    spec = importlib.util.find_spec("overcooked_ai_py")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "The package overcooked-ai, which holds the standard layouts, is not installed: run "
            "pip install overcooked-ai==1.1.0"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data" / "layouts"


def layout_folders() -> Iterator[Path]:
    """Folders in which a name is looked up; the first that has it wins."""
    yield package_folder()
    yield ASSETS


def find_layout(name: str) -> Path:
    """The file of a layout given by name or path."""
    if name.endswith(".layout"):
        path = Path(name)
        if not path.is_file():
            raise UserError(f"There is no layout file {name!r}: check the path")
        return path
    if name and not set(name) & set("/\\"):
        for folder in layout_folders():
            path = folder / f"{name}.layout"
            if path.is_file():
                return path
    names = layout_names()
    near = difflib.get_close_matches(name, [*names, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UserError(
        f"There is no layout called {name!r}: {hint}`understudy layouts` shows all "
        f"{len(names)}, and a path ending in .layout opens your own"
    )


def read_layout_file(path: Path) -> dict[str, Any]:
    """Reads a layout file without evaluating it."""
    return parse_layout(read_text(path), path)


def read_text(path: Path) -> str:
    """The contents of a layout file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The layout file {str(path)!r} can't be read: {error}") from error


def parse_layout(text: str, path: Path) -> dict[str, Any]:
    """Parses the contents of a layout file without evaluating them; the path is for messages."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
        content = ast.literal_eval(ReplaceInfinity().visit(tree).body)
    except SyntaxError as error:
        raise UserError(
            f"The layout file {str(path)!r} is not a Python dictionary: line {error.lineno}, "
            f"column {error.offset}: {error.msg}"
        ) from error
    except (RecursionError, MemoryError) as error:
        raise UserError(f"The layout file {str(path)!r} can't be read: {error}") from error
    except (ValueError, TypeError) as error:
        raise UserError(
            f"The layout file {str(path)!r} must hold plain values only (strings, numbers, "
            f"lists, dictionaries): {error}"
        ) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UserError(f"The layout file {str(path)!r} must hold one dictionary with a 'grid'")
    return content


class ReplaceInfinity(ast.NodeTransformer):
    """Makes a number of ``float('inf')``, the one call that shipped layouts contain."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Replaces the call if it is exactly that one."""
        if ast.unparse(node) == "float('inf')":
            return ast.copy_location(ast.Constant(float("inf")), node)
        return node


# Grids.


def read_grid(grid: Any, where: str) -> tuple[tuple[str, ...], tuple[Cell, ...]]:
    """Splits a grid into terrain rows and start cells; reports the first mistake in it."""
    if isinstance(grid, str):
        grid = grid.strip("\n").split("\n")
    if not isinstance(grid, list | tuple) or not all(isinstance(row, str) for row in grid):
        raise UserError(f"{where} has no 'grid': give it as one string with a line per row")
    rows = [row.strip() for row in grid]
    if not rows or not rows[0]:
        raise UserError(f"{where} has an empty grid: draw at least three rows of three cells")
    check_cells(rows, where)
    starts = read_starts(rows, where)
    for character, what in ((POT, "pot (P)"), (DISHES, "dish dispenser (D)"), (SERVING, "serving")):
        if not any(character in row for row in rows):
            raise UserError(f"{where} has no {what}: add at least one {character}")
    if not any(ONIONS in row or TOMATOES in row for row in rows):
        raise UserError(f"{where} has no ingredients: add an onion (O) or tomato (T) dispenser")
    terrain = tuple("".join(FLOOR if cell.isdigit() else cell for cell in row) for row in rows)
    return terrain, starts


def check_cells(rows: list[str], where: str) -> None:
    """Every row equally long, every character known, no hole in the border."""
    for y, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise UserError(
                f"{where}: row {y + 1} has {len(row)} cells but row 1 has {len(rows[0])}; make "
                "all rows equally long (border cells that look like spaces are lost)"
            )
        for x, cell in enumerate(row):
            at = f"row {y + 1}, column {x + 1}"
            if cell not in TERRAIN and not cell.isdecimal():
                raise UserError(
                    f"{where} has an unknown character {cell!r} at {at}; use X counter, "
                    "O onions, T tomatoes, D dishes, P pot, S serving, a space for floor and "
                    "digits for the players"
                )
            border = y in (0, len(rows) - 1) or x in (0, len(row) - 1)
            if border and (cell == FLOOR or cell.isdecimal()):
                raise UserError(
                    f"{where} has a hole in its border at {at}: put a counter (X) there"
                )


def read_starts(rows: list[str], where: str) -> tuple[Cell, ...]:
    """Start cells in the order of the digits, which must be 1, 2, ... without gap or repeat."""
    found: dict[int, Cell] = {}
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if not cell.isdecimal():
                continue
            number, at = int(cell), f"row {y + 1}, column {x + 1}"
            if not 1 <= number <= MOST_PLAYERS:
                raise UserError(
                    f"{where} has a player {number} at {at}; number them 1 to {MOST_PLAYERS}"
                )
            if number in found:
                first = found[number]
                raise UserError(
                    f"{where} has two starts for player {number}, at row {first[1] + 1}, column "
                    f"{first[0] + 1} and at {at}; keep one"
                )
            found[number] = (x, y)
    if not found:
        raise UserError(f"{where} has no players: put the digits 1, 2, ... where they start")
    for number in range(1, len(found) + 1):
        if number not in found:
            raise UserError(
                f"{where} has {len(found)} players but no player {number}; number them 1, 2, ..."
            )
    return tuple(found[number] for number in sorted(found))


def check_reachable(rows: tuple[str, ...], starts: tuple[Cell, ...], where: str) -> None:
    """Every pot, and at least one of each other station, must be reachable by somebody."""
    _, reached = reachable_cells(rows, starts)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell == POT and (x, y) not in reached:
                raise UserError(
                    f"{where} has a pot at row {y + 1}, column {x + 1} that no player can "
                    "reach; open a way to it or make it a counter (X)"
                )
    kinds = {rows[y][x] for x, y in reached}
    for allowed, what in ((DISHES, "dish dispenser"), (SERVING, "serving counter"),
                          (ONIONS + TOMATOES, "onion or tomato dispenser")):  # fmt: skip
        if not kinds & set(allowed):
            x, y = next(
                (x, y) for y, row in enumerate(rows) for x, c in enumerate(row) if c in allowed
            )
            raise UserError(
                f"{where} has no {what} that a player can reach; open a way to the one at row "
                f"{y + 1}, column {x + 1}"
            )


def reachable_cells(rows: Sequence[str], starts: Sequence[Cell]) -> tuple[set[Cell], set[Cell]]:
    """Floor that can be walked to from some start, and all that borders on that floor."""
    floor, stack, stations = set(starts), list(starts), set()
    while stack:
        x, y = stack.pop()
        for dx, dy in DIRECTIONS:
            cell = (x + dx, y + dy)
            if rows[cell[1]][cell[0]] != FLOOR:
                stations.add(cell)
            elif cell not in floor:
                floor.add(cell)
                stack.append(cell)
    return floor, stations
