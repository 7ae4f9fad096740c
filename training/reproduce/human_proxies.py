"""Human proxies from the trials of 2019: models compared, ten proxies fitted, and tested as people.

The experiment runs in pieces that are kept as they are finished, so it goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

import click

from agents.demonstrations import SPLITS, load_demonstrations
from agents.onnx import OnnxPolicy
from play.worlds.errors import UserError
from play.worlds.kitchen.layouts import CLASSICS
from training.cloning.config import CONTENDERS, OTHERS, CloneConfig
from training.cloning.proxy import NAMES, make_proxy
from training.evaluation.files import write_whole
from training.evaluation.habits import habits_of
from training.reproduce.folders import open_folder, write_record
from training.reproduce.human_proxies_page import write_page

EXPERIMENT = "human-proxies"
FOLDS = 2  # in the comparison of models; what is shipped takes the default
LEFT_OUT = "unseen_pairs_of_its_side"
POLICIES, MODELS, PIECES = "policies", "models", "pieces"


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("humans.npz"), show_default=True,
    help="The trials, from `understudy humans import`.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results/human-proxies"),
    show_default=True, help="Folder for policies, figures and page.",
)  # fmt: skip
@click.option("--layout", "layouts", multiple=True, help="Only this layout.  [default: all five]")
@click.option("--seed", default=0, show_default=True, help="Root of every random stream.")
@click.option("--compare/--no-compare", default=True, help="Whether all models are compared.")
@click.option("--overwrite", is_flag=True, help="Begin a finished experiment anew.")
def human_proxies(
    data: Path, out: Path, layouts: tuple[str, ...], seed: int, compare: bool, overwrite: bool
) -> None:
    """Fit a human proxy and a held-out one per classic layout, and test them as models of people.

    What is finished is kept: the same command goes on where it was stopped.
    """
    for layout in layouts:
        if layout not in CLASSICS:
            raise UserError(f"There are no trials of {layout!r}: choose {', '.join(CLASSICS)}")
    load_demonstrations(data)  # says what is wrong with it before anything is made
    open_folder(out, EXPERIMENT, overwrite)
    (out / PIECES).mkdir(exist_ok=True)
    found: dict[str, Any] = {"seed": seed, "chosen": {}, "proxies": {}, "models": {}}
    config = CloneConfig(data=str(data), seed=seed)
    for layout in layouts or CLASSICS:
        own = replace(config, world=f"kitchen/{layout}")
        models = dict(_compared(own, CONTENDERS, out))
        found["models"][layout] = models
        best = max(models, key=lambda model: models[model][LEFT_OUT]["log_likelihood"])
        found["chosen"][layout] = best
        found["proxies"][layout] = dict(_proxies(replace(own, **CONTENDERS[best]), out))
        write_page(found, out)
    for layout in (layouts or CLASSICS) if compare else ():
        own = replace(config, world=f"kitchen/{layout}")
        found["models"][layout] |= dict(_compared(own, OTHERS, out))
        write_page(found, out)
    write_record(out, EXPERIMENT, found, finished=True)
    write_page(found, out)
    click.echo(f"Wrote {out / 'README.md'} and {out / POLICIES}")


def _piece(out: Path, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A result that is there already, or made now."""
    path = out / PIECES / f"{name}.json"
    if not path.is_file():
        write_whole(path, json.dumps(make(), indent=2).encode())
        click.echo(f"{name} is finished", err=True)
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def _proxies(config: CloneConfig, out: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The proxy of either side for one layout."""
    layout = config.world.partition("/")[2]
    for split in SPLITS:
        own = replace(config, split=split)
        yield split, _piece(out, f"{layout}-{split}", partial(_fit, own, out))


def _fit(config: CloneConfig, out: Path) -> dict[str, Any]:
    name = f"{config.world}/{NAMES[config.split]}"
    rmtree(out / POLICIES / name, ignore_errors=True)  # of a run that was stopped right here
    proxy = make_proxy(config, name, out / POLICIES)
    games = load_demonstrations(Path(config.data), config.world, config.side)
    whole = habits_of(games, window=None)
    policy = OnnxPolicy(proxy.folder)
    return {
        "name": name,
        "sha256": policy.card.sha256,
        "hyperparameters": policy.card.hyperparameters,
        "people_whole_games": asdict(whole),
        **proxy.results,
    }


def _compared(
    config: CloneConfig, models: Mapping[str, Mapping[str, Any]], out: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Models fitted to the train side of one layout; nothing of the test side decides."""
    layout = config.world.partition("/")[2]
    for model, changes in models.items():
        own = replace(config, **changes, folds=FOLDS)
        name = f"{layout}/{model.replace(' ', '-').replace(',', '')}"
        yield model, _piece(out, name.replace("/", "-"), partial(_model, own, name, out / MODELS))


def _model(config: CloneConfig, name: str, root: Path) -> dict[str, Any]:
    rmtree(root / name, ignore_errors=True)
    return {**make_proxy(config, name, root).results, "hyperparameters": config.to_json()}
