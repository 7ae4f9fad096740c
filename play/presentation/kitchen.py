"""How the kitchens of overcooked-ai are put to people."""

from play.presentation.spec import Presentation, Scene, Step


def howto(static_scene: Scene) -> tuple[Step, ...]:
    """The four steps to a soup."""
    orders = static_scene["orders"]
    first = "Fill a pot as the orders say"
    if len(orders) == 1 and orders[0]["tomatoes"] == 0:
        onions = orders[0]["onions"]
        first = f"Put {onions} onion{'s' if onions > 1 else ''} into a pot"
    return (
        Step(("onion",), first),
        Step(("pot-back", "broth-onion", "pot-front"), "Let the soup cook"),
        Step(("soup-3-0",), "Fill a dish"),
        Step(("serving",), "Serve it"),
    )


PRESENTATION = Presentation(
    title="Overcooked",
    pick="Pick a kitchen",
    more="More kitchens",
    place="kitchen",
    player="chef",
    art="kitchen",
    goal="Cook and serve as many soups as you can, together",
    help="Arrows or WASD to move, Space to use. Fill a pot, wait for the soup, take it with "
    "a dish and serve it.",
    keys="Arrows or WASD move, Space takes and puts down.",
    howto_title="How to cook",
    howto=howto,
    # The five layouts of the human trials come first, in the order of the literature.
    featured=(
        "kitchen/cramped_room",
        "kitchen/asymmetric_advantages",
        "kitchen/coordination_ring",
        "kitchen/forced_coordination",
        "kitchen/counter_circuit_o_1order",
    ),
    titles={
        "kitchen/counter_circuit_o_1order": "Counter Circuit",
        "kitchen/counter_circuit": "Counter Circuit, Mixed Soups",
        "kitchen/cramped_room_o_3orders": "Cramped Room, Three Orders",
        "kitchen/mdp_test": "MDP Test",
        "kitchen/simple_o": "Simple, Onions",
        "kitchen/simple_o_t": "Simple, Onions and Tomatoes",
    },
    rules=(("old", "When full"), ("new", "On “Use”")),
    rules_title="Cooking starts",
    success="soups delivered",
    success_words=("soup served", "soups served"),
    failure="No soup made it to the counter this time.",
    prize="soup-3-0",
    partners={
        "kitchens/generated/srpo": (
            "Understudy anywhere (SRPO)",
            "Trained in thousands of kitchens; it cooks in ones that it has never seen.",
        ),
        "random": ("Random cook", "Presses keys at random."),
        "stay": ("Statue", "Never moves; you cook alone."),
    },
)
