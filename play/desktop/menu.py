"""The first screen: which game and world, with whom, in which seat, how fast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pygame

from agents.library import Partner, list_partners
from play.desktop.app import App
from play.desktop.config import DesktopConfig, Wish
from play.desktop.controls import ControlsScreen
from play.desktop.paint import ACCENT, GROUND, INK, MUTED, Painter
from play.desktop.widgets import Navigator, Row, Rows
from play.draw.renderers import Renderer, make_renderer
from play.presentation.families import (
    family_of,
    options_for_people,
    ordered_names,
    person_of,
    presentation_of,
    speeds_of,
    text_of,
    title_of,
)
from play.presentation.spec import Presentation, Step
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts

KEYS = "Or use a gamepad."
HOWTO, GOAL = 224.0, 140.0  # units below the picture of a world, with the steps and without
NARROW = 420.0  # units across in which the steps find no room
MOST_TALL = 430.0  # units of the picture
T = TypeVar("T")


@dataclass
class Preview:
    """A world's picture and facts."""

    facts: WorldFacts
    static: Mapping[str, Any]
    scene: Mapping[str, Any]
    renderer: Renderer


class MenuScreen:
    """Lets a person choose a game; `start` receives the wish and may refuse it.

    Args:
        app: The window.
        config: First choices.
        start: Starts the chosen game.
    """

    def __init__(self, app: App, config: DesktopConfig, start: Callable[[Wish], None]) -> None:
        self._app = app
        self._start = start
        self._navigator = Navigator()
        self._previews: dict[str, Preview] = {}
        self._lists: dict[tuple[str, frozenset[int]], list[Partner]] = {}
        self._worlds = ordered_names()
        self._families = list(dict.fromkeys(map(family_of, self._worlds)))
        self._world = config.world if config.world in self._worlds else self._worlds[0]
        self._rule: str | None = None
        self._seat: int | None = config.seat
        self._own_tick_ms = self._tick_ms = config.tick_ms
        self._second = 0
        self._partner = 0
        self._opponents: dict[str, int] = {}  # role -> who plays it, where policies play two roles
        self._problem = ""
        self._options = {k: v for k, v in config.options.items() if k != "dynamics"}
        self._enter_world()
        self._take_rule(config.options.get("dynamics"))
        self._rows = Rows(self._make_rows())
        self._rows.focus = next(i for i, row in enumerate(self._rows.rows) if row.strong)

    def handle(self, event: pygame.event.Event) -> None:
        """Moves through the rows; Escape leaves the program."""
        self._rows.mouse(event)
        step = self._navigator.read(event)
        if step == "back":
            self._app.quit()
        elif step is not None:
            self._app.speaker.play("move")
            self._rows.step(step)

    def draw(self, paint: Painter, time_ms: float) -> None:
        """Draws the title, the rows and the chosen world."""
        paint.clear()
        width, height = paint.size
        paint.picture("logo", 40, 24, 68)
        paint.words("Understudy", 124, 48, 46)
        left = min(560.0, width * 0.47)
        paint.paragraph("Play beside a partner that has never met you.", 125, 71, width, 21)
        row = min(50.0, (height - 210) / len(self._rows.rows) - 10)
        below = self._rows.draw(paint, 40, 116, left, row)
        words = self._problem or self._text_of(self._partners()[self._partner])[1]
        paint.paragraph(words, 44, below + 6, left - 8, 21, ACCENT if self._problem else MUTED)
        self._right(paint, left + 76, width - left - 112, height, time_ms)

    def close(self) -> None:
        """Nothing runs behind the menu."""

    def complain(self, sentence: str) -> None:
        """Shows why a game could not start."""
        self._problem = sentence

    def _right(self, paint: Painter, x: float, width: float, height: float, time: float) -> None:
        """The chosen world, and below it how to play there."""
        shown, words = self._preview(), self._words()
        steps = words.howto(shown.static) if width > NARROW else ()
        top, below = (76.0, HOWTO) if steps else (116.0, GOAL)  # a low title may need the place
        tall = min(height - top - below, width / shown.renderer.aspect, MOST_TALL)
        area = paint.pixels(x, top, width, tall)
        shown.renderer.draw(paint.surface, area, shown.scene, shown.scene, 1.0, time)
        middle = x + width / 2
        y = paint.paragraph(words.goal, middle, top + tall + 14, width, 23, INK, align="middle")
        across = min(width, 640.0)
        y += self._steps(paint, middle - across / 2, y + 4, across, steps)
        paint.paragraph(f"{words.keys} {KEYS}", middle, y + 8, width, 19, align="middle")

    def _steps(
        self, paint: Painter, x: float, y: float, width: float, steps: Sequence[Step]
    ) -> float:
        """What to do, step by step from left to right; returns the height it took."""
        each = width / max(1, len(steps))
        for index, step in enumerate(steps):
            middle = x + each * (index + 0.5)
            for name in step.pictures:
                paint.picture(name, middle - 24, y, 48, art=self._words().art)
            paint.paragraph(step.words, middle, y + 52, each - 12, 19, align="middle")
        return 104.0 if steps else 0.0

    # What can be chosen.

    def _make_rows(self) -> list[Row]:
        rows = [
            Row(self._words().place.capitalize(), lambda: title_of(self._world), self._turn_world),
            Row("Partner", self._partner_words, self._turn_partner),
            Row("Your seat", self._seat_words, self._turn_seat),
        ]
        for group in self._other_groups():
            role = self._preview().facts.roles[group[0]]
            rows.append(
                Row(
                    role.capitalize(),
                    partial(self._opponent_words, group),
                    partial(self._turn_opponent, group),
                )
            )
        if len(self._families) > 1:
            rows.insert(0, Row("Game", lambda: self._words().title, self._turn_family))
        if self._seat is None and self._seconds():
            rows.append(Row("Second agent", self._second_words, self._turn_second))
        rows.append(Row("Speed", self._speed_words, self._turn_speed))
        if self._rules():
            rows.append(Row(self._words().rules_title, self._rule_words, self._turn_rule))
        label = "Watch" if self._seat is None else "Play"
        return [
            *rows,
            Row(label, activate=self._go, strong=True),
            Row("Controls and settings", activate=self._controls),
            Row("Quit", activate=self._app.quit),
        ]

    def _remake_rows(self) -> None:
        self._rows.rows = self._make_rows()
        self._rows.focus = min(self._rows.focus, len(self._rows.rows) - 1)

    def _turn_family(self, by: int) -> None:
        family = _next(self._families, family_of(self._world), by)
        self._go_to(next(name for name in self._worlds if family_of(name) == family))

    def _turn_world(self, by: int) -> None:
        family = family_of(self._world)
        own = [name for name in self._worlds if family_of(name) == family]
        self._go_to(_next(own, self._world, by))

    def _go_to(self, world: str) -> None:
        pace = self._speed_words()
        self._world = world
        self._tick_ms = self._speeds().get(pace)
        self._enter_world()
        self._remake_rows()

    def _enter_world(self) -> None:
        """Keeps the choices that the new world allows and mends the others."""
        players = self._preview().facts.num_players
        if self._seat is not None and self._seat >= players:
            self._seat = 0
        self._partner = self._second = 0  # the recommended one comes first
        self._opponents = {}
        self._rule = None
        self._problem = ""

    def _take_rule(self, rule: str | None) -> None:
        """Takes the rule that the command line asks for, and the first partner who knows it."""
        known = [options_of(partner).get("dynamics", rule) for partner in self._partners()]
        if rule is not None and rule in known:
            self._rule, self._partner = rule, known.index(rule)

    def _turn_partner(self, by: int) -> None:
        self._partner = (self._partner + by) % len(self._partners())
        self._problem = ""
        self._remake_rows()

    def _partner_words(self) -> str:
        return self._text_of(self._partners()[self._partner])[0]

    def _second_words(self) -> str:
        return self._text_of(self._seconds()[self._second])[0]

    def _text_of(self, partner: Partner) -> tuple[str, str]:
        return text_of(partner, self._world)

    def _words(self) -> Presentation:
        return presentation_of(self._world)

    def _turn_second(self, by: int) -> None:
        self._second = (self._second + by) % len(self._seconds())

    def _opponent(self, group: Sequence[int]) -> Partner:
        """Who plays the role of these seats."""
        role = self._preview().facts.roles[group[0]]
        return self._fitting(frozenset(group))[self._opponents.get(role, 0)]

    def _opponent_words(self, group: Sequence[int]) -> str:
        return self._text_of(self._opponent(group))[0]

    def _turn_opponent(self, group: Sequence[int], by: int) -> None:
        role = self._preview().facts.roles[group[0]]
        choices = len(self._fitting(frozenset(group)))
        self._opponents[role] = (self._opponents.get(role, 0) + by) % choices

    def _turn_seat(self, by: int) -> None:
        seats = [*range(self._preview().facts.num_players), None]
        self._seat = _next(seats, self._seat, by)
        self._partner = min(self._partner, len(self._partners()) - 1)
        self._opponents = {}
        self._remake_rows()

    def _seat_words(self) -> str:
        return "Just watch" if self._seat is None else person_of(self._preview().facts, self._seat)

    def _turn_speed(self, by: int) -> None:
        self._tick_ms = _next(list(self._speeds().values()), self._tick(), by)

    def _speed_words(self) -> str:
        names = {ms: name for name, ms in self._speeds().items()}
        return names.get(self._tick(), f"{self._tick()} ms")

    def _speeds(self) -> dict[str, int]:
        return speeds_of(self._preview().facts, self._own_tick_ms)

    def _tick(self) -> int:
        return self._tick_ms or self._preview().facts.tick_ms

    def _rules(self) -> dict[str, str]:
        """Values of the option on the menu -> labels; none when the partner knows only one."""
        if "dynamics" in options_of(self._partners()[self._partner]):
            return {}
        return dict(self._words().rules)

    def _rule_words(self) -> str:
        return self._rules().get(self._rule_now(), self._rule_now())

    def _turn_rule(self, by: int) -> None:
        self._rule = _next(list(self._rules()), self._rule_now(), by)

    def _rule_now(self) -> str:
        return self._rule or str(self._preview().facts.options.get("dynamics"))

    # What follows from the choices.

    def _partners(self) -> list[Partner]:
        """Who can take the seats beside the person's, or the first seat when nobody plays."""
        beside = self._beside()
        return self._fitting(frozenset(beside if self._seat is not None else beside[:1]))

    def _seconds(self) -> list[Partner]:
        """Who can take the seats beside the first when nobody plays; nobody if there is none."""
        rest = self._beside()[1:]
        return self._fitting(frozenset(rest)) if rest else []

    def _beside(self) -> list[int]:
        return self._preview().facts.partners_of(self._seat)

    def _other_groups(self) -> list[list[int]]:
        """The seats of each role that policies take besides the partner's."""
        without = () if self._seat is None else (self._seat,)
        groups = self._preview().facts.groups(without)
        return [group for group in groups if group != self._beside()]

    def _fitting(self, seats: frozenset[int]) -> list[Partner]:
        """Who can take all of these seats; read once for each choice of them."""
        key = self._world, seats
        if key not in self._lists:
            self._lists[key] = [
                partner
                for partner in list_partners(self._world)
                if partner.takes(self._preview().facts, seats)
            ]
        return self._lists[key]

    def _preview(self) -> Preview:
        key = self._world
        if key not in self._previews:
            world = make_world(self._world, **options_for_people(self._world))
            world.reset(0)
            static = world.static_scene()
            renderer = make_renderer(
                static, my_seat=None, tick_ms=world.facts.tick_ms, background=GROUND
            )
            self._previews[key] = Preview(world.facts, static, world.scene(0), renderer)
        return self._previews[key]

    def _controls(self) -> None:
        self._app.show(ControlsScreen(self._app, self._preview().facts, self))

    def _go(self) -> None:
        partner = self._partners()[self._partner]
        seats: list[str | None] = [None] * self._preview().facts.num_players
        for number, seat in enumerate(self._beside()):
            second = self._seat is None and number > 0
            seats[seat] = self._seconds()[self._second].name if second else partner.name
        for group in self._other_groups():
            for seat in group:
                seats[seat] = self._opponent(group).name
        options = {**options_of(partner), **options_for_people(self._world), **self._options}
        if self._rule and "dynamics" not in options:
            options["dynamics"] = self._rule
        self._problem = ""
        try:
            self._start(Wish(self._world, options, tuple(seats), self._tick()))
        except UserError as error:
            self.complain(str(error))


def _next(choices: Sequence[T], now: T, by: int) -> T:
    """The neighbour of a choice, around the corner at the ends."""
    return choices[(choices.index(now) + by) % len(choices)] if now in choices else choices[0]


def options_of(partner: Partner) -> dict[str, Any]:
    """Options of the world that a trained partner knows; none for one that plays any."""
    return dict(partner.card.options) if partner.card else {}
