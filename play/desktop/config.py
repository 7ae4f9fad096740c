"""What the command line asks of the desktop game, and what a game was asked to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DesktopConfig:
    """How `understudy play --desktop` was called.

    Attributes:
        episodes_dir: Folder that receives one record per game; made when missing.
        world: World to play, or None to ask in the menu.
        partner: Policy to play with, or None to ask in the menu or take the recommended one.
        seat: The person's seat, or None to watch.
        tick_ms: Time between steps; None takes the world's own.
        countdown_ms: Time between the first picture and the first step.
        seed: Seed of the first game, raised by one for every further game; None draws one.
        options: Options of the world, such as ``{"dynamics": "new"}``.
        full_screen: Whether to fill the screen; None does as last time.
    """

    episodes_dir: Path
    world: str | None = None
    partner: str | None = None
    seat: int | None = 0
    tick_ms: int | None = None
    countdown_ms: int = 3000
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    full_screen: bool | None = None

    @property
    def asks(self) -> bool:
        """Whether the menu is shown first."""
        return self.world is None and self.partner is None


@dataclass(frozen=True)
class Wish:
    """One game as chosen.

    Attributes:
        world: World's name.
        options: Its options.
        partners: Policy of each seat; None in the person's seat.
        tick_ms: Time between steps in milliseconds.
    """

    world: str
    options: Mapping[str, Any]
    partners: tuple[str | None, ...]
    tick_ms: int

    @property
    def my_seat(self) -> int | None:
        """The person's seat, or None when only watching."""
        return self.partners.index(None) if None in self.partners else None
