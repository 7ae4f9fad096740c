"""`understudy reproduce private-kitchen`: who works, who rides free, and who copes with strangers.

Pieces, one per setting and variant: training of all seeds together, which continues from its
checkpoints, then exact scores. A piece that is done is kept; a command that was stopped goes on
where it was.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from play.worlds.errors import UserError
from play.worlds.private_kitchen.world import INSTANCES
from training import checkpoints, runs
from training.config import TrainConfig, with_changes
from training.provenance import git_commit
from training.reproduce.folders import RECORD, check_same, open_folder, write_record
from training.reproduce.kitchen_page import write_page
from training.reproduce.kitchen_plots import draw_all
from training.reproduce.kitchen_scores import Pair, pairs_of, score, scripted
from training.reproduce.kitchen_summary import Study, findings
from training.reproduce.kitchen_variants import STRANGERS, STRANGERS_SEEDS, Variant, chosen
from training.reproduce.pieces import seeds_for_crossplay
from training.trainer import Trainer

EXPERIMENT = "private-kitchen"


@dataclass(frozen=True)
class Plan:
    """What is to be trained, and where it goes.

    Attributes:
        settings: Instances of the world.
        variants: Rows of the tables.
        seeds: Seeds of every variant.
        steps: Steps of every seed's training.
        runs: Folder of the training runs.
        out: Folder of the results.
    """

    settings: tuple[str, ...]
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    steps: int
    runs: Path
    out: Path

    def pieces(self) -> Iterator[tuple[str, Variant]]:
        """Every setting with every variant; what is told first is trained first."""
        for setting in self.settings:
            for variant in self.variants:
                yield setting, variant


@click.command(name=EXPERIMENT)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results") / EXPERIMENT,
    show_default=True, help="Folder for the results.",
)  # fmt: skip
@click.option(
    "--runs", "runs_folder", type=click.Path(path_type=Path), default=Path("runs") / EXPERIMENT,
    show_default=True, help="Folder for the training runs.",
)  # fmt: skip
@click.option(
    "--settings", default="scarce,released,dear", show_default=True,
    help="Settings of the kitchen.",
)  # fmt: skip
@click.option("--variants", default=None, help="Rows of the tables.  [default: all]")
@click.option("--seeds", default="0-9", show_default=True, help="Seeds of every variant.")
@click.option(
    "--steps", type=click.IntRange(1000), default=2_000_000, show_default=True,
    help="Steps of every seed's training, populations included.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace finished results in the folder.")
def private_kitchen(
    out: Path, runs_folder: Path, settings: str, variants: str | None, seeds: str, steps: int,
    overwrite: bool,
) -> None:  # fmt: skip
    """Train every method in the private-cost kitchen and score it exactly.

    IPPO, an entropy sweep, SRPO over tau, as in the paper, as released and as by default here, pure
    adversary, self-play, E3T, FCP and MEP: what a pair earns, what strangers earn together, who
    does the work, and what is left when the partner turns against a policy. A run that was stopped
    goes on where it was; with finished pieces in the folder only the missing ones are made.
    """
    plan = Plan(
        chosen_settings(settings), chosen(variants), chosen_seeds(seeds), steps, runs_folder, out
    )
    check_same(out, EXPERIMENT, settings_of(plan))
    open_folder(out, EXPERIMENT, overwrite)
    write_record(out, EXPERIMENT, settings_of(plan), finished=False)
    (out / "pieces").mkdir(exist_ok=True)
    strangers: dict[str, dict[str, list[Pair]]] = {}
    for setting, variant in plan.pieces():
        if not piece_path(plan, setting, variant).is_file():
            if setting not in strangers:
                strangers = {setting: strangers_of(plan, setting)}  # only one setting's at a time
            make_piece(plan, setting, variant, strangers[setting])
    study = read_study(plan)
    found = findings(study)
    draw_all(study, found, out)
    write_page(study, found, out)
    write_record(out, EXPERIMENT, settings_of(plan) | {"findings": found}, finished=True)
    click.echo(f"Wrote {out / 'README.md'}, its figures and {RECORD}")


def chosen_settings(names: str) -> tuple[str, ...]:
    """The settings of a list of names with commas.

    Raises:
        UserError: A name that there is none of, or an empty list.
    """
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not asked or not set(asked) <= set(INSTANCES):
        raise UserError(
            f"--settings is {names!r}, but it must be names with commas between them, from "
            f"{', '.join(INSTANCES)}"
        )
    return tuple(dict.fromkeys(asked))


def chosen_seeds(text: str) -> tuple[int, ...]:
    """The seeds of ``0-9`` or ``1,4,7``.

    Raises:
        UserError: Something else, too few for cross-play, or a seed of the strangers.
    """
    seeds = seeds_for_crossplay(text)
    if taken := sorted(set(seeds) & set(STRANGERS_SEEDS)):
        raise UserError(
            f"--seeds holds {taken[0]}, which the partners that nobody meets in training are "
            f"trained with: leave out {', '.join(map(str, STRANGERS_SEEDS))}"
        )
    return seeds


def settings_of(plan: Plan) -> dict[str, Any]:
    """What the pieces in a folder have in common."""
    return {"seeds": list(plan.seeds), "steps": plan.steps}


def piece_path(plan: Plan, setting: str, variant: Variant) -> Path:
    """Where a piece's scores are."""
    return plan.out / "pieces" / f"{setting}-{variant.name}.json"


def strangers_of(plan: Plan, setting: str) -> dict[str, list[Pair]]:
    """Partners that no variant meets in training, by kind; trained now if they are not yet."""
    found = scripted(setting)
    for kind in STRANGERS:
        click.echo(f"{setting}: {kind.about}, to be strangers")
        found[kind.about] = trained(plan, setting, kind, STRANGERS_SEEDS)[0]
    return found


def make_piece(
    plan: Plan, setting: str, variant: Variant, strangers: dict[str, list[Pair]]
) -> None:
    """Trains a variant's seeds and scores them; what was begun before is continued."""
    click.echo(f"{setting}: {variant.about}")
    pairs, facts = trained(plan, setting, variant, plan.seeds)
    record = {"setting": setting, "variant": variant.name, "git_commit": git_commit()} | facts
    record |= {"horizon": INSTANCES[setting].horizon, "data_per_hero": variant.data}
    record |= score(setting, pairs, strangers)
    path = piece_path(plan, setting, variant)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record, allow_nan=False) + "\n")
    os.replace(part, path)


def trained(
    plan: Plan, setting: str, variant: Variant, seeds: tuple[int, ...]
) -> tuple[list[Pair], dict[str, Any]]:
    """A variant's trained pairs, trained now if they are not yet, and how they were trained.

    Raises:
        UserError: Training was interrupted, or the runs there were made with other settings.
    """
    folder = plan.runs / setting / variant.name
    config = variant.config(setting, plan.steps)
    trainer = finished(folder, variant.method, config, seeds)
    if trainer is None:
        if all((folder / f"seed{seed}" / "checkpoint.pt").is_file() for seed in seeds):
            done = runs.resume([folder / f"seed{seed}" for seed in seeds])
        else:
            forget(folder)
            done = runs.start(variant.method, config, folder, seeds)[1]
        trainer = finished(folder, variant.method, config, seeds) if done else None
        if trainer is None:
            raise UserError(
                f"Stopped in the training of {variant.name} in {setting}: the same command goes on "
                "from there"
            )
    last = [curves(folder / f"seed{seed}")[-1] for seed in seeds]
    facts = {
        "config": config.to_json(), "method": variant.method,
        "seconds": last[0]["seconds"],
        "steps_per_seed": trainer.steps,
        "training_return": [row.get("return", row.get("return_with_adversary")) for row in last],
        "adversary_kl": [row.get("adversary_kl") for row in last],
        "tau": [row.get("tau") for row in last],
    }  # fmt: skip
    return pairs_of(trainer), facts


def finished(
    folder: Path, method: str, config: TrainConfig, seeds: tuple[int, ...]
) -> Trainer | None:
    """The trainer of runs that have come to their end, or None.

    Raises:
        UserError: The runs there were made with other settings.
    """
    paths = [folder / f"seed{seed}" for seed in seeds]
    if not all((path / "checkpoint.pt").is_file() for path in paths):
        return None
    for path, seed in zip(paths, seeds, strict=True):
        record, own = checkpoints.read_config(path)
        if record["method"] != method or own != with_changes(config, seed=seed):
            raise UserError(
                f"{path} was trained with other settings than this experiment's: remove {folder}, "
                "or choose another folder with --runs"
            )
    trainer = runs.make_trainer(method, config, seeds)
    steps = set()
    for member, path in enumerate(paths):
        checkpoints.load(path, trainer, member)
        steps.add(trainer.steps)
    return trainer if min(steps) >= trainer.total_steps else None


def forget(folder: Path) -> None:
    """Removes runs that were stopped before their first checkpoint."""
    if folder.exists():
        shutil.rmtree(folder)


def curves(run: Path) -> list[dict[str, float]]:
    """The lines of a run's curves."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def read_study(plan: Plan) -> Study:
    """All scores of the folder.

    Raises:
        UserError: A piece is damaged.
    """
    pieces = {}
    for setting, variant in plan.pieces():
        path = piece_path(plan, setting, variant)
        try:
            pieces[setting, variant.name] = json.loads(path.read_text())
        except ValueError as error:
            raise UserError(
                f"{path} is damaged ({error}): remove it, and the same command makes it again"
            ) from error
    return Study(plan.settings, plan.variants, plan.seeds, plan.steps, pieces)
