"""The end of a game: what the team made, and who did what."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygame

from play.desktop.paint import LINE, MUTED, SURFACE, Painter
from play.desktop.widgets import Navigator, Row, Rows
from play.presentation.families import points
from play.presentation.outcome import Outcome

WIDE, HIGH = 700.0, 470.0  # units of the panel before it grows with the window


class EndPanel:
    """A panel over the last picture of a game.

    Args:
        title: Name of the world and length of the game.
        outcome: What the game came to.
        art: Folder of the art with the faces of the seats.
        labels: Who sat in each seat.
        my_seat: The person's seat, or None.
        record: The episode's file.
        choices: Label of a button -> what it does; the first is the main one.
    """

    def __init__(
        self,
        *,
        title: str,
        outcome: Outcome,
        art: str,
        labels: Sequence[str],
        my_seat: int | None,
        record: Path,
        choices: Mapping[str, Callable[[], None]],
    ) -> None:
        self._title = title
        self._outcome = outcome
        self._art = art
        self._names = ["You" if seat == my_seat else label for seat, label in enumerate(labels)]
        self._my_seat = my_seat
        self._record = record
        self._navigator = Navigator()
        rows = [
            Row(label, activate=act, strong=index == 0)
            for index, (label, act) in enumerate(choices.items())
        ]
        self._rows = Rows(rows, across=True)

    def handle(self, event: pygame.event.Event) -> None:
        """Moves through the buttons."""
        self._rows.mouse(event)
        step = self._navigator.read(event)
        self._rows.step("confirm" if step == "menu" else step)

    def draw(self, paint: Painter) -> None:
        """Draws the panel over what is there."""
        paint.veil(0.78)
        width, height = paint.size
        k = max(0.5, min((width - 30) / WIDE, (height - 30) / HIGH, 1.3))
        wide, high = WIDE * k, HIGH * k
        x, y = (width - wide) / 2, (height - high) / 2
        paint.box((x, y, wide, high), SURFACE, radius=24, edge=LINE)
        middle = width / 2
        paint.words(self._title, middle, y + 34 * k, 22 * k, MUTED, align="middle")
        size = min(62 * k, 62 * k * (wide - 60 * k) / paint.width_of(self._outcome.heading, 62 * k))
        paint.words(self._outcome.heading, middle, y + 78 * k, size, align="middle")
        self._prizes(paint, middle, y + 108 * k, (WIDE - 100) * k, k)
        verdict = self._outcome.verdict(self._my_seat)
        paint.words(verdict, middle, y + 166 * k, 22 * k, MUTED, align="middle")
        self._contributions(paint, x + 30 * k, y + 186 * k, wide - 60 * k, k)
        self._rows.draw(paint, x + 30 * k, y + 382 * k, wide - 60 * k, 48 * k)
        where = paint.shortened(f"Recorded in {self._record}", wide - 50 * k, 16 * k, MUTED)
        paint.words(where, middle, y + 450 * k, 16 * k, MUTED, align="middle")

    def _prizes(self, paint: Painter, middle: float, y: float, width: float, k: float) -> None:
        """A row of what was achieved; many stand closer together."""
        count = self._outcome.prizes
        step = min(42 * k, width / max(1, count))
        x = middle - (step * (count - 1) + 40 * k) / 2
        for index in range(count):
            paint.picture(str(self._outcome.prize), x + step * index, y, 40 * k, art=self._art)

    def _contributions(self, paint: Painter, x: float, y: float, width: float, k: float) -> None:
        """The table of what each seat did."""
        first = width * 0.29
        step = (width - first) / len(self._names)
        for seat, name in enumerate(self._names):
            left = x + first + step * seat
            paint.picture(self._outcome.faces[seat], left, y, 42 * k, art=self._art)
            size = (21 if len(self._names) < 3 else 14) * k
            name = paint.name(name, step - 54 * k, size)
            paint.words(name, left + 50 * k, y + 23 * k, size)
        y += 48 * k
        for label, values in self._outcome.rows.items():
            paint.box((x, y, width, 1.5), LINE, radius=0)
            words = label.capitalize().replace("_", " ")
            paint.words(words, x, y + 18 * k, 20 * k, MUTED)
            widest = max(paint.width_of(points(value), 21 * k) for value in values)
            for seat, value in enumerate(values):
                left, longest = x + first + step * seat, step - max(56 * k, widest + 24 * k)
                part = longest * max(0.0, value) / max(1, *values)
                paint.seat_bar(seat, left, y + 11 * k, part, 13 * k)
                gap = 10 * k if part else 0
                paint.words(points(value), left + part + gap, y + 18 * k, 21 * k)
            y += 34 * k
