"""How tag is put to people."""

from play.presentation.spec import Presentation, Scene, Step


def howto(static_scene: Scene) -> tuple[Step, ...]:
    """What it takes to catch a runner."""
    chasers = static_scene["roles"].count("chaser")
    return (
        Step(("runner-2",), "Faster than you"),
        Step(("chaser-1" if chasers > 1 else "chaser-0",), "Drive it into corners"),
        Step(("bush",), "Bushes stop everybody"),
        Step(("spark",), "Every touch counts"),
    )


PRESENTATION = Presentation(
    title="Tag",
    pick="Pick a game of tag",
    more="More games of tag",
    place="game of tag",
    player="player",
    art="tag",
    # A round of half a minute, in which nobody begins inside a bush.
    options={"horizon": 300, "starts": "apart"},
    goal="Catch the runner as often as you can, together",
    help="Arrows or WASD to run, or drag a finger across the field.",
    touch="Drag a finger across the field, and your player runs to it.",
    keys="Arrows or WASD run, or drag a finger.",
    howto_title="How to catch",
    howto=howto,
    featured=("tag/simple", "tag/three_chasers", "tag/two_runners"),
    titles={
        "tag/simple": "Two on One",
        "tag/duel": "Duel",
        "tag/three_chasers": "Three on One",
        "tag/two_runners": "Three on Two",
        "tag/open_field": "Open Field",
    },
    success="touches",
    success_words=("touch", "touches"),
    work=("touches",),  # everybody runs
    failure="Nobody was caught this time.",
    prize="spark",
    partners={
        "tag/simple/runner": ("Trained runner", "Learned to flee from chasers that learned, too."),
        "tag/simple/runner-held-out": (
            "Second trained runner",
            "Learned otherwise; no chaser has trained against it.",
        ),
        "random": ("Random player", "Runs this way and that."),
        "stay": ("Statue", "Never moves; you chase alone."),
    },
)
