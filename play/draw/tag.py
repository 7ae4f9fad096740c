"""Draws a game of tag with pygame: the same art, places and movements as the browser's renderer.

Positions of the world are in half-widths of the arena, y upwards. Between ticks everybody moves
along a curve that has the right direction at both ends; a late tick is bridged by going straight
on.
"""

import math
from dataclasses import dataclass

import pygame

from play.draw.renderers import Scene
from play.draw.sprites import Sprites

VIEW = 1.16  # half-widths that are seen to each side
AHEAD = 0.6  # ticks for which a late one is bridged
GLIDE = 2  # ticks of the present speed that somebody glides on without another step
NEAR = 0.04  # half-widths from a finger that are near enough
LASTS_MS = 900.0  # that a touch is shown
RUN_MS = 400.0  # within which touches of the same two count as one
STRIPES = 9
TURN = 3  # degrees between the angles that pictures are turned to


@dataclass(frozen=True)
class Place:
    """Where somebody is at this moment, and how fast in half-widths per tick."""

    x: float
    y: float
    vx: float
    vy: float


@dataclass
class Pop:
    """A touch that is shown: where, by whom, for how many points, since and until when."""

    x: float
    y: float
    chaser: int
    runner: int
    steps: int
    since_ms: float
    last_ms: float


def make_renderer(
    static_scene: Scene,
    *,
    my_seat: int | None,
    tick_ms: int,
    reduced_motion: bool,
    background: str | None,
) -> "TagRenderer":
    """The renderer of one game; arguments as in `play.draw.renderers.make_renderer`."""
    return TagRenderer(static_scene, my_seat, reduced_motion, background)


class TagRenderer:
    """Draws the states of one game, and who touched whom between them."""

    def __init__(
        self, static: Scene, my_seat: int | None, reduced_motion: bool, background: str | None
    ) -> None:
        self.static = static
        self.my_seat = my_seat
        self.still = reduced_motion
        self.background = background
        self.sprites = Sprites("tag")
        self.rig = self.sprites.rig()
        self.aspect = 1.0
        self.ahead = AHEAD
        self._pops: list[Pop] = []
        self._places: list[Place] = []
        self._seen: Scene | None = None
        self._last: Scene | None = None
        self._before: Scene | None = None
        self._area: pygame.Rect | None = None
        self._turned: dict[tuple[str, int, int, int], pygame.Surface] = {}

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
        seats = range(len(following["players"]))
        places = self._places = [self._place(previous, following, seat, part) for seat in seats]
        surface.blit(self._base, area.topleft)
        surface.set_clip(self._square)
        for seat, place in enumerate(places):
            self._ground(place, seat)
        for bush in following["obstacles"]:
            size = self.static["obstacle_radius"] * 100 / self.rig["bush"]
            self._sprite("shadow", bush["x"] + 0.015, bush["y"] - 0.03, size * 1.05)
            self._sprite("bush", bush["x"], bush["y"], size)
        for seat in sorted(seats, key=lambda seat: -places[seat].y):
            self._agent(places[seat], seat, following, clock)
        for seat, place in enumerate(places):
            self._beyond(place, seat)
        self._own(clock)
        self._pops = [pop for pop in self._pops if time_ms - pop.last_ms < LASTS_MS]
        for pop in self._pops:
            self._pop(pop, max(0.0, time_ms - pop.last_ms) / LASTS_MS)
        surface.set_clip(None)

    def cues(self, previous: Scene, following: Scene) -> list[str]:
        """``touch`` when somebody is touched who was not before."""
        known = previous["touches"]
        return ["touch"] if any(pair not in known for pair in following["touches"]) else []

    def direction(self, x: float, y: float) -> str | None:
        """The arrow key that leads one's own player to a pixel; None when it is there."""
        if self.my_seat is None or not self._places or self._area is None:
            return None
        own = self._places[self.my_seat]
        dx = (x - self._middle[0]) / self._unit - own.x - GLIDE * own.vx
        dy = (self._middle[1] - y) / self._unit - own.y - GLIDE * own.vy
        if math.hypot(dx, dy) < NEAR:
            return None
        if abs(dx) > abs(dy):
            return "ArrowLeft" if dx < 0 else "ArrowRight"
        return "ArrowDown" if dy < 0 else "ArrowUp"

    def _observe(self, previous: Scene, following: Scene, time_ms: float) -> None:
        """Compares two states once, when the second one arrives."""
        if previous is not following and following["t"] == previous["t"] + 1:
            for chaser, runner in following["touches"]:
                self._touch(following, chaser, runner, time_ms)
        else:
            self._pops = []
        self._before = self._last if self._seen is previous else None
        self._last, self._seen = previous, following

    def _touch(self, scene: Scene, chaser: int, runner: int, time_ms: float) -> None:
        for pop in self._pops:
            recent = time_ms - pop.last_ms < RUN_MS
            if recent and (pop.chaser, pop.runner) == (chaser, runner):
                pop.steps, pop.last_ms = pop.steps + 1, time_ms
                return
        a, b = scene["players"][chaser], scene["players"][runner]
        x, y = (a["x"] + b["x"]) / 2, (a["y"] + b["y"]) / 2
        self._pops.append(Pop(x, y, chaser, runner, 1, time_ms, time_ms))

    def _place(self, previous: Scene, following: Scene, seat: int, alpha: float) -> Place:
        to = following["players"][seat]
        step = float(self.static["step_ms"]) / 1000
        if previous is following or alpha > 1:
            more = 0.0 if previous is following else (alpha - 1) * step
            x, y = to["x"] + to["vx"] * more, to["y"] + to["vy"] * more
            return Place(x, y, to["vx"] * step, to["vy"] * step)
        start = previous["players"][seat]
        earlier = self._before["players"][seat] if self._before else None

        def along(axis: str) -> float:
            now = float(to[axis] - start[axis])
            leaves = (now + start[axis] - earlier[axis]) / 2 if earlier else now
            arrives = (now + to[f"v{axis}"] * step) / 2
            return hermite(float(start[axis]), float(to[axis]), leaves, arrives, alpha)

        def mix(axis: str) -> float:
            return float(start[axis] + (to[axis] - start[axis]) * alpha) * step

        return Place(along("x"), along("y"), mix("vx"), mix("vy"))

    # The lawn, drawn once for each size.

    def _fit(self, surface: pygame.Surface, area: pygame.Rect) -> None:
        self._surface = surface
        if self._area == area:
            return
        self._area = area.copy()
        self._unit = min(area.size) / (2 * VIEW)
        self._middle = area.center
        self._square = pygame.Rect(0, 0, min(area.size), min(area.size))
        self._square.center = area.center
        self.sprites.clear()
        self._turned.clear()
        self._base = self._lawn(area)

    def _lawn(self, area: pygame.Rect) -> pygame.Surface:
        """Mown stripes, a chalk line around them, and what is beyond."""
        base = pygame.Surface(area.size, 0 if self.background else pygame.SRCALPHA)
        base.fill(self.background or (0, 0, 0, 0))
        side = round(2 * VIEW * self._unit)
        picture = self.sprites.draw("lawn", lawn_svg(self.rig["field"]), side, side)
        base.blit(picture, ((area.width - side) / 2, (area.height - side) / 2))
        return base

    # Placing pictures. Coordinates and sizes in half-widths.

    def _pixel(self, x: float, y: float) -> tuple[float, float]:
        return self._middle[0] + x * self._unit, self._middle[1] - y * self._unit

    def _sprite(
        self,
        name: str,
        x: float,
        y: float,
        size: float,
        *,
        turn: float = 0,
        wide: float = 1,
        high: float = 1,
        opacity: float = 1,
    ) -> None:
        """A picture with its middle at a place; `turn` in degrees against the clock."""
        pixels = size * self._unit
        width, height = max(1, round(pixels * wide)), max(1, round(pixels * high))
        picture = self._picture(name, width, height, round(turn / TURN))
        if opacity < 1:
            picture = picture.copy()
            picture.set_alpha(round(255 * max(0.0, opacity)))
        px, py = self._pixel(x, y)
        corner = px - picture.get_width() / 2, py - picture.get_height() / 2
        self._surface.blit(picture, (round(corner[0]), round(corner[1])))

    def _picture(self, name: str, width: int, height: int, turns: int) -> pygame.Surface:
        if turns == 0:
            return self.sprites.get(name, width, height)
        key = name, width, height, turns
        if key not in self._turned:
            upright = self.sprites.get(name, width, height)
            self._turned[key] = pygame.transform.rotozoom(upright, turns * TURN, 1.0)
        return self._turned[key]

    def _size(self, seat: int) -> float:
        return float(self.static["radii"][seat] * 100 / self.rig["body"])

    def _ground(self, place: Place, seat: int) -> None:
        size, radius = self._size(seat), self.static["radii"][seat]
        self._sprite("shadow", place.x, place.y - radius, size * 0.8, high=0.4)
        if seat == self.my_seat:
            y = place.y - radius * 0.85
            self._sprite(f"ring-{seat % 4}", place.x, y, size * 0.95, high=0.45)

    def _agent(self, place: Place, seat: int, scene: Scene, clock: float) -> None:
        size, role = self._size(seat), self.static["roles"][seat]
        speed = min(1.0, math.hypot(place.vx, place.vy) * 10)
        hop = abs(math.sin(clock / 75 + seat * 2)) * speed if clock else 0.0
        hit = any(seat in pair for pair in scene["touches"])
        turn = -max(-0.3, min(0.3, place.vx * 2.6)) * 180 / math.pi
        y = place.y + hop * size * 0.1
        wide, high = (1.14, 0.86) if hit else (1.0, 1.0)
        self._sprite(f"{role}-{seat % 4}-body", place.x, y, size, turn=turn, wide=wide, high=high)
        self._pupils(place, y, role, size, math.radians(round(turn / TURN) * TURN))

    def _pupils(self, place: Place, y: float, role: str, size: float, turn: float) -> None:
        """Eyes look where their owner runs."""
        speed = max(math.hypot(place.vx, place.vy), 1e-6)
        far = self.rig["look"] * min(1.0, speed * 20) / 100
        for ex, ey in self.rig["eyes"][role]:
            dx = ex / 100 - 0.5 + far * place.vx / speed
            dy = 0.5 - ey / 100 + far * place.vy / speed
            px = place.x + size * (dx * math.cos(turn) - dy * math.sin(turn))
            py = y + size * (dy * math.cos(turn) + dx * math.sin(turn))
            self._sprite("pupil", px, py, size * self.rig["pupil"] / 100)

    def _beyond(self, place: Place, seat: int) -> None:
        """At the edge of the picture, a face and a pointer to somebody who has left it."""
        if max(abs(place.x), abs(place.y)) < VIEW:
            return
        limit = VIEW - 0.15
        x, y = (max(-limit, min(limit, value)) for value in (place.x, place.y))
        dx, dy = place.x - x, place.y - y
        far = math.hypot(dx, dy)
        turn = math.degrees(math.atan2(dx, -dy))
        at = x + 0.09 * dx / far, y + 0.09 * dy / far
        self._sprite(f"pointer-{seat % 4}", *at, 0.1, turn=turn)
        self._sprite(f"{self.static['roles'][seat]}-{seat % 4}", x, y, 0.13)

    def _own(self, clock: float) -> None:
        if self.my_seat is None:
            return
        place = self._places[self.my_seat]
        y = place.y + self._size(self.my_seat) * 0.66 + 0.008 * math.sin(clock / 260)
        self._sprite(f"arrow-{self.my_seat % 4}", place.x, y, 0.062)

    def _pop(self, pop: Pop, age: float) -> None:
        """Sparks around a touch; above it whose it was and what it is worth."""
        opacity = min(1.0, 2.5 * (1 - age))
        for i in range(0 if self.still else 7):
            angle = i / 7 * 2 * math.pi + pop.chaser
            far, size = 0.05 + 0.16 * math.sqrt(age), 0.075 * (1 - age) + 0.015
            x, y = pop.x + far * math.cos(angle), pop.y + far * math.sin(angle)
            self._sprite("spark", x, y, size, turn=-age * 114, opacity=opacity)
        rise = 0.16 if self.still else 0.1 + 0.16 * (1 - (1 - age) ** 2)
        words = self.sprites.text(
            f"+{pop.steps * self.static['touch_points']:g}",
            max(16, round(0.19 * self._unit)),
            "#ffffff",
        )
        words = words.copy()
        words.set_alpha(round(255 * opacity))
        x = max(0.34 - VIEW, min(VIEW - 0.2, pop.x))  # the words stay in the picture
        y = min(VIEW - 0.09, pop.y + rise)
        px, py = self._pixel(x, y)
        self._surface.blit(words, (px - words.get_width() / 2, py - words.get_height() / 2))
        left = x - words.get_width() / 2 / self._unit - 0.08
        self._sprite(f"chaser-{pop.chaser % 4}", left, y, 0.12, opacity=opacity)


def hermite(a: float, b: float, start: float, end: float, t: float) -> float:
    """A cubic from a to b with the given slopes per tick at both ends; t from 0 to 1."""
    u = 1 - t
    return a * (1 + 2 * t) * u * u + start * t * u * u + b * t * t * (3 - 2 * t) - end * t * t * u


def lawn_svg(field: Scene) -> str:
    """The arena, a thousand units across."""
    half = 500 / VIEW
    left, side, band = 500 - half, 2 * half, 2 * half / STRIPES
    corner = 0.1 * half
    stripes = "".join(
        f'<rect x="{left + i * band:.2f}" y="{left:.2f}" width="{band:.2f}" height="{side:.2f}" '
        f'fill="{field["stripe"]}"/>'
        for i in range(1, STRIPES, 2)
    )
    edge = f'fill="none" stroke="{field["line"]}" stroke-width="{0.018 * half:.2f}"'
    box = f'x="{left:.2f}" y="{left:.2f}" width="{side:.2f}" height="{side:.2f}" rx="{corner:.2f}"'
    chalk = f'<rect {box} {edge}/><circle cx="500" cy="500" r="{0.3 * half:.2f}" {edge}/>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="1000" '
        f'viewBox="0 0 1000 1000"><rect x="0" y="0" width="1000" height="1000" '
        f'rx="{0.12 * half:.2f}" fill="{field["beyond"]}"/><rect {box} fill="{field["ground"]}"/>'
        f"{stripes}{chalk}</svg>"
    )
