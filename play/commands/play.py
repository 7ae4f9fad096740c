"""`understudy play`."""

import os
import secrets
import socket
import sys
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agents.library import load_policy
from play.worlds.errors import UserError
from play.worlds.registry import full_name, make_world

DEFAULT_PORT = 5000
LAST_PORT = 5050


@dataclass(frozen=True)
class Wish:
    """What the command line asked for, checked.

    Attributes:
        world: World's full name.
        partner: Policy's name, or None for the recommended one.
        seat: The person's seat.
        tick_ms: Time between steps; None takes the world's own.
        options: Options of the world.
    """

    world: str
    partner: str | None
    seat: int
    tick_ms: int | None
    options: dict[str, Any]


@click.command()
@click.option(
    "--layout",
    "--world",
    default="cramped_room",
    show_default=True,
    help="Layout or other world, or the path of a .layout file; see `understudy layouts`. A family "
    "such as tag stands for its first world.",
)
@click.option("--partner", help="Partner's name; see `understudy partners`.  [default: SRPO]")
@click.option("--seat", default="0", show_default=True, help="Your seat: 0, 1, … or random.")
@click.option(
    "--dynamics",
    help="Cooking starts by itself (old) or on an extra press (new).  [default: the layout's own]",
)
@click.option(
    "--tick-ms",
    type=click.IntRange(20, 5000),
    help="Milliseconds between steps.  [default: the world's own; 150 in kitchens]",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 100_000),
    help="Steps in a game.  [default: the world's own; 400 in kitchens]",
)
@click.option("--desktop", is_flag=True, help="Play in a window instead of the browser.")
@click.option("--full-screen", is_flag=True, help="Fill the screen; with --desktop.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to serve on; 0.0.0.0 lets other devices in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to serve on; 0 takes a free one.  [default: 5000 or the next free one]",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--episodes-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("episodes"),
    show_default=True,
    help="Where games are recorded.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the first game.")
def play(layout: str, partner: str | None, seat: str, dynamics: str | None, tick_ms: int | None,
         steps: int | None, desktop: bool, full_screen: bool, host: str, port: int | None,
         no_browser: bool, episodes_dir: Path, seed: int | None) -> None:  # fmt: skip
    """Play beside an agent.

    Serves the game to the browser, or opens a window with --desktop. Every game is recorded.
    """
    wish = checked_wish(layout, partner, seat, dynamics, tick_ms, steps)
    if full_screen and not desktop:
        raise UserError("--full-screen belongs to --desktop: add it, or press F11 in the browser")
    if desktop:
        _play_in_a_window(wish, episodes_dir, full_screen, seed)
    else:
        _play_in_the_browser(wish, episodes_dir, host, port, no_browser, seed)


def checked_wish(
    layout: str,
    partner: str | None,
    seat: str,
    dynamics: str | None,
    tick_ms: int | None,
    steps: int | None,
) -> Wish:
    """Finds the world, the partner and the seat.

    Raises:
        UserError: One of them does not exist or they do not fit together.
    """
    world = full_name(layout)
    asked: dict[str, Any] = {"dynamics": dynamics, "horizon": steps}
    options = {name: value for name, value in asked.items() if value is not None}
    facts = make_world(world, **options).facts
    number = _seat_number(seat, facts.num_players, world)
    if partner is not None:
        load_policy(partner, facts, seats=facts.partners_of(number))
    return Wish(facts.world, partner, number, tick_ms, options)


def _seat_number(seat: str, players: int, world: str) -> int:
    if seat == "random":
        return secrets.randbelow(players)
    if not seat.isdecimal() or int(seat) >= players:
        seats = ", ".join(str(s) for s in range(players))
        raise UserError(f"There is no seat {seat!r} in {world}: choose {seats} or random")
    return int(seat)


def _play_in_a_window(wish: Wish, episodes_dir: Path, full_screen: bool, seed: int | None) -> None:
    from play.desktop.config import DesktopConfig
    from play.desktop.main import run

    context = click.get_current_context()
    given = [
        context.get_parameter_source(name) != click.core.ParameterSource.DEFAULT
        for name in ("layout", "partner")
    ]
    run(
        DesktopConfig(
            episodes_dir=episodes_dir,
            world=wish.world if any(given) else None,
            partner=wish.partner,
            seat=wish.seat,
            tick_ms=wish.tick_ms,
            seed=seed,
            options=wish.options,
            full_screen=full_screen or None,
        )
    )


def _play_in_the_browser(
    wish: Wish, episodes_dir: Path, host: str, port: int | None, no_browser: bool, seed: int | None
) -> None:
    from play.web.config import PlayConfig
    from play.web.server import PlayServer

    server = PlayServer(
        PlayConfig(
            episodes_dir=episodes_dir,
            host=host,
            port=free_port(host) if port is None else port,
            world=wish.world,
            partner=wish.partner,
            seat=wish.seat,
            tick_ms=wish.tick_ms,
            options=wish.options,
            seed=seed,
        )
    )
    click.echo(f"Understudy is ready: {server.url}")
    click.echo(f"Games are recorded in {episodes_dir}. Ctrl-C ends the server.")
    if not no_browser and has_display():
        threading.Timer(0.5, webbrowser.open, [server.url]).start()
    try:
        server.run()
    except KeyboardInterrupt:
        click.echo("\nEnded; running games were recorded up to here.")


def free_port(host: str) -> int:
    """The default port, or the next one that is free."""
    for port in range(DEFAULT_PORT, LAST_PORT):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    return DEFAULT_PORT  # the server says that it is taken


def has_display() -> bool:
    """Whether a browser window could open here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
