"""The settings of a play server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from play.presentation.families import options_for_people
from play.worlds.errors import UserError


@dataclass(frozen=True)
class PlayConfig:
    """How a play server runs.

    Attributes:
        episodes_dir: Folder that receives one record per game; made when missing.
        host: Address to listen on; the default is reachable from this machine only.
        port: TCP port; 0 takes a free one.
        world: World chosen in the menu at first.
        partner: Policy id chosen in the menu at first; None takes the recommended one.
        seat: The person's seat chosen in the menu at first.
        tick_ms: Time between steps chosen in the menu at first; None takes the world's own.
        countdown_ms: Time between the first picture and the first step.
        resume_s: How long a dropped player's seat is kept.
        options: Options of that world, such as ``{"dynamics": "new"}``.
        seed: Seed of the first game, raised by one for every further game; None draws one.
        max_games: Games and lobbies at once.
        max_connections: Browser tabs at once.
        message_rate: Messages per second that a connection may send in the long run.
        message_burst: Messages that a connection may send at once.
        mistakes: Malformed messages that a connection is forgiven.
    """

    episodes_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    world: str = "kitchen/cramped_room"
    partner: str | None = None
    seat: int = 0
    tick_ms: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    countdown_ms: int = 3000
    resume_s: float = 30.0
    seed: int | None = None
    max_games: int = 64
    max_connections: int = 256
    message_rate: float = 60.0
    message_burst: float = 180.0
    mistakes: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UserError(
                f"There is no port {self.port}: choose one from 1 to 65535, or 0 for a free one"
            )

    def options_of(self, world: str) -> dict[str, Any]:
        """The options of a world for people, and for the chosen one those of the command line."""
        own = self.options if world == self.world else {}
        return {**options_for_people(world), **own}
