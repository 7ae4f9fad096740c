"""The commands `understudy train` and `understudy export`."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from agents.library import POLICIES_DIR, load_policy
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from training.cloning.config import CloneConfig
from training.config import METHODS, VARIANTS, SrpoConfig, TrainConfig, option_types, parse_options


@click.group(invoke_without_command=True)
@click.option(
    "--resume", type=click.Path(path_type=Path),
    help="Continue the run in this directory, or those of several seeds below it.",
)  # fmt: skip
@click.pass_context
def train(context: click.Context, resume: Path | None) -> None:
    """Train policies: SRPO, its baselines and its controls."""
    if resume is not None and context.invoked_subcommand:
        raise UserError("--resume takes all settings from the run: give no method beside it")
    if resume is not None:
        _resume(resume)
    elif not context.invoked_subcommand:
        click.echo(context.get_help())


def _command(method: str, config_class: type[TrainConfig]) -> click.Command:
    def run(run_dir: Path | None, resume: Path | None, seeds: str | None, **values: Any) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        if resume is not None:
            if given or run_dir or seeds:
                raise UserError(
                    "--resume takes all settings from the run: give no other option beside it"
                )
            _resume(resume)
            return
        variant = given.pop("variant", None)
        preset = VARIANTS[variant] if variant is not None else {}
        world = given.get("world", config_class.world)
        start = _network_of(given.get("start_from", ""), given.get("start_folder", ""))
        given = _suited(config_class, world, given.get("options", "")) | preset | start | given
        if seeds is not None and "seed" in given:
            raise UserError("--seeds says which seeds to train: give no --seed beside it")
        _train(method, config_class.from_json(given), run_dir, parse_seeds(seeds))

    description = (config_class.__doc__ or "").strip()
    return click.Command(method, callback=run, params=_options(config_class), help=description)


def _suited(config_class: type[TrainConfig], world: str, options: str) -> dict[str, Any]:
    """The settings that a world declares to suit it, as far as the method has them."""
    known = {item.name for item in fields(config_class)}
    declared = make_world(world, **parse_options(options)).facts.training
    return {name: value for name, value in declared.items() if name in known}


def _network_of(name: str, folder: str) -> dict[str, Any]:
    """The settings of the network of a policy that training begins with, as its card tells them."""
    if not name:
        return {}
    card = getattr(load_policy(name, folder=Path(folder or POLICIES_DIR)), "card", None)
    if card is None:
        return {}
    told = {
        key: card.hyperparameters[key]
        for key in ("hidden", "activation", "memory")
        if key in card.hyperparameters
    }
    return told | {"encoding": card.encoding["name"]}


def _options(config_class: type[TrainConfig]) -> list[click.Parameter]:
    options: list[click.Parameter] = []
    if config_class is SrpoConfig:
        options.append(
            click.Option(
                ["--variant"], type=click.Choice(list(VARIANTS)),
                help="Named settings to start from; other options override them.",
            )
        )  # fmt: skip
    options += settings_of(config_class)
    path = click.Path(path_type=Path)
    options += [
        click.Option(
            ["--seeds"], metavar="FIRST-LAST",
            help="Train these seeds together, such as 0-9; each becomes what it would alone, but "
            "together they take less time.",
        ),
        click.Option(
            ["--run-dir"], type=path,
            help="Where the run goes, or the folder of the runs of several seeds.  "
            "[default: runs/...]",
        ),
        click.Option(
            ["--resume"], type=path,
            help="Continue the run in this directory, or those of several seeds below it.",
        ),
    ]  # fmt: skip
    return options


def settings_of(config_class: Any) -> list[click.Parameter]:
    """An option for each field of a class of settings."""
    types = option_types(config_class)
    options: list[click.Parameter] = []
    for item in fields(config_class):
        name = item.name.replace("_", "-")
        flag = f"--{name}/--no-{name}" if types[item.name] is bool else f"--{name}"
        # the default stays None, so that it is known which options were given
        options.append(
            click.Option(
                [flag], type=types[item.name], default=None,
                help=item.metadata["doc"] + (f"  [default: {item.default}]" * (item.default != "")),
            )
        )  # fmt: skip
    return options


def parse_seeds(text: str | None) -> list[int] | None:
    """``"0-9"`` -> 0 to 9, ``"3,5"`` -> 3 and 5.

    Raises:
        UserError: Anything else.
    """
    if text is None:
        return None
    try:
        ends = [[int(end) for end in part.split("-")] for part in text.split(",")]
        seeds = [seed for part in ends for seed in range(part[0], part[-1] + 1)]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds is {text!r}, but it must be different seeds, as in 0-9 or 1,4,7")
    return seeds


def _train(method: str, config: TrainConfig, run_dir: Path | None, seeds: list[int] | None) -> None:
    from training import runs  # imports torch, so only when training starts

    paths, finished = runs.start(method, config, run_dir, seeds)
    _tell(run_dir if run_dir and seeds else None, paths, finished)


def _resume(run_dir: Path) -> None:
    from training import runs

    paths = runs.find_runs(run_dir)
    _tell(run_dir, paths, runs.resume(paths))


def _tell(folder: Path | None, paths: list[Path], finished: bool) -> None:
    if finished:
        click.echo(f"Finished. Make it a playable policy: understudy export {paths[0]} NAME")
        return
    for path in [folder] if folder else paths:
        click.echo(f"Stopped and saved. Continue with: understudy train --resume {path}")


for _method, _config_class in METHODS.items():
    train.add_command(_command(_method, _config_class))


def _clone(folder: Path | None, name: str | None, **values: Any) -> None:
    from training.cloning.proxy import NAMES, make_proxy  # imports torch

    config = CloneConfig(**{key: value for key, value in values.items() if value is not None})
    name = name or f"{config.world}/{NAMES[config.split]}"
    proxy = make_proxy(config, name, folder or POLICIES_DIR)
    for line in proxy.sentences():
        click.echo(line)
    click.echo(f"Wrote {proxy.folder}")


train.add_command(
    click.Command(
        "bc", callback=_clone, help=(CloneConfig.__doc__ or "").strip(),
        params=[
            *settings_of(CloneConfig),
            click.Option(["--name"], help="Name of the policy.  [default: WORLD/human-proxy…]"),
            click.Option(
                ["--to", "folder"], type=click.Path(path_type=Path),
                help="Folder that policies are kept in.  [default: the shipped ones]",
            ),
        ],
    )
)  # fmt: skip


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("name")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), default=None,
    help="Folder that policies are kept in.  [default: the shipped ones]",
)  # fmt: skip
@click.option("--title", help="What people read in menus.  [default: method and layout]")
@click.option("--held-out", is_flag=True, help="Keep it for evaluation: no training may use it.")
def export(run: Path, name: str, folder: Path | None, title: str | None, held_out: bool) -> None:
    """Turn a finished RUN into policies called NAME (policy.onnx and card.json)."""
    from training.export import export_run

    for path in export_run(run, name, folder, title, held_out):
        click.echo(f"Wrote {path}")
