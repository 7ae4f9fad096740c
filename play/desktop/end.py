"""The end of a game: what the team made, and who did what."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygame

from play.desktop.paint import LINE, MUTED, SURFACE, Painter
from play.desktop.widgets import Navigator, Row, Rows

WIDE, HIGH = 700.0, 470.0  # units of the panel before it grows with the window
MOST_PRIZES = 20
MINE, THEIRS = 0.6, 0.4  # shares of the work from which on it was not shared


class EndPanel:
    """A panel over the last picture of a game.

    Args:
        title: Name of the kitchen and length of the game.
        score: Team reward.
        successes: Soups that earned something.
        table: Label of a contribution -> how many of it each seat made.
        labels: Who sat in each seat.
        my_seat: The person's seat, or None.
        record: The episode's file.
        choices: Label of a button -> what it does; the first is the main one.
    """

    def __init__(
        self,
        *,
        title: str,
        score: float,
        successes: int,
        table: Mapping[str, Sequence[int]],
        labels: Sequence[str],
        my_seat: int | None,
        record: Path,
        choices: Mapping[str, Callable[[], None]],
    ) -> None:
        self._title = title
        self._score = score
        self._successes = successes
        self._table = table
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
        paint.words(f"{self._score:g} points", middle, y + 78 * k, 62 * k, align="middle")
        self._prizes(paint, middle, y + 108 * k, (WIDE - 100) * k, k)
        paint.words(self._verdict(), middle, y + 166 * k, 22 * k, MUTED, align="middle")
        self._contributions(paint, x + 30 * k, y + 186 * k, wide - 60 * k, k)
        self._rows.draw(paint, x + 30 * k, y + 382 * k, wide - 60 * k, 48 * k)
        where = paint.shortened(f"Recorded in {self._record}", wide - 50 * k, 16 * k, MUTED)
        paint.words(where, middle, y + 450 * k, 16 * k, MUTED, align="middle")

    def _prizes(self, paint: Painter, middle: float, y: float, width: float, k: float) -> None:
        """A row of the soups that were served; many stand closer together."""
        count = min(self._successes, MOST_PRIZES)
        step = min(42 * k, width / max(1, count))
        x = middle - (step * (count - 1) + 40 * k) / 2
        for index in range(count):
            paint.picture("soup-3-0", x + step * index, y, 40 * k)

    def _verdict(self) -> str:
        """What the team did, and who did it, in a sentence."""
        if self._successes == 0:
            return "No soup made it to the counter this time."
        soups = f"{self._successes} soup{'s' if self._successes > 1 else ''} served"
        if self._my_seat is None or len(self._names) != 2:
            return f"{soups}."
        totals = [sum(row[seat] for row in self._table.values()) for seat in (0, 1)]
        share = totals[self._my_seat] / max(1, sum(totals))
        if share > MINE:
            return f"{soups}. You carried most of the work."
        if share < THEIRS:
            return f"{soups}. Your partner carried most of the work."
        return f"{soups}, and the work was shared."

    def _contributions(self, paint: Painter, x: float, y: float, width: float, k: float) -> None:
        """The table of what each seat did."""
        first = width * 0.29
        step = (width - first) / len(self._names)
        for seat, name in enumerate(self._names):
            left = x + first + step * seat
            paint.picture(f"avatar-{seat % 4}", left, y, 42 * k)
            size = (21 if len(self._names) < 3 else 16) * k
            name = paint.name(name, step - 54 * k, size)
            paint.words(name, left + 50 * k, y + 23 * k, size)
        y += 48 * k
        for label, counts in self._table.items():
            paint.box((x, y, width, 1.5), LINE, radius=0)
            words = label.capitalize().replace("_", " ")
            paint.words(words, x, y + 18 * k, 20 * k, MUTED)
            for seat, count in enumerate(counts):
                left, longest = x + first + step * seat, step - 56 * k
                part = longest * count / max(1, *counts)
                paint.seat_bar(seat, left, y + 11 * k, part, 13 * k)
                gap = 10 * k if count else 0
                paint.words(str(count), left + part + gap, y + 18 * k, 21 * k)
            y += 34 * k
