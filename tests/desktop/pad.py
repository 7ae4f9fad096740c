"""A gamepad that SDL takes for real: its own virtual joystick, from the library inside pygame."""

import ctypes
import re
from pathlib import Path

import pygame

GAME_CONTROLLER = 1  # SDL_JOYSTICK_TYPE_GAMECONTROLLER
CENTRED, UP = 0, 1  # SDL_HAT_*


def sdl() -> ctypes.CDLL | None:
    """The SDL that pygame has loaded into this process, where the system tells; else None."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    found = re.search(r"/\S*libSDL2-2\S*", maps.read_text())
    return ctypes.CDLL(found.group()) if found else None


class Pad:
    """A pad with a stick, four buttons and a hat; needs pygame's joystick module to be open."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._sdl = library
        self._index = library.SDL_JoystickAttachVirtual(GAME_CONTROLLER, 2, 4, 1)
        assert self._index >= 0
        library.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
        self._opened = pygame.joystick.Joystick(self._index)
        number = self._opened.get_instance_id()
        self._pad = ctypes.c_void_p(library.SDL_JoystickFromInstanceID(number))

    def lean(self, axis: int, value: float) -> None:
        """Moves the stick along an axis, -1 to 1."""
        self._sdl.SDL_JoystickSetVirtualAxis(self._pad, axis, ctypes.c_int16(round(value * 32767)))

    def hold(self, button: int, down: bool) -> None:
        """Presses or releases a button."""
        self._sdl.SDL_JoystickSetVirtualButton(self._pad, button, ctypes.c_uint8(down))

    def hat(self, way: int) -> None:
        """Tilts the hat."""
        self._sdl.SDL_JoystickSetVirtualHat(self._pad, 0, ctypes.c_uint8(way))

    def unplug(self) -> None:
        """Takes the pad away."""
        self._sdl.SDL_JoystickDetachVirtual(self._index)
