"""Finding a world by its name: ``"kitchen/cramped_room"`` -> a batch of environments."""

import difflib
from importlib import import_module
from typing import Any

from play.worlds.errors import UserError
from play.worlds.spec import World

# Modules are imported on first use, so that one world never pays for another's dependencies.
FAMILIES = {
    "kitchen": "play.worlds.kitchen.world",
    "private-kitchen": "play.worlds.private_kitchen.world",
    "tag": "play.worlds.tag.world",
}
# Families without a picture, for training and analysis only: no menu offers them to people.
UNDRAWN = {"matrix": "play.worlds.matrix.world"}


def make_world(name: str, num_envs: int = 1, *, autoreset: bool = False, **options: Any) -> World:
    """Builds `num_envs` environments of the world called `name`.

    Args:
        name: ``family/instance``; the family's module says which instances it has.
        num_envs: Number of environments N stepped together.
        autoreset: Whether finished episodes restart within the step that ends them.
        **options: The family's own options, such as ``dynamics="new"`` or ``horizon=400``.

    Raises:
        UserError: No such family, instance or option.
    """
    family, _, instance = name.partition("/")
    families = FAMILIES | UNDRAWN
    if family not in families:
        near = difflib.get_close_matches(family, families, n=1)
        near = near or difflib.get_close_matches(full_name(name), world_names(), n=1, cutoff=0.9)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"There is no world called {name!r}: use family/instance with one of the families "
            f"{', '.join(sorted(families))}{hint}"
        )
    module = import_module(families[family])
    world: World = module.make(instance, num_envs, autoreset=autoreset, **options)
    return world


def full_name(layout: str) -> str:
    """A world's full name: without a family a kitchen is meant, by a family alone its first."""
    if layout in FAMILIES:
        return f"{layout}/{import_module(FAMILIES[layout]).instances()[0]}"
    return layout if layout.partition("/")[0] in FAMILIES else f"kitchen/{layout}"


def short_name(world: str) -> str:
    """What `full_name` understands: a kitchen's layout, or else the full name."""
    return world.removeprefix("kitchen/")


def world_names() -> list[str]:
    """Names of all worlds that people can play, most played first within a family."""
    return [
        f"{family}/{instance}"
        for family, module in FAMILIES.items()
        for instance in import_module(module).instances()
    ]
