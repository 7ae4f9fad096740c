"""`understudy layouts`."""

import click

from play.worlds.registry import make_world, world_names


@click.command()
def layouts() -> None:
    """List the layouts: size, players, cooking rule, orders."""
    for name in world_names():
        scene = make_world(name).static_scene()
        size = f"{scene['width']}x{scene['height']}"
        orders = ", ".join(
            f"{'o' * o['onions']}{'t' * o['tomatoes']} {_points(o['value'])}{'*' * o['bonus']}"
            for o in scene["orders"]
        )
        click.echo(
            f"{name.partition('/')[2]:<36} {size:>5}  {scene['num_players']} players  "
            f"{scene['dynamics']}  {orders}"
        )
    click.echo(
        "\nOrders: o onion, t tomato, points, * bonus. A .layout file of your own: its path."
    )


def _points(value: float | None) -> str:
    return "∞" if value is None else f"{value:g}"
