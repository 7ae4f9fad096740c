"""The game on show with its score bar: what live games and replays have in common."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from play.desktop.paint import (
    ACCENT,
    ACCENT_SOFT,
    GOLD,
    GOOD,
    GROUND,
    INK,
    LINE,
    MUTED,
    SURFACE,
    Painter,
)
from play.draw.renderers import make_renderer
from play.presentation.families import face_of, points, shows_own_points
from play.worlds.spec import WorldFacts

BAR = 76  # units that the score bar takes at the top
FOOT = 40  # and the line of help at the bottom
CLOCK = 104  # and the clock in the bar
OWN = 68  # units for the points of one player, at least
NAMELESS = 120  # units for each player below which a picture must do
HURRY = 10  # seconds before the end


@dataclass(frozen=True)
class Moment:
    """What is to be seen at one instant.

    Attributes:
        previous: `World.scene` before the last tick.
        following: `World.scene` after it.
        alpha: How much of the way between them has passed, 0 to 1.
        score: Team reward so far.
        scores: Reward of each seat so far.
        left_ms: Play time that is left, in milliseconds.
    """

    previous: Mapping[str, Any]
    following: Mapping[str, Any]
    alpha: float
    score: float
    scores: Sequence[float]
    left_ms: float


class Board:
    """Draws moments of one episode.

    Args:
        static_scene: `World.static_scene`.
        labels: Who sits in each seat.
        my_seat: The seat to mark as the player's own, or None.
        tick_ms: Time between ticks in milliseconds.
        facts: The world, for the length of a game and whose points count.
        art: Folder of the art with the faces of the seats.
        reduced_motion: Whether states are shown without moving between them.
    """

    def __init__(
        self,
        static_scene: Mapping[str, Any],
        labels: Sequence[str],
        my_seat: int | None,
        tick_ms: int,
        facts: WorldFacts,
        art: str,
        reduced_motion: bool,
    ) -> None:
        self._whole_ms = float(facts.horizon * tick_ms)
        self._own_points = shows_own_points(facts)
        self._faces = [face_of(facts, seat) for seat in range(facts.num_players)]
        self._art = art
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

    @property
    def ahead(self) -> float:
        """Ticks that may be shown beyond the latest one."""
        return self._renderer.ahead

    def direction(self, x: float, y: float) -> str | None:
        """The arrow key that leads the person's player to a pixel; see `Renderer.direction`."""
        return self._renderer.direction(x, y)

    def cues(self, previous: Mapping[str, Any], following: Mapping[str, Any]) -> list[str]:
        """Names of sound effects for what a step changed without anybody's doing."""
        return self._renderer.cues(previous, following)

    def _bar(self, paint: Painter, moment: Moment, width: float) -> None:
        paint.box((10, 8, width - 20, BAR - 8), SURFACE, radius=18, edge=LINE)
        paint.words("Score", 32, 25, 17, MUTED)
        x = 32 + max(paint.words(points(moment.score), 32, 51, 38, GOOD), 78) + 22
        right = width - 32 - CLOCK
        self._clock(paint, moment, right)
        taken = self._players(paint, moment, right - 30, right - x - 136)
        self._order_cards(paint, x, right - taken - 40)

    def _clock(self, paint: Painter, moment: Moment, x: float) -> None:
        """The time that is left, in figures and as a bar."""
        paint.words("Time left", x, 25, 17, MUTED)
        seconds = max(0, math.ceil(moment.left_ms / 1000))
        color = ACCENT if seconds <= HURRY else INK
        paint.words(f"{seconds // 60}:{seconds % 60:02d}", x, 48, 34, color)
        paint.box((x, 64, CLOCK, 5), ACCENT_SOFT, radius=2)
        part = moment.left_ms / max(1.0, self._whole_ms)
        paint.box((x, 64, CLOCK * max(0.0, min(1.0, part)), 5), ACCENT, radius=2)

    def _order_cards(self, paint: Painter, x: float, limit: float) -> None:
        """As many orders as fit, each with what it takes and its value."""
        if not self._orders:
            return
        paint.words("Orders", x, 25, 17, MUTED)
        for index, order in enumerate(self._orders):
            things = ["onion"] * order["onions"] + ["tomato"] * order["tomatoes"]
            worth = "∞" if order["value"] is None else f"{order['value']:g}"
            wide = 34 + 17 * len(things) + paint.width_of(worth, 24)
            more = f"+{len(self._orders) - index}"
            if index and x + wide > limit:
                paint.words(more, x, 52, 20, MUTED)
                return
            edge = GOLD if order.get("bonus") else LINE
            paint.box((x, 37, wide, 31), GROUND, radius=15, edge=edge)
            for i, thing in enumerate(things):
                paint.picture(thing, x + 8 + 17 * i, 41, 23, art=self._art)
            paint.words(worth, x + wide - 11, 53, 24, align="right")
            x += wide + 8

    def _players(self, paint: Painter, moment: Moment, right: float, room: float) -> float:
        """Who is who, and where each has points of their own these, from the right; the width."""
        x, each = right, room / len(self._labels)
        for seat in reversed(range(len(self._labels))):
            label = "You" if seat == self._my_seat else self._labels[seat]
            own = points(moment.scores[seat]) if self._own_points else ""
            wide = max(OWN, paint.width_of(own, 22) + 12) if own else 0
            label = paint.name(label, min(220.0, each - 74 - wide), 22) if each > NAMELESS else ""
            if own:
                color = GOOD if moment.scores[seat] >= 0 else ACCENT
                paint.words(own, x, 43, 22, color, align="right")
                x -= wide
            x -= paint.width_of(label, 22)
            paint.words(label, x, 43, 22)
            x -= 52 if label else 46
            paint.picture(self._faces[seat], x, 19, 46, art=self._art)
            x -= 22
        return right - x
