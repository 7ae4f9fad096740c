"""A screen that nobody sees: an X server of one's own, with a keyboard and a camera."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pygame
from numpy.typing import NDArray
from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import BadWindow
from Xlib.ext import xtest
from Xlib.protocol.event import ClientMessage
from Xlib.xobject.drawable import Window

XVFB = shutil.which("Xvfb")
PATIENCE_S = 60.0
"""How long anything may take before a test gives up; on a machine with time nothing does."""
COMMAND = "from play.main import main; main()"


def wait_for(what: str, met: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def understudy(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command that needs no screen, to its end."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip


class Desk:
    """A screen of its own, and `understudy` on it.

    Args:
        folder: Where the screen's memory and the settings are kept.
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, folder: Path, width: int = 1280, height: int = 800) -> None:
        self._folder = folder
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            [
                "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24",
                "-fbdir", str(folder), "-nolisten", "tcp", "-noreset",
            ],
            pass_fds=[writing], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as display:
            self._name = f":{display.readline().strip()}"
        self._screen = Display(self._name)
        self._game: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Desk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._game is not None:
            if self._game.poll() is None:
                self._game.kill()
            self._game.communicate()
        self._screen.close()
        self._server.terminate()
        self._server.wait()

    def start(self, arguments: Sequence[str]) -> None:
        """Runs `understudy` with these arguments and gives its window the keyboard."""
        self._game = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments], env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # A shell's background job ignores Ctrl-C, and what it starts would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        wait_for("the window", lambda: self._window() is not None)
        self.focus()

    def environment(self) -> dict[str, str]:
        """What programs on this screen see."""
        own = {
            "DISPLAY": self._name,
            "SDL_VIDEODRIVER": "x11",
            "SDL_AUDIODRIVER": "dummy",
            "XDG_CONFIG_HOME": str(self._folder / "config"),
            "XDG_RUNTIME_DIR": str(self._folder),
        }
        return os.environ | own

    def press(self, *keys: str) -> None:
        """Presses and releases keys, one after the other, as fast as hands do."""
        for key in keys:
            self.hold(key)
            time.sleep(0.03)
            self.release(key)
            time.sleep(0.03)

    def point(self, x: float, y: float) -> None:
        """Moves the mouse to a point of the screen."""
        xtest.fake_input(self._screen, X.MotionNotify, x=round(x), y=round(y))
        self._screen.sync()

    def button(self, down: bool) -> None:
        """Presses or releases the mouse's left button."""
        xtest.fake_input(self._screen, X.ButtonPress if down else X.ButtonRelease, 1)
        self._screen.sync()

    def hold(self, key: str) -> None:
        """Presses a key, named as X names it."""
        self._fake(X.KeyPress, key)

    def release(self, key: str) -> None:
        """Lets go of a key."""
        self._fake(X.KeyRelease, key)

    def close_window(self) -> None:
        """What the cross in the window's corner does."""
        window = self._shown()
        protocols, delete = (
            self._screen.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")
        )
        words = (32, [delete, X.CurrentTime, 0, 0, 0])
        window.send_event(ClientMessage(window=window, client_type=protocols, data=words))
        self._screen.sync()

    def focus(self) -> None:
        """Gives the window the keyboard, as a window manager would."""
        window = self._shown()
        window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self._screen.sync()

    def size(self) -> tuple[int, int]:
        """Width and height of the window, or zeros while there is none."""
        window = self._window()
        if window is None:
            return 0, 0
        geometry = window.get_geometry()
        return geometry.width, geometry.height

    def resize(self, width: int, height: int) -> None:
        """Drags the window to another size."""
        window = self._shown()
        window.configure(width=width, height=height)
        self._screen.sync()

    def _fake(self, event: int, key: str) -> None:
        code = self._screen.keysym_to_keycode(XK.string_to_keysym(key))
        assert code, f"the X server has no key {key!r}"
        xtest.fake_input(self._screen, event, code)
        self._screen.sync()

    def _window(self) -> Window | None:
        """The game's window, which the toolkit may replace by another one."""
        name = self._screen.intern_atom("_NET_WM_NAME")
        for window in self._screen.screen().root.query_tree().children:
            try:
                named = window.get_full_text_property(name) == "Understudy"
                if named and window.get_attributes().map_state == X.IsViewable:
                    return window
            except BadWindow:  # it has gone meanwhile
                continue
        return None

    def _shown(self) -> Window:
        """The game's window; waits while there is none, since it may be about to be replaced."""
        wait_for("the window", lambda: self._window() is not None)
        return self._window() or self._shown()

    def leave(self) -> tuple[int, str]:
        """Waits until the program has ended; returns its exit status and what it complained of."""
        assert self._game is not None
        _, complaints = self._game.communicate(timeout=PATIENCE_S)
        return self._game.returncode, complaints

    def interrupt(self) -> None:
        """Ctrl-C in the terminal."""
        assert self._game is not None
        self._game.send_signal(signal.SIGINT)

    def picture(self) -> NDArray[np.uint8]:
        """[height, width, 3] what the screen shows, red, green, blue.

        Source: the X window dump that Xvfb keeps in its -fbdir (X11/XWDFile.h, version 7).
        """
        dump = (self._folder / "Xvfb_screen0").read_bytes()
        head = struct.unpack(">25I", dump[:100])
        size, width, height, stride, colours = head[0], head[4], head[5], head[12], head[19]
        pixels = np.frombuffer(dump, np.uint8, stride * height, size + colours * 12)
        rows = pixels.reshape(height, stride)[:, : width * 4].reshape(height, width, 4)
        return rows[:, :, 2::-1].copy()

    def window_picture(self) -> NDArray[np.uint8]:
        """[height, width, 3] the part of the screen on which the window lies."""
        window = self._window()
        if window is None:
            return np.zeros((1, 1, 3), np.uint8)
        place = window.get_geometry()
        rows, columns = slice(place.y, place.y + place.height), slice(place.x, None)
        return self.picture()[rows, columns][:, : place.width]

    def keep(self, path: Path) -> NDArray[np.uint8]:
        """Writes what the screen shows as an image file, and returns it as `picture` does."""
        picture = self.picture()
        path.parent.mkdir(parents=True, exist_ok=True)
        image = pygame.image.frombuffer(picture.tobytes(), picture.shape[1::-1], "RGB")
        pygame.image.save(image, path)
        return picture
