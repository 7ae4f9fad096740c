"""Draws a kitchen with pygame: the same art and the same places as the browser's renderer.

Positions are hundredths of a tile; a tile is a whole number of pixels and every picture is
rasterised at the size it is shown at.
"""

import math
from collections.abc import Iterator, Sequence

import pygame

from play.draw.kitchen_effects import AHEAD, Pop, held_kind, pops
from play.draw.renderers import Scene
from play.draw.sprites import INK, Sprites

FACINGS = "nsew"
STATIONS = {
    "O": "onion-crate",
    "T": "tomato-crate",
    "D": "dish-stack",
    "P": "stove",
    "S": "serving",
}


def make_renderer(
    static_scene: Scene,
    *,
    my_seat: int | None,
    tick_ms: int,
    reduced_motion: bool,
    background: str | None,
) -> "KitchenRenderer":
    """The renderer of one kitchen; arguments as in `play.draw.renderers.make_renderer`."""
    return KitchenRenderer(static_scene, my_seat, tick_ms, reduced_motion, background)


class KitchenRenderer:
    """Draws the states of one kitchen, and what changed between them."""

    def __init__(
        self,
        static: Scene,
        my_seat: int | None,
        tick_ms: int,
        reduced_motion: bool,
        background: str | None,
    ) -> None:
        self.static = static
        self.my_seat = my_seat
        self.tick_ms = tick_ms
        self.still = reduced_motion
        self.background = background
        self.sprites = Sprites("kitchen")
        self.rig = self.sprites.rig()
        margin = self.rig["margin"]
        self._columns = static["width"] + (margin["left"] + margin["right"]) / 100
        self._rows = static["height"] + (margin["top"] + margin["bottom"]) / 100
        self.aspect = self._columns / self._rows
        self.ahead = 0.0
        self._pops: list[Pop] = []
        self._seen: Scene | None = None
        self._area: pygame.Rect | None = None
        self._moving: list[tuple[int, int]] = []
        self._carried: list[tuple[int, int]] = []

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
        self._fit(surface, area)
        if following is not self._seen:
            self._observe(previous, following, time_ms)
        part = 1.0 if self.still else alpha
        clock = 0.0 if self.still else time_ms
        surface.blit(self._base, area.topleft)
        for item in following["objects"]:
            self._counter_item(item)
        for pot in following["pots"]:
            self._pot(pot, clock)
        self._chefs(previous, following, part, clock)
        for pot in following["pots"]:
            self._badge(pot, clock)
        self._own(previous, following, part, clock)
        self._pops = [pop for pop in self._pops if pop.age(time_ms) < 1]
        for pop in self._pops:
            self._pop(pop, pop.age(time_ms))

    def direction(self, x: float, y: float) -> str | None:
        """None: cooks are led step by step."""
        return None

    def cues(self, previous: Scene, following: Scene) -> list[str]:
        """``ready`` when a soup is done."""
        done = zip(previous["pots"], following["pots"], strict=True)
        return ["ready" for before, after in done if after["ready"] and not before["ready"]]

    def _observe(self, previous: Scene, following: Scene, time_ms: float) -> None:
        """Compares two states once, when the second one arrives."""
        follows = previous is not following and following["t"] == previous["t"] + 1
        if follows:
            self._pops += self._happened(previous, following, time_ms)
        self._carried = self._moving if self._seen is previous else []
        self._moving = [
            (after["x"] - before["x"], after["y"] - before["y"])
            for before, after in zip(previous["players"], following["players"], strict=True)
        ]
        self._seen = following

    def _happened(self, previous: Scene, following: Scene, time_ms: float) -> list[Pop]:
        """What the step between two states is worth showing."""
        return pops(self.static, previous, following, time_ms)

    # Terrain, drawn once for each size.

    def _fit(self, surface: pygame.Surface, area: pygame.Rect) -> None:
        self._surface = surface
        if self._area == area:
            return
        self._area = area.copy()
        self.tile = max(4, int(min(area.width / self._columns, area.height / self._rows)))
        margin = self.rig["margin"]
        self._left = round((area.width - self._columns * self.tile) / 2)
        self._left += round(margin["left"] * self.tile / 100)
        self._top = round((area.height - self._rows * self.tile) / 2)
        self._top += round(margin["top"] * self.tile / 100)
        self.sprites.clear()
        self._base = self._terrain(area.size)
        self._left += area.left
        self._top += area.top

    def _terrain(self, size: tuple[int, int]) -> pygame.Surface:
        base = pygame.Surface(size, 0 if self.background else pygame.SRCALPHA)
        base.fill(self.background or (0, 0, 0, 0))
        for y in range(self.static["height"]):
            for x in range(self.static["width"]):
                for name in self._cell(x, y):
                    picture = self.sprites.get(name, self.tile, self.tile)
                    base.blit(picture, (self._left + x * self.tile, self._top + y * self.tile))
        for place in self.static.get("patches", []):
            at = self._left + place["x"] * self.tile, self._top + place["y"] * self.tile
            base.blit(self.sprites.get("patch", self.tile, self.tile), at)
        return base

    def _floor(self, x: int, y: int) -> bool:
        inside = 0 <= x < self.static["width"] and 0 <= y < self.static["height"]
        return bool(inside and self.static["terrain"][y][x] == " ")

    def _cell(self, x: int, y: int) -> Iterator[str]:
        """Names of the pictures of a cell, the lowest first."""
        if self._floor(x, y):
            yield "floor-b" if (x + y) % 2 else "floor-a"
            if y > 0 and not self._floor(x, y - 1):
                yield "shade-n"
            if x > 0 and not self._floor(x - 1, y):
                yield "shade-w"
            return
        south = y == self.static["height"] - 1
        side = "w" if x == 0 else "e" if x == self.static["width"] - 1 else ""
        end = "n" if y == 0 else "s" if south else ""
        yield f"counter-{end}{side}" if end and side else "counter"
        for name, dx, dy in (("rim-n", 0, -1), ("rim-w", -1, 0), ("rim-e", 1, 0)):
            if self._floor(x + dx, y + dy):
                yield name
        if south:
            yield f"front-s{side}" if side else "front"
        elif self._floor(x, y + 1):
            yield "front"
        station = STATIONS.get(self.static["terrain"][y][x])
        if station:
            yield station

    # Placing pictures. Tile coordinates; sizes and offsets in hundredths of a tile.

    def _place(self, picture: pygame.Surface, x: float, y: float, dx: float, dy: float) -> None:
        left = self._left + x * self.tile + dx * self.tile / 100
        top = self._top + y * self.tile + dy * self.tile / 100
        self._surface.blit(picture, (round(left), round(top)))

    def _sprite(self, name: str, x: float, y: float, dx: float = 0) -> None:
        self._place(self.sprites.get(name, self.tile, self.tile), x, y, dx, 0)

    def _centred(
        self,
        name: str,
        cell: tuple[float, float],
        at: Sequence[float],
        size: float,
        *,
        flat: float = 1,
        opacity: float = 1,
    ) -> None:
        """A picture around a point of a cell; `flat` is its height over its width."""
        size = round(size)  # few sizes, so that what pulses stays in the cache
        unit = self.tile / 100
        picture = self.sprites.get(name, size * unit, size * flat * unit)
        if opacity < 1:
            picture = picture.copy()
            picture.set_alpha(round(255 * max(0.0, opacity)))
        self._place(picture, *cell, at[0] - size / 2, at[1] - size * flat / 2)

    def _counter_item(self, item: Scene) -> None:
        rig = self.rig["counter_item"]
        cell = item["x"], item["y"]
        below = rig["y"] + rig["size"] * 0.4
        self._centred("shadow", cell, (rig["x"], below), rig["size"] * 0.8, flat=0.3)
        self._centred(item_picture(item), cell, (rig["x"], rig["y"]), rig["size"])

    # Pots: raw ingredients lie in the pot, cooked ones swim in broth.

    def _pot(self, pot: Scene, clock: float) -> None:
        cell = pot["x"], pot["y"]
        hot, cooking = pot["tick"] >= 0, pot["tick"] >= 0 and not pot["ready"]
        if pot["ready"]:
            self._centred("glow", cell, (50, 40), 132 + 8 * math.sin(clock / 260))
        if hot:
            self._sprite("stove-hot", *cell)
        shake = 0.7 * math.sin(clock / 45 + cell[0]) if cooking and clock else 0.0
        self._sprite("pot-back", *cell, shake)
        if hot:
            broth = "mixed" if pot["onions"] and pot["tomatoes"] else ingredients(pot)[0]
            self._sprite(f"broth-{broth}", *cell, shake)
        size = self.rig["pot"]["ingredient_size"] * (0.8 if hot else 1)
        kinds = ingredients(pot)
        for index in (2, 0, 1):
            if index < len(kinds):
                bob = 1.8 * math.sin(clock / 190 + index * 2.1) if cooking and clock else 0.0
                spot_x, spot_y = self.rig["pot"]["spots"][index]
                self._centred(kinds[index], cell, (spot_x + shake, spot_y + bob), size)
        self._sprite("pot-front", *cell, shake)
        if cooking:
            self._bubbles(cell, clock)
        if pot["ready"]:
            self._steam(cell, clock)

    def _bubbles(self, cell: tuple[int, int], clock: float) -> None:
        for i in range(4):
            phase = (clock / 900 + i * 0.27) % 1
            at = 32 + (i * 37) % 38, 36 - phase * 22
            self._centred("bubble", cell, at, 5 + i * 1.5, opacity=1 - phase)

    def _steam(self, cell: tuple[int, int], clock: float) -> None:
        for i in range(3):
            phase = (clock / 1700 + i / 3) % 1 if clock else 0.4
            at = 34 + i * 16 + 5 * math.sin(phase * 6 + i * 2), 24 - phase * 42
            self._centred("steam", cell, at, 28, opacity=0.75 * math.sin(math.pi * phase))

    def _badge(self, pot: Scene, clock: float) -> None:
        """Above a pot: what is in it, how long it still cooks, whether it is ready."""
        kinds = ingredients(pot)
        cell, top = (pot["x"], pot["y"]), self.rig["pot"]["badge_y"]
        if not kinds:
            return
        if pot["ready"]:
            hop = 5 * abs(math.sin(clock / 330))
            self._centred("check", cell, (50, top - hop), 36)
        elif pot["tick"] >= 0:
            self._progress(pot, cell, top)
        else:
            for i in range(3):
                at = 50 + (i - 1) * 27, top
                self._centred("slot-full" if i < len(kinds) else "slot", cell, at, 24)
                if i < len(kinds):
                    self._centred(kinds[i], cell, at, 18)

    def _progress(self, pot: Scene, cell: tuple[int, int], top: float) -> None:
        side = 46 * self.tile / 100
        key = f"progress {pot['tick']} {pot['time']}"
        picture = self.sprites.draw(key, progress_svg(pot["tick"], pot["time"]), side, side)
        self._place(picture, *cell, 27, top - 23)
        seconds = math.ceil((pot["time"] - pot["tick"]) * self.tick_ms / 1000)
        words = self.sprites.text(str(seconds), max(14, round(self.tile * 0.27)), "#ffffff")
        width, height = words.get_width() * 50 / self.tile, words.get_height() * 50 / self.tile
        self._place(words, *cell, 50 - width, top - height + 1)

    # Chefs, the northernmost first.

    def _between(
        self, previous: Scene, following: Scene, seat: int, alpha: float
    ) -> tuple[float, float, bool]:
        """Column and row of a chef at this moment, and whether it is walking."""
        before, after = previous["players"][seat], following["players"][seat]
        dx, dy = after["x"] - before["x"], after["y"] - before["y"]
        if abs(dx) + abs(dy) != 1:
            return after["x"], after["y"], False
        keeps = seat < len(self._carried) and self._carried[seat] == (dx, dy)
        part = alpha if keeps else alpha * (1.35 - 0.35 * alpha)  # a quick start from rest
        return before["x"] + dx * part, before["y"] + dy * part, alpha < 1

    def _chefs(self, previous: Scene, following: Scene, alpha: float, clock: float) -> None:
        places = [
            (*self._between(previous, following, seat, alpha), seat)
            for seat in range(len(following["players"]))
        ]
        for x, y, _, seat in places:
            self._centred("shadow", (x, y), (50, 90), 62, flat=0.3)
            if seat == self.my_seat:
                self._centred(f"ring-{seat % 4}", (x, y), (50, 89), 84, flat=0.42)
        for x, y, walks, seat in sorted(places, key=lambda place: place[1]):
            before, after = previous["players"][seat], following["players"][seat]
            lift = 0.8 * math.sin(clock / 420 + seat * 1.7) if clock else 0.0
            if walks:
                lift = 6 * math.sin(math.pi * alpha)
            changed = held_kind(before) != held_kind(after)
            reach = 9 * math.sin(math.pi * alpha) if changed else 0.0  # leans to what it takes
            dx, dy = AHEAD[after["dir"]]
            turned = before["dir"] != after["dir"] and alpha < 1
            squeeze = 0.86 + 0.14 * alpha if turned else 1.0
            self._chef(after, seat, (x, y), (dx * reach, dy * reach - lift), squeeze)

    def _chef(
        self,
        player: Scene,
        seat: int,
        cell: tuple[float, float],
        shift: tuple[float, float],
        squeeze: float,
    ) -> None:
        facing = FACINGS[player["dir"]]
        chef, unit = self.rig["chef"], self.tile / 100
        body = self.sprites.get(
            f"chef-{seat % 4}-{facing}", chef["width"] * unit, chef["height"] * unit
        )
        if squeeze < 1:
            width = round(body.get_width() * squeeze)
            body = pygame.transform.smoothscale(body, (width, body.get_height()))
        inset = (1 - squeeze) * chef["width"] / 2
        self._place(body, *cell, shift[0] + inset, chef["top"] + shift[1])
        if player["held"]:
            place = self.rig["held"][facing]
            at = place["x"] + shift[0], place["y"] + shift[1]
            self._centred(item_picture(player["held"]), cell, at, place["size"])
        for x, y in self.rig["hands_busy" if player["held"] else "hands_free"][facing]:
            self._centred(f"hand-{seat % 4}", cell, (x + shift[0], y + shift[1]), 17)

    def _own(self, previous: Scene, following: Scene, alpha: float, clock: float) -> None:
        """The arrow above the chef that is the player's own."""
        if self.my_seat is None:
            return
        x, y, _ = self._between(previous, following, self.my_seat, alpha)
        hop = 3 * math.sin(clock / 260)
        self._centred(f"arrow-{self.my_seat % 4}", (x, y), (50, -30 + hop), 25)

    def _pop(self, pop: Pop, age: float) -> None:
        cell, opacity = (pop.x, pop.y), min(1.0, 3.2 * (1 - age))
        rise = 0.0 if self.still else 34 * (1 - (1 - age) ** 2)
        if not self.still:
            for x, y, size in _sparks(pop.kind, age, rise):
                self._centred("spark", cell, (x, y), size, opacity=opacity)
        if pop.words:
            words = self.sprites.text(pop.words, max(16, round(self.tile * 0.56)), "#ffe27a").copy()
            words.set_alpha(round(255 * opacity))
            half = words.get_width() * 50 / self.tile, words.get_height() * 50 / self.tile
            self._place(words, *cell, 50 - half[0], 22 - rise - half[1])


def _sparks(kind: str, age: float, rise: float) -> Iterator[tuple[float, float, float]]:
    """Places and sizes of the sparks of a pop."""
    if kind == "points":
        far = 18 + 42 * math.sqrt(age)
        for i in range(6):
            angle = i / 6 * 2 * math.pi + 0.3
            yield 50 + far * math.cos(angle), 30 + far * math.sin(angle) * 0.8, 22 * (1 - age) + 4
    else:
        for side in (-1, 1):
            yield 50 + side * (14 + 22 * age), 36 - rise * 0.6, 14 * (1 - age) + 2


def item_picture(item: Scene) -> str:
    """Name of the picture of something that can be carried."""
    if item["kind"] == "soup":
        return f"soup-{item['onions']}-{item['tomatoes']}"
    return str(item["kind"])


def ingredients(pot: Scene) -> list[str]:
    """What is in a pot, onions first."""
    return ["onion"] * pot["onions"] + ["tomato"] * pot["tomatoes"]


def progress_svg(tick: int, time: int) -> str:
    """A ring that fills clockwise from the top as a soup cooks."""
    part = min(0.9999, max(0.0001, tick / time))  # an arc cannot go all the way round
    angle = 2 * math.pi * part
    end = f"{50 + 38 * math.sin(angle):.2f} {50 - 38 * math.cos(angle):.2f}"
    ring = 'fill="none" stroke-width="15"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" viewBox="0 0 100 100">'
        f'<circle cx="50" cy="50" r="49" fill="{INK}"/>'
        f'<circle cx="50" cy="50" r="38" {ring} stroke="#6b5646"/>'
        f'<path d="M50 12A38 38 0 {int(part > 0.5)} 1 {end}" {ring} stroke="#ffcb47"/></svg>'
    )
