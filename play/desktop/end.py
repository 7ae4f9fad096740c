"""The end of a game: what the team made, and who did what."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygame

from play.desktop.paint import LINE, MUTED, SURFACE, Painter
from play.desktop.widgets import Navigator, Row, Rows


class EndPanel:
    """A panel over the last picture of a game.

    Args:
        title: Name of the kitchen.
        score: Team reward.
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
        table: Mapping[str, Sequence[int]],
        labels: Sequence[str],
        my_seat: int | None,
        record: Path,
        choices: Mapping[str, Callable[[], None]],
    ) -> None:
        self._title = title
        self._score = score
        self._table = table
        self._names = ["You" if seat == my_seat else label for seat, label in enumerate(labels)]
        self._my_seat = my_seat
        self._record = record
        self._navigator = Navigator()
        self._rows = Rows(
            [
                Row(label, activate=act, strong=index == 0)
                for index, (label, act) in enumerate(choices.items())
            ]
        )

    def handle(self, event: pygame.event.Event) -> None:
        """Moves through the buttons."""
        self._rows.mouse(event)
        step = self._navigator.read(event)
        self._rows.step("confirm" if step == "menu" else step)

    def draw(self, paint: Painter) -> None:
        """Draws the panel over what is there."""
        paint.veil(0.78)
        width, height = paint.size
        wide = min(760.0, width - 40)
        x, y = (width - wide) / 2, max(10.0, height / 2 - 330)
        paint.box((x, y, wide, 660), SURFACE, radius=24, edge=LINE)
        middle = x + wide / 2
        paint.words(self._title, middle, y + 36, 22, MUTED, align="middle")
        paint.words(f"{self._score:g} points", middle, y + 84, 60, align="middle")
        paint.words(self._verdict(), middle, y + 132, 22, MUTED, align="middle")
        below = self._contributions(paint, x + 40, y + 162, wide - 80)
        self._rows.draw(paint, x + wide / 2 - 170, below + 14, 340, 46)
        where = paint.shortened(f"Recorded in {self._record}", wide - 40, 16)
        paint.words(where, middle, y + 638, 16, MUTED, align="middle")

    def _verdict(self) -> str:
        totals = [
            sum(row[seat] for row in self._table.values()) for seat in range(len(self._names))
        ]
        if self._score == 0:
            return "No soup made it to the window this time."
        if self._my_seat is None or sum(totals) == 0:
            return "A meal well made."
        share = totals[self._my_seat] / sum(totals)
        fair = 1 / len(totals)
        if share > 1.2 * fair:
            return "You carried most of the work."
        if share < 0.8 * fair:
            return "Your partner carried most of the work."
        return "The work was shared."

    def _contributions(self, paint: Painter, x: float, y: float, width: float) -> float:
        """The table of what each seat did; returns the y below it."""
        columns = len(self._names)
        step = width * 0.62 / columns
        centres = [x + width * 0.38 + step * (seat + 0.5) for seat in range(columns)]
        for seat, (centre, name) in enumerate(zip(centres, self._names, strict=True)):
            paint.picture(f"avatar-{seat % 4}", centre - 32, y, 64)
            paint.words(paint.shortened(name, step - 10, 20), centre, y + 80, 20, align="middle")
        y += 104
        for label, counts in self._table.items():
            paint.box((x, y, width, 2), LINE, radius=0)
            paint.words(label.capitalize(), x, y + 20, 21, MUTED)
            for centre, count in zip(centres, counts, strict=True):
                paint.words(str(count), centre, y + 20, 24, align="middle")
            y += 38
        return y
