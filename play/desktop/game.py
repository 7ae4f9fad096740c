"""The screen on which a game is played or watched."""

from collections.abc import Callable, Mapping

import pygame

from play.desktop.app import App
from play.desktop.board import Board, Moment
from play.desktop.controls import ControlsScreen
from play.desktop.end import EndPanel
from play.desktop.keys import MENU_BUTTONS, Controls, default_keys, key_label
from play.desktop.live import LiveGame
from play.desktop.paint import ACCENT, LINE, MUTED, SURFACE, Painter
from play.desktop.sound import cue
from play.desktop.widgets import Navigator, Row, Rows
from play.presentation.families import presentation_of, title_of
from play.presentation.outcome import outcome_of
from play.session import TickResult
from play.worlds.spec import WorldFacts

HELP_KEYS = "P pauses, {m}, F11 fills the screen."


class GameScreen:
    """Hands keys to a live game and shows what becomes of it.

    Args:
        app: The window.
        game: The game, which this screen starts and closes.
        again: Starts the same game once more.
        menu: Goes back to the menu.
        replay: Shows the finished game's record.
    """

    def __init__(
        self,
        app: App,
        game: LiveGame,
        *,
        again: Callable[[], None],
        menu: Callable[[], None],
        replay: Callable[[], None],
    ) -> None:
        self._app = app
        self._game = game
        self._choices = {"Play again": again, "Watch the replay": replay, "Menu": menu}
        if game.my_seat is None:
            self._choices = {"Watch again": again, **dict(list(self._choices.items())[1:])}
        self._navigator = Navigator()
        self._previous = self._following = game.first_scene
        self._arrived = 0.0
        self._score = 0.0
        self._scores: tuple[float, ...] = (0.0,) * len(game.labels)
        self._steps = 0
        self._art = presentation_of(game.facts.world).art
        self._finger: tuple[int, int] | None = None
        self._led: int | None = None  # the action that the finger holds
        self._counted = 4  # seconds of the countdown that have been heard
        self._end: EndPanel | None = None
        self._pause = Rows(
            [
                Row("Go on", activate=self._go_on, strong=True),
                Row("Controls and settings", activate=self._settings),
                Row("Leave the game", activate=self._leave(menu)),
            ]
        )
        self._take_settings()
        game.start()

    def handle(self, event: pygame.event.Event) -> None:
        """Plays; or walks through the end's or the pause's buttons."""
        if self._end is not None:
            self._end.handle(event)
        elif self._game.paused:
            self._pause.mouse(event)
            step = self._navigator.read(event)
            if step in ("back", "menu") or _key(event, pygame.K_p):
                self._go_on()
            else:
                self._pause.step(step)
        elif _stops(event):
            self._pause.focus = 0
            self._game.pause()
        elif _key(event, pygame.K_m):
            self._app.change(self._app.settings.flipped("sound"))
        else:
            self._point(event)
            for action, down in self._controls.translate(event):
                self._game.key(action, down)

    def draw(self, paint: Painter, time_ms: float) -> None:
        """Draws the present moment and what lies over it."""
        if self._seen_settings is not self._app.settings:
            self._take_settings()
        for result in self._game.poll():
            self._take(result, time_ms)
        self._follow()
        most = 1.0 if self._game.over or self._game.paused else 1.0 + self._board.ahead
        alpha = min(most, (time_ms - self._arrived) / self._game.tick_ms)
        left = (self._game.facts.horizon - self._steps) * self._game.tick_ms
        moment = Moment(self._previous, self._following, alpha, self._score, self._scores, left)
        self._board.draw(paint, moment, time_ms)
        self._help(paint)
        if self._end is not None:
            self._end.draw(paint)
        elif self._game.paused:
            self._draw_pause(paint)
        elif self._game.trouble is not None:
            self._draw_trouble(paint, self._game.trouble)
        else:
            self._countdown(paint)
        if self._end is None and self._game.over:
            self._finish()

    def close(self) -> None:
        """Ends the game's record where it is."""
        self._game.close("left")

    def _point(self, event: pygame.event.Event) -> None:
        """Notes where a finger, or the mouse with its button down, is."""
        left = getattr(event, "button", 1) == 1
        pressed = event.type == pygame.MOUSEBUTTONDOWN and left
        if pressed or (event.type == pygame.MOUSEMOTION and self._finger is not None):
            self._finger = event.pos
        elif event.type == pygame.MOUSEBUTTONUP and left:
            self._finger = None

    def _follow(self) -> None:
        """Leads the person's player to the finger, where the picture knows the way."""
        code = None if self._finger is None else self._board.direction(*self._finger)
        action = None if code is None else self._game.facts.keys[code]
        if action == self._led:
            return
        if self._led is not None:
            self._game.key(self._led, False)
        if action is not None:
            self._game.key(action, True)
        self._led = action

    def _take(self, result: TickResult, time_ms: float) -> None:
        self._previous, self._following = self._following, result.scene
        self._arrived = time_ms
        self._score, self._scores, self._steps = result.score, result.scores, result.t
        heard = {cue(event) for events in result.events for event in events}
        heard |= set(self._board.cues(self._previous, self._following))
        for effect in heard - {None}:
            self._app.speaker.play(str(effect))

    def _take_settings(self) -> None:
        """Keys and motion may have changed on the settings screen."""
        game = self._game
        self._seen_settings = self._app.settings
        keys = self._app.settings.keys_for(game.facts)
        self._controls = Controls(game.facts, keys)
        self._key_words = _help_on(game.facts, keys)
        still = self._seen_settings.reduced_motion
        self._board = Board(
            game.static_scene,
            game.labels,
            game.my_seat,
            game.tick_ms,
            game.facts,
            self._art,
            still,
        )

    def _help(self, paint: Painter) -> None:
        width, height = paint.size
        keys = HELP_KEYS.format(m="M mutes" if self._app.settings.sound else "M sounds again")
        help_words = "" if self._game.my_seat is None else self._key_words
        brief = help_words.partition(". ")[0] + ". " if help_words else ""
        words = next(
            (line for line in (help_words + keys, brief + keys) if _fits(paint, line)), keys
        )
        paint.words(words, width / 2, height - 20, 19, MUTED, align="middle")

    def _countdown(self, paint: Painter) -> None:
        left = self._game.starts_in_ms() / 1000
        seconds = int(left) + 1 if left > 0 else 0
        if seconds < self._counted and (seconds > 0 or self._counted < 4):
            self._app.speaker.play("count" if seconds else "go")
        self._counted = min(self._counted, seconds)
        if seconds:
            width, height = paint.size
            paint.box((width / 2 - 80, height / 2 - 80, 160, 160), SURFACE, radius=80, edge=LINE)
            paint.words(str(seconds), width / 2, height / 2 + 4, 120, ACCENT, align="middle")

    def _draw_pause(self, paint: Painter) -> None:
        paint.veil(0.7)
        width, height = paint.size
        paint.words("Paused", width / 2, height / 2 - 130, 52, align="middle")
        self._pause.draw(paint, width / 2 - 180, height / 2 - 80, 360)

    @staticmethod
    def _draw_trouble(paint: Painter, sentence: str) -> None:
        width, height = paint.size
        paint.box((width / 2 - 400, height / 2 - 50, 800, 100), SURFACE, edge=ACCENT)
        paint.words(sentence, width / 2, height / 2, 24, ACCENT, align="middle")

    def _go_on(self) -> None:
        self._counted = 4
        self._game.resume()

    def _settings(self) -> None:
        self._app.show(ControlsScreen(self._app, self._game.facts, self))

    def _leave(self, menu: Callable[[], None]) -> Callable[[], None]:
        def leave() -> None:
            self.close()
            menu()

        return leave

    def _finish(self) -> None:
        self._app.speaker.play("end")
        game = self._game
        self._end = EndPanel(
            title=f"{title_of(game.facts.world)}, {self._steps} steps",
            outcome=outcome_of(game.facts, game.contributions()),
            art=self._art,
            labels=game.labels,
            my_seat=game.my_seat,
            record=game.record,
            choices=self._choices,
        )


def _fits(paint: Painter, words: str) -> bool:
    return paint.width_of(words, 19, MUTED) <= paint.size[0] - 40


def _key(event: pygame.event.Event, key: int) -> bool:
    return bool(event.type == pygame.KEYDOWN and event.key == key)


def _help_on(facts: WorldFacts, keys: Mapping[str, str]) -> str:
    """What the keys do; in the world's own words while they are where they were."""
    words = presentation_of(facts.world)
    if words.help and keys == default_keys(facts):
        return f"{words.help} "
    actions = {
        action: "/".join(key_label(code) for code, name in keys.items() if name == action)
        for action in dict.fromkeys(keys.values())
    }
    does = {action: words.labels.get(action, action).lower() for action in actions}
    return ", ".join(f"{labels} {does[action]}" for action, labels in actions.items()) + ". "


def _stops(event: pygame.event.Event) -> bool:
    """Whether an event asks for a pause: P, Escape, a gamepad's start, or a lost focus."""
    if event.type == pygame.JOYBUTTONDOWN:
        return bool(event.button in MENU_BUTTONS)
    lost = event.type == pygame.WINDOWFOCUSLOST
    return bool(lost or _key(event, pygame.K_p) or _key(event, pygame.K_ESCAPE))
