"""The command `understudy study`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from studies.design import Study
from studies.loading import load_study
from studies.templates import template_names, write_template

FILE = click.Path(path_type=Path, dir_okay=False)


def study_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument that names the study file."""
    return click.argument("file", type=FILE, metavar="STUDY.yaml")(command)


@click.group()
def study() -> None:
    """Run a study with people, from one file to clean data.

    Start with `understudy study init`.
    """


@study.command()
@click.argument("file", type=FILE, default=Path("study.yaml"), metavar="[STUDY.yaml]")
@click.option(
    "--template", type=click.Choice(template_names()), default=template_names()[0],
    show_default=True, help="What to start from.",
)  # fmt: skip
def init(file: Path, template: str) -> None:
    """Write a commented study file to change."""
    write_template(template, file)
    click.echo(f"Wrote {file}. Change it, then: understudy study check {file}")


@study.command()
def schema() -> None:
    """Print the JSON Schema of the study file, for editors."""
    values = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    click.echo(json.dumps({**values, **Study.model_json_schema()}, indent=2))


@study.command()
@study_file
def check(file: Path) -> None:
    """Explain a study: what people do, how long, at what cost, and what looks wrong."""
    from studies.overview import cost_of, in_words, warnings_of

    loaded = load_study(file)
    click.echo(f"{loaded.title.into(loaded.languages[0])} ({loaded.id}, version {loaded.version})")
    click.echo(f"Languages: {', '.join(loaded.languages)}. Hash: {loaded.sha256[:16]}.\n")
    for line in in_words(loaded):
        click.echo(line)
    cost = cost_of(loaded)
    bonus = f", and bonuses of {loaded.payment.bonus}" if loaded.payment.bonus else ""
    click.echo(
        f"\n{cost.participants} participants at {loaded.payment.endings['done'].pay:.2f} "
        f"{cost.currency}: {cost.pay:.2f} {cost.currency}{bonus}."
    )
    warnings = list(warnings_of(loaded))
    for warning in warnings:
        click.echo(f"Warning: {warning}.")
    if not warnings:
        click.echo("Nothing looks wrong.")


@study.command()
@study_file
@click.option("--out", type=FILE, help="The archive.  [default: NAME-VERSION.zip]")
def freeze(file: Path, out: Path | None) -> None:
    """Write the preregistration archive: design, analysis plan, hashes of models and code."""
    from studies.freeze import freeze as write

    loaded = load_study(file)
    archive = out or file.with_name(f"{loaded.id}-{loaded.version}.zip")
    write(loaded, file, archive)
    click.echo(f"Wrote {archive}. Run with it: understudy study serve {file} --frozen {archive}")


@study.command()
@study_file
@click.option(
    "--studies", type=click.IntRange(100), default=4000, show_default=True,
    help="Simulated studies for each sample size.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def power(file: Path, studies: int, seed: int) -> None:
    """Simulate the planned comparisons to a sample size."""
    from studies.power import contrasts_of, sample_size

    loaded = load_study(file)
    for contrast in contrasts_of(loaded):
        found = sample_size(loaded, contrast, studies, seed)
        cell = "participants, who are in both" if found.within else "participants in each arm"
        click.echo(
            f"{contrast.id}: {' - '.join(contrast.compare)} = {contrast.expected:g} "
            f"(sd {contrast.sd:g}): {found.per_cell} {cell}, give power {found.power:.3f} "
            f"± {found.error:.3f} at alpha {loaded.analysis.alpha:g}; "
            f"the targets give {found.planned:.3f}."
        )
