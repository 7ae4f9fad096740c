"""The command `understudy evaluate`."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from agents.card import read_card, write_card
from agents.library import POLICIES_DIR, load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training.config import parse_options
from training.evaluation.teams import (
    CrossPlay,
    Figure,
    Table,
    Team,
    as_json,
    as_markdown,
    cross_play,
    find_teams,
)

FAILURE = 0.2


@click.command()
@click.argument("world")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=None,
    help="Folder that the policies are kept in.  [default: the shipped ones]",
)  # fmt: skip
@click.option(
    "--beside", multiple=True, metavar="NAME",
    help="A further partner to play beside, such as stay or random; may be repeated.",
)  # fmt: skip
@click.option(
    "--episodes", type=click.IntRange(1), default=100, show_default=True,
    help="Episodes for each pair and seating.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@click.option(
    "--options", default="", metavar="NAME=VALUE,...",
    help="Options of the world, such as dynamics=new.",
)  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="File for the figures.")
@click.option("--write-cards", is_flag=True, help="Put the figures into the policies' cards.")
def evaluate(
    world: str, folder: Path | None, beside: tuple[str, ...], episodes: int, seed: int,
    options: str, json_file: Path | None, write_cards: bool,
) -> None:  # fmt: skip
    """Play the trained policies of WORLD with themselves and with each other.

    Prints mean returns with 95 % bootstrap intervals: over training seeds where a method has
    several, else over episodes. Actions are sampled; every pair plays in both seatings.
    """
    facts = make_world(world, 1, **parse_options(options)).facts
    if facts.num_players != 2:
        raise UserError(
            f"{world} has {facts.num_players} players: cross-play needs a world for two"
        )
    if json_file is not None and json_file.exists():
        raise UserError(f"{json_file} already exists: choose another file or remove it first")
    teams = find_teams(facts, folder)
    partners = {name: load_policy(name, facts, folder) for name in beside}
    table = cross_play(teams, partners, CrossPlay(world, facts.options, episodes, seed))
    click.echo(as_markdown(table))
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(table), indent=2) + "\n")
    if write_cards:
        _write_cards(teams, table, folder or POLICIES_DIR)


def known_failures(row: Mapping[str, Figure]) -> list[str]:
    """Partners with whom a method scores less than `FAILURE` of what its own pair scores."""
    own = row["own pair"].mean
    return [
        f"Scores {figure.mean:.0f} {column}; its own pair scores {own:.0f}."
        for column, figure in row.items()
        if column != "own pair" and figure.mean < FAILURE * own
    ]


def _write_cards(teams: Sequence[Team], table: Table, folder: Path) -> None:
    methods = [team.method for team in teams]
    for team in teams:
        if methods.count(team.method) > 1:
            raise UserError(
                f"--write-cards describes one run, but there are several of {team.method}: "
                "keep one of each in the folder"
            )
    figures = as_json(table)
    command = " ".join(["understudy", *sys.argv[1:]])
    for team in teams:
        for name in set(team.names):
            card = read_card(folder / name)
            card.results["cross_play"] = {"command": command, **figures[team.method]}
            failures = known_failures(table[team.method])
            write_card(folder / name, replace(card, known_failures=failures))
            click.echo(f"Wrote {folder / name / 'card.json'}")
