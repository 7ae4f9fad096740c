"""Finding the drawing module of a world by the name that its facts declare."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

import pygame

from play.worlds.errors import UserError

Scene = Mapping[str, Any]

# Module of each renderer name (`WorldFacts.renderer`); each has a `make_renderer`.
RENDERERS = {
    "kitchen": "play.draw.kitchen",
    "private-kitchen": "play.draw.private_kitchen",
    "tag": "play.draw.tag",
}


class Renderer(Protocol):
    """Draws one episode's states onto pygame surfaces of any size."""

    aspect: float
    """Width over height of what is drawn."""
    ahead: float
    """Ticks for which it can go on from the latest state on its own when the next one is late."""

    def draw(
        self,
        surface: pygame.Surface,
        area: pygame.Rect,
        previous: Scene,
        following: Scene,
        alpha: float,
        time_ms: float,
    ) -> None:
        """Draws the moment between two ticks.

        Args:
            surface: Where to draw.
            area: The part of the surface to use; the picture is centred in it.
            previous: `World.scene` before the last tick.
            following: `World.scene` after it; the same object as `previous` at rest.
            alpha: How much of the way between them has passed, 0 to 1.
            time_ms: Any steadily growing clock, for what moves by itself.
        """
        ...

    def direction(self, x: float, y: float) -> str | None:
        """The arrow key (as browsers name it) that leads the person's player to a pixel.

        None when it is there, or where a finger cannot lead.
        """
        ...

    def cues(self, previous: Scene, following: Scene) -> list[str]:
        """Names of sound effects for what a step changed without anybody's doing."""
        ...


def make_renderer(
    static_scene: Scene,
    *,
    my_seat: int | None,
    tick_ms: int,
    reduced_motion: bool = False,
    background: str | None = None,
) -> Renderer:
    """The renderer that a static scene asks for.

    Args:
        static_scene: `World.static_scene`.
        my_seat: The seat to mark as the player's own, or None when only watching.
        tick_ms: Time between ticks in milliseconds, for times shown in seconds.
        reduced_motion: Shows states without moving between them, and nothing that bobs.
        background: Colour to draw on, which is quicker; None leaves what is behind visible.

    Raises:
        UserError: No drawing module has that name.
    """
    name = static_scene["renderer"]
    if name not in RENDERERS:
        raise UserError(
            f"The desktop cannot draw {name!r} worlds, only {', '.join(sorted(RENDERERS))}: "
            "play this world in the browser instead"
        )
    renderer: Renderer = import_module(RENDERERS[name]).make_renderer(
        static_scene,
        my_seat=my_seat,
        tick_ms=tick_ms,
        reduced_motion=reduced_motion,
        background=background,
    )
    return renderer
