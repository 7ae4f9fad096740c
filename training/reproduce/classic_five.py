"""`understudy reproduce classic-five`: every method on the five classic kitchens, with strangers.

Pieces, each kept as a small file when it is done: a row of the tables trained on a layout, all
seeds together; then its games there. The same command goes on wherever it was stopped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from play.worlds.compilation import compiled_anyway
from training.evaluation.report import without_nan
from training.evaluation.teams import fingerprints
from training.machine import machine, usable_processors
from training.reproduce.classic_exploiters import EXPLOITED, exploit
from training.reproduce.classic_findings import find, read_study
from training.reproduce.classic_methods import COMMON, SHAPED, chosen_layouts, chosen_rows
from training.reproduce.classic_page import write_page
from training.reproduce.classic_partners import prefer, respond
from training.reproduce.classic_pieces import Plan, freeze_proxies, play, train
from training.reproduce.classic_shipped import ship
from training.reproduce.folders import RECORD, check_same, open_folder, write_record
from training.reproduce.pieces import seeds_for_crossplay
from training.reproduce.tasks import Task, run_here, run_on_cluster

EXPERIMENT = "classic-five"
STEPS = 2_000_000


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for policies, pieces and results.",
)  # fmt: skip
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path), default=Path("runs") / EXPERIMENT,
    show_default=True, help="Folder for the training runs; of no use once they are finished.",
)  # fmt: skip
@click.option("--layouts", default=None, help="Layouts to work on.  [default: all five]")
@click.option("--methods", default=None, help="Rows of the tables to work on.  [default: all]")
@click.option("--seeds", default="0-4", show_default=True, help="Seeds of every row.")
@click.option(
    "--steps", type=click.IntRange(1), default=STEPS, show_default=True,
    help="Joint steps that each policy learns for; a population's come beside that.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1), default=None,
    help="Processes that share the games.  [default: one per processor]",
)  # fmt: skip
@click.option(
    "--exploiters/--no-exploiters", default=True, show_default=True,
    help="Whether to train exploiters of the rows, for the worst case: three tenths more steps.",
)  # fmt: skip
@click.option(
    "--cluster", is_flag=True,
    help="Run the pieces as Ray tasks, on the cluster that RAY_ADDRESS names or else on this "
    "machine; all of its machines must see the folders.",
)  # fmt: skip
@click.option(
    "--ship", "shipped", type=click.Path(path_type=Path, file_okay=False), default=None,
    help="Folder of policies, such as assets/policies, into which the partners that players are "
    "offered go, instead of those that are there.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Go on in a folder with finished results.")
def classic_five(
    out: Path, runs_folder: Path, layouts: str | None, methods: str | None, seeds: str, steps: int,
    processes: int | None, exploiters: bool, cluster: bool, shipped: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Train every method on the five classic kitchens and play it with partners it never met.

    SRPO and its variants, IPPO, self-play, FCP, MEP, E3T, PPO-BC and controls, on a layout all for
    the same number of steps: what a seed earns with itself, with other seeds, with a human proxy
    that nobody learnt from, with partners that have preferences of their own, with policies of the
    other methods and with rule-based cooks. If the command is stopped, the same command goes on
    where it was; what is there of other layouts and methods is in the tables too.
    """
    plan = Plan(
        chosen_layouts(layouts), chosen_rows(methods), seeds_for_crossplay(seeds), steps,
        runs_folder, out,
    )  # fmt: skip
    check_same(out, EXPERIMENT, settings_of(plan))
    open_folder(out, EXPERIMENT, overwrite)
    write_record(out, EXPERIMENT, settings_of(plan), finished=False)
    freeze_proxies(plan)
    tasks = list(tasks_of(plan, exploiters))
    with compiled_anyway():
        finished = (
            run_on_cluster(tasks) if cluster else run_here(tasks, processes or usable_processors())
        )
    if not finished:
        click.echo("Stopped and saved. The same command goes on.")
        return
    study = read_study(plan)
    findings = without_nan(find(study))
    names = [path.parent.relative_to(plan.policies).as_posix()
             for path in plan.policies.rglob("card.json")]  # fmt: skip
    about = {"machine": machine(), "policies": fingerprints(names, plan.policies)}
    write_page(study, findings, out)
    write_record(out, EXPERIMENT, settings_of(plan) | about | {"findings": findings}, finished=True)
    click.echo(f"Wrote {out / 'README.md'}, its picture and {RECORD}")
    if shipped is not None:
        partners = ship(plan, findings, shipped)
        click.echo(f"Put {len(partners)} partners into {shipped}")


def settings_of(plan: Plan) -> dict[str, Any]:
    """What the pieces in a folder have in common."""
    training = {"shaped": SHAPED} | COMMON
    return {"seeds": list(plan.seeds), "steps": plan.steps, "training": training}


def tasks_of(plan: Plan, exploiters: bool = True) -> Iterator[Task]:
    """All pieces: layout by layout, first the training of every row, then the games."""
    for layout in plan.layouts:
        trained = []
        for row in plan.rows:
            name = f"{layout}: train {row.title}"
            trained.append(name)
            yield Task(name, train, (plan, layout, row))
            if exploiters and row.name in EXPLOITED:
                worst = f"{layout}: exploit {row.title}"
                yield Task(worst, exploit, (plan, layout, row), (name,))
        partners = f"{layout}: train partners with preferences"
        yield Task(partners, prefer, (plan, layout))
        responses = f"{layout}: train best responses to them"
        yield Task(responses, respond, (plan, layout), (partners,))
        trained.append(responses)
        present = {row.name: row for row in [*plan.present(layout), *plan.rows]}
        for row in present.values():
            name = f"{layout}: play {row.title}"
            yield Task(name, play, (plan, layout, row), tuple(trained), threads=1)
