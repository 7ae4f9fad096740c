"""Keys and gamepads as actions of a world.

Keys are named as browsers name them (``KeyboardEvent.code``): by their place on the keyboard, so
that WASD lies under the same fingers on every keyboard layout, and settings read the same in both
front ends.
"""

from collections.abc import Mapping

import pygame

from play.worlds.spec import WorldFacts

SCANCODES = {
    **{f"Key{letter}": getattr(pygame, f"KSCAN_{letter}") for letter in map(chr, range(65, 91))},
    **{f"Digit{digit}": getattr(pygame, f"KSCAN_{digit}") for digit in range(10)},
    **{f"Numpad{digit}": getattr(pygame, f"KSCAN_KP{digit}") for digit in range(10)},
    "ArrowUp": pygame.KSCAN_UP,
    "ArrowDown": pygame.KSCAN_DOWN,
    "ArrowLeft": pygame.KSCAN_LEFT,
    "ArrowRight": pygame.KSCAN_RIGHT,
    "Space": pygame.KSCAN_SPACE,
    "Enter": pygame.KSCAN_RETURN,
    "NumpadEnter": pygame.KSCAN_KP_ENTER,
    "Tab": pygame.KSCAN_TAB,
    "Backspace": pygame.KSCAN_BACKSPACE,
    "ShiftLeft": pygame.KSCAN_LSHIFT,
    "ShiftRight": pygame.KSCAN_RSHIFT,
    "ControlLeft": pygame.KSCAN_LCTRL,
    "ControlRight": pygame.KSCAN_RCTRL,
    "Comma": pygame.KSCAN_COMMA,
    "Period": pygame.KSCAN_PERIOD,
    "Slash": pygame.KSCAN_SLASH,
    "Semicolon": pygame.KSCAN_SEMICOLON,
    "Quote": pygame.KSCAN_APOSTROPHE,
    "Minus": pygame.KSCAN_MINUS,
    "Equal": pygame.KSCAN_EQUALS,
    "BracketLeft": pygame.KSCAN_LEFTBRACKET,
    "BracketRight": pygame.KSCAN_RIGHTBRACKET,
}
RESERVED = ("KeyP", "KeyM")  # pause and mute, in every game
CODES = {scancode: code for code, scancode in SCANCODES.items()}

# What a gamepad's stick and pad mean: what a world's own keyboard map gives to the arrow keys.
DIRECTIONS = {
    (0, -1): "ArrowUp", (0, 1): "ArrowDown", (1, 0): "ArrowRight", (-1, 0): "ArrowLeft",
}  # fmt: skip
# Pads without a hat have their four arrows as buttons, in the order that SDL numbers them.
ARROWS = {11: (0, -1), 12: (0, 1), 13: (-1, 0), 14: (1, 0)}
MENU_BUTTONS = (6, 7, 9)  # start, options or select, by make
STICK_ON, STICK_OFF = 0.55, 0.35  # a gap between them, so that a trembling thumb repeats nothing


def key_label(code: str) -> str:
    """A short name for a key: ``"KeyW"`` -> ``"W"``, ``"ArrowUp"`` -> ``"Up"``."""
    for prefix in ("Key", "Digit", "Arrow"):
        if code.startswith(prefix):
            return code.removeprefix(prefix)
    return code


def default_keys(facts: WorldFacts) -> dict[str, str]:
    """The world's own keyboard map as key name -> action name."""
    return {code: facts.actions[action] for code, action in facts.keys.items()}


class Controls:
    """Turns pygame's events into presses and releases of actions.

    Args:
        facts: The world's actions.
        keys: Key name -> action name; names that the world does not have are passed over.
    """

    def __init__(self, facts: WorldFacts, keys: Mapping[str, str]) -> None:
        index = {name: action for action, name in enumerate(facts.actions)}
        self._keys = {
            SCANCODES[code]: index[name]
            for code, name in keys.items()
            if code in SCANCODES and name in index
        }
        self._directions = {
            way: facts.keys[code] for way, code in DIRECTIONS.items() if code in facts.keys
        }
        others = set(index.values()) - set(self._directions.values()) - {facts.idle_action}
        self._button = min(others) if others else None
        self._stick: dict[tuple[int, str], tuple[int, int]] = {}

    def translate(self, event: pygame.event.Event) -> list[tuple[int, bool]]:
        """The (action, pressed) changes that an event means; usually none or one."""
        if event.type in (pygame.KEYDOWN, pygame.KEYUP):
            action = self._keys.get(event.scancode)
            return [] if action is None else [(action, event.type == pygame.KEYDOWN)]
        if event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            return self._press(event.button, event.type == pygame.JOYBUTTONDOWN)
        if event.type == pygame.JOYHATMOTION:
            x, y = event.value
            return self._lean(event.instance_id, "hat", (x, -y) if not (x and y) else (x, 0))
        if event.type == pygame.JOYAXISMOTION and event.axis in (0, 1):
            return self._axis(event)
        return []

    def _press(self, button: int, down: bool) -> list[tuple[int, bool]]:
        """One of the four buttons under the right thumb, or an arrow."""
        action = self._button if button <= 3 else self._directions.get(ARROWS.get(button, (0, 0)))
        return [] if action is None else [(action, down)]

    def _axis(self, event: pygame.event.Event) -> list[tuple[int, bool]]:
        """One axis of the left stick; the axis pushed last wins until it comes back."""
        now = self._stick.get((event.instance_id, "stick"), (0, 0))
        along = now[event.axis]
        threshold = STICK_OFF if along else STICK_ON
        sign = 0 if abs(event.value) < threshold else (1 if event.value > 0 else -1)
        if sign:
            way = (sign, 0) if event.axis == 0 else (0, sign)
        else:
            way = now if not along else (0, 0)
        return self._lean(event.instance_id, "stick", way)

    def _lean(self, pad: int, part: str, way: tuple[int, int]) -> list[tuple[int, bool]]:
        before = self._stick.get((pad, part), (0, 0))
        self._stick[pad, part] = way
        if way == before:
            return []
        changes = [(before, False), (way, True)]
        return [(self._directions[w], down) for w, down in changes if w in self._directions]
