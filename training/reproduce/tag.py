"""`understudy reproduce tag`: chasers by method, with team-mates and runners they never met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts
from training.config import VARIANTS
from training.evaluation.matches import Cast, Match, Rules, plan
from training.evaluation.records import Store, Tables, make_plan
from training.evaluation.report import without_nan
from training.evaluation.runner import play_all
from training.evaluation.summary import Results
from training.evaluation.teams import Team, fingerprints
from training.machine import machine, usable_processors
from training.provenance import git_commit
from training.reproduce.folders import RECORD, check_same, open_folder, write_record
from training.reproduce.pieces import Piece, export_piece, freeze, seeds_for_crossplay, train_piece
from training.reproduce.tag_findings import Evidence, find, write_tables
from training.reproduce.tag_page import write_page
from training.reproduce.tag_plots import draw_all
from training.reproduce.tag_runners import FAST, WORLD

EXPERIMENT = "tag"
RUNNER, UNSEEN = f"{WORLD}/runner", f"{WORLD}/runner-held-out"
STRANGERS = ("pursue", "random")  # team-mates that nobody trained with
TAUS = (0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Arm:
    """One of the methods that are compared.

    Attributes:
        name: Name of its runs and policies.
        title: What the page calls it.
        method: How it is trained.
        settings: Settings that are not the method's own.
        about: What the page says of it; nothing, where the title says all.
        tau: Its fixed degree of risk aversion, if it belongs to the sweep.
    """

    name: str
    title: str
    method: str
    settings: dict[str, Any]
    about: str = ""
    tau: float | None = None


SETTINGS = FAST | {"learning_rate": 2e-3, "minibatches": 8}
ARMS = (
    Arm("ippo", "IPPO", "ippo", {}, "a policy for each chaser, trained side by side"),
    Arm("self-play", "self-play", "self-play", {}, "one policy for both chasers"),
    Arm("srpo", "SRPO", "srpo", {},
        "our default: one policy for both, which also meets an adversary in its partner's place "
        "whose strength is steered; a third of the games are played with the true partner"),
    Arm("srpo-seats", "SRPO, a policy per seat", "srpo", {"shared": False},
        "the same with a policy for each chaser, as IPPO has"),
    Arm("srpo-paper", "SRPO, the paper's (tau 10)", "srpo", VARIANTS["paper"],
        "a policy for each chaser, a fixed tau, and no game with the true partner"),
    *(Arm(f"srpo-tau-{t:g}", f"SRPO, tau {t:g}", "srpo", {"tau": t}, tau=t) for t in TAUS),
    Arm("pure-adversary", "pure adversary", "pure-adversary", {},
        "SRPO with an adversary that pays nothing for what it does, an infinite tau"),
    Arm("ippo-entropy-0.03", "IPPO, entropy 0.03", "ippo", {"entropy": 0.03}),
    Arm("ippo-entropy-0.1", "IPPO, entropy 0.1", "ippo", {"entropy": 0.1}),
    Arm("fcp", "FCP", "fcp", {"population": 3},
        "one policy that answers to three self-play policies at several ages"),
)  # fmt: skip
"""The first is what the others are compared with."""


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for runs, policies and results.",
)  # fmt: skip
@click.option(
    "--seeds", default="0-9", show_default=True, metavar="FIRST-LAST", help="Training seeds."
)
@click.option(
    "--steps", type=click.IntRange(1), default=2_000_000, show_default=True,
    help="Joint steps of every run.",
)  # fmt: skip
@click.option(
    "--episodes", type=click.IntRange(2), default=100, show_default=True,
    help="Episodes for each pair and seating.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, metavar="ARM", help="An arm to take; may be repeated.  [default: all]"
)
@click.option(
    "--runner", default=RUNNER, show_default=True, metavar="NAME",
    help="The runner that chasers train against.",
)  # fmt: skip
@click.option(
    "--unseen", default=UNSEEN, show_default=True, metavar="NAME",
    help="The runner that they never meet in training.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1), default=None,
    help="Processes that share the evaluation.  [default: one per processor]",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Go on in a folder with finished results.")
def tag(
    out: Path, seeds: str, steps: int, episodes: int, only: tuple[str, ...], runner: str,
    unseen: str, processes: int | None, overwrite: bool,
) -> None:  # fmt: skip
    """Train chasers with every method and play them with strangers.

    A team of two that was trained together chases the runner that it was trained against; then
    each chases beside a team-mate of another seed, or a runner that it never met, or both. If the
    command is stopped, the same command goes on where it was.
    """
    arms = chosen_arms(only)
    numbers = seeds_for_crossplay(seeds)
    common = {"seeds": list(numbers), "steps": steps}
    check_same(out, EXPERIMENT, common)
    facts = make_world(WORLD).facts
    for name in (runner, unseen):
        load_policy(name, facts, seats=runners_of(facts))
    open_folder(out, EXPERIMENT, overwrite)
    write_record(out, EXPERIMENT, {"settings": common}, finished=False)
    policies = out / "policies"
    for name in (runner, unseen):
        freeze(name, policies)
    pieces = {arm.name: piece_of(arm, numbers, steps, runner, policies) for arm in arms}
    for arm in arms:
        click.echo(f"{arm.title}: {arm.method}, {len(numbers)} seeds")
        if not train_piece(pieces[arm.name], out / "runs"):
            click.echo("Stopped and saved. The same command goes on.")
            return
        export_piece(pieces[arm.name], out / "runs", policies)
    played = {}
    for arm in arms:
        for who in (runner, unseen):
            rules = Rules(WORLD, dict(facts.options), episodes, 0, None, policies)
            cast = Cast(teams_of(arm, pieces[arm.name], policies), beside(facts), who)
            home = out / "evaluation" / f"{arm.name}-{who.rpartition('/')[2]}"
            played[arm.name, who] = evaluate(home, facts, cast, rules, processes)
    evidence = Evidence(arms, runner, unseen, played, policies, episodes)
    findings = find(evidence)
    write_tables(evidence, out)
    draw_all(evidence, findings, out)
    settings = common | {
        "episodes": episodes, "arms": [arm.name for arm in arms],
        "runner": runner, "unseen": unseen,
        "policies": fingerprints([runner, unseen], policies), "machine": machine(),
        "commits": {arm.name: commit_of(out / "runs" / arm.name) for arm in arms},
    }  # fmt: skip
    results = without_nan({"settings": settings, "findings": findings})
    write_record(out, EXPERIMENT, results, finished=True)
    write_page(evidence, findings, settings, out)
    click.echo(f"Wrote {out / 'README.md'}, its figures, tables and {RECORD}")


def chosen_arms(names: Sequence[str]) -> list[Arm]:
    """The arms with these names, in the usual order; all if there are none.

    Raises:
        UserError: There is no such arm.
    """
    known = [arm.name for arm in ARMS]
    for name in names:
        if name not in known:
            raise UserError(f"--only is {name}, but it must be one of {', '.join(known)}")
    chosen = {*names, ARMS[0].name} if names else set(known)
    return [arm for arm in ARMS if arm.name in chosen]


def runners_of(facts: WorldFacts) -> tuple[int, ...]:
    """The seats of runners."""
    return facts.seats_of("runner")


def beside(facts: WorldFacts) -> dict[str, tuple[int, ...]]:
    """The rule-based team-mates, each in both seats."""
    return dict.fromkeys(STRANGERS, facts.team)


def piece_of(arm: Arm, seeds: Sequence[int], steps: int, runner: str, policies: Path) -> Piece:
    """What is to be trained for an arm."""
    common = SETTINGS | {"steps": steps, "others": runner, "others_folder": str(policies)}
    return Piece(arm.name, arm.method, seeds, common | arm.settings)


def teams_of(arm: Arm, piece: Piece, policies: Path) -> list[Team]:
    """The trained teams of an arm, one for each seed."""
    teams = []
    for seed in piece.seeds:
        name = piece.policy(WORLD, seed)
        shared = (policies / name / "card.json").is_file()
        own = {seat: name if shared else f"{name}-seat{seat}" for seat in (0, 1)}
        teams.append(Team(name, arm.name, seed, own))
    return teams


def evaluate(
    folder: Path, facts: WorldFacts, cast: Cast, rules: Rules, processes: int | None
) -> Results:
    """Plays what has not been played yet and returns everything."""
    matches = plan(cast, facts)
    names = {name for match in matches for name in match.seats}
    tables = Tables(facts, rules, cast.teams, git_commit())
    store = Store(
        folder, make_plan(facts, rules, fingerprints(names, rules.folder)), matches, tables
    )
    for match, result in _play(store.missing(), rules, processes):
        store.add(match, result)
    found = store.finish()
    return Results(facts, cast, {match: found[match.key] for match in matches}, rules.seed)


def _play(
    missing: Sequence[Match], rules: Rules, processes: int | None
) -> Iterator[tuple[Match, Any]]:
    yield from play_all(missing, rules, processes or usable_processors())


def commit_of(runs: Path) -> str:
    """The commit that trained the runs of an arm; several are separated by commas."""
    from training.checkpoints import read_config

    found = {read_config(path.parent)[0]["git_commit"] for path in runs.glob("seed*/config.json")}
    return ", ".join(sorted(found))
