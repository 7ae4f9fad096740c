"""Finding policies by name, and refusing those that do not fit the game."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.builtin import RandomPolicy, StayPolicy
from agents.card import Card, read_card, write_card
from agents.onnx import OnnxPolicy
from agents.policy import Policy
from agents.scripted import GreedyChef
from play.worlds.errors import UserError
from play.worlds.spec import WorldFacts

__all__ = ["BUILTIN", "POLICIES_DIR", "Partner", "list_partners", "load_policy", "write_card"]

POLICIES_DIR = Path(__file__).resolve().parent.parent / "assets" / "policies"
PREFERRED = "srpo"


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

    @property
    def sha256(self) -> str | None:
        """Hash of its file; None for a built-in one."""
        return self.card.sha256 if self.card else None

    def plays(self, world: str, seat: int | None = None) -> bool:
        """Whether it can take this seat (or some seat) of this world."""
        fits = self.world in (None, world) and _in_family(self.family, world)
        return fits and (seat is None or self.seats is None or seat in self.seats)


@dataclass(frozen=True)
class Builtin:
    """A rule-based policy and what the list says of it."""

    make: Callable[[str], Policy]
    title: str
    description: str
    family: str | None = None


BUILTIN: dict[str, Builtin] = {
    "greedy": Builtin(
        GreedyChef,
        "Greedy cook",
        "Follows rules: does the most useful thing next, and makes way.",
        family="kitchen",
    ),
    "random": Builtin(RandomPolicy, "Random", "Every action with the same probability."),
    "stay": Builtin(StayPolicy, "Stands still", "Never moves; the baseline of free-riding."),
}


def list_partners(world: str | None = None, folder: Path | None = None) -> list[Partner]:
    """All partners, or those that can play one world; the recommended first.

    Args:
        world: Full name of a world.
        folder: Where to look; the shipped policies if None.
    """
    partners = [_from_card(read_card(path)) for path in _folders(folder or POLICIES_DIR).values()]
    partners += [
        Partner(name, item.title, item.description, None, None, "rule-based", family=item.family)
        for name, item in BUILTIN.items()
    ]
    if world is not None:
        partners = [partner for partner in partners if partner.plays(world)]
    return sorted(partners, key=lambda p: (p.world is None, p.world or "", not p.recommended))


def load_policy(name: str, facts: WorldFacts | None = None, folder: Path | None = None) -> Policy:
    """Loads a partner.

    Args:
        name: A name from `list_partners`; nothing else is ever opened.
        facts: The world that it is to play, to check that it can.
        folder: Where to look; the shipped policies if None.

    Raises:
        UserError: No such partner, a damaged one, or one that does not fit the world.
    """
    if name in BUILTIN:
        family = BUILTIN[name].family
        if facts is not None and not _in_family(family, facts.world):
            raise UserError(f"{name} plays {family} worlds only, not {facts.world}")
        return BUILTIN[name].make(name)
    folders = _folders(folder or POLICIES_DIR)
    if name not in folders:
        known = [*folders, *BUILTIN]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see `understudy partners`"
        raise UserError(f"There is no partner called {name!r}: {hint}")
    policy = OnnxPolicy(folders[name])
    if facts is not None:
        check_fit(policy.card, facts)
    return policy


def check_fit(card: Card, facts: WorldFacts) -> None:
    """Refuses a policy that would misread a world.

    Raises:
        UserError: It is for another world, encoding, version or set of actions.
    """
    if card.world != facts.world:
        raise UserError(
            f"{card.name} was trained for {card.world}, not for {facts.world}: choose one of "
            "`understudy partners` for that layout"
        )
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


def _in_family(family: str | None, world: str) -> bool:
    return family is None or world.startswith(f"{family}/")


def _from_card(card: Card) -> Partner:
    return Partner(
        name=card.name,
        title=card.title,
        description=card.description,
        world=card.world,
        seats=tuple(card.seats),
        algorithm=card.algorithm,
        recommended=card.name.rpartition("/")[2] == PREFERRED,
        card=card,
    )


def _folders(root: Path) -> dict[str, Path]:
    """Name -> folder of every policy below a root."""
    return {
        path.parent.relative_to(root).as_posix(): path.parent
        for path in sorted(root.rglob("card.json"))
    }
