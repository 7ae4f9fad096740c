"""Rows that are chosen and changed with keys, a mouse or a gamepad alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pygame

from play.desktop.keys import MENU_BUTTONS, STICK_OFF, STICK_ON
from play.desktop.paint import ACCENT, ACCENT_SOFT, INK, LINE, MUTED, SURFACE, Painter

KEYS = {
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_RETURN: "confirm",
    pygame.K_KP_ENTER: "confirm",
    pygame.K_SPACE: "confirm",
    pygame.K_ESCAPE: "back",
    pygame.K_w: "up",
    pygame.K_s: "down",
    pygame.K_a: "left",
    pygame.K_d: "right",
}
GAP = 10.0  # units between rows
BUTTONS = {
    0: "confirm",
    1: "back",
    11: "up",
    12: "down",
    13: "left",
    14: "right",
    **dict.fromkeys(MENU_BUTTONS, "menu"),
}


class Navigator:
    """Reads steps through a menu (``up``, ``left``, ``confirm``, ``back``, …) from events."""

    def __init__(self) -> None:
        self._leaning: dict[int, int] = {}

    def read(self, event: pygame.event.Event) -> str | None:
        """The step that an event means, or None."""
        if event.type == pygame.KEYDOWN:
            if event.key == pygame.K_TAB:
                return "up" if event.mod & pygame.KMOD_SHIFT else "down"
            return KEYS.get(event.key)
        if event.type == pygame.JOYBUTTONDOWN:
            return BUTTONS.get(event.button)
        if event.type == pygame.JOYHATMOTION:
            x, y = event.value
            return {(0, 1): "up", (0, -1): "down", (-1, 0): "left", (1, 0): "right"}.get((x, y))
        if event.type == pygame.JOYAXISMOTION and event.axis in (0, 1):
            return self._stick(event.axis, event.value)
        return None

    def _stick(self, axis: int, value: float) -> str | None:
        before = self._leaning.get(axis, 0)
        if abs(value) < (STICK_OFF if before else STICK_ON):
            self._leaning[axis] = 0
            return None
        self._leaning[axis] = 1 if value > 0 else -1
        if self._leaning[axis] == before:
            return None
        ways = ("left", "right") if axis == 0 else ("up", "down")
        return ways[value > 0]


@dataclass(frozen=True)
class Row:
    """One line of a menu.

    Attributes:
        label: What it is about.
        value: Reads the present choice; None for a row that only does something.
        change: Moves the choice by -1 or +1.
        activate: What confirming does; rows with a choice move it by +1.
        strong: Whether it is the screen's main button.
    """

    label: str
    value: Callable[[], str] | None = None
    change: Callable[[int], None] | None = None
    activate: Callable[[], None] | None = None
    strong: bool = False


class Rows:
    """A column of rows with one of them in focus.

    Args:
        rows: The rows.
        across: Whether they stand side by side, as buttons do.
    """

    def __init__(self, rows: Sequence[Row], *, across: bool = False) -> None:
        self.rows = list(rows)
        self.focus = 0
        self._across = across
        self._boxes: list[pygame.Rect] = []

    def step(self, step: str | None) -> None:
        """Applies a step of the `Navigator`."""
        by = 1 if step in ("down", "right") else -1
        if step in ("up", "down") or (self._across and step in ("left", "right")):
            self.focus = (self.focus + by) % len(self.rows)
        elif step in ("left", "right"):
            self._change(by)
        elif step == "confirm":
            self._confirm()

    def mouse(self, event: pygame.event.Event) -> None:
        """Focus follows the mouse; a click confirms, or changes towards the side clicked."""
        if event.type not in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            return
        for index, box in enumerate(self._boxes):
            if box.collidepoint(event.pos):
                self.focus = index
                if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
                    self._click(box, event.pos[0])

    def draw(self, paint: Painter, x: float, y: float, width: float, height: float = 52) -> float:
        """Draws the rows, each `height` units high; returns the y below the last."""
        self._boxes = []
        each = (width + GAP) / len(self.rows) - GAP if self._across else width
        for index, row in enumerate(self.rows):
            self._boxes.append(paint.pixels(x, y, each, height))
            self._row(paint, row, (x, y, each, height), index == self.focus)
            if self._across:
                x += each + GAP
            else:
                y += height + GAP
        return y + (height + GAP if self._across else 0)

    def _row(
        self, paint: Painter, row: Row, at: tuple[float, float, float, float], focused: bool
    ) -> None:
        x, y, width, height = at
        middle, size = y + height / 2, height * 0.44
        fill = ACCENT if row.strong else ACCENT_SOFT if focused else SURFACE
        paint.box(at, fill, edge=ACCENT if focused else LINE, edge_width=3 if focused else 2)
        if row.strong and focused:
            paint.box((x + 5, y + 5, width - 10, height - 10), ACCENT, radius=10, edge="#ffffff")
        if row.value is None:
            color = "#ffffff" if row.strong else INK
            paint.words(row.label, x + width / 2, middle, size, color, align="middle")
            return
        paint.words(row.label, x + 18, middle, size * 0.86, MUTED)
        words = paint.shortened(row.value(), width * 0.64 - 64, size)
        paint.words(words, x + width * 0.66, middle, size, INK, align="middle")
        if row.change:
            for left, way in ((x + width * 0.34, -1), (x + width - 20, 1)):
                paint.arrow(left, middle, height * 0.2, way, ACCENT)

    def _change(self, by: int) -> None:
        row = self.rows[self.focus]
        if row.change:
            row.change(by)

    def _confirm(self) -> None:
        row = self.rows[self.focus]
        if row.activate:
            row.activate()
        elif row.change:
            row.change(1)

    def _click(self, box: pygame.Rect, x: int) -> None:
        row = self.rows[self.focus]
        if row.change:
            row.change(-1 if x < box.left + box.width * 0.5 else 1)
        else:
            self._confirm()
