"""The kitchen on show with its score bar: what live games and replays have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from play.desktop.paint import GOLD, GROUND, INK, LINE, MUTED, SURFACE, Painter
from play.draw.renderers import make_renderer

BAR = 76  # units that the score bar takes at the top
FOOT = 40  # and the line of help at the bottom


@dataclass(frozen=True)
class Moment:
    """What is to be seen at one instant.

    Attributes:
        previous: `World.scene` before the last tick.
        following: `World.scene` after it.
        alpha: How much of the way between them has passed, 0 to 1.
        score: Team reward so far.
        left_ms: Play time that is left, in milliseconds.
    """

    previous: Mapping[str, Any]
    following: Mapping[str, Any]
    alpha: float
    score: float
    left_ms: float


class Board:
    """Draws moments of one episode.

    Args:
        static_scene: `World.static_scene`.
        labels: Who sits in each seat.
        my_seat: The seat to mark as the player's own, or None.
        tick_ms: Time between ticks in milliseconds.
        reduced_motion: Whether states are shown without moving between them.
    """

    def __init__(
        self,
        static_scene: Mapping[str, Any],
        labels: Sequence[str],
        my_seat: int | None,
        tick_ms: int,
        reduced_motion: bool,
    ) -> None:
        self._orders = static_scene.get("orders", [])
        self._labels = labels
        self._my_seat = my_seat
        self._renderer = make_renderer(
            static_scene,
            my_seat=my_seat,
            tick_ms=tick_ms,
            reduced_motion=reduced_motion,
            background=GROUND,
        )

    def draw(
        self,
        paint: Painter,
        moment: Moment,
        time_ms: float,
        *,
        right: float = 0,
        foot: float = FOOT,
    ) -> None:
        """Draws the window but for `right` units at its right side and `foot` below."""
        paint.clear()
        width, height = paint.size
        area = paint.pixels(16, BAR + 6, width - 32 - right, height - BAR - foot - 8)
        self._renderer.draw(
            paint.surface, area, moment.previous, moment.following, moment.alpha, time_ms
        )
        self._bar(paint, moment, width)

    def cues(self, previous: Mapping[str, Any], following: Mapping[str, Any]) -> list[str]:
        """Names of sound effects for what a step changed without anybody's doing."""
        return self._renderer.cues(previous, following)

    def _bar(self, paint: Painter, moment: Moment, width: float) -> None:
        paint.box((0, -20, width, BAR + 20), SURFACE, edge=LINE)
        x = 20 + paint.words("Score", 20, 22, 17, MUTED)
        x = max(x, 20 + paint.words(f"{moment.score:g}", 20, 51, 40)) + 32
        paint.words("Time", x, 22, 17, MUTED)
        seconds = max(0, round(moment.left_ms / 1000))
        late = seconds <= 15
        paint.words(f"{seconds // 60}:{seconds % 60:02d}", x, 51, 40, "#c23c1b" if late else INK)
        self._order_cards(paint, x + 120, width - self._chefs(paint, width) - 16)

    def _order_cards(self, paint: Painter, x: float, limit: float) -> None:
        """As many orders as fit, each with its picture and value."""
        for order in self._orders:
            if x + 108 > limit:
                return
            paint.box((x, 10, 100, 56), "#fbf3e6", edge=GOLD if order.get("bonus") else LINE)
            paint.picture(f"soup-{order['onions']}-{order['tomatoes']}", x + 6, 14, 48)
            worth = "∞" if order["value"] is None else f"{order['value']:g}"
            paint.words(worth, x + 60, 38, 26)
            x += 108

    def _chefs(self, paint: Painter, width: float) -> float:
        """Who is who, from the right; returns the width it took."""
        x = width - 16
        for seat in reversed(range(len(self._labels))):
            label = "You" if seat == self._my_seat else self._labels[seat]
            label = paint.shortened(label, 190, 21)
            x -= paint.width_of(label, 21)
            paint.words(label, x, 38, 21)
            x -= 56
            paint.picture(f"avatar-{seat % 4}", x, 12, 50)
            x -= 20
        return width - x
