"""How the private-cost kitchen is put to people."""

from play.presentation.families import points
from play.presentation.spec import Presentation, Scene, Step


def howto(static_scene: Scene) -> tuple[Step, ...]:
    """Who is paid for what, and who pays."""
    pickup, pot, cost = (
        points(static_scene[name]) for name in ("pickup_reward", "pot_reward", "move_cost")
    )
    return (
        Step(("patch", "onion"), f"Take an onion: {pickup} for each"),
        Step(("pot-back", "pot-front"), f"Carry it to the pot: {pot} for each"),
        Step(("shadow", "avatar-0"), f"Each step costs its walker {cost}"),
        Step(("spark",), f"Bumping into each other costs {points(static_scene['collision'])}"),
    )


PRESENTATION = Presentation(
    title="Private kitchen",
    pick="Pick a private kitchen",
    more="More private kitchens",
    place="kitchen",
    player="chef",
    art="kitchen",
    goal="Fill the pot together; each pays for their own steps",
    help="Arrows or WASD to walk: over onions to take them, into the pot to add them. Both are "
    "paid for every onion, but each pays for their own steps.",
    keys="Arrows or WASD walk; standing is free.",
    howto_title="Who is paid, who pays",
    howto=howto,
    featured=("private-kitchen/released", "private-kitchen/scarce"),
    titles={
        "private-kitchen/released": "Plenty of Onions",
        "private-kitchen/scarce": "Scarce Onions",
    },
    success="onions potted",
    success_words=("onion in the pot", "onions in the pot"),
    failure="No onion made it into the pot this time.",
    prize="onion",
    partners={
        "worker": ("Worker", "Does all the work, as if you did nothing."),
        "teammate": ("Perfect teammate", "Does its part of the best plan for two; do yours."),
        "stay": ("Free-rider", "Never moves; all the work and all its cost are yours."),
    },
)
