"""What just happened in a kitchen, told by comparing two states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AHEAD = ((0, -1), (0, 1), (1, 0), (-1, 0))
LASTS_MS = {"points": 1300.0, "touch": 320.0}


@dataclass(frozen=True)
class Pop:
    """Something short-lived over a cell: ``points`` of a served soup or the ``touch`` of a thing.

    Attributes:
        kind: Key of `LASTS_MS`.
        x: Column of the cell.
        y: Row of the cell.
        words: What to write, such as ``"+20"``.
        since_ms: When it appeared.
    """

    kind: str
    x: int
    y: int
    words: str
    since_ms: float

    def age(self, time_ms: float) -> float:
        """From 0 when it appears to 1 when it is gone."""
        return max(0.0, (time_ms - self.since_ms) / LASTS_MS[self.kind])


def pops(
    static: Mapping[str, Any],
    previous: Mapping[str, Any],
    following: Mapping[str, Any],
    time_ms: float,
) -> list[Pop]:
    """What the step between two states is worth showing."""
    found = []
    for before, after in zip(previous["players"], following["players"], strict=True):
        if held_kind(before) == held_kind(after):
            continue
        dx, dy = AHEAD[before["dir"]]  # interacting comes before turning
        x, y = before["x"] + dx, before["y"] + dy
        if held_kind(before) == "soup" and static["terrain"][y][x] == "S":
            found.append(Pop("points", x, y, soup_words(static, before["held"]), time_ms))
        else:
            found.append(Pop("touch", x, y, "", time_ms))
    return found


def soup_words(static: Mapping[str, Any], soup: Mapping[str, Any]) -> str:
    """Points of a soup; one that no order asks for is worth nothing, one tutorial's no end."""
    for order in static["orders"]:
        if (order["onions"], order["tomatoes"]) == (soup["onions"], soup["tomatoes"]):
            return "+∞" if order["value"] is None else f"+{order['value']:g}"
    return "0"


def held_kind(player: Mapping[str, Any]) -> str | None:
    """What a chef carries, or None."""
    return player["held"]["kind"] if player["held"] else None
