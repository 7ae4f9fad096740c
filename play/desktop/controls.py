"""The screen on which keys are remapped, and sound, motion and full screen switched."""

from collections.abc import Callable

import pygame

from play.desktop.app import App, Screen
from play.desktop.keys import CODES, RESERVED, key_label
from play.desktop.paint import ACCENT, MUTED, Painter
from play.desktop.widgets import Navigator, Row, Rows
from play.presentation.families import presentation_of
from play.worlds.spec import WorldFacts


class ControlsScreen:
    """Settings of the window, and the keys of the family of worlds given."""

    def __init__(self, app: App, facts: WorldFacts, back: Screen) -> None:
        self._app = app
        self._facts = facts
        self._labels = presentation_of(facts.world).labels
        self._back = back
        self._navigator = Navigator()
        self._waiting: str | None = None  # the action whose key is asked for
        self._refused = ""  # the key that was pressed instead and cannot be taken
        self._rows = Rows([*self._switches(), *self._keys(), *self._ends()])

    def handle(self, event: pygame.event.Event) -> None:
        """Takes the key asked for, or moves through the rows."""
        if self._waiting is not None:
            self._take(event)
            return
        self._rows.mouse(event)
        step = self._navigator.read(event)
        if step == "back":
            self._leave()
        else:
            self._rows.step(step)

    def draw(self, paint: Painter, time_ms: float) -> None:
        """Draws the rows, and what to do while a key is asked for."""
        paint.clear()
        width, height = paint.size
        paint.words("Controls and settings", width / 2, 52, 40, align="middle")
        row = min(52.0, (height - 170) / len(self._rows.rows) - 10)
        self._rows.draw(paint, width / 2 - 320, 92, 640, row)
        words = "Choose with the arrow keys, change with Enter, go back with Escape"
        if self._waiting is not None:
            name = self._labels.get(self._waiting, self._waiting)
            words = f"Press the new key for “{name}”, or Escape to keep the old one"
            if self._refused:
                words = f"{self._refused} has another use here: press another key, or Escape"
        color = MUTED if self._waiting is None else ACCENT
        paint.words(words, width / 2, height - 34, 22, color, align="middle")

    def close(self) -> None:
        """Closes the screen below, which may hold a game."""
        self._back.close()

    def _leave(self) -> None:
        self._app.show(self._back)

    def _switches(self) -> list[Row]:
        names = {
            "Sound": "sound",
            "Full screen (F11)": "full_screen",
            "Reduced motion": "reduced_motion",
        }
        return [
            Row(label, self._reader(name), self._flipper(name)) for label, name in names.items()
        ]

    def _reader(self, name: str) -> Callable[[], str]:
        return lambda: "On" if getattr(self._app.settings, name) else "Off"

    def _flipper(self, name: str) -> Callable[[int], None]:
        def flip(_: int) -> None:
            self._app.change(self._app.settings.flipped(name))

        return flip

    def _keys(self) -> list[Row]:
        return [
            Row(
                f"Key: {self._labels.get(action, action)}",
                self._key_reader(action),
                activate=self._asker(action),
            )
            for action in self._facts.actions
            if action in set(self._app.settings.keys_for(self._facts).values())
        ]

    def _key_reader(self, action: str) -> Callable[[], str]:
        def read() -> str:
            keys = self._app.settings.keys_for(self._facts)
            return ", ".join(key_label(code) for code, name in keys.items() if name == action)

        return read

    def _asker(self, action: str) -> Callable[[], None]:
        def ask() -> None:
            self._waiting = action

        return ask

    def _ends(self) -> list[Row]:
        def restore() -> None:
            self._app.change(self._app.settings.unbound(self._facts))

        return [Row("Restore the keys", activate=restore), Row("Done", activate=self._leave)]

    def _take(self, event: pygame.event.Event) -> None:
        if event.type != pygame.KEYDOWN or self._waiting is None:
            return
        code = CODES.get(event.scancode)
        self._refused = key_label(code) if code in RESERVED else ""
        if self._refused:
            return
        if event.key != pygame.K_ESCAPE and code is not None:
            self._app.change(self._app.settings.bound(self._facts, self._waiting, code))
        if event.key == pygame.K_ESCAPE or code is not None:
            self._waiting = None
