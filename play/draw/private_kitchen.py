"""Draws the private-cost kitchen as a kitchen: its floor within walls, onions in beds of earth."""

from collections.abc import Mapping
from typing import Any

import pygame

from play.draw.kitchen import KitchenRenderer
from play.draw.kitchen_effects import Pop, held_kind
from play.draw.renderers import Scene

WALL = 1  # cells around the floor


def make_renderer(
    static_scene: Scene,
    *,
    my_seat: int | None,
    tick_ms: int,
    reduced_motion: bool,
    background: str | None,
) -> "PrivateKitchenRenderer":
    """The renderer of one kitchen; arguments as in `play.draw.renderers.make_renderer`."""
    return PrivateKitchenRenderer(static_scene, my_seat, tick_ms, reduced_motion, background)


class PrivateKitchenRenderer(KitchenRenderer):
    """Draws the states of one private-cost kitchen; what was earned rises where it was earned."""

    def __init__(
        self,
        static: Scene,
        my_seat: int | None,
        tick_ms: int,
        reduced_motion: bool,
        background: str | None,
    ) -> None:
        super().__init__(room_of(static), my_seat, tick_ms, reduced_motion, background)
        self._facts = static
        self._shown: list[tuple[Scene, Scene]] = []  # the last two scenes, as they are drawn

    def draw(
        self,
        surface: pygame.Surface,
        area: pygame.Rect,
        previous: Scene,
        following: Scene,
        alpha: float,
        time_ms: float,
    ) -> None:
        """Draws the moment between two states; see `play.draw.renderers.Renderer`."""
        before, after = self._scene(previous), self._scene(following)
        super().draw(surface, area, before, after, alpha, time_ms)

    def cues(self, previous: Scene, following: Scene) -> list[str]:
        """None: whatever happens here is somebody's doing."""
        return []

    def _scene(self, scene: Scene) -> Scene:
        """The kitchen's scene for one of this world; the same one for the same."""
        for seen, shown in self._shown:
            if seen is scene:
                return shown
        shown = scene_in(self.static, scene)
        self._shown = [*self._shown[-1:], (scene, shown)]
        return shown

    def _happened(self, previous: Scene, following: Scene, time_ms: float) -> list[Pop]:
        found = []
        for before, after in zip(previous["players"], following["players"], strict=True):
            if held_kind(before) == held_kind(after):
                continue
            place = after if after["held"] else self.static["pot"]
            reward = self._facts["pickup_reward" if after["held"] else "pot_reward"]
            found.append(Pop("points", place["x"], place["y"], f"+{reward:g}", time_ms))
        return found


def inside(place: Mapping[str, Any]) -> dict[str, int]:
    """A place on the floor, counted from the corner of the wall."""
    return {"x": place["x"] + WALL, "y": place["y"] + WALL}


def room_of(static: Scene) -> dict[str, Any]:
    """The static scene of the kitchen that looks like this one."""
    wall = "X" * (static["width"] + 2 * WALL)
    floor = [[" "] * static["width"] for _ in range(static["height"])]
    floor[static["pot"]["y"]][static["pot"]["x"]] = "P"
    terrain = [wall, *(f"X{''.join(row)}X" for row in floor), wall]
    return {
        "width": len(wall),
        "height": len(terrain),
        "terrain": terrain,
        "patches": [inside(place) for place in static["onions"]],
        "pot": inside(static["pot"]),
    }


def scene_in(room: Scene, scene: Scene) -> dict[str, Any]:
    """The kitchen's scene that looks like one of this world."""
    there = zip(room["patches"], scene["onions"], strict=True)
    empty = {"onions": 0, "tomatoes": 0, "tick": -1, "time": 1, "ready": False}
    return {
        "t": scene["t"],
        "players": [{**player, **inside(player)} for player in scene["players"]],
        "objects": [{"kind": "onion", **place} for place, present in there if present],
        "pots": [{**room["pot"], **empty}],
    }
