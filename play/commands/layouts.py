"""`understudy layouts`: those that there are, and new ones."""

from pathlib import Path

import click

from play.worlds.errors import UserError
from play.worlds.kitchen.generator import kitchen_name, kitchen_text
from play.worlds.registry import make_world, short_name, world_names


@click.group(invoke_without_command=True)
@click.pass_context
def layouts(context: click.Context) -> None:
    """List the layouts and other worlds: size, players; of kitchens the cooking rule, orders."""
    if context.invoked_subcommand:
        return
    for name in world_names():
        world = make_world(name)
        scene = world.static_scene()
        size = f"{scene['width']}x{scene['height']}" if "width" in scene else ""
        orders = ", ".join(
            f"{'o' * o['onions']}{'t' * o['tomatoes']} {_points(o['value'])}{'*' * o['bonus']}"
            for o in scene.get("orders", [])
        )
        count = world.facts.num_players
        players = f"{count} player{'s' if count > 1 else ''}"
        line = (
            f"{short_name(name):<36} {size:>5}  {players:<9}  {scene.get('dynamics', '')}  {orders}"
        )
        click.echo(line.rstrip())
    click.echo(
        "\nOrders: o onion, t tomato, points, * bonus. A .layout file of your own: its path."
    )


@layouts.command()
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=1, show_default=True, help="How many."
)
@click.option(
    "--first",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Number of the first one; a number always gives the same kitchen.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("layouts"),
    show_default=True,
    help="Folder for the files.",
)
def generate(count: int, first: int, folder: Path) -> None:
    """Draw new kitchens for two, all of them solvable, and write them as .layout files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        path, text = folder / f"{kitchen_name(number)}.layout", kitchen_text(number)
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise UserError(f"{path} exists and holds another kitchen: choose another --to")
        path.write_text(text, encoding="utf-8")
    example = folder / f"{kitchen_name(first)}.layout"
    click.echo(f"Wrote {count} to {folder}. Play one: understudy play --layout {example}")


def _points(value: float | None) -> str:
    return "∞" if value is None else f"{value:g}"
