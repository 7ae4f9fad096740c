"""`understudy episodes`."""

from pathlib import Path

import click

from play.episode import SUFFIX, find_episodes, verify
from play.worlds.errors import UserError


@click.group()
def episodes() -> None:
    """Verify and export recorded games."""


@episodes.command("verify")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Accept records that were cut off.")
def verify_command(paths: tuple[Path, ...], partial: bool) -> None:
    """Re-simulate records (files or folders) and compare every state hash."""
    failures: list[UserError] = []
    count = 0
    for path in (found for given in paths for found in find_episodes(given)):
        count += 1
        try:
            report = verify(path, partial=partial)
        except UserError as error:
            failures.append(error)
            click.echo(f"FAILED  {error}")
            continue
        ended = report.reason or "cut off"
        click.echo(
            f"ok      {path.name}: {report.steps} steps, {report.hashes} hashes equal, "
            f"score {report.score:g}, {report.fallbacks} fallbacks, {ended}"
        )
    if failures:
        raise UserError(f"{len(failures)} of {count} records did not verify; see the lines above")


@episodes.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    required=True,
    type=click.Choice(["parquet", "overcooked", "minari"]),
    help="Format to write.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write; for minari, the folder of the data set.  [default: beside PATH]",
)
@click.option("--partial", is_flag=True, help="Accept records that were cut off.")
def export_command(path: Path, form: str, out: Path | None, partial: bool) -> None:
    """Write records (a file or a folder) in another format."""
    from play.exporters import export_episodes

    out = out or beside(path, form)
    count = export_episodes(find_episodes(path), form, out, partial=partial)
    click.echo(f"Wrote {count} episode{'s' if count != 1 else ''} to {out}")


def beside(path: Path, form: str) -> Path:
    """Where an export goes that has no place of its own: beside the records, by their name."""
    whole = path.resolve()  # "." has a name too
    ending = {"parquet": ".parquet", "overcooked": ".json", "minari": "-minari"}[form]
    return whole.with_name(whole.name.removesuffix(SUFFIX) + ending)
