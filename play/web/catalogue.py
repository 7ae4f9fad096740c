"""What the menu offers: worlds with a picture of their first state, partners, speeds."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.library import Partner, list_partners
from play.presentation.families import (
    face_of,
    family_of,
    ordered_names,
    presentation_of,
    speeds_of,
    text_of,
    title_of,
)
from play.web.config import PlayConfig
from play.web.messages import Start
from play.web.room import policies_of
from play.worlds.errors import UserError
from play.worlds.registry import make_world
from play.worlds.spec import WorldFacts


@dataclass(frozen=True)
class Entry:
    """One world on the menu; `menu` is what the page receives."""

    name: str
    title: str
    players: int
    facts: WorldFacts
    menu: dict[str, Any]


def _entry(name: str, options: Mapping[str, Any], own_tick_ms: int | None) -> Entry:
    world = make_world(name, **options)
    world.reset(0)
    facts, words, static = world.facts, presentation_of(name), world.static_scene()
    menu: dict[str, Any] = {
        "name": name,
        "family": family_of(name),
        "title": title_of(name),
        "players": facts.num_players,
        "featured": name in words.featured,
        "static": static,
        "scene": world.scene(0),
        "options": dict(facts.options),
        "roles": list(facts.roles),
        "faces": [face_of(facts, seat) for seat in range(facts.num_players)],
        "howto": [asdict(step) for step in words.howto(static)],
        "tick_ms": facts.tick_ms,
        "speeds": [
            {"label": label, "tick_ms": ms} for label, ms in speeds_of(facts, own_tick_ms).items()
        ],
    }
    return Entry(name, title_of(name), facts.num_players, facts, menu)


def _family(entries: Sequence[Entry]) -> dict[str, Any]:
    """What the page says about all worlds of a family."""
    facts = entries[0].facts
    words = presentation_of(facts.world)
    return {
        "family": family_of(facts.world),
        "title": words.title,
        "pick": words.pick,
        "more": words.more,
        "player": words.player,
        "art": words.art,
        "keys": words.keys,
        "howto_title": words.howto_title,
        "rules_title": words.rules_title,
        "rules": [{"value": value, "label": label} for value, label in words.rules],
        "controls": {
            "actions": list(facts.actions),
            "keys": dict(facts.keys),
            "labels": dict(words.labels),
        },
    }


class Catalogue:
    """The menu of one server, made on first use."""

    def __init__(self, config: PlayConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        entry = self.entry(config.world)
        assert entry is not None, "the configured world is always on the menu"
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
                options = self._config.options_of(name)
                self._entries[name] = _entry(name, options, self._config.tick_ms)
            return self._entries[name]

    def menu(self) -> dict[str, Any]:
        """Everything that the menu page shows, as JSON values."""
        names = self._names()
        entries = [entry for name in names if (entry := self.entry(name)) is not None]
        families: dict[str, list[Entry]] = {}
        for entry in entries:
            families.setdefault(family_of(entry.name), []).append(entry)
        return {
            "worlds": [entry.menu for entry in entries],
            "families": [_family(of_one) for of_one in families.values()],
            "partners": self._partners(entries),
            "defaults": {
                "world": self._config.world,
                "partner": self._config.partner,
                "seat": self._config.seat,
                "tick_ms": self._config.tick_ms,
            },
        }

    def _names(self) -> list[str]:
        names = ordered_names()
        chosen = [] if self._config.world in names else [self._config.world]
        return [*chosen, *names]

    def partner(self, name: str, world: str) -> Partner | None:
        """A partner of a world by its id."""
        return next((p for p in list_partners(world) if p.name == name), None)

    def problem(self, wish: Start) -> str | None:
        """Why a wish cannot be granted, in a sentence for the player; None when it can."""
        entry = self.entry(wish.world)
        if entry is None:
            return "This world is not on the menu; reload the page."
        rules = {value for value, _ in presentation_of(wish.world).rules}
        if set(wish.options) - {"dynamics"} or not set(wish.options.values()) <= rules:
            return "These rules are not on the menu; reload the page."
        if wish.seat >= entry.players:
            return f"There are only {entry.players} seats here; choose another."
        seats_of = policies_of(wish, entry.facts)
        if len(wish.partners) != len(seats_of):
            return "Choose a partner first."
        for name, seats in zip(wish.partners, seats_of, strict=True):
            partner = self.partner(name, wish.world)
            if partner is None:
                return "This partner does not play here; choose another."
            if not partner.takes(entry.facts, seats):
                return "This partner has learned the other seat; choose another seat or partner."
            trained = partner.card.options.get("dynamics") if partner.card else None
            rule = wish.options.get("dynamics", entry.facts.options.get("dynamics"))
            if trained not in (None, rule):
                return "This partner has learned the other rules; choose those."
        return None

    def _partners(self, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        """Every partner once for each family that it plays in, whose words describe it."""
        families = list(dict.fromkeys(family_of(entry.name) for entry in entries))
        return [
            _partner(partner, family)
            for partner in list_partners()
            for family in _families_of(partner, families)
        ]


def _families_of(partner: Partner, families: Sequence[str]) -> Sequence[str]:
    if partner.world is not None:
        return [family_of(partner.world)]
    return families if partner.family is None else [partner.family]


def _partner(partner: Partner, family: str) -> dict[str, Any]:
    title, description = text_of(partner, family)
    trained = {"dynamics": partner.card.options.get("dynamics")} if partner.card else {}
    return {
        "id": partner.name,
        "family": family,
        "title": title,
        "description": description,
        "worlds": [partner.world] if partner.world else None,
        "seats": list(partner.seats) if partner.seats is not None else None,
        "roles": list(partner.roles) if partner.roles is not None else None,
        "options": trained,
        "recommended": partner.recommended,
    }
