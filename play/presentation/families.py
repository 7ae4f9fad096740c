"""What people read about worlds, partners, speeds and scores, in either front end."""

import re
from functools import cache
from importlib import import_module
from typing import Any

from agents.library import Partner
from play.presentation.spec import Presentation
from play.worlds.registry import world_names
from play.worlds.spec import WorldFacts

# Module of each family, with its `PRESENTATION`; the first is the one that menus open with.
PRESENTATIONS = {
    "kitchen": "play.presentation.kitchen",
    "private-kitchen": "play.presentation.private_kitchen",
    "tag": "play.presentation.tag",
}

# What a person wants to know before choosing, by algorithm or name: title and description.
PARTNERS = {
    "srpo": (
        "Understudy (SRPO)",
        "Trained beside partners that may let it down, so that it leans less on any one's habits.",
    ),
    "srpo-new-dynamics": (
        "Understudy (SRPO), new dynamics",
        "The same under the new dynamics, where somebody has to start a pot.",
    ),
    "ippo": (
        "Duo learner (IPPO)",
        "Learned beside one other learner, and counts on that one's habits.",
    ),
    "self-play": (
        "Mirror (self-play)",
        "Learned beside itself, and expects you to move as it would.",
    ),
    "fcp": (
        "Met beginners and masters (FCP)",
        "Learned beside other learners, from their first steps to their best.",
    ),
    "mep": (
        "Met all sorts (MEP)",
        "Learned beside learners who were rewarded for being unlike one another.",
    ),
    "e3t": (
        "Expects slips (E3T)",
        "Learned beside itself, with a partner that does something at random every few steps.",
    ),
    "ppo-bc": (
        "Used to people (PPO-BC)",
        "Learned beside a model that imitates people who played here before.",
    ),
    "human-proxy": (
        "Human proxy",
        "Imitates people who played here before, with their pauses and mistakes.",
    ),
    "human-proxy-held-out": (
        "Human proxy, held out",
        "Imitates other people, whom no training may meet: it is for tests.",
    ),
    "greedy": ("Greedy cook", "Always does the most useful thing next."),
    "onions-only": ("Potter", "Fills the pots; plating and serving are yours."),
    "dishes-only": ("Waiter", "Plates and serves; filling the pots is yours."),
    "slow": ("Slow cook", "Does the most useful thing next, and takes its time."),
    "stubborn": ("Stubborn cook", "Does the most useful thing next, and never makes way."),
    "wandering": ("Wanderer", "Walks about and touches nothing."),
    "blocking": ("Blocker", "Stands wherever you have to go."),
    "pursue": ("Pursuer", "Runs to where the runner will be, and cuts off its way."),
    "flee": ("Fugitive", "Keeps away from you, from corners and from the border."),
    "random": ("Random player", "Presses keys at random."),
    "stay": ("Statue", "Never moves; all the work is yours."),
}
COLORS = ("Blue", "Orange", "Green", "Purple")
PACES = {"Calm": 2.0, "Normal": 1.0, "Fast": 2 / 3}
"""Speeds offered in the menu: label -> time between steps in the world's own."""


def family_of(world: str) -> str:
    """The family in a world's full name."""
    return world.partition("/")[0]


@cache
def presentation_of(world: str) -> Presentation:
    """The presentation of a world's family; plain words for one that has none."""
    family = family_of(world)
    if family not in PRESENTATIONS:
        return Presentation(title=family.replace("-", " ").capitalize())
    presentation: Presentation = import_module(PRESENTATIONS[family]).PRESENTATION
    return presentation


def ordered_names() -> list[str]:
    """Full names of all worlds, family by family, each family's featured ones first."""
    names = world_names()
    families = list(dict.fromkeys([*PRESENTATIONS, *map(family_of, names)]))
    featured = [name for family in families for name in presentation_of(family).featured]
    ordered = dict.fromkeys([*featured, *names])
    known = [name for name in ordered if name in names]
    return sorted(known, key=lambda name: families.index(family_of(name)))


def title_of(world: str) -> str:
    """A readable title: ``"kitchen/cramped_room"`` -> ``"Cramped Room"``."""
    own = presentation_of(world).titles.get(world)
    name = world.partition("/")[2]
    if name.endswith(".layout"):  # somebody's own, by its path
        name = re.split(r"[/\\]", name)[-1].removesuffix(".layout")
    words = re.sub(r"(?<=[a-z])(?=\d)", " ", name.replace("_", " "))
    return own or words.title()


def text_of(partner: Partner, world: str) -> tuple[str, str]:
    """Title and description of a partner for the menu of a world.

    Another policy of the same method has its own name in the title, or two would look alike.
    """
    method = partner.algorithm.replace("_", "-")
    texts = {**PARTNERS, **presentation_of(world).partners}
    if partner.name in texts:
        return texts[partner.name]
    last = re.sub(r"-seat\d+$", "", partner.name.rpartition("/")[2])
    known = texts.get(last) or texts.get(method)
    if known is None:
        return partner.title, partner.description
    title, description = known
    own = last not in texts and method in texts
    return (f"{title}, {last}" if own else title), description


def person_of(facts: WorldFacts, seat: int) -> str:
    """What the others call a person, by role where there are some: ``"Blue chef"``."""
    called = facts.roles[seat] if facts.roles else presentation_of(facts.world).player
    return f"{COLORS[seat % len(COLORS)]} {called}"


def face_of(facts: WorldFacts, seat: int, look: int | None = None) -> str:
    """Name of the drawing of a seat's player: ``"avatar-0"``, or ``"runner-2"`` by its role.

    Args:
        facts: The world.
        seat: The seat.
        look: Its colour; None for the seat's own.
    """
    colour = seat if look is None else look
    return f"{facts.roles[seat] if facts.roles else 'avatar'}-{colour % len(COLORS)}"


def shows_own_points(facts: WorldFacts) -> bool:
    """Whether each seat has points of its own to show beside the score."""
    return not facts.shared_reward and not facts.score_seats


def options_for_people(world: str) -> dict[str, Any]:
    """Options in which a game for people differs from the world as it is."""
    return dict(presentation_of(world).options)


def speeds_of(facts: WorldFacts, own: int | None = None) -> dict[str, int]:
    """Speeds to offer: label -> milliseconds between steps.

    Args:
        facts: The world.
        own: A further one that was asked for, or None.
    """
    speeds = {label: round(facts.tick_ms * pace) for label, pace in PACES.items()}
    return speeds if own is None or own in speeds.values() else {**speeds, "Custom": own}


def points(score: float) -> str:
    """A score as people read it, with at most two decimals: ``"184.25"``, ``"-3"``."""
    return f"{round(score, 2) + 0.0:g}" if abs(score) < 1e4 else f"{score:.0f}"
