"""What a browser may say: every message checked for type, size and range before it is used."""

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MODES = ("solo", "watch", "pair")
TICK_RANGE_MS = (20, 2000)
MAX_SEATS = 16
CODE = re.compile(r"[A-Z2-9]{8}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}")
NAME = re.compile(r"[A-Za-z0-9_./-]{1,120}")


class BadMessage(Exception):
    """A message that no page of ours sends; costs its sender part of a small allowance."""


@dataclass(frozen=True)
class Start:
    """A wish for a new game.

    Attributes:
        mode: ``solo`` (one person), ``watch`` (policies only) or ``pair`` (a
            person for each seat of one role).
        world: World name, such as ``"kitchen/cramped_room"``.
        options: Options of the world, JSON scalars only.
        partners: Policy ids; for ``watch`` one per seat, otherwise one for each role that policies
            take, in the order of the seats.
        seat: The person's seat; for ``pair`` one of the role that people take.
        tick_ms: Time between steps in milliseconds.
    """

    mode: str
    world: str
    options: Mapping[str, str | int | float | bool]
    partners: tuple[str, ...]
    seat: int
    tick_ms: int


@dataclass(frozen=True)
class Key:
    """A key, button or pad press going down or up; `at` is the browser's clock in epoch ms."""

    action: int
    down: bool
    at: float


def _fields(data: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != set(names):
        raise BadMessage
    return data


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadMessage
    return value


def _text(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or len(value) > 120 or not pattern.fullmatch(value):
        raise BadMessage
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadMessage
    return value


def _options(value: Any) -> dict[str, str | int | float | bool]:
    if not isinstance(value, dict) or len(value) > 4:
        raise BadMessage
    for name, entry in value.items():
        _text(name, NAME)
        if isinstance(entry, str):
            _text(entry, NAME)
        elif not isinstance(entry, bool):
            _integer(entry, 0, 100_000)
    return value


def start(data: Any) -> Start:
    """Checks the wish for a new game."""
    fields = _fields(data, ("mode", "world", "options", "partners", "seat", "tick_ms"))
    if not isinstance(fields["mode"], str) or fields["mode"] not in MODES:
        raise BadMessage
    partners = fields["partners"]
    if not isinstance(partners, list) or len(partners) > MAX_SEATS:
        raise BadMessage
    return Start(
        mode=fields["mode"],
        world=_text(fields["world"], NAME),
        options=_options(fields["options"]),
        partners=tuple(_text(partner, NAME) for partner in partners),
        seat=_integer(fields["seat"], 0, MAX_SEATS - 1),
        tick_ms=_integer(fields["tick_ms"], *TICK_RANGE_MS),
    )


def key(data: Any) -> Key:
    """Checks a press or release."""
    fields = _fields(data, ("action", "down", "at"))
    at = fields["at"]
    if type(at) not in (int, float) or not math.isfinite(at) or not 0 <= at < 1e14:
        raise BadMessage
    return Key(_integer(fields["action"], 0, 255), _flag(fields["down"]), float(at))


def code(data: Any) -> str:
    """Checks a message that names a game by its code."""
    return _text(_fields(data, ("code",))["code"], CODE)


def pause(data: Any) -> bool:
    """Checks a wish to pause or go on."""
    return _flag(_fields(data, ("on",))["on"])


def beat(data: Any) -> float | None:
    """Checks a sign of life: the last message's time there and back in milliseconds, or None."""
    ms = _fields(data, ("ms",))["ms"]
    if ms is None:
        return None
    if type(ms) not in (int, float) or not math.isfinite(ms) or not 0 <= ms < 1e6:
        raise BadMessage
    return float(ms)


def empty(data: Any) -> None:
    """Checks a message without content."""
    _fields(data, ())


def token(data: Any) -> str | None:
    """The player's token from the connection's credentials, or None for a newcomer."""
    if data is None:
        return None
    value = data.get("token") if isinstance(data, dict) else None
    if value is None:
        return None
    return value if isinstance(value, str) and TOKEN.fullmatch(value) else None


@dataclass
class Allowance:
    """A token bucket of messages and a small number of forgiven mistakes for one connection.

    Attributes:
        rate: Messages per second in the long run.
        burst: Messages at once.
        mistakes: Malformed messages that are forgiven.
        clock: Monotonic seconds.
    """

    rate: float
    burst: float
    mistakes: int
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self._level = self.burst
        self._at = self.clock()

    def message(self) -> bool:
        """Counts a message; False when the connection has said too much."""
        now = self.clock()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True

    def mistake(self) -> bool:
        """Counts a malformed message; False when the connection has used up its allowance."""
        self.mistakes -= 1
        return self.mistakes >= 0


def allowance_factory(rate: float, burst: float, mistakes: int) -> Callable[[], Allowance]:
    """Makes a fresh allowance for each connection."""
    return lambda: Allowance(rate, burst, mistakes, time.monotonic)
