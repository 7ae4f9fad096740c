"""The lobby: who waits for whom. No clock, no socket, no database.

Somebody waits under a key, and meets whoever waits under the same one. A key is all that two must
have in common: version of the study, rehearsal or not, arm and round; and for those who are a pair
already, the pair.
"""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits, until a time in seconds."""

    name: str
    key: Hashable
    until: float


class WaitingRoom:
    """Those who wait, the longest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}

    def join(self, name: str, key: Hashable, until: float) -> str | None:
        """Lets somebody wait; returns whom they meet, and then neither waits any more."""
        self.leave(name)
        for other in self._waiting.values():
            if other.key == key:
                del self._waiting[other.name]
                return other.name
        self._waiting[name] = Waiting(name, key, until)
        return None

    def leave(self, name: str) -> None:
        """Lets somebody go; no effect on one who does not wait."""
        self._waiting.pop(name, None)

    def until(self, name: str) -> float | None:
        """Until when somebody waits; None for one who does not."""
        found = self._waiting.get(name)
        return found.until if found else None

    def overdue(self, now: float) -> list[str]:
        """Those whose time is up; they wait no longer."""
        names = [one.name for one in self._waiting.values() if one.until <= now]
        for name in names:
            self.leave(name)
        return names
