"""`understudy partners`."""

import json
from dataclasses import asdict

import click

from agents.library import list_partners, load_policy


@click.group(invoke_without_command=True)
@click.option("--layout", help="Only those that can play this layout or other world.")
@click.pass_context
def partners(context: click.Context, layout: str | None) -> None:
    """List the partners, or show one's card."""
    if context.invoked_subcommand:
        return
    world = None
    if layout is not None:
        from play.worlds.registry import full_name, make_world

        world = make_world(full_name(layout)).facts
    found = list_partners(world.world if world else None)
    width = max(len(partner.name) for partner in found)
    for partner in found:
        star = " (recommended)" if partner.recommended else ""
        click.echo(f"{partner.name:<{width}}  {partner.title}{star}")


@partners.command()
@click.argument("name")
def show(name: str) -> None:
    """Show everything that is known about a partner."""
    load_policy(name)  # checks hash, opset, shapes
    partner = next(partner for partner in list_partners() if partner.name == name)
    if partner.card is None:
        click.echo(f"{partner.name}: {partner.description}")
        return
    click.echo(json.dumps(asdict(partner.card), indent=2))
