"""Whether somebody who plays is there: idle, hidden page, slow connection. No clock, no socket.

Each of the three goes from fine to warned, and after its grace to what the study file says. A
press, a page that is shown again or a quick connection makes it fine again. Every change is a
notice for the data.
"""

import math
import statistics
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from studies.design import Absence, Attention, Then

What = Literal["idle", "hidden", "lag"]
LAST = 3
"""Round trips that the median is taken of."""


@dataclass(frozen=True)
class Notice:
    """A change.

    Attributes:
        what: Which of the three.
        now: ``fine`` again, ``warned``, or what followed the warning.
        lasted_s: Seconds since it began.
    """

    what: What
    now: Literal["fine", "warned", "note", "pause", "end"]
    lasted_s: float


@dataclass
class _Case:
    """One of the three: since when, and how far it went."""

    what: What
    after_s: float
    grace_s: float
    then: Then
    since: float | None = None
    stage: int = 0  # 0 fine, 1 warned, 2 handled

    def look(self, now: float) -> Iterator[Notice]:
        if self.since is None:
            return
        lasted = now - self.since
        if self.stage == 0 and lasted >= self.after_s:
            self.stage = 1
            yield Notice(self.what, "warned", lasted)
        if self.stage == 1 and lasted >= self.after_s + self.grace_s:
            self.stage = 2
            yield Notice(self.what, self.then, lasted)

    def fine(self, now: float, *, again: bool) -> Iterator[Notice]:
        """It is over; with `again` it begins anew at once."""
        if self.stage and self.since is not None:
            yield Notice(self.what, "fine", now - self.since)
        self.stage, self.since = 0, now if again else None


class Watch:
    """Looks after one participant in one running round.

    Args:
        rules: What the study file says.
        now: Seconds, as in every method.

    Attributes:
        trips_ms: Every round trip that was measured.
        hidden_s: Seconds that the page was hidden so far.
    """

    def __init__(self, rules: Attention, now: float) -> None:
        self._cases = {case.what: case for case in _cases(rules)}
        self.trips_ms: list[float] = []
        self.hidden_s = 0.0
        self._hidden_since: float | None = None
        self._limit_ms = rules.lag.over_ms if rules.lag is not None else math.inf
        self._last: deque[float] = deque(maxlen=LAST)
        if "idle" in self._cases:
            self._cases["idle"].since = now

    def pressed(self, now: float) -> list[Notice]:
        """A key was pressed, or the participant says that they are there."""
        return self._fine("idle", now, again=True)

    def hidden(self, hidden: bool, now: float) -> list[Notice]:
        """The page left the screen, or is back."""
        if hidden == (self._hidden_since is not None):
            return []
        case = self._cases.get("hidden")
        if hidden:
            self._hidden_since = now
            if case is not None:
                case.since = now
            return []
        assert self._hidden_since is not None
        self.hidden_s += now - self._hidden_since
        self._hidden_since = None
        return self._fine("hidden", now, again=False)

    def trip(self, ms: float, now: float) -> list[Notice]:
        """A round trip was measured."""
        self.trips_ms.append(ms)
        self._last.append(ms)
        case = self._cases.get("lag")
        if case is None or len(self._last) < LAST:
            return []
        if statistics.median(self._last) <= self._limit_ms:
            return self._fine("lag", now, again=False)
        if case.since is None:
            case.since = now
        return []

    def rested(self, now: float) -> None:
        """The round stood still until now: nobody could press anything."""
        case = self._cases.get("idle")
        if case is not None and case.stage == 0:
            case.since = now

    def look(self, now: float) -> list[Notice]:
        """What has changed by the time."""
        return [notice for case in self._cases.values() for notice in case.look(now)]

    @property
    def lag_ms(self) -> float | None:
        """Median of all round trips; None without any."""
        return statistics.median(self.trips_ms) if self.trips_ms else None

    def _fine(self, what: What, now: float, *, again: bool) -> list[Notice]:
        case = self._cases.get(what)
        return [] if case is None else list(case.fine(now, again=again))


def _cases(rules: Attention) -> Iterator[_Case]:
    absences: tuple[tuple[What, Absence | None], ...] = (
        ("idle", rules.idle), ("hidden", rules.hidden)
    )  # fmt: skip
    for what, rule in absences:
        if rule is not None:
            yield _Case(what, rule.after_s, rule.grace_s, rule.then)
    if rules.lag is not None:
        yield _Case("lag", 0.0, rules.lag.grace_s, rules.lag.then)
