"""The screens of the desktop: what they choose, and that everything on them can be read."""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from agents.library import list_partners
from play.desktop.app import App
from play.desktop.board import Board, Moment
from play.desktop.config import DesktopConfig, Wish
from play.desktop.controls import ControlsScreen
from play.desktop.end import EndPanel
from play.desktop.game import GameScreen
from play.desktop.keys import SCANCODES
from play.desktop.live import LiveGame
from play.desktop.menu import MenuScreen
from play.desktop.paint import Painter
from play.desktop.replay import ReplayScreen
from play.desktop.settings import settings_path
from play.episode import read_episode, replay_states, verify
from play.presentation.families import presentation_of
from play.presentation.outcome import outcome_of
from play.replay import ReplayCursor
from play.worlds.registry import make_world
from tests.desktop.pad import CENTRED, UP, Pad, sdl

SRPO = "kitchen/cramped_room/srpo"
NORTH, SOUTH, EAST, WEST, STAY, INTERACT = range(6)
SIZES = [(1280, 720), (3840, 2160), (480, 320), (600, 900), (1600, 500), (1024, 768)]
FOUR = ["You", "Understudy (SRPO)", "Greedy cook", "A partner with a very long name indeed"]


@pytest.fixture
def app(headless: pygame.Surface, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")  # nobody focuses a dummy
    app = App()
    yield app
    app.close()


class Reader(Painter):
    """Notes where every line of words was drawn; a veil hides those before."""

    def __init__(self, surface: pygame.Surface) -> None:
        super().__init__(surface)
        self.lines: list[tuple[str, pygame.Rect]] = []

    def words(self, words: str, x: float, y: float, size: float, *rest: Any, **more: Any) -> float:
        width = super().words(words, x, y, size, *rest, **more)
        left = x - {"left": 0.0, "middle": 0.5, "right": 1.0}[more.get("align", "left")] * width
        if words:
            self.lines.append((words, self.pixels(left, y - size * 0.3, width, size * 0.6)))
        return width

    def veil(self, opacity: float) -> None:
        super().veil(opacity)
        self.lines.clear()

    def check(self) -> None:
        """All lines lie in the window, and none on another."""
        window = self.surface.get_rect()
        for words, place in self.lines:
            assert window.contains(place), words
        for (one, here), (other, there) in itertools.combinations(self.lines, 2):
            assert not here.colliderect(there), (one, other)


def press(screen: Any, *keys: int) -> None:
    for key in keys:
        screen.handle(pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, scancode=0))


def menu(app: App, tmp_path: Path, **given: Any) -> tuple[MenuScreen, list[Wish]]:
    wishes: list[Wish] = []
    return MenuScreen(app, DesktopConfig(tmp_path, **given), wishes.append), wishes


def test_the_menu_begins_with_play_beside_the_recommended_partner(app: App, tmp_path: Path) -> None:
    screen, wishes = menu(app, tmp_path)
    press(screen, pygame.K_RETURN)
    (wish,) = wishes
    assert (wish.world, wish.partners, wish.tick_ms) == ("kitchen/cramped_room", (None, SRPO), 150)


def test_layout_partner_seat_and_speed_are_chosen_by_keys(app: App, tmp_path: Path) -> None:
    screen, wishes = menu(app, tmp_path)
    up, down, right = pygame.K_UP, pygame.K_DOWN, pygame.K_RIGHT
    press(screen, up, right)  # faster
    press(screen, up, right)  # the other seat
    press(screen, up, up, right)  # the next kitchen
    press(screen, down, pygame.K_LEFT)  # the last partner
    press(screen, down, down, down, down, pygame.K_RETURN)  # one may choose how cooking starts
    (wish,) = wishes
    assert wish.world == "kitchen/asymmetric_advantages"
    assert (wish.partners, wish.my_seat) == (("stay", None), 1)
    assert wish.tick_ms < 150


def test_another_game_is_chosen_by_keys_at_a_speed_of_its_own(app: App, tmp_path: Path) -> None:
    screen, wishes = menu(app, tmp_path)
    up, down, right = pygame.K_UP, pygame.K_DOWN, pygame.K_RIGHT
    press(screen, up, right)  # faster
    press(screen, up, up, up, up, right)  # the next game
    press(screen, down, right)  # its second kitchen
    press(screen, down, right)  # its second partner
    press(screen, down, down, down, pygame.K_RETURN)
    (wish,) = wishes
    assert (wish.world, wish.partners) == ("private-kitchen/scarce", (None, "teammate"))
    assert (wish.options, wish.tick_ms) == ({}, 267)


RUNNER = "tag/simple/runner"


def test_the_other_role_is_chosen_by_itself(app: App, tmp_path: Path) -> None:
    up, down, left, right = pygame.K_UP, pygame.K_DOWN, pygame.K_LEFT, pygame.K_RIGHT
    screen, wishes = menu(app, tmp_path, world="tag/simple")
    press(screen, pygame.K_RETURN)
    press(screen, up, up, right)  # another runner
    press(screen, up, up, right)  # another partner
    press(screen, down, down, down, down, pygame.K_RETURN)
    press(screen, up, up, up, left)  # just watch
    press(screen, down, down, right)  # the second agent
    press(screen, down, down, pygame.K_RETURN)
    facts = make_world("tag/simple").facts
    first, second = (
        [p.name for p in list_partners(facts.world) if p.takes(facts, [seat])] for seat in (0, 1)
    )
    assert [wish.partners for wish in wishes] == [
        (None, second[0], RUNNER), (None, second[1], f"{RUNNER}-held-out"),
        (first[1], second[1], RUNNER),
    ]  # fmt: skip
    assert wishes[0].options.items() >= {"horizon": 300, "starts": "apart"}.items()
    assert wishes[0].tick_ms == 100
    alone, wishes = menu(app, tmp_path, world="tag/duel", seat=1)
    press(alone, pygame.K_RETURN)
    assert wishes[0].partners == ("pursue", None)


def test_two_agents_are_watched_without_a_person(app: App, tmp_path: Path) -> None:
    screen, wishes = menu(app, tmp_path)
    press(screen, pygame.K_UP, pygame.K_UP, pygame.K_LEFT)  # before the first seat: just watch
    press(screen, pygame.K_DOWN, pygame.K_LEFT)  # the second agent
    press(screen, pygame.K_DOWN, pygame.K_DOWN, pygame.K_RETURN)
    (wish,) = wishes
    assert (wish.partners, wish.my_seat) == ((SRPO, "stay"), None)


def test_a_pair_that_learned_together_is_watched_each_in_its_seat(app: App, tmp_path: Path) -> None:
    screen, wishes = menu(app, tmp_path)
    press(screen, pygame.K_UP, pygame.K_UP, pygame.K_LEFT)  # just watch
    to_the_pair = (pygame.K_RIGHT,) * 3  # SRPO, E3T, FCP, IPPO
    press(screen, pygame.K_UP, *to_the_pair)  # the first agent
    press(screen, pygame.K_DOWN, pygame.K_DOWN, *to_the_pair)  # the second
    press(screen, pygame.K_DOWN, pygame.K_DOWN, pygame.K_RETURN)
    (wish,) = wishes
    assert wish.partners == tuple(f"kitchen/cramped_room/ippo-seat{seat}" for seat in (0, 1))


def test_options_of_the_command_line_reach_the_menu(app: App, tmp_path: Path) -> None:
    options = {"dynamics": "new", "horizon": 60}
    screen, wishes = menu(app, tmp_path, options=options, seat=1, tick_ms=100)
    press(screen, pygame.K_RETURN)
    (wish,) = wishes
    assert dict(wish.options) == options
    assert wish.partners == (f"{SRPO}-new-dynamics", None)  # the others know the old dynamics alone
    assert wish.tick_ms == 100


def test_a_key_is_given_away_in_the_settings_and_kept(app: App, tmp_path: Path) -> None:
    facts = make_world("kitchen/cramped_room", compiled=False).facts
    screen = ControlsScreen(app, facts, menu(app, tmp_path)[0])
    paint = Reader(pygame.display.get_surface())
    press(screen, pygame.K_RETURN)  # sound off
    press(screen, *[pygame.K_DOWN] * 7, pygame.K_RETURN)
    pressed = {"mod": 0, "key": 0}
    for code in ("KeyP", "KeyE"):  # the first pauses games, and cannot be taken
        screen.handle(pygame.event.Event(pygame.KEYDOWN, scancode=SCANCODES[code], **pressed))
        screen.draw(paint, 0)
    assert any("has another use" in words for words, _ in paint.lines)
    keys = app.settings.keys_for(facts)
    assert [code for code, action in keys.items() if action == "interact"] == ["KeyE"]
    assert "KeyP" not in keys
    kept = json.loads(settings_path().read_text())
    assert (kept["sound"], kept["keys"]["kitchen"]["KeyE"]) == (False, "interact")


def boards(paint: Painter, name: str) -> None:
    world = make_world(name, compiled=False)
    world.reset(0)
    players = world.facts.num_players
    art = presentation_of(name).art
    board = Board(world.static_scene(), FOUR[:players], 0, 150, world.facts, art, False)
    scene = world.scene(0)
    board.draw(paint, Moment(scene, scene, 1.0, 1260, [-123.45] * players, 599_000), 0)


def end(players: int, counts: list[list[int]], seat: int | None = 0) -> EndPanel:
    layout = {2: "cramped_room", 4: "multiplayer_schelling"}[players]
    facts = make_world(f"kitchen/{layout}", compiled=False).facts
    seats = [
        {"counts": dict(zip(facts.contributions, row, strict=True)), "score": 20 * row[-1]}
        for row in zip(*counts, strict=True)
    ]
    return EndPanel(
        title="Counter Circuit, Mixed Soups, 400 steps", outcome=outcome_of(facts, seats),
        art="kitchen", labels=FOUR[:players], my_seat=seat,
        record=Path("episodes") / ("long" * 30),
        choices={"Play again": print, "Watch the replay": print, "Menu": print},
    )  # fmt: skip


def private_end() -> EndPanel:
    """A game in which one worked and the other was paid for it."""
    facts = make_world("private-kitchen/scarce", compiled=False).facts
    none = dict.fromkeys(facts.contributions, 0)
    seats = [
        {"counts": dict.fromkeys(facts.contributions, 8), "score": 31.75, "cost": 56.25},
        {"counts": none, "score": 88.0, "cost": 0.0},
    ]
    return EndPanel(
        title="Scarce Onions, 50 steps", outcome=outcome_of(facts, seats), art="kitchen",
        labels=FOUR[:2], my_seat=1, record=Path("episodes"),
        choices={"Play again": print, "Watch the replay": print, "Menu": print},
    )  # fmt: skip


def test_the_end_tells_own_points_and_private_costs(headless: pygame.Surface) -> None:
    paint = Reader(headless)
    private_end().draw(paint)
    lines = [line for line, _ in paint.lines]
    assert "119.75 points together" in lines
    assert "8 onions in the pot. Your partner carried most of the work." in lines
    rows = lines[lines.index("Own points") : lines.index("Onions fetched")]
    assert rows == ["Own points", "31.75", "88", "Private cost", "56.25", "0"]


@pytest.mark.parametrize("size", SIZES)
def test_words_stay_in_the_window_and_apart(
    app: App, tmp_path: Path, size: tuple[int, int]
) -> None:
    facts = make_world("kitchen/cramped_room", compiled=False).facts
    front = menu(app, tmp_path)[0]
    private = menu(app, tmp_path, world="private-kitchen/scarce")[0]
    tag = menu(app, tmp_path, world="tag/simple")[0]
    draws: list[Callable[[Painter], None]] = [
        lambda paint: front.draw(paint, 0),
        lambda paint: ControlsScreen(app, facts, front).draw(paint, 0),
        lambda paint: private.draw(paint, 0),
        lambda paint: tag.draw(paint, 0),
        lambda paint: boards(paint, "tag/simple"),
        lambda paint: boards(paint, "kitchen/cramped_room_o_3orders"),
        lambda paint: boards(paint, "kitchen/multiplayer_schelling"),
        lambda paint: boards(paint, "private-kitchen/scarce"),
        lambda paint: end(2, [[60, 0], [10, 9], [10, 9], [9, 9]]).draw(paint),
        lambda paint: end(4, [[20, 16, 3, 14]] * 4).draw(paint),
        lambda paint: private_end().draw(paint),
    ]
    for draw in draws:
        paint = Reader(pygame.display.set_mode(size))
        draw(paint)
        assert len(paint.lines) >= 4
        paint.check()


@pytest.mark.parametrize(
    ("mine", "theirs", "seat", "words"),
    [
        (6, 4, 0, "10 soups served, and the work was shared."),
        (7, 3, 0, "10 soups served. You carried most of the work."),
        (7, 3, 1, "10 soups served. Your partner carried most of the work."),
        (7, 3, None, "10 soups served."),
    ],
)
def test_the_end_says_who_did_the_work(
    headless: pygame.Surface, mine: int, theirs: int, seat: int | None, words: str
) -> None:
    paint = Reader(headless)
    end(2, [[mine, theirs]] * 4, seat).draw(paint)
    assert words in [line for line, _ in paint.lines]


def test_a_game_without_soup_ends_without_blame(headless: pygame.Surface) -> None:
    paint = Reader(headless)
    end(2, [[0, 0]] * 4).draw(paint)
    assert "No soup made it to the counter this time." in [line for line, _ in paint.lines]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> ReplayCursor:
    """The record of a short game of two agents."""
    wish = Wish("kitchen/cramped_room", {"horizon": 30}, (SRPO, "greedy"), 20)
    game = LiveGame(wish, tmp_path_factory.mktemp("games"), 3, 0)
    game.start()
    steps = 0
    while steps < 30:
        steps += len(game.poll())
    game.close("left")
    return ReplayCursor.open(game.record)


def status(screen: ReplayScreen, size: tuple[int, int] = (1280, 720)) -> str:
    """The line that tells where a replay stands."""
    paint = Reader(pygame.display.set_mode(size))
    screen.draw(paint, 0)
    paint.check()
    return next(words for words, _ in paint.lines if words.startswith("Step"))


def test_a_replay_is_paused_stepped_and_sped_up_by_keys(app: App, watched: ReplayCursor) -> None:
    left: list[bool] = []
    screen = ReplayScreen(app, watched, lambda: left.append(True))
    assert status(screen) == "Step 0 of 30 · 1×"
    press(screen, pygame.K_SPACE)
    assert status(screen) == "Step 0 of 30 · 1×, paused"
    press(screen, pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_LEFT, pygame.K_UP)
    assert status(screen) == "Step 1 of 30 · 2×, paused"
    press(screen, pygame.K_END, pygame.K_DOWN, pygame.K_DOWN)
    assert status(screen) == "Step 30 of 30 · 0.5×, paused"
    press(screen, pygame.K_SPACE)  # from the end, it begins again
    assert status(screen) == "Step 0 of 30 · 0.5×"
    press(screen, pygame.K_ESCAPE)
    assert left == [True]


@pytest.mark.parametrize("size", SIZES)
def test_a_replay_shows_what_the_policies_thought(
    app: App, watched: ReplayCursor, size: tuple[int, int]
) -> None:
    screen = ReplayScreen(app, watched, app.quit)
    press(screen, pygame.K_RIGHT, pygame.K_RIGHT)
    status(screen, size)
    paint = Reader(pygame.display.get_surface())
    screen.draw(paint, 0)
    decision = next(d for d in watched.decisions(2) if d["seat"] == 0)
    parts, taken = decision["probabilities"], decision["action"]
    shown = [words for words, _ in paint.lines if words.endswith("%")]
    rows = len(shown) // 2
    assert rows == 6 if size[1] > 480 else 2 <= rows < 6
    others = sorted((a for a in range(6) if a != taken), key=lambda a: -parts[a])
    seen = sorted([taken, *others[: rows - 1]])  # where room is short, the unlikely are left out
    assert shown[:rows] == [f"{parts[action]:.0%}" for action in seen]


class Player:
    """Plays on a screen with a gamepad: one deed after the other, a few steps apart."""

    def __init__(self, app: App, screen: GameScreen, game: LiveGame, deeds: list[Any]) -> None:
        self._app, self._screen, self._game, self._deeds = app, screen, game, deeds
        self.handle, self.close = screen.handle, screen.close
        self._next = 0

    def draw(self, paint: Painter, time_ms: float) -> None:
        self._screen.draw(paint, time_ms)
        steps = len(read_episode(self._game.record, partial=True).ticks)
        if steps >= self._next:
            self._next = steps + 2
            if not self._deeds:
                self._app.quit()
                return
            self._deeds.pop(0)()


def test_a_gamepad_moves_and_interacts(app: App, tmp_path: Path) -> None:
    library = sdl()
    if library is None:
        if os.environ.get("UNDERSTUDY_NO_SKIP"):
            pytest.fail("the SDL inside pygame was not found")
        pytest.skip("the SDL inside pygame was not found")
    pad = Pad(library)
    wish = Wish("kitchen/cramped_room", {}, (None, "stay"), 50)
    game = LiveGame(wish, tmp_path, 3, 0)
    screen = GameScreen(app, game, again=app.quit, menu=app.quit, replay=app.quit)
    deeds = [
        lambda: pad.hat(UP), lambda: pad.hat(CENTRED),
        lambda: pad.lean(0, -1.0), lambda: pad.lean(0, 0.0),
        lambda: pad.hold(0, True), lambda: pad.hold(0, False),
    ]  # fmt: skip
    app.show(Player(app, screen, game, deeds))
    app.run()
    pad.unplug()
    verify(game.record)
    episode = read_episode(game.record)
    pressed = [(line["action"], line["down"]) for line in episode.inputs]
    expected = [(action, down) for action in (NORTH, WEST, INTERACT) for down in (True, False)]
    assert pressed == expected
    *_, last = replay_states(episode)
    chef = last.scene(0)["players"][0]
    assert (chef["x"], chef["y"]) == (1, 1)  # up from (1, 2), beside the onions
    assert chef["held"]["kind"] == "onion"
