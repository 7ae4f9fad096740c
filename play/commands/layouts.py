"""`understudy layouts`."""

import click

from play.worlds.registry import make_world, short_name, world_names


@click.command()
def layouts() -> None:
    """List the layouts and other worlds: size, players; of kitchens the cooking rule, orders."""
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


def _points(value: float | None) -> str:
    return "∞" if value is None else f"{value:g}"
