"""The command `understudy study`."""

import contextlib
import json
import os
import secrets
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from play.worlds.errors import UserError
from studies.design import Study
from studies.loading import load_study
from studies.templates import template_names, write_template

if TYPE_CHECKING:
    from studies.store import Store

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


DATABASE = click.option(
    "--database",
    metavar="FILE|URL",
    help="SQLite file, or postgresql://user:password@host/name.  [default: NAME.db]",
)


@study.command()
@study_file
@DATABASE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), default=5100, show_default=True)
@click.option(
    "--hosted", is_flag=True, help="For participants elsewhere; needs --url and a secret."
)
@click.option("--url", help="The https address that participants use; with --hosted.")
@click.option("--frozen", type=FILE, help="Preregistration archive to compare the study with.")
@click.option("--queue", metavar="URL", help="Redis, where several processes share the study.")
@click.option("--name", default="", help="This process among several, as the proxy calls it.")
def serve(
    file: Path, database: str | None, host: str, port: int, hosted: bool, url: str | None,
    frozen: Path | None, queue: str | None, name: str,
) -> None:  # fmt: skip
    """Serve a study to participants, and the dashboard to you.

    A hosted study reads the secret that signs participants' tokens from UNDERSTUDY_SECRET, and the
    hash of the dashboard's password from UNDERSTUDY_PASSWORD_HASH, or from the file that
    `understudy study password` wrote.
    """
    from studies.freeze import differences
    from studies.web.config import StudyConfig
    from studies.web.server import (
        StudyServer,
        checked_secret,
        checked_url,
        local_secret,
        prepare_for_many,
    )

    loaded = load_study(file)
    if not hosted and (host not in ("127.0.0.1", "localhost", "::1") or url):
        raise UserError(
            "Participants elsewhere need a hosted study: add --hosted, --url and UNDERSTUDY_SECRET"
        )
    if hosted and url is None:
        raise UserError("--hosted needs --url: give the https address that participants use")
    if bool(queue) != bool(name):
        raise UserError(
            "One of several processes needs both --queue and --name, one alone needs neither"
        )
    address = checked_url(url) if hosted and url else None
    secret = checked_secret(os.environ.get("UNDERSTUDY_SECRET")) if hosted else None
    if frozen is not None:
        found = differences(loaded, frozen)
        for difference in found:
            click.echo(f"Differs from {frozen.name}: {difference}.")
        if not found:
            click.echo(f"The study is as in {frozen.name}.")
    prepare_for_many()
    digest, fresh = desk_password(file, loaded, hosted)
    store = open_store(database, file, loaded)
    try:
        server = StudyServer(
            StudyConfig(
                study=loaded,
                store=store,
                secret=secret or local_secret(file.with_name(f"{loaded.id}.secret")),
                host=host,
                port=port,
                public_url=address,
                password=digest,
                queue=queue,
                name=name,
            )
        )
        click.echo(f"Participants:  {server.url}/")
        click.echo(f"For Prolific:  {server.prolific_url}")
        click.echo(f"Rehearsals:    {server.rehearsal_url}")
        click.echo(f"Dashboard:     {server.desk_url or NO_DESK.format(file=file)}")
        if fresh:
            click.echo(f"Its password:  {fresh} (shown this once; `study password` sets another)")
        click.echo(
            f"Everything is kept in {shown_database(database, file, loaded)}. Ctrl-C ends it."
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as whoever supervises it does
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
        click.echo("\nEnded; running rounds go on from their records after the next start.")
    finally:
        store.close()


@study.command()
@study_file
@click.argument("number", type=click.IntRange(1, 10_000), metavar="N")
@DATABASE
@click.option("--browser", is_flag=True, help="Each with a real browser (Chromium by Playwright).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--speed", type=click.FloatRange(1, 20), default=None,
    help="How many times faster than people.  [default: 5; with --at always 1]",
)  # fmt: skip
@click.option("--together", type=click.IntRange(1, 200), help="How many at a time.  [default: 8]")
@click.option(
    "--dropouts", type=click.FloatRange(0, 1), default=0.1, show_default=True,
    help="Share that leaves without a word.",
)  # fmt: skip
@click.option(
    "--mistakes", type=click.FloatRange(0, 0.9), default=0.1, show_default=True,
    help="Share of actions that are not the sensible one.",
)  # fmt: skip
@click.option(
    "--planted",
    is_flag=True,
    help="Let answers differ between conditions as analysis.contrasts expects.",
)
@click.option("--at", metavar="URL", help="A server of this study that runs, to watch them there.")
def bots(
    file: Path, number: int, database: str | None, browser: bool, seed: int, speed: float | None,
    together: int | None, dropouts: float, mistakes: float, planted: bool, at: str | None,
) -> None:  # fmt: skip
    """Send N simulated participants through the whole study.

    They fill in every page and play every round, react, slip and drop out, all from a seed. Their
    rows are marked and never count; `export --whom simulated` has them.
    """
    from studies.bots.commands import send

    loaded = load_study(file)
    with contextlib.closing(open_store(database, file, loaded)) as store:
        fine = send(
            file, loaded, store, number=number, together=together or (2 if browser else 8),
            seed=seed, speed=speed or (1.0 if at else 5.0), dropouts=dropouts, mistakes=mistakes,
            planted=planted, browser=browser, at=at,
        )  # fmt: skip
    if not fine:
        raise click.exceptions.Exit(1)
    where = f" --database {shown_database(database, file, loaded)}" if database else ""
    click.echo(
        f"Look at them: understudy study export {file}{where} --whom simulated --out dry-run"
    )


@study.command()
@study_file
@click.password_option(help="Asked for when left out.")
def password(file: Path, password: str) -> None:
    """Set the dashboard's password; only its hash is kept."""
    from studies.web.desk.door import keep, password_file

    place = password_file(file, load_study(file).id)
    click.echo(f"Its hash is in {place}; restart the server. Elsewhere, set it as")
    click.echo(f"UNDERSTUDY_PASSWORD_HASH='{keep(place, password)}'")


@study.command()
@study_file
@DATABASE
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make.")
@click.option(
    "--level", type=click.Choice(["raw", "shareable"]), default="shareable", show_default=True,
    help="Shareable has no identifiers, free text, dates or browser strings.",
)  # fmt: skip
@click.option("--blind", is_flag=True, help="Code names for conditions; the key is written apart.")
@click.option(
    "--whom", type=click.Choice(["participants", "rehearsals", "simulated"]),
    default="participants", show_default=True,
    help="Rehearsals are people who tried the study, simulated are the programs of `bots`.",
)  # fmt: skip
def export(file: Path, database: str | None, out: Path, level: Any, blind: bool, whom: Any) -> None:
    """Write tidy tables, as Parquet and CSV, with a data dictionary."""
    from studies.export import export as write

    loaded = load_study(file)
    with contextlib.closing(open_store(database, file, loaded, existing=True)) as store:
        done = write(store, loaded, out, level=level, blind=blind, kind=whom)
    for name, count in done.rows.items():
        click.echo(f"{name}: {count} rows")
    click.echo(f"Wrote {done.folder}.")


@study.command()
@study_file
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="EXPORT")
def analyse(file: Path, folder: Path) -> None:
    """Run the planned comparisons on an export, after exclusions.

    Between arms by Welch's t-test, between blocks by the paired one, two-sided.
    """
    from studies.planned import analyse as run
    from studies.planned import in_words, read_export

    loaded = load_study(file)
    if not loaded.analysis.contrasts:
        raise UserError("analysis.contrasts is empty: plan a comparison there")
    for found in run(loaded, read_export(folder)):
        click.echo(in_words(found, loaded.analysis.alpha))


@study.command()
@study_file
@DATABASE
@click.option("--yes", is_flag=True, help="Do not ask.")
def retention(file: Path, database: str | None, yes: bool) -> None:
    """Delete what the study file promised: identifiers after some days, data after a date.

    `serve` deletes identifiers by itself when it starts, and every day; this is for afterwards.
    """
    from studies.retention import delete_identifiers, erase_all, expired

    loaded = load_study(file)
    now = datetime.now(UTC)
    with contextlib.closing(open_store(database, file, loaded, existing=True)) as store:
        if expired(loaded, now.date()):
            if not yes:
                until = loaded.retention.data_until
                click.confirm(f"Data were to be kept until {until}. Erase everything?", abort=True)
            click.echo(f"Erased {erase_all(store, loaded)} participants.")
        count = delete_identifiers(store, loaded, now)
    click.echo(f"Deleted the identifiers of {count} participants.")


@study.command()
@study_file
@click.argument("participant")
@DATABASE
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(file: Path, participant: str, database: str | None, yes: bool) -> None:
    """Erase a PARTICIPANT, by their id here or on the platform, and all that they did.

    The dashboard shows the first six characters of an id here; they are enough if nobody else's
    begins so.
    """
    loaded = load_study(file)
    with contextlib.closing(open_store(database, file, loaded, existing=True)) as store:
        found = store.find(participant) or store.find_by_beginning(participant)
        if found is None:
            raise UserError(
                f"There is no participant {participant!r}: give the platform's identifier or the "
                "id that the dashboard shows (names in a shareable export are neither), and "
                "check --database"
            )
        while found is not None and (who := store.participant(found)) is not None:
            came = f"{who.id}, who came at {who.entered_utc},"
            if not yes:
                click.confirm(f"Erase {came} for good?", abort=True)
            store.withdraw(who, "forgotten", erase=True)
            click.echo(f"Erased {who.id}.")
            found = store.find(participant)  # the same person may have rehearsed too


NO_DESK = "none without a password: set one with `understudy study password {file}`"


def desk_password(file: Path, loaded: Study, hosted: bool) -> tuple[str | None, str | None]:
    """The hash of the dashboard's password, and the password itself when it was made just now.

    A hosted study has none by default, since what it prints may end in a log.
    """
    from studies.web.desk.door import checked_hash, keep, kept, password_file

    given = os.environ.get("UNDERSTUDY_PASSWORD_HASH")
    if given:
        return checked_hash(given, "UNDERSTUDY_PASSWORD_HASH"), None
    place = password_file(file, loaded.id)
    digest = kept(place)
    if digest is not None or hosted:
        return digest, None
    fresh = "-".join(secrets.token_hex(2) for _ in range(4))
    return keep(place, fresh), fresh


def shown_database(database: str | None, file: Path, loaded: Study) -> str:
    """The database as it may be shown: without its password."""
    if database is None:
        return str(file.with_name(f"{loaded.id}.db"))
    if "://" not in database:
        return database
    from studies.store import database_url

    return database_url(database).render_as_string(hide_password=True)


def open_store(
    database: str | None, file: Path, loaded: Study, *, existing: bool = False
) -> "Store":
    """Opens the study's database.

    Raises:
        UserError: It cannot be used, or should exist and does not.
    """
    from studies.store import Store

    place = database or str(file.with_name(f"{loaded.id}.db"))
    if existing and "://" not in place and not Path(place).exists():
        raise UserError(f"There is no database {place}: give --database as for `serve`")
    return Store(place)
