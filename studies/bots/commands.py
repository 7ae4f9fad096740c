"""The command `understudy study bots`."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from play.worlds.errors import UserError
from studies.design import Study

if TYPE_CHECKING:
    from studies.store import Store


def send(
    file: Path,
    loaded: Study,
    store: "Store",
    *,
    number: int,
    together: int,
    seed: int,
    speed: float,
    dropouts: float,
    mistakes: float,
    planted: bool,
    browser: bool,
    at: str | None,
) -> bool:
    """Sends simulated participants; returns whether all of them got through.

    Raises:
        UserError: The server cannot be reached, or is of another study.
    """
    from studies.bots.crowd import Crowd, Outcome, summary
    from studies.bots.persona import Habits

    with _server(file, loaded, store, speed, at) as (url, token):
        habits = Habits(dropouts=dropouts, mistakes=mistakes, planted=planted)
        crowd = Crowd(loaded, url, token, store, habits, seed, speed, browser)
        with click.progressbar(length=number, label="Simulated participants") as bar:

            def told(_: Outcome) -> None:
                bar.update(1)

            outcomes = crowd.go(number, together, told)
    for line in summary(outcomes):
        click.echo(line)
    return not any(outcome.problem for outcome in outcomes)


@contextlib.contextmanager
def _server(
    file: Path, loaded: Study, store: "Store", speed: float, at: str | None
) -> Iterator[tuple[str, str]]:
    """Address and token of a server that runs, or of one for the occasion."""
    from studies.web.config import StudyConfig
    from studies.web.pages import SIMULATED
    from studies.web.server import StudyServer, checked_secret, local_secret

    given = os.environ.get("UNDERSTUDY_SECRET")
    secret = checked_secret(given) if given else local_secret(file.with_name(f"{loaded.id}.secret"))
    config = StudyConfig(
        loaded, store, secret, countdown_ms=round(3000 / speed), message_rate=60 * speed,
        message_burst=180 * speed, speed=speed,
    )  # fmt: skip
    if at is not None:
        if speed != 1:
            raise UserError("--speed is for a server of its own: leave out --at, or --speed")
        url = at.rstrip("/")
        _probe(url, config.signed(SIMULATED))
        yield url, config.signed(SIMULATED)
        return
    server = StudyServer(config)
    thread = threading.Thread(target=server.run, name="study server")
    thread.start()
    try:
        yield server.url, config.signed(SIMULATED)
    finally:
        server.close()
        thread.join()


def _probe(url: str, token: str) -> None:
    import requests

    try:
        answer = requests.get(f"{url}/", params={"test": token}, timeout=10)
    except requests.RequestException as error:
        raise UserError(f"{url} does not answer: start `understudy study serve` there") from error
    if answer.status_code != 200:
        raise UserError(
            f"{url} does not take simulated participants ({answer.status_code}): give the address "
            "of this study's server, and its UNDERSTUDY_SECRET if it has one"
        )
