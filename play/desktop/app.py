"""The desktop window: one loop that hands events and frames to the screen on show."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pygame

from play.desktop.paint import DESIGN, Painter
from play.desktop.settings import Settings, load_settings, save_settings, settings_path
from play.desktop.sound import Speaker
from play.draw.sprites import Sprites
from play.worlds.errors import UserError

FRAMES_PER_SECOND = 60
SMALLEST = (480, 320)


class Screen(Protocol):
    """Something that fills the window."""

    def handle(self, event: pygame.event.Event) -> None:
        """Reacts to one event."""
        ...

    def draw(self, paint: Painter, time_ms: float) -> None:
        """Draws one frame."""
        ...

    def close(self) -> None:
        """Ends whatever runs behind the screen."""
        ...


class App:
    """The window, the settings, the loudspeaker, and the screen on show.

    Raises:
        UserError: There is no display to open a window on.
    """

    def __init__(self, *, full_screen: bool | None = None) -> None:
        self._settings_path: Path = settings_path()
        self.settings: Settings = load_settings(self._settings_path)
        if full_screen is not None:
            self.settings = replace(self.settings, full_screen=full_screen)
        _open_display()
        pygame.font.init()
        pygame.joystick.init()
        self._pads = [pygame.joystick.Joystick(i) for i in range(pygame.joystick.get_count())]
        self.speaker = Speaker(self.settings.sound)
        self._windowed = DESIGN
        self._set_mode()
        self._clock = pygame.time.Clock()
        self._screen: Screen | None = None
        self._running = True

    def show(self, screen: Screen) -> None:
        """Puts another screen in the window; the one before is not closed."""
        self._screen = screen

    def quit(self) -> None:
        """Ends the loop after this frame."""
        self._running = False

    def change(self, settings: Settings) -> None:
        """Takes and keeps new settings."""
        turned = settings.full_screen != self.settings.full_screen
        self.settings = settings
        self.speaker.on = settings.sound
        save_settings(self._settings_path, settings)
        if turned:
            self._set_mode()

    def toggle_full_screen(self) -> None:
        """Between the window and the full screen."""
        self.change(self.settings.flipped("full_screen"))

    def run(self) -> None:
        """Shows the window until the person closes it."""
        try:
            while self._running and self._screen is not None:
                self._frame(self._screen)
                self._clock.tick(FRAMES_PER_SECOND)
        except KeyboardInterrupt:  # Ctrl-C in the terminal closes the window
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Closes the screen on show and the window."""
        if self._screen is not None:
            self._screen.close()
        self.speaker.close()
        pygame.quit()

    def _frame(self, screen: Screen) -> None:
        for event in pygame.event.get():
            self._event(event, screen)
            if not self._running or self._screen is not screen:
                return
        surface = pygame.display.get_surface()
        assert surface is not None, "the window is open while the loop runs"
        if self._paint.surface is not surface or self._size != surface.get_size():
            self._new_painter(surface)
        screen.draw(self._paint, pygame.time.get_ticks())
        pygame.display.flip()

    def _event(self, event: pygame.event.Event, screen: Screen) -> None:
        if event.type == pygame.QUIT:
            self.quit()
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F11:
            self.toggle_full_screen()
        elif event.type == pygame.JOYDEVICEADDED:
            self._pads.append(pygame.joystick.Joystick(event.device_index))
        elif event.type == pygame.VIDEORESIZE and not self.settings.full_screen:
            self._windowed = max(SMALLEST[0], event.w), max(SMALLEST[1], event.h)
        else:
            screen.handle(event)

    def _set_mode(self) -> None:
        if self.settings.full_screen:
            surface = pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            surface = pygame.display.set_mode(self._windowed, pygame.RESIZABLE)
        self._new_painter(surface)

    def _new_painter(self, surface: pygame.Surface) -> None:
        self._paint = Painter(surface)
        self._size = surface.get_size()


def _open_display() -> None:
    """Starts the video system and names the window."""
    advice = "start it on a desktop, or play in the browser with `understudy play`"
    try:
        pygame.display.init()
    except pygame.error as error:
        raise UserError(f"No display was found to open a window on ({error}): {advice}") from error
    driver = pygame.display.get_driver()
    if driver in ("dummy", "offscreen") and os.environ.get("SDL_VIDEODRIVER") != driver:
        pygame.display.quit()
        raise UserError(f"No display was found to open a window on: {advice}")
    pygame.display.set_caption("Understudy")
    pygame.display.set_icon(Sprites("kitchen").get("logo", 64, 64))
