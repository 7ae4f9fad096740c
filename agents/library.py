"""Finding policies by name, and refusing those that do not fit the game."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.builtin import RandomPolicy, StayPolicy
from agents.card import Card, read_card, write_card
from agents.habits import Blocker, DishesOnly, OnionsOnly, SlowChef, StubbornChef, Wanderer
from agents.onnx import OnnxPolicy
from agents.policy import Policy
from agents.private_kitchen import teammate, worker
from agents.scripted import GreedyChef
from agents.tag import Fugitive, Pursuer
from play.worlds.errors import UserError
from play.worlds.registry import short_name
from play.worlds.spec import WorldFacts

__all__ = [
    "BUILTIN", "HUMAN_PROXY", "POLICIES_DIR", "Partner", "check_fit", "list_partners",
    "load_policy", "write_card",
]  # fmt: skip

POLICIES_DIR = Path(__file__).resolve().parent.parent / "assets" / "policies"
PREFERRED = "srpo"
HUMAN_PROXY = "behaviour-cloning"
"""Algorithm on the cards of models of people."""
FREE_OPTIONS = {"horizon", "random_start", "reward_scale", "starts"}
"""Options of a world in which a game may differ from the training."""


@dataclass(frozen=True)
class Partner:
    """One line of the list of partners.

    Attributes:
        name: Name for `load_policy`.
        title: What a person reads in a menu.
        description: One sentence.
        world: World that it plays, or None for one that plays any.
        seats: Seats that it can take, or None for any.
        algorithm: How it came about.
        recommended: Whether it is the one to offer first in its world.
        card: Its card; None for a built-in one.
        family: Worlds that it plays all of, such as ``"kitchen"``; None for any.
        roles: Roles that it can take there, or None for any.
        sha256: Hash of its file; None for a built-in one.
    """

    name: str
    title: str
    description: str
    world: str | None
    seats: tuple[int, ...] | None
    algorithm: str
    recommended: bool = False
    card: Card | None = None
    family: str | None = None
    roles: tuple[str, ...] | None = None

    @property
    def sha256(self) -> str | None:
        """Hash of its file; None for a built-in one."""
        return self.card.sha256 if self.card else None

    def plays(self, world: str) -> bool:
        """Whether it can take some seat of this world."""
        own = self.card is not None and world in worlds_of(self.card)
        return own or (self.world is None and _in_family(self.family, world))

    def takes(self, facts: WorldFacts, seats: Iterable[int]) -> bool:
        """Whether it can take all of these seats of a world."""
        if self.card is not None and unknown_features(self.card, facts):
            return False
        return self.plays(facts.world) and all(
            (self.seats is None or seat in self.seats) and _in_role(self.roles, facts, seat)
            for seat in seats
        )


@dataclass(frozen=True)
class Builtin:
    """A rule-based policy and what the list says of it."""

    make: Callable[[str], Policy]
    title: str
    description: str
    family: str | None = None
    roles: tuple[str, ...] | None = None


BUILTIN: dict[str, Builtin] = {
    "greedy": Builtin(
        GreedyChef,
        "Greedy cook",
        "Follows rules: does the most useful thing next, and makes way.",
        family="kitchen",
    ),
    "onions-only": Builtin(
        OnionsOnly,
        "Ingredients only",
        "Follows rules: brings ingredients to the pots and does nothing else.",
        family="kitchen",
    ),
    "dishes-only": Builtin(
        DishesOnly,
        "Dishes only",
        "Follows rules: fetches dishes, plates and serves, and does nothing else.",
        family="kitchen",
    ),
    "slow": Builtin(
        SlowChef,
        "Slow cook",
        "Follows rules: does the most useful thing next, in two steps of five.",
        family="kitchen",
    ),
    "stubborn": Builtin(
        StubbornChef,
        "Stubborn cook",
        "Follows rules: does the most useful thing next, and makes way for nobody.",
        family="kitchen",
    ),
    "wandering": Builtin(
        Wanderer,
        "Wanderer",
        "Follows rules: walks about and uses nothing.",
        family="kitchen",
    ),
    "blocking": Builtin(
        Blocker,
        "Blocker",
        "Follows rules: stands where others have to go, for 20 steps in each place.",
        family="kitchen",
    ),
    "pursue": Builtin(
        Pursuer,
        "Pursuer",
        "Follows rules: goes where the runner will be, and cuts off its way.",
        family="tag",
        roles=("chaser",),
    ),
    "flee": Builtin(
        Fugitive,
        "Fugitive",
        "Follows rules: keeps away from chasers, corners and the border.",
        family="tag",
        roles=("runner",),
    ),
    "worker": Builtin(
        worker,
        "Worker",
        "Does all the work, as is best beside somebody who stands still.",
        family="private-kitchen",
    ),
    "teammate": Builtin(
        teammate,
        "Perfect teammate",
        "Plays its part of the best that two can do, and counts on the other's.",
        family="private-kitchen",
    ),
    "random": Builtin(RandomPolicy, "Random", "Every action with the same probability."),
    "stay": Builtin(StayPolicy, "Stands still", "Never moves; the baseline of free-riding."),
}


def list_partners(world: str | None = None, folder: Path | None = None) -> list[Partner]:
    """All partners, or those that can play one world.

    First those that were trained for the world, the recommended one before the others; then those
    that play any of its kind, models of people and rule-based ones.

    Args:
        world: Full name of a world.
        folder: Where to look; the shipped policies if None.
    """
    partners = [_from_card(read_card(path)) for path in _folders(folder or POLICIES_DIR).values()]
    partners += [
        Partner(
            name, item.title, item.description, None, None, "rule-based",
            family=item.family, roles=item.roles,
        )
        for name, item in BUILTIN.items()
    ]  # fmt: skip
    if world is not None:
        partners = [partner for partner in partners if partner.plays(world)]
        if any(p.recommended and p.family is None for p in partners):
            partners = [replace(p, recommended=p.recommended and not p.family) for p in partners]
    return sorted(
        partners,
        key=lambda p: (
            p.card is None, p.algorithm == HUMAN_PROXY and world is not None, p.world is None,
            p.world or "", not p.recommended, p.algorithm == HUMAN_PROXY,
        ),
    )  # fmt: skip


def load_policy(
    name: str,
    facts: WorldFacts | None = None,
    folder: Path | None = None,
    seats: Iterable[int] = (),
) -> Policy:
    """Loads a partner.

    Args:
        name: A name from `list_partners`; nothing else is ever opened.
        facts: The world that it is to play, to check that it can.
        folder: Where to look; the shipped policies if None.
        seats: The seats that it is to take there.

    Raises:
        UserError: No such partner, a damaged one, or one that does not fit the game.
    """
    folders = _folders(folder or POLICIES_DIR)
    if name in BUILTIN:
        policy = BUILTIN[name].make(name)
    elif name in folders:
        policy = OnnxPolicy(folders[name])
    else:
        raise UserError(f"There is no partner called {name!r}: {_hint(name, folders, facts)}")
    if facts is not None:
        check_fit(policy, facts, seats)
    return policy


def _hint(name: str, known: Iterable[str], facts: WorldFacts | None) -> str:
    """The names that were perhaps meant: by last part, those for the game first; or by spelling."""
    last = {n: n.rpartition("/")[2] for n in (*known, *BUILTIN)}
    parts = difflib.get_close_matches(name, set(last.values()), n=3)
    near = [n for n in last if last[n] in parts]
    world = facts.world if facts else ""
    near.sort(key=lambda n: (not n.startswith(f"{world}/"), n.partition("/")[0] not in world))
    near += [n for n in difflib.get_close_matches(name, last, n=3) if n not in near]
    listed = "`understudy partners` lists all"
    return f"did you mean {' or '.join(near[:3])}? ({listed})" if near else listed


def worlds_of(card: Card) -> list[str]:
    """Full names of the worlds that a card's layouts are."""
    family = card.world.partition("/")[0]
    return [card.world, *(f"{family}/{layout}" for layout in card.layouts)]


def check_fit(policy: Policy | Partner, facts: WorldFacts, seats: Iterable[int] = ()) -> None:
    """Refuses a policy that would misread a game.

    Args:
        policy: What `load_policy` returned, or an entry of the list.
        facts: The game's world.
        seats: The seats that the policy is to take.

    Raises:
        UserError: It was made for another world, other rules or seats, another encoding, version
            or set of actions.
    """
    card: Card | None = getattr(policy, "card", None)
    if card is not None:
        at_home = facts.world == card.world or _in_family(card.family, facts.world)
        if not card.family or not at_home:
            _check_world(card, facts)
            _check_options(card, facts)
        if unknown := unknown_features(card, facts):
            raise UserError(
                f"{card.name} was not trained with {' or '.join(unknown)}, which {facts.world} "
                "has: choose another partner"
            )
        _check_encoding(card, facts)
        _check_seats(card, facts, seats)
    elif policy.name in BUILTIN and not _in_family(BUILTIN[policy.name].family, facts.world):
        raise UserError(
            f"{policy.name} plays {BUILTIN[policy.name].family} worlds only, not {facts.world}: "
            "choose another partner"
        )
    elif policy.name in BUILTIN:
        _check_roles(policy.name, BUILTIN[policy.name].roles, facts, seats)


def _check_roles(
    name: str, roles: tuple[str, ...] | None, facts: WorldFacts, seats: Iterable[int]
) -> None:
    for seat in seats:
        if not _in_role(roles, facts, seat):
            raise UserError(
                f"{name} plays as {' or '.join(roles or ())} only, but is to take seat {seat}, a "
                f"{facts.roles[seat]}: choose another partner for it"
            )


def _check_world(card: Card, facts: WorldFacts) -> None:
    own_layout = facts.options.get("layout_text")  # the file may have another name here
    same_file = own_layout is not None and own_layout == card.options.get("layout_text")
    if facts.world not in worlds_of(card) and not same_file:
        raise UserError(
            f"{card.name} was trained for {card.world}, but the game is {facts.world}: choose a "
            f"partner for that layout (`understudy partners --layout {short_name(facts.world)}`), "
            f"or play --layout {short_name(card.world)}"
        )


def knows_rules(card: Card, facts: WorldFacts) -> bool:
    """Whether a policy was trained under the rules of a game, or for any."""
    if card.family:
        return not unknown_features(card, facts)
    return next(_unlike(card, facts), None) is None


def unknown_features(card: Card, facts: WorldFacts) -> list[str]:
    """What a world has and the training of a policy for its whole family had not."""
    return [name for name in facts.features if card.family and name not in card.features]


def _unlike(card: Card, facts: WorldFacts) -> Iterator[tuple[str, Any, Any]]:
    """Options in which a policy's world differs from a game: name, there, here."""
    for key in sorted((set(card.options) | set(facts.options)) - FREE_OPTIONS):
        trained, here = card.options.get(key), facts.options.get(key)
        if trained != here:
            yield key, trained, here


def _check_options(card: Card, facts: WorldFacts) -> None:
    for key, trained, here in _unlike(card, facts):
        if key == "layout_text":
            raise UserError(
                f"{card.name} was trained on other contents of the layout file of {card.world}: "
                "restore that file, or choose another partner"
            )
        raise UserError(
            f"{card.name} was trained with {key} {_plain(trained)}, but the game has {key} "
            f"{_plain(here)}: play with {key} {_plain(trained)}, or choose a partner trained with "
            f"{_plain(here)}"
        )


def _plain(value: Any) -> str:
    return "as in the layout file" if value is None else str(value)


def _check_encoding(card: Card, facts: WorldFacts) -> None:
    encoding = facts.encodings.get(card.encoding["name"])
    if encoding is None:
        raise UserError(
            f"{card.name} reads the encoding {card.encoding['name']!r}, but {facts.world} has "
            f"{', '.join(facts.encodings)}: train it again with one of these"
        )
    for what, has, needs in (
        ("encoding version", card.encoding["version"], encoding.version),
        ("observation shape", tuple(card.encoding["shape"]), encoding.shape),
        ("observation type", card.encoding["dtype"], encoding.dtype),
        ("set of actions", tuple(card.actions), facts.actions),
    ):
        if has != needs:
            raise UserError(
                f"{card.name} has {what} {has}, but {facts.world} now has {needs}: train or "
                "export it again with this version"
            )


def _check_seats(card: Card, facts: WorldFacts, seats: Iterable[int]) -> None:
    takes = [seat for seat in card.seats if 0 <= seat < facts.num_players]
    for seat in seats:
        if seat not in takes:
            raise UserError(
                f"{card.name} was trained for seat {' or '.join(map(str, takes))}, but is to take "
                f"seat {seat}: take seat {seat} yourself, or choose another partner"
            )


def _in_family(family: str | None, world: str) -> bool:
    return family is None or world.startswith(f"{family}/")


def _in_role(roles: tuple[str, ...] | None, facts: WorldFacts, seat: int) -> bool:
    return roles is None or not facts.roles or facts.roles[seat] in roles


def _from_card(card: Card) -> Partner:
    return Partner(
        name=card.name,
        title=card.title,
        description=card.description,
        world=None if card.family else card.world,
        seats=tuple(card.seats),
        algorithm=card.algorithm,
        recommended=card.name.rpartition("/")[2] == PREFERRED,
        card=card,
        family=card.family,
    )


def _folders(root: Path) -> dict[str, Path]:
    """Name -> folder of every policy below a root."""
    return {
        path.parent.relative_to(root).as_posix(): path.parent
        for path in sorted(root.rglob("card.json"))
    }
