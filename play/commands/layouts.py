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
            "o" * o["onions"] + "t" * o["tomatoes"] + f" {o['value']}" + ("*" if o["bonus"] else "")
            for o in scene["orders"]
        )
        click.echo(
            f"{name.partition('/')[2]:<36} {size:>5}  {scene['num_players']} players  "
            f"{scene['dynamics']}  {orders}"
        )
    click.echo(
        "\nOrders: o onion, t tomato, points, * bonus. A .layout file of your own: its path."
    )
