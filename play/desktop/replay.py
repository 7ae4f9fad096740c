"""The screen on which a recorded episode is looked at, step by step."""

from collections.abc import Callable

import pygame

from play.desktop.app import App
from play.desktop.board import Board, Moment
from play.desktop.paint import ACCENT, ACCENT_SOFT, GOOD, LINE, MUTED, SURFACE, Painter
from play.desktop.sound import cue
from play.presentation.families import face_of, presentation_of
from play.replay import ReplayCursor

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
PANEL = 300  # units at the right for what the policies thought
FOOT = 86  # units below for the time line
ROW = 23.0  # units for an action
JUMP = 25  # steps
HELP = "Space pauses, Left and Right step, Up and Down set the speed, Esc leaves."
BUTTONS = {0: pygame.K_SPACE, 1: pygame.K_ESCAPE, 4: pygame.K_DOWN, 5: pygame.K_UP}
PAD = {(1, 0): pygame.K_RIGHT, (-1, 0): pygame.K_LEFT, (0, 1): pygame.K_UP, (0, -1): pygame.K_DOWN}


class ReplayScreen:
    """Plays a record back.

    Args:
        app: The window.
        cursor: The record.
        leave: Where Escape leads.
    """

    def __init__(self, app: App, cursor: ReplayCursor, leave: Callable[[], None]) -> None:
        self._app = app
        self._cursor = cursor
        self._leave = leave
        self.t = 0
        self.playing = True
        self.speed = 1.0
        self._part = 0.0  # of the step after t that has been played
        self._before = 0  # the step that was shown before t
        self._clock: float | None = None
        self._line: pygame.Rect | None = None
        header = cursor.episode.header
        self._tick_ms = float(header["tick_ms"])
        labels = [seat["label"] for seat in header["seats"]]
        self._labels = labels
        self._words = presentation_of(cursor.facts.world)
        self._board = Board(
            cursor.static_scene,
            labels,
            None,
            round(self._tick_ms),
            cursor.facts,
            self._words.art,
            app.settings.reduced_motion,
        )

    def handle(self, event: pygame.event.Event) -> None:
        """Plays, pauses, steps, jumps, changes the speed."""
        if event.type == pygame.KEYDOWN:
            self._press(event.key, bool(event.mod & pygame.KMOD_SHIFT))
        elif event.type == pygame.JOYBUTTONDOWN and event.button in BUTTONS:
            self._press(BUTTONS[event.button], False)
        elif event.type == pygame.JOYHATMOTION and event.value in PAD:
            self._press(PAD[event.value], False)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION):
            self._point(event)

    def draw(self, paint: Painter, time_ms: float) -> None:
        """Draws the present step, the time line and the policies' thoughts."""
        self._advance(time_ms)
        cursor = self._cursor
        previous, following = cursor.scene(self._before), cursor.scene(self.t)
        left = (cursor.facts.horizon - self.t) * self._tick_ms
        alpha = min(1.0, self._part) if self.playing else 1.0
        scores = cursor.score(self.t), cursor.scores(self.t)
        moment = Moment(previous, following, alpha, *scores, left)
        self._board.draw(paint, moment, time_ms, right=PANEL, foot=FOOT)
        self._panel(paint)
        self._time_line(paint)

    def close(self) -> None:
        """Nothing runs behind a replay."""

    # What keys and the mouse do.

    def _press(self, key: int, shift: bool) -> None:
        if key == pygame.K_ESCAPE:
            self._leave()
        elif key in (pygame.K_SPACE, pygame.K_p):
            self.playing = not self.playing
            if self.playing and self.t == self._cursor.steps:
                self._go(0)
        elif key in (pygame.K_LEFT, pygame.K_RIGHT):
            by = JUMP if shift else 1
            self._pause_at(self.t + (by if key == pygame.K_RIGHT else -by))
        elif key in (pygame.K_HOME, pygame.K_END):
            self._pause_at(0 if key == pygame.K_HOME else self._cursor.steps)
        elif key in (pygame.K_UP, pygame.K_DOWN):
            index = SPEEDS.index(self.speed) + (1 if key == pygame.K_UP else -1)
            self.speed = SPEEDS[max(0, min(index, len(SPEEDS) - 1))]
        elif key == pygame.K_m:
            self._app.change(self._app.settings.flipped("sound"))

    def _point(self, event: pygame.event.Event) -> None:
        pressed = event.type == pygame.MOUSEBUTTONDOWN and event.button == 1
        dragged = event.type == pygame.MOUSEMOTION and event.buttons[0]
        if self._line is None or not (pressed or dragged):
            return
        if self._line.inflate(0, 40).collidepoint(event.pos):
            part = (event.pos[0] - self._line.left) / self._line.width
            self._go(round(part * self._cursor.steps))

    def _pause_at(self, t: int) -> None:
        self.playing = False
        self._go(t)

    def _go(self, t: int) -> None:
        self.t = self._before = max(0, min(t, self._cursor.steps))
        self._part = 0.0

    def _advance(self, time_ms: float) -> None:
        """Moves on by the time since the last frame."""
        passed = 0.0 if self._clock is None else time_ms - self._clock
        self._clock = time_ms
        if not self.playing:
            return
        self._part += passed * self.speed / self._tick_ms
        while self._part >= 1:
            if self.t == self._cursor.steps:
                self.playing = False
                return
            self._before, self.t = self.t, self.t + 1
            self._part -= 1
            self._sound()

    def _sound(self) -> None:
        heard = {cue(event) for events in self._cursor.events(self.t) for event in events}
        for effect in heard - {None}:
            self._app.speaker.play(str(effect))

    # What is around the picture.

    def _panel(self, paint: Painter) -> None:
        width, height = paint.size
        x, y = width - PANEL, 88.0
        paint.box((x, y, PANEL - 16, height - FOOT - 100), SURFACE, edge=LINE)
        paint.words("What each player did", x + 16, y + 24, 21)
        y += 46
        each = (height - FOOT - 150) / len(self._labels)
        for seat, label in enumerate(self._labels):
            paint.picture(face_of(self._cursor.facts, seat), x + 12, y, 36, art=self._words.art)
            paint.words(paint.name(label, PANEL - 86, 20), x + 56, y + 20, 20)
            below = self._actions(paint, x + 16, y + 44, seat, int((each - 50) / ROW))
            y = min(y + each, below + 14)

    def _actions(self, paint: Painter, x: float, y: float, seat: int, most: int) -> float:
        """Bars of a policy's likeliest actions, or a person's action; returns the y below."""
        actions = self._cursor.actions(self.t)
        if actions is None:
            return y
        names = [self._words.labels.get(name, name) for name in self._cursor.facts.actions]
        decisions = {d["seat"]: d for d in self._cursor.decisions(self.t)}
        decision, taken = decisions.get(seat, {}), actions[seat]
        fallback, probabilities = decision.get("fallback"), decision.get("probabilities")
        if fallback is not None:
            paint.words(f"{names[taken]} (policy {fallback})", x, y + 8, 18, ACCENT)
        elif probabilities is None:
            paint.words(names[taken], x, y + 8, 18, GOOD)
        else:
            # The one taken, then the likeliest; all of them where there is room.
            ranked = sorted(range(len(names)), key=lambda a: (a != taken, -probabilities[a]))
            for action in sorted(ranked[: max(1, most)]):
                color = GOOD if action == taken else MUTED
                self._bar(paint, x, y, names[action], probabilities[action], color)
                y += ROW
            return y
        return y + ROW

    @staticmethod
    def _bar(paint: Painter, x: float, y: float, name: str, probability: float, color: str) -> None:
        paint.words(name, x, y + 8, 17, color)
        paint.box((x + 60, y, 130, 15), ACCENT_SOFT, radius=4)
        if probability > 0.005:
            paint.box((x + 60, y, 130 * probability, 15), color, radius=4)
        paint.words(f"{probability:.0%}", x + 248, y + 8, 17, color, align="right")

    def _time_line(self, paint: Painter) -> None:
        width, height = paint.size
        y = height - 56
        at = (40.0, y, width - 80, 10.0)
        paint.box(at, LINE, radius=5)
        self._line = paint.pixels(*at)
        part = self.t / max(1, self._cursor.steps)
        paint.box((40, y, max(10.0, part * (width - 80)), 10), ACCENT, radius=5)
        paint.box((40 + part * (width - 80) - 10, y - 6, 22, 22), ACCENT, radius=11)
        state = f"{self.speed:g}×" if self.playing else f"{self.speed:g}×, paused"
        words = f"Step {self.t} of {self._cursor.steps} · {state}"
        taken = paint.words(words, 40, height - 22, 19)
        rest = paint.shortened(HELP, width - 140 - taken, 17, MUTED)
        paint.words(rest, width - 40, height - 22, 17, MUTED, align="right")
