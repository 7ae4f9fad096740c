"""What the menu offers: worlds with a picture of their first state, partners, speeds."""

import threading
from dataclasses import dataclass
from typing import Any

from agents.library import list_partners
from play.web.config import SPEEDS, PlayConfig
from play.worlds.errors import UserError
from play.worlds.registry import make_world, world_names
from play.worlds.spec import WorldFacts

# The five layouts of the human trials come first, in the order of the literature.
FEATURED = (
    "kitchen/cramped_room",
    "kitchen/asymmetric_advantages",
    "kitchen/coordination_ring",
    "kitchen/forced_coordination",
    "kitchen/counter_circuit_o_1order",
)
TITLES = {"kitchen/counter_circuit_o_1order": "Counter Circuit"}
RULES = {
    "kitchen": [
        {"value": "old", "label": "By itself"},
        {"value": "new", "label": "On “Use”"},
    ]
}
LABELS = {
    "north": "Up",
    "south": "Down",
    "east": "Right",
    "west": "Left",
    "stay": "Wait",
    "interact": "Use",
}
HELP = {
    "kitchen": "Arrows or WASD to move, Space to use. Fill a pot, wait for the soup, take it with "
    "a dish and serve it. P pauses, M mutes."
}
GOALS = {"kitchen": "Cook and serve as many soups as you can, together"}


@dataclass(frozen=True)
class Entry:
    """One world on the menu; `menu` is what the page receives."""

    name: str
    title: str
    players: int
    facts: WorldFacts
    menu: dict[str, Any]


def title_of(world: str) -> str:
    """A readable title: ``"kitchen/cramped_room"`` -> ``"Cramped Room"``."""
    return TITLES.get(world, world.partition("/")[2].replace("_", " ").title())


def words_of(facts: WorldFacts) -> dict[str, str]:
    """Instructions for the family of a world."""
    family = facts.world.partition("/")[0]
    return {"help": HELP.get(family, ""), "goal": GOALS.get(family, "")}


def _entry(name: str) -> Entry:
    world = make_world(name)
    world.reset(0)
    facts = world.facts
    family = name.partition("/")[0]
    menu = {
        "name": name,
        "title": title_of(name),
        "players": facts.num_players,
        "featured": name in FEATURED,
        "static": world.static_scene(),
        "scene": world.scene(0),
        "options": dict(facts.options),
        "dynamics": RULES.get(family, []),
    }
    return Entry(name, menu["title"], facts.num_players, facts, menu)


class Catalogue:
    """The menu of one server, made on first use."""

    def __init__(self, config: PlayConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        if config.world not in world_names():
            make_world(config.world)  # says what is wrong with the name
        if self.entry(config.world) is None:
            raise UserError(f"The world {config.world!r} cannot be played in the browser")

    def entry(self, name: str) -> Entry | None:
        """The entry of a world, or None when it is not on the menu."""
        with self._lock:
            if name not in self._entries:
                if name not in self._names():
                    return None
                self._entries[name] = _entry(name)
            return self._entries[name]

    def menu(self) -> dict[str, Any]:
        """Everything that the menu page shows, as JSON values."""
        names = self._names()
        entries = [entry for name in names if (entry := self.entry(name)) is not None]
        partners = self._partners()
        first = self.entry(self._config.world)
        assert first is not None
        return {
            "worlds": [entry.menu for entry in entries],
            "partners": partners,
            "speeds": [{"label": label, "tick_ms": ms} for label, ms in self._speeds().items()],
            "controls": {
                "actions": list(first.facts.actions),
                "keys": dict(first.facts.keys),
                "labels": LABELS,
            },
            "defaults": {
                "world": self._config.world,
                "partner": self._config.partner,
                "seat": self._config.seat,
                "tick_ms": self._config.tick_ms or first.facts.tick_ms,
            },
        }

    def _names(self) -> list[str]:
        names = world_names()
        featured = [name for name in FEATURED if name in names]
        rest = [name for name in names if name not in FEATURED]
        chosen = [] if self._config.world in names else [self._config.world]
        return [*chosen, *featured, *rest]

    def _speeds(self) -> dict[str, int]:
        own = self._config.tick_ms
        return SPEEDS if own is None or own in SPEEDS.values() else {**SPEEDS, "Own": own}

    def _partners(self) -> list[dict[str, Any]]:
        cards = list_partners()
        return [
            {
                "id": card.name,
                "title": card.title,
                "description": card.description,
                "worlds": None,
                "options": {},
                "recommended": False,
            }
            for card in cards
        ]
