"""The command `understudy evaluate`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from agents.card import read_card, write_card
from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from training.config import parse_options
from training.evaluation.crossplay import Played
from training.evaluation.matches import PLAY, Cast, Match, Rules, plan
from training.evaluation.report import as_json, as_markdown, command, make_report, write_report
from training.evaluation.runner import play_all
from training.evaluation.statistics import Figure
from training.evaluation.summary import Results, Table, cross_play_table
from training.evaluation.teams import (
    BEST_RESPONSE,
    EXPLOITER,
    Team,
    find_against,
    find_teams,
    fingerprints,
    partners_of,
    policy_folder,
    seats_of,
)
from training.machine import usable_processors
from training.provenance import git_commit

FAILURE = 0.2


@click.command()
@click.argument("world")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=None,
    help="Folder that the policies are kept in.  [default: the shipped ones]",
)  # fmt: skip
@click.option(
    "--policy", "only", multiple=True, metavar="NAME",
    help="A run to evaluate; may be repeated.  [default: all in the folder]",
)  # fmt: skip
@click.option(
    "--seeds", default="", metavar="0-9",
    help="Training seeds to evaluate; every method must have each of them.",
)  # fmt: skip
@click.option(
    "--beside", multiple=True, metavar="NAME",
    help="A further partner to play beside, such as stay or random; may be repeated.",
)  # fmt: skip
@click.option(
    "--others", metavar="NAME", help="Who plays in the seats of other roles than the partners'."
)
@click.option(
    "--episodes", type=click.IntRange(1), default=100, show_default=True,
    help="Episodes for each pair and seating.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@click.option(
    "--options", default="", metavar="NAME=VALUE,...",
    help="Options of the world, such as dynamics=new.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="Folder for the results: a page, all figures, one row per episode. If the command is "
    "stopped, the same command goes on where it was.",
)  # fmt: skip
@click.option(
    "--stop-at", type=click.IntRange(0), metavar="STEP",
    help="Step at which a partner stops helping.  [default: a random one]",
)  # fmt: skip
@click.option(
    "--saboteur", "saboteurs", multiple=True, metavar="NAME",
    help="Mix this policy into partners at growing shares, for the worst case; may be repeated.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1), default=None,
    help="Processes that share the work.  [default: one per processor]",
)  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="File for the table.")
@click.option("--write-cards", is_flag=True, help="Put the figures into the policies' cards.")
def evaluate(
    world: str, folder: Path | None, only: tuple[str, ...], seeds: str, beside: tuple[str, ...],
    others: str | None, episodes: int, seed: int, options: str, out: Path | None,
    stop_at: int | None, saboteurs: tuple[str, ...], processes: int | None,
    json_file: Path | None, write_cards: bool,
) -> None:  # fmt: skip
    """Play the trained policies of WORLD with themselves, with each other and beside others.

    Prints mean returns with 95 % bootstrap intervals: over training seeds where a method has
    several, else over episodes. Actions are sampled; every pair plays in both seatings. With --out
    it also plays what is needed to measure free-riding and the worst case, and writes
    index.html, figures.json and episodes.parquet.
    """
    facts = make_world(world, 1, **parse_options(options)).facts
    _check(facts, out, stop_at, saboteurs, json_file)
    cast = find_cast(facts, folder, only, parse_seeds(seeds), beside, others, saboteurs)
    rules = Rules(facts.world, dict(facts.options), episodes, seed, stop_at, folder)
    matches = plan(cast, facts)
    processes = processes or usable_processors()
    if out is None:
        matches = [match for match in matches if match.kind == PLAY]
        played = _play(matches, rules, processes)
        results = Results(facts, cast, played, seed)
        written: list[Path] = []
    else:
        results, written = _evaluate_into(out, facts, cast, rules, matches, processes)
    table = cross_play_table(results)
    click.echo(as_markdown(table))
    for path in written:
        click.echo(f"Wrote {path}")
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(table), indent=2) + "\n")
    if write_cards:
        _write_cards(cast.teams, table, folder)


def find_cast(
    facts: WorldFacts,
    folder: Path | None,
    only: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    beside: Sequence[str] = (),
    others: str | None = None,
    saboteurs: Sequence[str] = (),
) -> Cast:
    """Everybody who plays in an evaluation; see `evaluate` for the arguments.

    Raises:
        UserError: There is nobody to evaluate, or somebody does not fit the world.
    """
    partners_of(facts)
    teams = find_teams(facts, folder, only, seeds)
    partners = {name: seats_of(name, facts, folder) for name in dict.fromkeys(beside)}
    for name in saboteurs:
        seats_of(name, facts, folder)
    rest = [seat for seat in range(facts.num_players) if seat not in facts.team]
    if others is not None and not rest:
        raise UserError(f"--others is {others}, but all seats of {facts.world} are partners")
    if others is not None:
        load_policy(others, facts, folder, rest)
    heroes = [team.name for team in teams]
    return Cast(
        teams, partners, others, tuple(dict.fromkeys(saboteurs)),
        find_against(EXPLOITER, facts, folder, heroes),
        find_against(BEST_RESPONSE, facts, folder, list(partners)),
    )  # fmt: skip


def parse_seeds(text: str) -> list[int] | None:
    """``"0-2,7"`` -> ``[0, 1, 2, 7]``; nothing -> None.

    Raises:
        UserError: Anything else.
    """
    found: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"--seeds is {text!r}, but seeds are given as 0-9 or 0,1,5")
        if dash and int(last) < int(first):
            raise UserError(f"--seeds is {text!r}, but {part} runs backwards: write {last}-{first}")
        found += range(int(first), int(last or first) + 1)
    return sorted(set(found)) or None


def known_failures(row: Mapping[str, Figure]) -> list[str]:
    """Partners with whom a method scores less than `FAILURE` of what its own pair scores."""
    own = row["own pair"].mean
    return [
        f"Scores {figure.mean:.0f} {column}; its own pair scores {own:.0f}."
        for column, figure in row.items()
        if column != "own pair" and figure.mean < FAILURE * own
    ]


def _check(
    facts: WorldFacts,
    out: Path | None,
    stop_at: int | None,
    saboteurs: Sequence[str],
    json_file: Path | None,
) -> None:
    if json_file is not None and json_file.exists():
        raise UserError(f"{json_file} already exists: choose another file or remove it first")
    if stop_at is not None and stop_at >= facts.horizon:
        raise UserError(
            f"--stop-at is {stop_at}, but an episode has the steps 0 to {facts.horizon - 1}"
        )
    for option, given in (("--stop-at", stop_at is not None), ("--saboteur", bool(saboteurs))):
        if given and out is None:
            raise UserError(f"{option} measures what only --out shows: add --out FOLDER")


def _play(matches: Sequence[Match], rules: Rules, processes: int) -> dict[Match, Played]:
    played = dict(_shown(play_all(matches, rules, processes), len(matches)))
    return {match: played[match] for match in matches}


def _shown(played: Iterator[tuple[Match, Played]], count: int) -> Iterator[tuple[Match, Played]]:
    """The same, with a bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield from played
        return
    with click.progressbar(played, length=count, file=sys.stderr, show_pos=True) as bar:
        yield from bar


def _evaluate_into(
    out: Path,
    facts: WorldFacts,
    cast: Cast,
    rules: Rules,
    matches: Sequence[Match],
    processes: int,
) -> tuple[Results, list[Path]]:
    # needs pyarrow, which the table alone does not
    from training.evaluation.records import EPISODES, Store, Tables, make_plan

    names = [name for match in matches for name in (*match.seats, match.actor) if name]
    policies = fingerprints(names, rules.folder)
    tables = Tables(facts, rules, cast.teams, git_commit())
    store = Store(out, make_plan(facts, rules, policies), matches, tables)
    missing = store.missing()
    if len(missing) < len(matches):
        done = len(matches) - len(missing)
        click.echo(f"{out}: {done} of {len(matches)} matches are there already", err=True)
    try:
        for match, played in _shown(play_all(missing, rules, processes), len(missing)):
            store.add(match, played)
    except KeyboardInterrupt:
        click.echo(f"\nStopped. The same command goes on with what is in {out}.", err=True)
        raise
    by_key = store.finish()
    results = Results(facts, cast, {m: by_key[m.key] for m in matches}, rules.seed)
    report = make_report(results, rules, policies, store.commits())
    return results, [*write_report(out, report), out / EPISODES]


def _write_cards(teams: Sequence[Team], table: Table, folder: Path | None) -> None:
    methods = [team.method for team in teams]
    for team in teams:
        if methods.count(team.method) > 1:
            raise UserError(
                f"--write-cards describes one run, but there are several of {team.method}: "
                "keep one of each in the folder"
            )
    figures = as_json(table)
    for team in teams:
        for name in dict.fromkeys(team.policies.values()):
            path = policy_folder(name, folder)
            card = read_card(path)
            card.results["cross_play"] = {"command": command(), **figures[team.method]}
            failures = known_failures(table[team.method])
            write_card(path, replace(card, known_failures=failures))
            click.echo(f"Wrote {path / 'card.json'}")
