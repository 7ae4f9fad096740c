"""Which soups a kitchen may cook, what they are worth and how long they take.

A recipe is a pair (onions, tomatoes). Tables over recipes are flat: the entry of a recipe is
``onions * STRIDE + tomatoes``, and entry 0 stands for an empty pot.

Source: the `Recipe` class of overcooked-ai 1.1.0. Differs in one thing: there the configuration
is global to the process, here it belongs to the layout.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from play.worlds.errors import UserError

STRIDE = 8
TABLE_SIZE = STRIDE * STRIDE
MOST_INGREDIENTS = STRIDE - 1
LONGEST_COOK_TIME = 255  # what the observation's 8-bit numbers can hold
DEFAULT_VALUE, DEFAULT_TIME = 20, 20
INGREDIENTS = ("onion", "tomato")

Recipe = tuple[int, int]

EXCLUSIVE = (
    ("tomato_value", "delivery_reward"),
    ("tomato_value", "recipe_values"),
    ("recipe_values", "delivery_reward"),
    ("tomato_time", "cook_time"),
    ("tomato_time", "recipe_times"),
    ("recipe_times", "cook_time"),
)


@dataclass(frozen=True)
class RecipeBook:
    """The recipes of one layout.

    Attributes:
        max_ingredients: Ingredients that a pot holds at most.
        orders: Recipes that earn points.
        bonus_orders: Those among `orders` that earn `order_bonus` times as much.
        values: [64] points for delivering each recipe; 0 for one that nobody ordered.
        times: [64] steps that each recipe cooks.
        best: [64] highest value still reachable by adding ingredients to each recipe.
    """

    max_ingredients: int
    orders: tuple[Recipe, ...]
    bonus_orders: tuple[Recipe, ...]
    values: tuple[float, ...]
    times: tuple[int, ...]
    best: tuple[float, ...]


def entry(recipe: Recipe) -> int:
    """Where a recipe stands in the flat tables."""
    return recipe[0] * STRIDE + recipe[1]


def read_recipe(order: Any, where: str) -> Recipe:
    """Turns ``{"ingredients": ["onion", ...]}`` into (onions, tomatoes)."""
    names = order.get("ingredients") if isinstance(order, Mapping) else None
    if not isinstance(names, list | tuple) or not names or not set(names) <= set(INGREDIENTS):
        raise UserError(
            f'{where}: {order!r} is not an order; write {{"ingredients": [...]}} with one or '
            "more of 'onion' and 'tomato'"
        )
    return (list(names).count("onion"), list(names).count("tomato"))


def make_recipe_book(config: Mapping[str, Any], where: str) -> RecipeBook:
    """Works out the tables of a layout.

    Args:
        config: The layout's dictionary, with the keys that overcooked-ai knows.
        where: Name of the layout, for messages.

    Raises:
        UserError: Contradictory or malformed keys.
    """
    check_keys(config, where)
    most = int(config.get("max_num_ingredients", 3))
    if not 1 <= most <= MOST_INGREDIENTS:
        raise UserError(
            f"{where}: max_num_ingredients is {most}, but a pot holds 1 to {MOST_INGREDIENTS}"
        )
    listed = read_orders(config, "start_all_orders", most, where)
    bonus = read_orders(config, "start_bonus_orders", most, where)
    everything = [
        (onions, size - onions) for size in range(1, most + 1) for onions in range(size, -1, -1)
    ]
    orders = listed or everything
    if not set(bonus) <= set(orders):
        raise UserError(f"{where}: start_bonus_orders must be among start_all_orders")
    values = [0.0] * TABLE_SIZE
    times = [DEFAULT_TIME] * TABLE_SIZE
    for recipe in everything:
        times[entry(recipe)] = cook_time(recipe, listed, config, where)
        if recipe in orders:
            factor = config.get("order_bonus", 2) if recipe in bonus else 1
            values[entry(recipe)] = float(factor * base_value(recipe, listed, config))
    best = best_reachable(values, most)
    return RecipeBook(most, tuple(orders), tuple(bonus), tuple(values), tuple(times), best)


def check_keys(config: Mapping[str, Any], where: str) -> None:
    """Refuses the combinations of keys that overcooked-ai refuses."""
    for kind in ("value", "time"):
        if (f"onion_{kind}" in config) != (f"tomato_{kind}" in config):
            raise UserError(f"{where}: give both onion_{kind} and tomato_{kind}, or neither")
    for one, other in EXCLUSIVE:
        if one in config and other in config:
            raise UserError(f"{where}: {one} and {other} contradict each other; keep one")
    for key in ("recipe_values", "recipe_times"):
        orders = config.get("start_all_orders") or ()
        if key in config and len(config[key]) != len(orders):
            raise UserError(
                f"{where}: {key} has {len(config[key])} entries for {len(orders)} orders in "
                "start_all_orders; give one for each"
            )


def read_orders(config: Mapping[str, Any], key: str, most: int, where: str) -> list[Recipe]:
    """The recipes under a key; each at most once and small enough for a pot."""
    recipes = [read_recipe(order, where) for order in config.get(key) or ()]
    for recipe in recipes:
        if sum(recipe) > most:
            raise UserError(
                f"{where}: an order in {key} has {sum(recipe)} ingredients; pots hold {most}"
            )
    if len(set(recipes)) != len(recipes):
        raise UserError(f"{where}: {key} lists a recipe twice; list each once")
    return recipes


def base_value(recipe: Recipe, listed: Sequence[Recipe], config: Mapping[str, Any]) -> float:
    """Points before the bonus. A setting of 0 counts as not set, as in the reference."""
    if config.get("delivery_reward"):
        return float(config["delivery_reward"])
    if config.get("recipe_values") and recipe in listed:
        return float(config["recipe_values"][listed.index(recipe)])
    if config.get("onion_value") and config.get("tomato_value"):
        onions, tomatoes = recipe
        return float(config["onion_value"] * onions + config["tomato_value"] * tomatoes)
    return DEFAULT_VALUE


def cook_time(
    recipe: Recipe, listed: Sequence[Recipe], config: Mapping[str, Any], where: str
) -> int:
    """Steps that a recipe cooks. A setting of 0 counts as not set, as in the reference."""
    time: Any = DEFAULT_TIME
    if config.get("cook_time"):
        time = config["cook_time"]
    elif config.get("recipe_times") and recipe in listed:
        time = config["recipe_times"][listed.index(recipe)]
    elif config.get("onion_time") and config.get("tomato_time"):
        time = config["onion_time"] * recipe[0] + config["tomato_time"] * recipe[1]
    if not isinstance(time, int) or not 0 <= time <= LONGEST_COOK_TIME:
        raise UserError(
            f"{where}: a soup would cook {time!r} steps; use whole numbers up to "
            f"{LONGEST_COOK_TIME}"
        )
    return time


def best_reachable(values: Sequence[float], most: int) -> tuple[float, ...]:
    """[64] Highest value among the recipes that contain at least the given ingredients."""
    best = [0.0] * TABLE_SIZE
    for onions in range(most + 1):
        for tomatoes in range(most + 1 - onions):
            best[entry((onions, tomatoes))] = max(
                values[entry((more_onions, more_tomatoes))]
                for more_onions in range(onions, most + 1)
                for more_tomatoes in range(tomatoes, most + 1 - more_onions)
            )
    return tuple(best)


def finite_or_none(value: float) -> float | None:
    """A value as JSON can carry it: a bonus order may be worth infinitely much."""
    return None if math.isinf(value) else value
