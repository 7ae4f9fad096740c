"""The commands `understudy train` and `understudy export`."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from play.worlds.errors import UserError
from training.config import METHODS, VARIANTS, SrpoConfig, TrainConfig, option_types


@click.group(invoke_without_command=True)
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Continue the run in this directory."
)
@click.pass_context
def train(context: click.Context, resume: Path | None) -> None:
    """Train a policy: ippo, self-play or srpo."""
    if resume is not None and context.invoked_subcommand:
        raise UserError("--resume takes all settings from the run: give no method beside it")
    if resume is not None:
        _resume(resume)
    elif not context.invoked_subcommand:
        click.echo(context.get_help())


def _command(method: str, config_class: type[TrainConfig]) -> click.Command:
    def run(run_dir: Path | None, resume: Path | None, **values: Any) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        if resume is not None:
            if given or run_dir:
                raise UserError(
                    "--resume takes all settings from the run: give no other option beside it"
                )
            _resume(resume)
            return
        variant = given.pop("variant", None)
        if variant is not None:
            given = VARIANTS[variant] | given
        _train(method, config_class.from_json(given), run_dir)

    description = (config_class.__doc__ or "").strip()
    return click.Command(method, callback=run, params=_options(config_class), help=description)


def _options(config_class: type[TrainConfig]) -> list[click.Parameter]:
    types = option_types(config_class)
    options: list[click.Parameter] = []
    if config_class is SrpoConfig:
        options.append(
            click.Option(
                ["--variant"], type=click.Choice(list(VARIANTS)),
                help="Named settings to start from; other options override them.",
            )
        )  # fmt: skip
    for item in fields(config_class):
        name = item.name.replace("_", "-")
        flag = f"--{name}/--no-{name}" if types[item.name] is bool else f"--{name}"
        # the default stays None, so that it is known which options were given
        options.append(
            click.Option(
                [flag], type=types[item.name], default=None,
                help=f"{item.metadata['doc']}  [default: {item.default}]",
            )
        )  # fmt: skip
    path = click.Path(path_type=Path)
    options.append(
        click.Option(["--run-dir"], type=path, help="Where the run goes.  [default: runs/...]")
    )
    options.append(
        click.Option(["--resume"], type=path, help="Continue the run in this directory.")
    )
    return options


def _train(method: str, config: TrainConfig, run_dir: Path | None) -> None:
    from training import runs  # imports torch, so only when training starts

    path, finished = runs.start(method, config, run_dir)
    _tell(path, finished)


def _resume(run_dir: Path) -> None:
    from training import runs

    _tell(run_dir, runs.resume(run_dir))


def _tell(run_dir: Path, finished: bool) -> None:
    if finished:
        click.echo(f"Finished. Make it a playable policy: understudy export {run_dir} NAME")
    else:
        click.echo(f"Stopped and saved. Continue with: understudy train --resume {run_dir}")


for _method, _config_class in METHODS.items():
    train.add_command(_command(_method, _config_class))


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("name")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), default=None,
    help="Folder that policies are kept in.  [default: the shipped ones]",
)  # fmt: skip
def export(run: Path, name: str, folder: Path | None) -> None:
    """Turn a finished RUN into policies called NAME (policy.onnx and card.json)."""
    from training.export import export_run

    for path in export_run(run, name, folder):
        click.echo(f"Wrote {path}")
