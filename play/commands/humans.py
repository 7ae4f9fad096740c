"""`understudy humans`."""

from collections import Counter
from pathlib import Path

import click

from agents.demonstrations import load_demonstrations, pairs_of, save_demonstrations
from play.study_games import games_of_study, is_export
from play.trials import demonstrations_in, trials_of_2019
from play.worlds.errors import UserError

SHIPPED = "2019"


@click.group()
def humans() -> None:
    """Games of people, as data for models of people."""


@humans.command("import")
@click.argument("sources", nargs=-1)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("humans.npz"), show_default=True,
    help="File to write.",
)  # fmt: skip
@click.option("--partial", is_flag=True, help="Accept games that were cut off.")
def import_command(sources: tuple[str, ...], out: Path, partial: bool) -> None:
    """Bring games of people into one form: joint actions and states.

    SOURCES are folders that `understudy study export` made, records of `understudy play` (files or
    folders), or 2019 for the 76 games between two people that overcooked-ai ships, which are also
    what is taken when none is given. A pair is on one side of the split into train and test only,
    and so is a participant of a study; put the records of each pair into a folder of its own.
    """
    if out.exists():
        raise UserError(f"{out} already exists: choose another --out, or remove it first")
    games = []
    for source in sources or (SHIPPED,):
        if source == SHIPPED:
            games += list(trials_of_2019())
        elif is_export(Path(source)):
            games += list(games_of_study(Path(source), partial=partial))
        else:
            games += list(demonstrations_in(Path(source), partial=partial))
    if not games:
        raise UserError("No person took a seat in these records: give some of games with people")
    save_demonstrations(out, games)
    counts = Counter((game.world, game.split) for game in load_demonstrations(out))
    for (world, split), count in sorted(counts.items()):
        mine = [game for game in games if (game.world, game.split) == (world, split)]
        steps = sum(len(game.actions) for game in mine)
        click.echo(f"{world} {split}: {count} games, {len(pairs_of(mine))} pairs, {steps} steps")
    click.echo(f"Wrote {out}")
