"""Entry points of the desktop front end: play and watch, or look at a record."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.library import check_fit, list_partners
from play.desktop.app import App
from play.desktop.config import DesktopConfig, Wish
from play.desktop.game import GameScreen
from play.desktop.live import LiveGame
from play.desktop.menu import MenuScreen, options_of
from play.desktop.replay import ReplayScreen
from play.presentation.families import options_for_people
from play.replay import ReplayCursor
from play.worlds.errors import UserError
from play.worlds.registry import make_world

FIRST_WORLD = "kitchen/cramped_room"


def run(config: DesktopConfig) -> None:
    """Opens the window and plays until it is closed.

    Raises:
        UserError: There is no display, or what was asked for does not exist.
    """
    wish = None if config.asks else chosen(config)  # mistakes come to light before a window does
    Player(App(full_screen=config.full_screen), config).run(wish)


def run_replay(path: Path, *, full_screen: bool | None = None) -> None:
    """Opens the window and shows a record.

    Raises:
        UserError: There is no display, or the record cannot be read.
    """
    cursor = ReplayCursor.open(path)
    app = App(full_screen=full_screen)
    app.show(ReplayScreen(app, cursor, app.quit))
    app.run()


class Player:
    """Leads from the menu to games, their ends and their replays."""

    def __init__(self, app: App, config: DesktopConfig) -> None:
        self._app = app
        self._config = config
        self._games = 0
        self._menu_screen: MenuScreen | None = None  # kept, since it remembers what was chosen

    def run(self, wish: Wish | None) -> None:
        """Shows the menu, or the game wished for, until the window is closed."""
        try:
            if wish is None:
                self._menu()
            else:
                self._play(wish)
        except UserError:
            self._app.close()
            raise
        self._app.run()

    def _menu(self) -> None:
        if self._menu_screen is None:
            self._menu_screen = MenuScreen(self._app, self._config, self._play)
        self._app.show(self._menu_screen)

    def _play(self, wish: Wish) -> None:
        seed = self._config.seed
        game = LiveGame(
            wish,
            self._config.episodes_dir,
            None if seed is None else seed + self._games,
            self._config.countdown_ms,
        )
        self._games += 1

        def end() -> None:
            game.close("left")

        def again() -> None:
            end()
            self._play(wish)

        def menu() -> None:
            end()
            self._menu()

        def replay() -> None:
            end()
            cursor = ReplayCursor.open(game.record)
            self._app.show(ReplayScreen(self._app, cursor, self._menu))

        self._app.show(GameScreen(self._app, game, again=again, menu=menu, replay=replay))


def _first_fitting(world: str, options: Mapping[str, Any], seats: Sequence[int]) -> str:
    """The recommended partner, or the next one that was trained under the rules asked for."""
    for partner in list_partners(world):
        facts = make_world(world, **{**options_of(partner), **options}).facts
        try:
            check_fit(partner, facts, seats)
        except UserError:
            continue
        return partner.name
    raise UserError(f"There is no partner for {world}: see `understudy partners`")


def chosen(config: DesktopConfig) -> Wish:
    """The game that the command line describes.

    Raises:
        UserError: No such world, seat or partner.
    """
    world = config.world or _world_of(config.partner) or FIRST_WORLD
    options = {**options_for_people(world), **config.options}
    facts = make_world(world, **options).facts
    if config.seat is not None and not 0 <= config.seat < facts.num_players:
        raise UserError(
            f"{world} has no seat {config.seat}: choose from 0 to {facts.num_players - 1}"
        )
    beside = facts.partners_of(config.seat)
    partner = config.partner or _first_fitting(world, options, beside)
    for known in list_partners(world):
        if known.name == partner:
            options = {**options_of(known), **options}
    seats: list[str | None] = [None] * facts.num_players
    for group in facts.groups(without=() if config.seat is None else (config.seat,)):
        for seat in group:
            seats[seat] = partner if group == beside else _first_fitting(world, options, group)
    return Wish(world, options, tuple(seats), config.tick_ms or facts.tick_ms)


def _world_of(partner: str | None) -> str | None:
    """The world that a trained policy's name tells: ``kitchen/cramped_room/srpo``."""
    parts = (partner or "").split("/")
    return "/".join(parts[:2]) if len(parts) == 3 else None
