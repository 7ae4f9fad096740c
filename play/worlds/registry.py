"""Finding a world by its name: ``"kitchen/cramped_room"`` -> a batch of environments."""

import difflib
from importlib import import_module
from types import ModuleType
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
UNDRAWN = {
    "kitchens": "play.worlds.kitchen.many",
    "matrix": "play.worlds.matrix.world",
}


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
    if family not in families or not instance:
        meant = _meant(family if family in families else name)
        hint = f"; did you mean {' or '.join(map(repr, meant))}?" if meant else ""
        raise UserError(
            f"There is no world called {name!r}: use family/instance with one of the families "
            f"{', '.join(sorted(families))}{hint}"
        )
    module = import_module(families[family])
    world: World = module.make(instance, num_envs, autoreset=autoreset, **options)
    return world


def _meant(name: str) -> list[str]:
    """The worlds that were perhaps meant by a name that is none's."""
    families = FAMILIES | UNDRAWN
    modules = {family: import_module(path) for family, path in families.items()}
    if name in families:
        return [f"{name}/{modules[name].instances()[0]}"]
    if whole := [f"{family}/{name}" for family in modules if _makes(modules[family], name)]:
        return whole
    known = [f"{family}/{own}" for family in modules for own in modules[family].instances()]
    last = {world.partition("/")[2]: world for world in reversed(known)}
    near = [last[own] for own in difflib.get_close_matches(name, last, n=1)]
    return near or difflib.get_close_matches(name, known, n=1)


def _makes(module: ModuleType, instance: str) -> bool:
    try:
        module.make(instance)
    except UserError:
        return False
    return True


def full_name(layout: str) -> str:
    """A world's full name.

    By a family alone its first world is meant, and by a name without a family the first family's
    that has it; kitchens come first, and whatever nobody has is the name of a kitchen.
    """
    if layout in FAMILIES:
        return f"{layout}/{import_module(FAMILIES[layout]).instances()[0]}"
    if layout.partition("/")[0] in FAMILIES:
        return layout
    families = (family for family, path in FAMILIES.items() if _makes(import_module(path), layout))
    return f"{next(families, 'kitchen')}/{layout}"


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
