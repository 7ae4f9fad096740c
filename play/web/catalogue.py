"""What the menu offers: worlds with a picture of their first state, partners, speeds."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.library import Partner, list_partners
from play.web.config import SPEEDS, PlayConfig
from play.web.messages import Start
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
TITLES = {
    "kitchen/counter_circuit_o_1order": "Counter Circuit",
    "kitchen/counter_circuit": "Counter Circuit, Mixed Soups",
    "kitchen/cramped_room_o_3orders": "Cramped Room, Three Orders",
    "kitchen/mdp_test": "MDP Test",
    "kitchen/simple_o": "Simple, Onions",
    "kitchen/simple_o_t": "Simple, Onions and Tomatoes",
}
RULES = {
    "kitchen": [
        {"value": "old", "label": "When full"},
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


# What a person wants to know before choosing, by algorithm or name: title and description.
PARTNERS = {
    "srpo": (
        "Understudy (SRPO)",
        "Trained beside partners that may let it down, so that it leans less on any one's habits.",
    ),
    "ippo": (
        "Duo learner (IPPO)",
        "Learned beside one other learner, and counts on that one's habits.",
    ),
    "self-play": (
        "Mirror (self-play)",
        "Learned beside itself, and expects you to move as it would.",
    ),
    "greedy": ("Greedy cook", "Always does the most useful thing next."),
    "random": ("Random cook", "Presses keys at random."),
    "stay": ("Statue", "Never moves; you cook alone."),
}


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
    words = re.sub(r"(?<=[a-z])(?=\d)", " ", world.partition("/")[2].replace("_", " "))
    return TITLES.get(world, words.title())


def words_of(facts: WorldFacts) -> dict[str, str]:
    """Instructions for the family of a world."""
    family = facts.world.partition("/")[0]
    return {"help": HELP.get(family, ""), "goal": GOALS.get(family, "")}


def text_of(partner: Partner) -> tuple[str, str]:
    """Title and description of a partner for the menu.

    Another policy of the same method has its own name in the title, or two would look alike.
    """
    method = partner.algorithm.replace("_", "-")
    known = PARTNERS.get(partner.name) or PARTNERS.get(method)
    if known is None:
        return partner.title, partner.description
    title, description = known
    last = re.sub(r"-seat\d+$", "", partner.name.rpartition("/")[2])
    return (title if last in (partner.name, method) else f"{title}, {last}"), description


def _entry(name: str, options: Mapping[str, Any]) -> Entry:
    world = make_world(name, **options)
    world.reset(0)
    facts = world.facts
    family = name.partition("/")[0]
    menu: dict[str, Any] = {
        "name": name,
        "title": title_of(name),
        "players": facts.num_players,
        "featured": name in FEATURED,
        "static": world.static_scene(),
        "scene": world.scene(0),
        "options": dict(facts.options),
        "dynamics": RULES.get(family, []),
    }
    return Entry(name, title_of(name), facts.num_players, facts, menu)


class Catalogue:
    """The menu of one server, made on first use."""

    def __init__(self, config: PlayConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        entry = self.entry(config.world) or _entry(config.world, config.options)
        self._entries[config.world] = entry
        if not 0 <= config.seat < entry.players:
            raise UserError(
                f"There is no seat {config.seat} in {config.world}: choose 0 to {entry.players - 1}"
            )
        known = [partner.name for partner in list_partners(config.world)]
        if config.partner is not None and config.partner not in known:
            raise UserError(
                f"{config.partner!r} is no partner for {config.world}: choose one of "
                f"{', '.join(known)}"
            )

    def entry(self, name: str) -> Entry | None:
        """The entry of a world, or None when it is not on the menu."""
        with self._lock:
            if name not in self._entries:
                if name not in self._names():
                    return None
                self._entries[name] = _entry(name, self._config.options_of(name))
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
        return SPEEDS if own is None or own in SPEEDS.values() else {**SPEEDS, "Custom": own}

    def partner(self, name: str, world: str) -> Partner | None:
        """A partner of a world by its id."""
        return next((p for p in list_partners(world) if p.name == name), None)

    def problem(self, wish: Start) -> str | None:
        """Why a wish cannot be granted, in a sentence for the player; None when it can."""
        entry = self.entry(wish.world)
        if entry is None:
            return "This kitchen is not on the menu; reload the page."
        rules = {rule["value"] for rule in entry.menu["dynamics"]}
        if set(wish.options) - {"dynamics"} or wish.options.get("dynamics", "old") not in rules:
            return "These rules are not on the menu; reload the page."
        if wish.mode == "solo" and wish.seat >= entry.players:
            return f"This kitchen has only {entry.players} seats; choose another."
        needed = {"solo": min(1, entry.players - 1), "watch": entry.players, "pair": 0}[wish.mode]
        if len(wish.partners) != needed:
            return "Choose a partner first."
        others = [seat for seat in range(entry.players) if seat != wish.seat]
        for index, name in enumerate(wish.partners):
            partner = self.partner(name, wish.world)
            if partner is None:
                return "This partner does not play in this kitchen; choose another."
            seats = [index] if wish.mode == "watch" else others
            if not all(partner.plays(wish.world, seat) for seat in seats):
                return "This partner has learned the other seat; choose another seat or partner."
            trained = partner.card.options.get("dynamics") if partner.card else None
            if trained not in (None, wish.options.get("dynamics", entry.facts.options["dynamics"])):
                return "This partner has learned the other cooking rule; choose that one."
        return None

    def _partners(self) -> list[dict[str, Any]]:
        rows = []
        for partner in list_partners():
            title, description = text_of(partner)
            rows.append(
                {
                    "id": partner.name,
                    "title": title,
                    "description": description,
                    "worlds": [partner.world] if partner.world else None,
                    "seats": list(partner.seats) if partner.seats is not None else None,
                    "options": {"dynamics": partner.card.options.get("dynamics")}
                    if partner.card
                    else {},
                    "recommended": partner.recommended,
                }
            )
        return rows
