"""How a family of worlds is put to people: the words and pictures around the game itself.

What a world *is* stands in its `WorldFacts`, and how its states are drawn in its renderer. The
menus, score bars and end screens of both front ends take everything else from here, so that they
never ask which world they show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Scene = Mapping[str, Any]

LABELS = {
    "north": "Up",
    "south": "Down",
    "east": "Right",
    "west": "Left",
    "stay": "Wait",
    "interact": "Use",
    "up": "Up",
    "down": "Down",
    "right": "Right",
    "left": "Left",
}


@dataclass(frozen=True)
class Step:
    """One step of how to play.

    Attributes:
        pictures: Names of drawings of the family's art, laid on one another.
        words: What to do.
    """

    pictures: tuple[str, ...]
    words: str


def no_steps(static_scene: Scene) -> tuple[Step, ...]:
    """For games that need no explanation in steps."""
    return ()


@dataclass(frozen=True)
class Presentation:
    """The words and pictures of one family.

    Attributes:
        title: Name of the family in the menu.
        pick: Heading over its worlds.
        more: Heading over those worlds that are not featured.
        place: What one of its worlds is called, in the singular.
        player: What a player is called, in the singular.
        art: Folder of `assets/art` with ``avatar-0.svg`` and so on (or a picture like these for
            each role), and the pictures named below.
        options: Options of the worlds in games for people, unless these ask for others.
        goal: What the players want, in a sentence without a full stop.
        help: The line below a running game: keys and rules in brief sentences.
        touch: The same line where a finger leads the player over the picture and there are no keys.
        keys: What the keys do, for the menu.
        howto_title: Heading over the steps.
        howto: `World.static_scene` -> how to play.
        featured: Full names of the worlds to offer first, the others follow.
        titles: Titles of worlds whose names don't read well, by full name.
        rules: Choices for the world's option ``dynamics`` as (value, label); () if it has none.
        rules_title: What these choices are about.
        labels: Action name -> what a person reads.
        success: Label of the contribution (`WorldFacts.contributions`) that is counted at the end.
        success_words: One of these and many, such as ("soup served", "soups served").
        work: Labels of the contributions by which the end says who did the work; () for all.
        failure: What to say at the end when there was none, in a sentence.
        prize: Name of the drawing that stands for one of these.
        partners: Title and description of partners by name, where the common ones don't fit.
    """

    title: str
    pick: str = "Pick a game"
    more: str = "More games"
    place: str = "world"
    player: str = "player"
    art: str = "kitchen"
    options: Mapping[str, Any] = field(default_factory=dict)
    goal: str = ""
    help: str = ""
    touch: str = ""
    keys: str = ""
    howto_title: str = "How to play"
    howto: Callable[[Scene], tuple[Step, ...]] = no_steps
    featured: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[tuple[str, str], ...] = ()
    rules_title: str = "Rules"
    labels: Mapping[str, str] = field(default_factory=lambda: LABELS)
    success: str | None = None
    success_words: tuple[str, str] = ("success", "successes")
    work: tuple[str, ...] = ()
    failure: str = "Nothing came of it this time."
    prize: str | None = None
    partners: Mapping[str, tuple[str, str]] = field(default_factory=dict)
